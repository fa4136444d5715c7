//! What makes a version besides its component: flags, and the same keys in a TOML file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use model::grants::{Grants, HttpGrant};
use model::limits::LimitOverrides;
use serde::Deserialize;

use crate::args::written::{Count, Fuel, Size, Span};
use crate::args::{GrantFlags, LimitFlags, VersionFlags};
use crate::config::one_line;
use crate::exit::{Error, Result};

/// What somebody wishes for a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    /// What it may reach.
    pub(super) grants: Grants,
    /// What it may use, where that was said.
    pub(super) limits: LimitOverrides,
    /// Whether its floating point is the same everywhere.
    pub(super) deterministic: bool,
    /// Whether the plain name keeps meaning what it meant.
    pub(super) no_promote: bool,
    /// Whether a grant, a limit or a manifest was given at all.
    pub(super) is_given: bool,
}

/// What a manifest may say. Names are those of the flags; `_` does for `-`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Manifest {
    #[serde(alias = "allow_http")]
    allow_http: Vec<HttpGrant>,
    #[serde(alias = "allow_mail")]
    allow_mail: bool,
    #[serde(alias = "allow_enqueue")]
    allow_enqueue: Vec<String>,
    secret: Vec<String>,
    env: BTreeMap<String, String>,
    deterministic: bool,
    #[serde(alias = "no_promote")]
    no_promote: bool,
    fuel: Option<Fuel>,
    memory: Option<Size>,
    #[serde(alias = "table_elements")]
    table_elements: Option<Count>,
    timeout: Option<Span>,
    #[serde(alias = "max_output")]
    max_output: Option<Size>,
    #[serde(alias = "max_log")]
    max_log: Option<Size>,
    #[serde(alias = "max_files")]
    max_files: Option<Size>,
    #[serde(alias = "host_calls")]
    host_calls: Option<Count>,
    #[serde(alias = "http_requests")]
    http_requests: Option<Count>,
    #[serde(alias = "http_bytes")]
    http_bytes: Option<Size>,
}

impl Manifest {
    fn limits(&self) -> LimitFlags {
        LimitFlags {
            fuel: self.fuel.map(Into::into),
            memory: self.memory.map(Into::into),
            table_elements: self.table_elements.map(Into::into),
            timeout: self.timeout.map(Into::into),
            max_output: self.max_output.map(Into::into),
            max_log: self.max_log.map(Into::into),
            max_files: self.max_files.map(Into::into),
            host_calls: self.host_calls.map(Into::into),
            http_requests: self.http_requests.map(Into::into),
            http_bytes: self.http_bytes.map(Into::into),
        }
    }
}

/// Reads the manifest, if one is named, and lays the flags over it: a flag wins over its key, a variable over its
/// namesake.
pub(super) fn wish(flags: &VersionFlags) -> Result<Wish> {
    let manifest = match &flags.manifest {
        Some(path) => read(path)?,
        None => Manifest::default(),
    };
    merge(flags, manifest)
}

fn read(path: &Path) -> Result<Manifest> {
    let named = |what: String| Error::usage(format!("manifest: {}: {what}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| named(format!("cannot be read: {error}")))?;
    toml::from_str(&text).map_err(|error| named(one_line(&error.to_string())))
}

fn merge(flags: &VersionFlags, manifest: Manifest) -> Result<Wish> {
    let limits = flags.limits.or(&manifest.limits()).checked()?;
    let (deterministic, no_promote) = (manifest.deterministic, manifest.no_promote);
    let grants = grants(&flags.grants, manifest);
    grants.check()?;
    let is_given = flags.manifest.is_some() || grants != Grants::default() || !limits.is_empty();
    let deterministic = flags.deterministic || deterministic;
    Ok(Wish { grants, limits, deterministic, no_promote, is_given })
}

fn grants(flags: &GrantFlags, manifest: Manifest) -> Grants {
    let mut env = manifest.env;
    env.extend(flags.env.iter().cloned());
    Grants {
        http: first(&flags.allow_http, manifest.allow_http),
        secrets: first(&flags.secrets, manifest.secret),
        env,
        mail: flags.allow_mail || manifest.allow_mail,
        enqueue: first(&flags.allow_enqueue, manifest.allow_enqueue),
    }
}

fn first<T: Clone>(flags: &[T], manifest: Vec<T>) -> Vec<T> {
    if flags.is_empty() { manifest } else { flags.to_vec() }
}

#[cfg(test)]
mod tests {
    use model::limits::FuelChoice;

    use super::*;

    const FULL: &str = r#"
        allow-http = ["api.example.com:8443"]
        allow-mail = true
        allow_enqueue = ["other"]
        secret = ["KEY"]
        env = { REGION = "eu", TIER = "1" }
        fuel = "unlimited"
        memory = "256MiB"
        table-elements = 1000
        timeout = "90s"
        max-output = "2MiB"
        max_log = "3MiB"
        max_files = "4MiB"
        host_calls = 5
        http-requests = "1_000"
        http-bytes = "6MiB"
        deterministic = true
        no-promote = true
    "#;

    fn merged(flags: &VersionFlags, text: &str) -> Wish {
        merge(flags, toml::from_str(text).expect("a manifest")).expect("it makes sense")
    }

    #[test]
    fn a_manifest_says_all_that_the_flags_say() {
        let wish = merged(&VersionFlags::default(), FULL);

        let http: Vec<_> = wish.grants.http.iter().map(ToString::to_string).collect();
        assert_eq!((http, wish.grants.mail), (vec!["api.example.com:8443".to_owned()], true));
        assert_eq!(
            (wish.grants.secrets, wish.grants.enqueue),
            (vec!["KEY".to_owned()], vec!["other".to_owned()])
        );
        assert_eq!((wish.deterministic, wish.no_promote, wish.is_given), (true, true, true));
        let expected = LimitOverrides {
            fuel: Some(FuelChoice::Unlimited),
            memory_bytes: Some(256 << 20),
            table_elements: Some(1_000),
            timeout_ms: Some(90_000),
            output_bytes: Some(2 << 20),
            log_bytes: Some(3 << 20),
            file_bytes: Some(4 << 20),
            host_calls: Some(5),
            http_requests: Some(1_000),
            http_bytes: Some(6 << 20),
        };
        assert_eq!(wish.limits, expected);
    }

    #[test]
    fn flags_win_over_the_manifest() {
        let flags = VersionFlags {
            limits: LimitFlags { fuel: Some(FuelChoice::Units(5)), memory: Some(1), ..LimitFlags::default() },
            grants: GrantFlags {
                secrets: vec!["OTHER".to_owned()],
                env: vec![("REGION".to_owned(), "us".to_owned())],
                ..GrantFlags::default()
            },
            ..VersionFlags::default()
        };

        let wish = merged(&flags, FULL);

        assert_eq!((wish.limits.fuel, wish.limits.memory_bytes), (Some(FuelChoice::Units(5)), Some(1)));
        assert_eq!((wish.limits.timeout_ms, wish.grants.secrets), (Some(90_000), vec!["OTHER".to_owned()]));
        assert_eq!((wish.grants.env["REGION"].as_str(), wish.grants.env["TIER"].as_str()), ("us", "1"));
    }

    #[test]
    fn nothing_is_wished_when_nothing_was_said() {
        let wish = merged(&VersionFlags { deterministic: true, ..VersionFlags::default() }, "");

        assert!(!wish.is_given && wish.limits.is_empty() && wish.deterministic);
    }

    #[test]
    fn a_key_that_is_not_known_or_does_not_fit_is_named() {
        let cases = [
            ("memmory = \"1MiB\"", "memmory"),
            ("timeout = \"soon\"", "soon"),
            ("fuel = \"much\"", "`unlimited`"),
            ("host-calls = -5", "\"-5\" is not a whole number"),
        ];
        for (text, expected) in cases {
            let refusal = toml::from_str::<Manifest>(text).expect_err(text).to_string();
            assert!(refusal.contains(expected), "{refusal}");
        }
    }

    #[test]
    fn fuel_is_a_number_or_a_text() {
        let fuel = |text| merged(&VersionFlags::default(), text).limits.fuel;

        assert_eq!(fuel("fuel = 5"), Some(FuelChoice::Units(5)));
        assert_eq!(fuel("fuel = \"5_000\""), Some(FuelChoice::Units(5_000)));
    }
}
