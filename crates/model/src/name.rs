//! Names of namespaces, tasks, queues and schedules.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::bounds::NAME_BYTES_MAX;
use crate::error::Invalid;

/// A name is 1 to 63 bytes of `a-z A-Z 0-9 _ - .`, and begins with a letter, a digit or `_`. So it needs no
/// escaping in a path, a Redis key, a metric or a shell.
fn check(field: &'static str, text: &str) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::new(field, "a name may not be empty"));
    }
    if text.len() > NAME_BYTES_MAX {
        let seen = text.len();
        return Err(Invalid::new(
            field,
            format!("a name has at most {NAME_BYTES_MAX} bytes, this one has {seen}"),
        ));
    }
    let odd = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')));
    if let Some(odd) = odd {
        return Err(Invalid::new(
            field,
            format!("{text:?} has {odd:?}; a name has letters, digits, `_`, `-` and `.` only"),
        ));
    }
    if text.starts_with(['-', '.']) {
        return Err(Invalid::new(field, format!("{text:?} may not begin with `-` or `.`")));
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $field:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                check($field, text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $type {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                check($field, &text)?;
                Ok(Self(text))
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// What everything that has a name lives in; `default` unless said.
    Namespace,
    "namespace"
);
name!(
    /// The name of a task: what people enqueue.
    TaskName,
    "task"
);
name!(
    /// The name of a queue inside a namespace.
    QueueName,
    "queue"
);

name!(
    /// The name of a schedule inside a namespace.
    ScheduleName,
    "schedule"
);

impl Default for Namespace {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl Default for QueueName {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

/// A queue, told apart from its namesakes in other namespaces.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct QueueKey {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name there.
    pub queue: QueueName,
}

impl fmt::Display for QueueKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.queue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_refused_with_its_field_and_what_is_wrong() {
        let long = "x".repeat(64);
        let cases = [("", "empty"), ("a b", "' '"), ("-a", "begin"), ("é", "'é'"), (long.as_str(), "63")];

        for (text, expected) in cases {
            let refusal = text.parse::<TaskName>().expect_err(text);
            assert_eq!(refusal.field, "task");
            assert!(refusal.problem.contains(expected), "{refusal}");
        }
        assert!("send_email-v1.2".parse::<TaskName>().is_ok());
    }
}
