//! What a task version may reach beyond its own sandbox: nothing, unless it was granted at publish.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Invalid;
use crate::name::TaskName;

/// Grants of one kind; a task that needs more is several tasks.
const GRANTS_MAX: usize = 64;

/// Longest name or value of a grant, in bytes: Linux's limit for one environment string is 128 KiB, a
/// configuration value has a line or two.
const GRANT_BYTES_MAX: usize = 4 << 10;

/// A host that HTTP requests may go to: `api.example.com`, `api.example.com:8443`, `*.example.com`.
/// Without a port, 80 and 443 are meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpGrant {
    /// The host in lower case; a leading `*.` stands for any name below.
    pub host: String,
    /// The one port allowed.
    pub port: Option<u16>,
}

impl HttpGrant {
    /// Whether a request to `host` (as in the URL) on `port` is covered.
    #[must_use]
    pub fn covers(&self, host: &str, port: u16) -> bool {
        let host = host.to_ascii_lowercase();
        let host_fits = match self.host.strip_prefix('*') {
            Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
            None => host == self.host,
        };
        let port_fits = self.port.map_or(matches!(port, 80 | 443), |granted| granted == port);
        host_fits && port_fits
    }
}

impl fmt::Display for HttpGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

impl FromStr for HttpGrant {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refuse = |why: &str| Invalid::new("allow-http", format!("{text:?} {why}"));
        let bracketed = text.starts_with('[');
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !bracketed || host.ends_with(']') => {
                let port = port.parse().map_err(|_| refuse("has a port that is not a number up to 65535"))?;
                (host, Some(port))
            }
            _ => (text, None),
        };
        let plain = host.strip_prefix("*.").unwrap_or(host);
        let fits = |c: char| {
            c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_') || (bracketed && "[]:".contains(c))
        };
        if plain.is_empty() || !plain.chars().all(fits) {
            return Err(refuse("is not HOST or HOST:PORT (a name, not a URL)"));
        }
        Ok(Self { host: host.to_ascii_lowercase(), port })
    }
}

impl TryFrom<String> for HttpGrant {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<HttpGrant> for String {
    fn from(grant: HttpGrant) -> Self {
        grant.to_string()
    }
}

/// Everything a version was granted; kept with the version and shown as a difference to the one before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grants {
    /// Hosts that HTTP requests may go to.
    pub http: Vec<HttpGrant>,
    /// Names of secrets that the host may put in; the guest never sees their values.
    pub secrets: Vec<String>,
    /// Configuration the guest may read.
    pub env: BTreeMap<String, String>,
    /// Whether e-mail may be sent.
    pub mail: bool,
    /// Tasks of which child jobs may be made; `*` stands for all of the namespace.
    pub enqueue: Vec<String>,
}

/// A thing outside the sandbox that an import asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// `jobs:task/http`.
    Http,
    /// `jobs:task/mail`.
    Mail,
    /// `jobs:task/secrets`.
    Secrets,
    /// `jobs:task/queue`.
    Enqueue,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Http, Self::Mail, Self::Secrets, Self::Enqueue];

    /// The interface of our WIT package that stands for it.
    #[must_use]
    pub fn interface(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Mail => "mail",
            Self::Secrets => "secrets",
            Self::Enqueue => "queue",
        }
    }

    /// The flag of `jobctl task publish` that grants it.
    #[must_use]
    pub fn flag(self) -> &'static str {
        match self {
            Self::Http => "--allow-http HOST",
            Self::Mail => "--allow-mail",
            Self::Secrets => "--secret NAME",
            Self::Enqueue => "--allow-enqueue TASK",
        }
    }
}

impl Grants {
    /// Whether anything of `capability` was granted.
    #[must_use]
    pub fn has(&self, capability: Capability) -> bool {
        match capability {
            Capability::Http => !self.http.is_empty(),
            Capability::Mail => self.mail,
            Capability::Secrets => !self.secrets.is_empty(),
            Capability::Enqueue => !self.enqueue.is_empty(),
        }
    }

    /// Whether child jobs of `task` may be made.
    #[must_use]
    pub fn may_enqueue(&self, task: &str) -> bool {
        self.enqueue.iter().any(|granted| granted == "*" || granted == task)
    }

    /// Checks what the types alone do not say.
    ///
    /// # Errors
    /// Names the first grant that does not fit by its flag, with the limit and the value seen.
    pub fn check(&self) -> Result<(), Invalid> {
        let counts = [
            ("allow-http", self.http.len()),
            ("secret", self.secrets.len()),
            ("env", self.env.len()),
            ("allow-enqueue", self.enqueue.len()),
        ];
        if let Some((flag, seen)) = counts.into_iter().find(|(_, seen)| *seen > GRANTS_MAX) {
            return Err(Invalid::new(flag, format!("{seen} are more than the limit of {GRANTS_MAX}")));
        }
        for name in &self.secrets {
            check_name("secret", name)?;
        }
        for (name, value) in &self.env {
            check_name("env", name)?;
            check_text("env", value)?;
        }
        for task in self.enqueue.iter().filter(|task| *task != "*") {
            task.parse::<TaskName>()?;
        }
        Ok(())
    }
}

fn check_name(flag: &'static str, name: &str) -> Result<(), Invalid> {
    if name.is_empty() {
        return Err(Invalid::new(flag, "a name may not be empty"));
    }
    check_text(flag, name)
}

fn check_text(flag: &'static str, text: &str) -> Result<(), Invalid> {
    let seen = text.len();
    if seen > GRANT_BYTES_MAX || text.contains('\0') {
        return Err(Invalid::new(
            flag,
            format!("{seen} bytes; allowed are {GRANT_BYTES_MAX}, none of them NUL"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(text: &str) -> HttpGrant {
        text.parse().expect(text)
    }

    #[test]
    fn a_grant_covers_its_host_and_ports_only() {
        assert!(grant("api.example.com").covers("API.example.com", 443));
        assert!(!grant("api.example.com").covers("api.example.com", 8080));
        assert!(grant("api.example.com:8080").covers("api.example.com", 8080));
        assert!(!grant("api.example.com:8080").covers("api.example.com", 443));
        assert!(!grant("example.com").covers("evil-example.com", 443));
        assert!(grant("*.example.com").covers("a.b.example.com", 443));
        assert!(!grant("*.example.com").covers("example.com", 443));
        assert!(grant("[::1]:80").covers("[::1]", 80));
    }

    #[test]
    fn a_url_is_not_a_grant() {
        for text in ["http://x", "x/y", "", "x:99999", "a b", "*"] {
            assert!(text.parse::<HttpGrant>().is_err(), "{text}");
        }
    }

    #[test]
    fn each_grant_that_does_not_fit_is_named_by_its_flag() {
        let env = |name: &str, value: &str| Grants {
            env: [(name.to_owned(), value.to_owned())].into(),
            ..Grants::default()
        };
        let secrets = |secrets| Grants { secrets, ..Grants::default() };
        let cases = [
            ("secret", secrets(vec![String::new()])),
            ("secret", secrets(vec!["TOKEN".to_owned(); 65])),
            ("secret", secrets(vec!["a\0b".to_owned()])),
            ("env", env("", "x")),
            ("env", env("REGION", &"x".repeat(4_097))),
            ("allow-http", Grants { http: vec![grant("example.com"); 65], ..Grants::default() }),
            ("task", Grants { enqueue: vec!["a b".to_owned()], ..Grants::default() }),
        ];

        for (flag, grants) in cases {
            assert_eq!(grants.check().expect_err(flag).field, flag);
        }
        let fine =
            Grants { secrets: vec!["TOKEN".to_owned()], enqueue: vec!["*".to_owned()], ..env("A", "b") };
        assert_eq!(fine.check(), Ok(()));
    }
}
