//! From a function to a function and a task.
//!
//! The function stays as it is. Beside it comes a type of the same name (types and functions have namespaces of
//! their own), which carries the name, the limits and the types, and calls the function.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprLit, FnArg, ItemFn, Lit, Meta, ReturnType, Type};

use crate::attributes::{Attributes, name_problem};

/// The function and its task.
pub(crate) fn expand(attributes: &Attributes, function: &ItemFn) -> syn::Result<TokenStream> {
    check_form(function)?;
    let input = input_of(function)?;
    let name = attributes.name.clone().unwrap_or_else(|| function.sig.ident.unraw().to_string());
    if let Some(problem) = name_problem(&name) {
        return Err(Error::new(function.sig.ident.span(), format!("{problem}; say #[task(name = \"…\")]")));
    }
    let description = attributes.description.clone().unwrap_or_else(|| doc_of(function));
    let limits = limits_of(attributes);
    let max_attempts = option(attributes.max_attempts.map(|attempts| quote!(#attempts)));
    let visibility = &function.vis;
    let ident = &function.sig.ident;
    let returned = match &function.sig.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, output) => quote!(#output),
    };
    let argument = format_ident!("input");
    let (input, call) = match input {
        Some(input) => (quote!(#input), quote!(#ident(#argument))),
        None => (quote!(::task_sdk::NoInput), quote!({ let ::task_sdk::NoInput {} = #argument; #ident() })),
    };
    Ok(quote! {
        #[allow(clippy::needless_pass_by_value, reason = "a task owns its input")]
        #function

        #[doc(hidden)]
        #[allow(non_camel_case_types, reason = "it bears the name of its function")]
        #visibility struct #ident {}

        impl ::task_sdk::Task for #ident {
            type Input = #input;
            type Output = <#returned as ::task_sdk::Returned>::Output;

            const NAME: &'static str = #name;
            const DESCRIPTION: &'static str = #description;
            const LIMITS: ::task_sdk::Limits = #limits;
            const MAX_ATTEMPTS: ::core::option::Option<u32> = #max_attempts;

            fn run(#argument: Self::Input) -> ::core::result::Result<Self::Output, ::task_sdk::TaskError> {
                ::task_sdk::Returned::into_result(#call)
            }
        }
    })
}

fn check_form(function: &ItemFn) -> syn::Result<()> {
    let signature = &function.sig;
    let refuse = |span, why: &str| Err(Error::new(span, why));
    if let Some(word) = &signature.asyncness {
        return refuse(word.span(), "a task is a plain function: calls into the host just wait");
    }
    if let Some(word) = &signature.unsafety {
        return refuse(word.span(), "a task is called from safe code");
    }
    if !signature.generics.params.is_empty() {
        return refuse(signature.generics.span(), "a task has one type of input, so it has no parameters");
    }
    if let Some(more) = signature.inputs.iter().nth(1) {
        return refuse(more.span(), "a task takes one input: put the values into a struct");
    }
    Ok(())
}

fn input_of(function: &ItemFn) -> syn::Result<Option<&Type>> {
    match function.sig.inputs.first() {
        None => Ok(None),
        Some(FnArg::Receiver(receiver)) => {
            Err(Error::new(receiver.span(), "a task is a free function, not a method"))
        }
        Some(FnArg::Typed(argument)) => match &*argument.ty {
            Type::Reference(reference) => {
                Err(Error::new(reference.span(), "a task owns its input: take it by value"))
            }
            owned => Ok(Some(owned)),
        },
    }
}

/// The doc comment, without the space after `///`; a paragraph is one line, however it was broken.
fn doc_of(function: &ItemFn) -> String {
    let mut text = String::new();
    for attribute in function.attrs.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        if let Meta::NameValue(pair) = &attribute.meta
            && let Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) = &pair.value
        {
            let line = line.value();
            let line = line.strip_prefix(' ').unwrap_or(&line).trim_end();
            let goes_on = line.starts_with(|c: char| c.is_alphanumeric() || "`\"'([".contains(c));
            let in_paragraph = !text.is_empty() && !text.ends_with("\n");
            if in_paragraph {
                text.push(if goes_on { ' ' } else { '\n' });
            }
            text.push_str(line);
            if line.is_empty() && !text.is_empty() {
                text.push('\n');
            }
        }
    }
    text.trim().to_owned()
}

fn limits_of(attributes: &Attributes) -> TokenStream {
    let fuel = option(attributes.fuel.map(|fuel| quote!(#fuel)));
    let memory_bytes = option(attributes.memory_bytes.map(|bytes| quote!(#bytes)));
    let timeout = option(
        attributes.timeout_ms.map(|milliseconds| quote!(::core::time::Duration::from_millis(#milliseconds))),
    );
    quote!(::task_sdk::Limits { fuel: #fuel, memory_bytes: #memory_bytes, timeout: #timeout })
}

fn option(tokens: Option<TokenStream>) -> TokenStream {
    match tokens {
        Some(tokens) => quote!(::core::option::Option::Some(#tokens)),
        None => quote!(::core::option::Option::None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(function: TokenStream) -> String {
        let function = syn::parse2(function).expect("it is a function");
        expand(&Attributes::default(), &function).expect_err("it is no task").to_string()
    }

    #[test]
    fn a_function_that_cannot_be_a_task_is_told_why() {
        assert!(
            refusal(quote!(
                async fn t(input: u8) {}
            ))
            .contains("plain function")
        );
        assert!(
            refusal(quote!(
                fn t<T>(input: T) {}
            ))
            .contains("one type of input")
        );
        assert!(
            refusal(quote!(
                fn t(a: u8, b: u8) {}
            ))
            .contains("into a struct")
        );
        assert!(
            refusal(quote!(
                fn t(input: &str) {}
            ))
            .contains("by value")
        );
        assert!(
            refusal(quote!(
                fn t(self) {}
            ))
            .contains("free function")
        );
        assert!(
            refusal(quote!(
                unsafe fn t(input: u8) {}
            ))
            .contains("safe code")
        );
        assert!(
            refusal(quote!(
                fn ação(input: u8) {}
            ))
            .contains("name = ")
        );
    }

    #[test]
    fn the_doc_comment_is_the_description() {
        let function: ItemFn = syn::parse_quote! {
            /// Makes a report
            /// of sales.
            ///
            /// * one page
            /// * one table
            ///   with rows
            ///
            /// Ends
            /// here.
            fn t(input: u8) {}
        };

        let expected = "Makes a report of sales.\n\n* one page\n* one table\n  with rows\n\nEnds here.";
        assert_eq!(doc_of(&function), expected);
    }

    #[test]
    fn a_raw_name_is_the_word_itself() {
        let function = syn::parse2(quote!(
            fn r#match(input: u8) {}
        ))
        .expect("it is a function");

        let tokens = expand(&Attributes::default(), &function).expect("it is a task").to_string();

        assert!(tokens.contains("\"match\""), "{tokens}");
    }
}
