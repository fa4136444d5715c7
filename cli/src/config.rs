//! Settings: from flags, then the environment (which clap reads into the flags), then `jobctl.toml`.

use std::collections::BTreeMap;
use std::env::var_os;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use model::name::Namespace;
use serde::Deserialize;

use crate::args::written::{Size, Word};
use crate::args::{ColorWhen, Format, Global, TimeStyle};
use crate::exit::Error;

/// Where the API is unless somebody says otherwise: where `jobctl dev` listens.
pub(crate) const SERVER_DEFAULT: &str = "http://127.0.0.1:7700";

/// The name of the file.
const FILE_NAME: &str = "jobctl.toml";

/// Everything that is set, by whoever came first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) server: String,
    pub(crate) token: Option<String>,
    pub(crate) namespace: Namespace,
    pub(crate) format: Format,
    pub(crate) color: ColorWhen,
    pub(crate) time: TimeStyle,
    /// The rest of the file: what servers need.
    pub(crate) file: File,
}

/// What `jobctl.toml` may say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct File {
    server: Option<String>,
    token: Option<String>,
    namespace: Option<String>,
    output: Option<Format>,
    color: Option<ColorWhen>,
    time: Option<TimeStyle>,
    pub(crate) database_url: Option<String>,
    pub(crate) redis_url: Option<String>,
    pub(crate) smtp_url: Option<String>,
    pub(crate) mail_from: Option<String>,
    pub(crate) secrets_file: Option<PathBuf>,
    pub(crate) allow_networks: Vec<String>,
    pub(crate) log: Option<String>,
    pub(crate) max_limits: BTreeMap<String, Word>,
    pub(crate) cache_size: Option<Size>,
}

impl Settings {
    /// Reads the file, if there is one, and lays `flags` over it. An empty variable of the environment counts
    /// as none: compose files pass those.
    pub(crate) fn load(flags: &Global) -> Result<Self, Error> {
        let file = match find() {
            Some(path) => read(&path)?,
            None => File::default(),
        };
        Self::merge(flags, file)
    }

    fn merge(flags: &Global, mut file: File) -> Result<Self, Error> {
        let namespace = first(flags.namespace.as_ref(), file.namespace.take());
        Ok(Self {
            server: first(flags.server.as_ref(), file.server.take())
                .unwrap_or_else(|| SERVER_DEFAULT.to_owned()),
            token: first(flags.token.as_ref(), file.token.take()),
            namespace: namespace.map(|name| name.parse()).transpose()?.unwrap_or_default(),
            format: flags.output.or(file.output).unwrap_or_default(),
            color: flags.color.or(file.color).unwrap_or_default(),
            time: flags.time.or(file.time).unwrap_or_default(),
            file,
        })
    }
}

/// A flag (or its variable), unless it is empty; else what the file says.
pub(crate) fn first(flag: Option<&String>, file: Option<String>) -> Option<String> {
    flag.filter(|text| !text.is_empty()).cloned().or(file)
}

/// The nearest file: the working directory, its parents, then the user's.
fn find() -> Option<PathBuf> {
    let here = std::env::current_dir().ok();
    let above = here.iter().flat_map(|folder| folder.ancestors()).map(|folder| folder.join(FILE_NAME));
    let users = user_folder("XDG_CONFIG_HOME", ".config").map(|folder| folder.join(FILE_NAME));
    above.chain(users).find(|path| path.is_file())
}

fn read(path: &Path) -> Result<File, Error> {
    let text = fs::read_to_string(path).map_err(|error| {
        Error::usage(format!("the settings in {} cannot be read: {error}", path.display()))
    })?;
    toml::from_str(&text)
        .map_err(|error| Error::usage(format!("{}: {}", path.display(), one_line(&error.to_string()))))
}

/// The secrets that tasks may name, from a file of `NAME = "value"`.
pub(crate) fn secrets(path: &Path) -> Result<BTreeMap<String, String>, Error> {
    let text = fs::read_to_string(path)
        .map_err(|error| Error::usage(format!("secrets-file: {} cannot be read: {error}", path.display())))?;
    // What the parser says quotes the line, and the line holds a secret.
    toml::from_str(&text).map_err(|error: toml::de::Error| {
        let line = error.span().map_or(0, |span| text[..span.start].lines().count().max(1));
        Error::usage(format!("secrets-file: {}, line {line}: not NAME = \"value\"", path.display()))
    })
}

/// Where compiled code is kept unless somebody says otherwise.
pub(crate) fn cache_dir() -> PathBuf {
    user_folder("XDG_CACHE_HOME", ".cache").unwrap_or_else(std::env::temp_dir).join("jobctl")
}

/// Whether NO_COLOR asks for none, or the terminal can show none.
pub(crate) fn color_is_unwanted() -> bool {
    var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || var_os("TERM").is_some_and(|value| value == "dumb")
}

/// The name of this machine.
pub(crate) fn machine_name() -> String {
    let name: io::Result<String> = fs::read_to_string("/proc/sys/kernel/hostname");
    name.ok()
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}

fn user_folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let named = var_os(variable).map(PathBuf::from).filter(|folder| folder.is_absolute());
    named.or_else(|| {
        let home = var_os("HOME").map(PathBuf::from).filter(|folder| folder.is_absolute())?;
        Some(home.join(below_home))
    })
}

/// What a parser said over several lines, on one.
pub(crate) fn one_line(text: &str) -> String {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.trim_start_matches(['|', ' ', '^']).is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Cli;

    fn flags(words: &[&str]) -> Global {
        Cli::parse_from(words).global
    }

    fn file(text: &str) -> File {
        toml::from_str(text).expect("it is TOML")
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let text = "server = \"http://file:1\"\nnamespace = \"team\"\noutput = \"jsonl\"";

        let both = Settings::merge(&flags(&["jobctl", "status", "--server", "http://flag:1"]), file(text));
        let none = Settings::merge(&flags(&["jobctl", "status"]), File::default());

        let both = both.expect("good settings");
        assert_eq!((both.server.as_str(), both.namespace.as_str()), ("http://flag:1", "team"));
        assert_eq!(both.format, Format::Jsonl);
        let none = none.expect("good settings");
        assert_eq!((none.server.as_str(), none.namespace.as_str()), (SERVER_DEFAULT, "default"));
    }

    #[test]
    fn an_empty_variable_counts_as_none() {
        assert_eq!(first(Some(&String::new()), Some("file".to_owned())).as_deref(), Some("file"));
    }

    #[test]
    fn a_key_that_is_not_known_is_named() {
        let refusal = toml::from_str::<File>("sever = \"x\"").expect_err("a typing mistake");

        assert!(one_line(&refusal.to_string()).contains("sever"), "{refusal}");
    }

    #[test]
    fn a_malformed_secrets_file_is_refused_without_showing_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secrets.toml");
        fs::write(&path, "A = \"1\"\nTOKEN = hunter2\n").expect("written");

        let refusal = format!("{:?}", secrets(&path).expect_err("not TOML"));

        assert!(refusal.contains("line 2") && !refusal.contains("hunter2"), "{refusal}");
    }
}
