//! Which task on which payload: both may be left out, and what cannot be a name is a payload.

use std::path::Path;

use model::json::Json;
use model::name::TaskName;
use model::task::{Manifest, TaskRef};

use crate::commands::payload;
use crate::exit::{Error, Exit, Result};

/// What was typed after the file.
pub(super) struct Words {
    /// The task; none: the only one.
    pub(super) task: Option<TaskName>,
    /// Its payload.
    pub(super) payload: Json,
}

/// Reads them: one word is the task if it can be a name, and otherwise the payload.
pub(super) fn read(first: Option<String>, second: Option<String>) -> Result<Words> {
    let (task, word) = match (first, second) {
        (Some(first), None) => match first.parse::<TaskName>() {
            Ok(task) => (Some(task), None),
            Err(_) => match first.parse::<TaskRef>() {
                Ok(versioned) => {
                    return Err(Error::usage(format!(
                        "task: {first:?} names a version, and a file is one version"
                    ))
                    .hint(format!("say {}", versioned.task)));
                }
                Err(_) => (None, Some(first)),
            },
        },
        (first, second) => (first.map(|word| word.parse()).transpose()?, second),
    };
    Ok(Words { task, payload: payload::read(word.as_deref())? })
}

impl Words {
    /// The manifest of the task that is meant.
    pub(super) fn choose<'a>(&self, manifests: &'a [Manifest], file: &Path) -> Result<&'a Manifest> {
        let names: Vec<_> = manifests.iter().map(|manifest| manifest.description.name.as_str()).collect();
        match (&self.task, manifests) {
            (None, [one]) => Ok(one),
            (None, _) => {
                let count = names.len();
                Err(Error::usage(format!("TASK is missing: {} has {count} tasks", file.display()))
                    .hint(format!("name one after the file: {}", names.join(", "))))
            }
            (Some(task), _) => {
                manifests.iter().find(|manifest| manifest.description.name == *task).ok_or_else(|| {
                    let message = format!("task {:?} is not in {}", task.as_str(), file.display());
                    Error::new(Exit::NotFound, "not_found", message).hint(format!(
                        "it has {}; a payload that looks like a name comes after the task",
                        names.join(", ")
                    ))
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use model::grants::Grants;
    use model::limits::{LimitOverrides, Limits};
    use model::task::TaskDescription;

    use super::*;

    fn words(first: Option<&str>, second: Option<&str>) -> Result<(Option<String>, String)> {
        let words = read(first.map(str::to_owned), second.map(str::to_owned))?;
        Ok((words.task.map(String::from), words.payload.as_str().to_owned()))
    }

    fn manifest(name: &str) -> Manifest {
        Manifest {
            description: TaskDescription {
                name: name.parse().expect("a name"),
                description: String::new(),
                input_schema: None,
                output_schema: None,
                limits: LimitOverrides::default(),
                max_attempts: None,
            },
            imports: Vec::new(),
            grants: Grants::default(),
            limits: Limits::default(),
            deterministic: false,
        }
    }

    fn chosen(task: Option<&str>, names: &[&str]) -> std::result::Result<String, (Exit, String)> {
        let manifests: Vec<_> = names.iter().map(|name| manifest(name)).collect();
        let words = Words { task: task.map(|task| task.parse().expect("a name")), payload: Json::default() };
        match words.choose(&manifests, Path::new("x.wasm")) {
            Ok(manifest) => Ok(manifest.description.name.to_string()),
            Err(Error::Shown(shown)) => Err((shown.exit, shown.hint.unwrap_or_default())),
            Err(Error::PipeClosed) => panic!("nothing is written"),
        }
    }

    #[test]
    fn a_word_alone_is_the_task_unless_it_can_only_be_a_payload() {
        let task = |name: &str| Some(name.to_owned());

        assert_eq!(words(None, None).expect("good"), (None, "{}".to_owned()));
        assert_eq!(words(Some("report"), None).expect("good"), (task("report"), "{}".to_owned()));
        assert_eq!(words(Some("{\"a\": 1}"), None).expect("good"), (None, "{\"a\": 1}".to_owned()));
        assert_eq!(words(Some("[1]"), None).expect("good"), (None, "[1]".to_owned()));
        assert_eq!(words(Some("t"), Some("5")).expect("good"), (task("t"), "5".to_owned()));
        assert!(words(Some("t@3"), None).is_err(), "a file has no versions");
        assert!(words(Some("a b"), Some("{}")).is_err() && words(Some("{oops"), None).is_err());
    }

    #[test]
    fn the_only_task_need_not_be_named_and_one_of_many_must_be() {
        assert_eq!(chosen(None, &["a"]), Ok("a".to_owned()));
        assert_eq!(chosen(Some("b"), &["a", "b"]), Ok("b".to_owned()));

        let (exit, hint) = chosen(None, &["a", "b"]).expect_err("two tasks");
        assert_eq!((exit, hint.as_str()), (Exit::Usage, "name one after the file: a, b"));
        let (exit, hint) = chosen(Some("c"), &["a", "b"]).expect_err("no such task");
        assert!(exit == Exit::NotFound && hint.starts_with("it has a, b"), "{hint}");
    }
}
