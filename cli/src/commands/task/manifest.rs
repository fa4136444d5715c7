//! The manifest of a publish: the same keys as the flags, in a TOML file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use model::grants::HttpGrant;
use model::limits::FuelChoice;
use rpc::v1;
use serde::Deserialize;

use crate::args::{Publish, values};
use crate::config::one_line;
use crate::exit::{Error, Result};

/// What a manifest may say. Names are those of the flags; `_` does for `-`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Manifest {
    #[serde(alias = "allow_http")]
    allow_http: Vec<HttpGrant>,
    #[serde(alias = "allow_mail")]
    allow_mail: bool,
    #[serde(alias = "allow_enqueue")]
    allow_enqueue: Vec<String>,
    secret: Vec<String>,
    env: BTreeMap<String, String>,
    fuel: Option<Fuel>,
    memory: Option<Size>,
    timeout: Option<Span>,
    #[serde(alias = "max_output")]
    max_output: Option<Size>,
    #[serde(alias = "no_promote")]
    no_promote: bool,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Fuel {
    Units(u64),
    Text(#[serde(deserialize_with = "fuel_text")] FuelChoice),
}

fn fuel_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<FuelChoice, D::Error> {
    values::fuel(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Size(u64);

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        values::size(&text).map(Self)
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Span(Duration);

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        values::duration(&text).map(Self)
    }
}

/// Reads the manifest.
pub(super) fn read(path: &Path) -> Result<Manifest> {
    let named = |what: String| Error::usage(format!("manifest: {}: {what}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| named(format!("cannot be read: {error}")))?;
    toml::from_str(&text).map_err(|error| named(one_line(&error.to_string())))
}

/// The header that flags and manifest make together: a flag wins over its key, a variable over its namesake.
pub(super) fn header(namespace: String, flags: &Publish, manifest: Manifest) -> v1::PublishHeader {
    let fuel = flags.fuel.or(manifest.fuel.map(|fuel| match fuel {
        Fuel::Units(units) => FuelChoice::Units(units),
        Fuel::Text(choice) => choice,
    }));
    let timeout = flags.timeout.or(manifest.timeout.map(|span| span.0));
    let mut env = manifest.env;
    env.extend(flags.env.iter().cloned());
    v1::PublishHeader {
        namespace,
        grants: Some(v1::Grants {
            http: first(&flags.allow_http, manifest.allow_http).into_iter().map(String::from).collect(),
            secrets: first(&flags.secrets, manifest.secret),
            env: env.into_iter().collect(),
            mail: flags.allow_mail || manifest.allow_mail,
            enqueue: first(&flags.allow_enqueue, manifest.allow_enqueue),
        }),
        fuel: match fuel {
            Some(FuelChoice::Units(units)) => Some(units),
            _ => None,
        },
        fuel_unlimited: fuel == Some(FuelChoice::Unlimited),
        memory_bytes: flags.memory.or(manifest.memory.map(|size| size.0)),
        timeout_ms: timeout.map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)),
        output_bytes: flags.max_output.or(manifest.max_output.map(|size| size.0)),
        no_promote: flags.no_promote || manifest.no_promote,
        plan: flags.plan,
        size_bytes: 0,
    }
}

fn first<T: Clone>(flags: &[T], manifest: Vec<T>) -> Vec<T> {
    if flags.is_empty() { manifest } else { flags.to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"
        allow-http = ["api.example.com:8443"]
        allow-mail = true
        allow_enqueue = ["other"]
        secret = ["KEY"]
        env = { REGION = "eu", TIER = "1" }
        fuel = "unlimited"
        memory = "256MiB"
        timeout = "90s"
        max-output = "2MiB"
        no-promote = true
    "#;

    fn manifest(text: &str) -> Manifest {
        toml::from_str(text).expect("a manifest")
    }

    #[test]
    fn a_manifest_says_all_that_the_flags_say() {
        let header = header("default".to_owned(), &Publish::default(), manifest(FULL));

        let grants = header.grants.clone().expect("grants");
        assert_eq!((grants.http, grants.mail), (vec!["api.example.com:8443".to_owned()], true));
        assert_eq!((grants.secrets, grants.enqueue), (vec!["KEY".to_owned()], vec!["other".to_owned()]));
        assert_eq!((header.fuel, header.fuel_unlimited, header.memory_bytes), (None, true, Some(256 << 20)));
        assert_eq!(
            (header.timeout_ms, header.output_bytes, header.no_promote),
            (Some(90_000), Some(2 << 20), true)
        );
    }

    #[test]
    fn flags_win_over_the_manifest() {
        let flags = Publish {
            fuel: Some(FuelChoice::Units(5)),
            memory: Some(1),
            secrets: vec!["OTHER".to_owned()],
            env: vec![("REGION".to_owned(), "us".to_owned())],
            ..Publish::default()
        };

        let header = header("default".to_owned(), &flags, manifest(FULL));

        let grants = header.grants.expect("grants");
        assert_eq!((header.fuel, header.fuel_unlimited, header.memory_bytes), (Some(5), false, Some(1)));
        assert_eq!(grants.secrets, ["OTHER"]);
        assert_eq!((grants.env["REGION"].as_str(), grants.env["TIER"].as_str()), ("us", "1"));
    }

    #[test]
    fn a_key_that_is_not_known_or_does_not_fit_is_named() {
        for (text, expected) in [("memmory = \"1MiB\"", "memmory"), ("timeout = \"soon\"", "soon")] {
            let refusal = toml::from_str::<Manifest>(text).expect_err(text).to_string();
            assert!(refusal.contains(expected), "{refusal}");
        }
    }

    #[test]
    fn fuel_is_a_number_or_a_text() {
        let fuel = |text| header("default".to_owned(), &Publish::default(), manifest(text)).fuel;

        assert_eq!((fuel("fuel = 5"), fuel("fuel = \"5_000\"")), (Some(5), Some(5_000)));
    }
}
