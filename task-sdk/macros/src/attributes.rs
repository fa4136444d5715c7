//! What stands in the parentheses of `#[task(…)]`.

use proc_macro2::TokenStream;
use syn::meta::ParseNestedMeta;
use syn::parse::Parser;
use syn::{LitInt, LitStr};

use crate::units;

/// Longest name of a task, in bytes; the platform's own bound.
const NAME_BYTES_MAX: usize = 63;

/// Most attempts a task may ask for; the platform's own bound.
const ATTEMPTS_MAX: u32 = 1_000;

/// The attributes; what is absent is left to the function or the platform.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    /// The task's name instead of the function's.
    pub(crate) name: Option<String>,
    /// Its description instead of the doc comment.
    pub(crate) description: Option<String>,
    /// Memory in bytes.
    pub(crate) memory_bytes: Option<u64>,
    /// Wall-clock time of an attempt, in milliseconds.
    pub(crate) timeout_ms: Option<u64>,
    /// Budget of instructions.
    pub(crate) fuel: Option<u64>,
    /// How often a job is tried.
    pub(crate) max_attempts: Option<u32>,
}

impl Attributes {
    /// Reads them, each at most once.
    pub(crate) fn parse(tokens: TokenStream) -> syn::Result<Self> {
        let mut attributes = Self::default();
        syn::meta::parser(|meta| attributes.read(&meta)).parse2(tokens)?;
        Ok(attributes)
    }

    fn read(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let key = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        match key.as_str() {
            "name" => set(meta, &mut self.name, read_name),
            "description" => set(meta, &mut self.description, |meta| Ok(text(meta)?.value())),
            "memory" => set(meta, &mut self.memory_bytes, |meta| {
                let text = text(meta)?;
                units::size_bytes(&text.value())
                    .ok_or_else(|| syn::Error::new(text.span(), "not a size like \"64KiB\" or \"128MiB\""))
            }),
            "timeout" => set(meta, &mut self.timeout_ms, |meta| {
                let text = text(meta)?;
                let why = "not a duration like \"500ms\", \"30s\", \"5m\" or \"2h\"";
                units::duration_ms(&text.value()).ok_or_else(|| syn::Error::new(text.span(), why))
            }),
            "fuel" => set(meta, &mut self.fuel, |meta| {
                let number: LitInt = meta.value()?.parse()?;
                let fuel: u64 = number.base10_parse()?;
                if fuel == 0 {
                    return Err(syn::Error::new(number.span(), "a limit of 0 lets nothing run"));
                }
                Ok(fuel)
            }),
            "max_attempts" => set(meta, &mut self.max_attempts, |meta| {
                let number: LitInt = meta.value()?.parse()?;
                let attempts: u32 = number.base10_parse()?;
                if !(1..=ATTEMPTS_MAX).contains(&attempts) {
                    let why = format!("a job is tried 1 to {ATTEMPTS_MAX} times");
                    return Err(syn::Error::new(number.span(), why));
                }
                Ok(attempts)
            }),
            _ => Err(meta.error("expected name, description, memory, timeout, fuel or max_attempts")),
        }
    }
}

fn set<T>(
    meta: &ParseNestedMeta<'_>,
    slot: &mut Option<T>,
    read: impl FnOnce(&ParseNestedMeta<'_>) -> syn::Result<T>,
) -> syn::Result<()> {
    if slot.is_some() {
        return Err(meta.error("stands here twice"));
    }
    *slot = Some(read(meta)?);
    Ok(())
}

fn text(meta: &ParseNestedMeta<'_>) -> syn::Result<LitStr> {
    meta.value()?.parse()
}

fn read_name(meta: &ParseNestedMeta<'_>) -> syn::Result<String> {
    let text = text(meta)?;
    let name = text.value();
    match name_problem(&name) {
        Some(problem) => Err(syn::Error::new(text.span(), problem)),
        None => Ok(name),
    }
}

/// What is wrong with a task's name, by the platform's rules.
pub(crate) fn name_problem(name: &str) -> Option<String> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Some(format!("a task's name has 1 to {NAME_BYTES_MAX} bytes, this one has {}", name.len()));
    }
    let odd = name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')));
    if let Some(odd) = odd {
        return Some(format!("a task's name has letters, digits, `_`, `-` and `.` only, not {odd:?}"));
    }
    name.starts_with(['-', '.']).then(|| "a task's name may not begin with `-` or `.`".to_owned())
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn every_attribute_is_read() {
        let attributes = Attributes::parse(quote! {
            name = "report.v2", description = "Reports.", memory = "64MiB", timeout = "30s",
            fuel = 1_000_000_000, max_attempts = 3,
        });

        let expected = Attributes {
            name: Some("report.v2".to_owned()),
            description: Some("Reports.".to_owned()),
            memory_bytes: Some(64 << 20),
            timeout_ms: Some(30_000),
            fuel: Some(1_000_000_000),
            max_attempts: Some(3),
        };
        assert_eq!(attributes.expect("they are fine"), expected);
        assert_eq!(Attributes::parse(quote!()).expect("none is fine"), Attributes::default());
    }

    #[test]
    fn each_fault_is_told_in_a_word() {
        let cases = [
            (quote!(memory = "big"), "not a size"),
            (quote!(timeout = "soon"), "not a duration"),
            (quote!(fuel = 0), "nothing run"),
            (quote!(max_attempts = 1001), "1 to 1000"),
            (quote!(name = "a b"), "' '"),
            (quote!(name = ""), "1 to 63"),
            (quote!(name = "-a"), "begin"),
            (quote!(fuel = 1, fuel = 2), "twice"),
            (quote!(speed = 1), "expected name"),
        ];

        for (tokens, expected) in cases {
            let error = Attributes::parse(tokens).expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
