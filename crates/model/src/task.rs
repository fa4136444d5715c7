//! Tasks: named code, its versions, and what a component says of itself.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::error::Invalid;
use crate::grants::Grants;
use crate::id::{Digest, VersionId};
use crate::limits::{LimitOverrides, Limits};
use crate::name::{Namespace, TaskName};

/// What a component says of one of its tasks when it is asked to describe itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskDescription {
    /// The name people enqueue.
    pub name: TaskName,
    /// What it does, in a sentence.
    pub description: String,
    /// JSON Schema of the payload; none: anything goes.
    pub input_schema: Option<String>,
    /// JSON Schema of the result.
    pub output_schema: Option<String>,
    /// Limits it would like instead of the defaults.
    #[serde(default)]
    pub limits: LimitOverrides,
    /// How often it may be tried, when the job does not say.
    pub max_attempts: Option<u32>,
}

/// What a version is made of besides its bytes: all that a host must know to run it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// What the component said of the task.
    pub description: TaskDescription,
    /// Interfaces that the component imports, as `package:name/interface@version`, sorted.
    pub imports: Vec<String>,
    /// What it was granted at publish.
    pub grants: Grants,
    /// The limits each of its attempts runs under.
    pub limits: Limits,
    /// Whether floating point gives the same bits on every processor (NaN bits too); it costs time.
    #[serde(default)]
    pub deterministic: bool,
}

/// One published version of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskVersion {
    /// The stored id.
    pub id: VersionId,
    /// The namespace.
    pub namespace: Namespace,
    /// The task.
    pub task: TaskName,
    /// The number, from 1, without gaps.
    pub version: u32,
    /// The component.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// All that a host must know to run it.
    pub manifest: Manifest,
    /// When it was published.
    pub created_at: DateTime<Utc>,
    /// Whether a plain `name` means this version now.
    pub active: bool,
}

/// How people point at a task: `name`, `name@3`, `name@sha256:PREFIX`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TaskRef {
    /// The task.
    pub task: TaskName,
    /// Which of its versions.
    pub version: VersionRef,
}

/// Which version of a task is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum VersionRef {
    /// The active one.
    Active,
    /// The one of this number.
    Number(u32),
    /// The newest whose digest begins with these hexadecimal digits (6 or more, lower case).
    Sha256Prefix(String),
}

impl From<TaskName> for TaskRef {
    fn from(task: TaskName) -> Self {
        Self { task, version: VersionRef::Active }
    }
}

impl FromStr for TaskRef {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let Some((task, version)) = text.split_once('@') else {
            return Ok(Self { task: text.parse()?, version: VersionRef::Active });
        };
        let refuse = |why: &str| Invalid::new("task", format!("{text:?}: {why}"));
        let version = match version.strip_prefix("sha256:") {
            Some(prefix) => {
                let fits = (6..=64).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_hexdigit());
                if !fits {
                    return Err(refuse("after `sha256:` come 6 to 64 hexadecimal digits"));
                }
                VersionRef::Sha256Prefix(prefix.to_ascii_lowercase())
            }
            None => VersionRef::Number(
                version.parse().map_err(|_| refuse("after `@` comes a version number or `sha256:PREFIX`"))?,
            ),
        };
        Ok(Self { task: task.parse()?, version })
    }
}

impl Serialize for TaskRef {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TaskRef {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for TaskRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            VersionRef::Active => write!(f, "{}", self.task),
            VersionRef::Number(number) => write!(f, "{}@{number}", self.task),
            VersionRef::Sha256Prefix(prefix) => write!(f, "{}@sha256:{prefix}", self.task),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_and_shown_alike() {
        for text in ["report", "report@3", "report@sha256:0123ab"] {
            assert_eq!(text.parse::<TaskRef>().expect(text).to_string(), text);
        }
        for text in ["report@", "report@x", "report@sha256:12", "re port", "@1"] {
            assert!(text.parse::<TaskRef>().is_err(), "{text}");
        }
    }
}
