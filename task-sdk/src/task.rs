//! A task: what it is called, what it takes and gives, and how it is run from JSON to JSON.

use std::time::Duration;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::TaskError;

/// A task. `#[task]` implements it for a type that bears the name of the function.
///
/// ```
/// use task_sdk::{Task, TaskError, task};
///
/// /// Doubles a number.
/// #[task(name = "double", max_attempts = 2)]
/// fn twice(input: u32) -> Result<u32, TaskError> {
///     input.checked_mul(2).ok_or_else(|| TaskError::permanent("too large"))
/// }
///
/// assert_eq!(twice::NAME, "double");
/// assert_eq!(twice::DESCRIPTION, "Doubles a number.");
/// assert_eq!(twice::MAX_ATTEMPTS, Some(2));
/// assert_eq!(twice(21), Ok(42)); // It stays a plain function.
/// ```
pub trait Task {
    /// What the payload is read as.
    type Input: DeserializeOwned + JsonSchema;

    /// What the result is written from.
    type Output: Serialize + JsonSchema;

    /// The name people enqueue.
    const NAME: &'static str;

    /// What it does, in a sentence or some.
    const DESCRIPTION: &'static str;

    /// Limits instead of the platform's defaults.
    const LIMITS: Limits;

    /// How often a job is tried when it does not say; none: the platform's default.
    const MAX_ATTEMPTS: Option<u32>;

    /// Does it.
    ///
    /// # Errors
    /// As the task says; the error tells whether trying again can help.
    fn run(input: Self::Input) -> Result<Self::Output, TaskError>;
}

/// Limits that a task asks for; what is absent is the platform's default. Whoever publishes it may set others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Budget of instructions for an attempt, about one a WebAssembly instruction.
    pub fuel: Option<u64>,
    /// Memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// Wall-clock time of an attempt.
    pub timeout: Option<Duration>,
}

/// The input of a task that takes none: the payload `{}`, which is what a job has when nobody gives it one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoInput {}

/// What a task's function may return: nothing, or a `Result` whose error becomes a [`TaskError`].
#[diagnostic::on_unimplemented(
    message = "a task returns `Result<T, TaskError>` or nothing, not `{Self}`",
    note = "the error may be any type that is `Into<TaskError>`"
)]
pub trait Returned {
    /// What the result is written from.
    type Output;

    /// The same as a result with our error.
    ///
    /// # Errors
    /// When it was one.
    fn into_result(self) -> Result<Self::Output, TaskError>;
}

impl<T, E: Into<TaskError>> Returned for Result<T, E> {
    type Output = T;

    fn into_result(self) -> Result<T, TaskError> {
        self.map_err(Into::into)
    }
}

impl Returned for () {
    type Output = ();

    fn into_result(self) -> Result<(), TaskError> {
        Ok(())
    }
}

/// What a component says of one of its tasks when it is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// See [`Task::NAME`].
    pub name: String,
    /// See [`Task::DESCRIPTION`].
    pub description: String,
    /// JSON Schema (draft 2020-12) of what may be read as the input.
    pub input_schema: String,
    /// JSON Schema (draft 2020-12) of what the output is written as.
    pub output_schema: String,
    /// See [`Task::LIMITS`].
    pub limits: Limits,
    /// See [`Task::MAX_ATTEMPTS`].
    pub max_attempts: Option<u32>,
}

/// Describes a task.
#[doc(hidden)]
#[must_use]
pub fn describe<T: Task>() -> Description {
    Description {
        name: T::NAME.to_owned(),
        description: T::DESCRIPTION.to_owned(),
        input_schema: schema::<T::Input>(SchemaSettings::draft2020_12().for_deserialize()),
        output_schema: schema::<T::Output>(SchemaSettings::draft2020_12().for_serialize()),
        limits: T::LIMITS,
        max_attempts: T::MAX_ATTEMPTS,
    }
}

fn schema<T: JsonSchema>(settings: SchemaSettings) -> String {
    settings.into_generator().into_root_schema_for::<T>().as_value().to_string()
}

/// Runs a task on a JSON text and writes its result as one.
#[doc(hidden)]
pub fn run_json<T: Task>(payload: &str) -> Result<String, TaskError> {
    let output = T::run(read(payload)?)?;
    serde_json::to_string(&output)
        .map_err(|error| TaskError::permanent(format!("the result cannot be written as JSON: {error}")))
}

/// A payload that does not fit will not fit next time either: the error is permanent.
fn read<T: DeserializeOwned>(payload: &str) -> Result<T, TaskError> {
    let mut json = serde_json::Deserializer::from_str(payload);
    let input = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        // `.` is the whole, `?` a text that is not JSON.
        let place = if matches!(path.as_str(), "." | "?") { String::new() } else { format!(" at {path}") };
        TaskError::permanent(format!("the input does not fit{place}: {}", error.inner()))
    })?;
    json.end().map_err(|error| TaskError::permanent(format!("the input is not one JSON text: {error}")))?;
    Ok(input)
}

/// Makes these tasks the tasks of this component. Stands once in a crate, at its top.
///
/// ```
/// use task_sdk::{TaskError, task};
///
/// /// Greets.
/// #[task]
/// fn greet(name: String) -> Result<String, TaskError> {
///     Ok(format!("Hello, {name}!"))
/// }
///
/// task_sdk::tasks![greet];
/// # fn main() {}
/// ```
///
/// Two tasks of one name do not compile:
///
/// ```compile_fail,E0080
/// # use task_sdk::{TaskError, task};
/// #[task]
/// fn greet(name: String) {}
///
/// #[task(name = "greet")]
/// fn greet_again(name: String) {}
///
/// task_sdk::tasks![greet, greet_again];
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! tasks {
    ($($task:path),+ $(,)?) => {
        const _: () = $crate::__private::assert_names_differ(&[$(<$task as $crate::Task>::NAME),+]);

        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Component;

            impl $crate::__private::Guest for Component {
                fn describe() -> ::std::vec::Vec<$crate::__private::Description> {
                    ::std::vec![$($crate::__private::description($crate::__private::describe::<$task>())),+]
                }

                fn run(
                    task: ::std::string::String,
                    payload: ::std::string::String,
                ) -> ::core::result::Result<::std::string::String, $crate::__private::Error> {
                    $(if task == <$task as $crate::Task>::NAME {
                        return $crate::__private::outcome($crate::__private::run_json::<$task>(&payload));
                    })+
                    $crate::__private::outcome(::core::result::Result::Err($crate::TaskError::permanent(
                        ::std::format!("this component has no task {task:?}"),
                    )))
                }
            }

            $crate::__private::export!(Component with_types_in $crate::__private::bindings);
        };
    };
}

/// Stops the compiler when a name stands twice.
#[doc(hidden)]
pub const fn assert_names_differ(names: &[&str]) {
    let mut first = 0;
    while first < names.len() {
        let mut second = first + 1;
        while second < names.len() {
            assert!(!equal(names[first], names[second]), "two tasks of this component have one name");
            second += 1;
        }
        first += 1;
    }
}

const fn equal(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::task;

    #[derive(Deserialize, JsonSchema)]
    struct Order {
        /// How many.
        lines: Vec<Line>,
    }

    #[derive(Deserialize, JsonSchema)]
    struct Line {
        units: u32,
    }

    /// Adds up an order.
    #[task(memory = "64MiB", timeout = "30s", fuel = 1_000, max_attempts = 3)]
    fn total(Order { lines }: Order) -> Result<u32, TaskError> {
        Ok(lines.iter().map(|line| line.units).sum())
    }

    #[task]
    fn tick() {}

    #[task]
    fn parse(text: String) -> Result<i64, std::num::ParseIntError> {
        text.parse()
    }

    #[test]
    fn a_task_describes_itself() {
        let description = describe::<total>();

        let input: Value = serde_json::from_str(&description.input_schema).expect("it is JSON");
        let output: Value = serde_json::from_str(&description.output_schema).expect("it is JSON");
        assert_eq!(description.name, "total");
        assert_eq!(description.description, "Adds up an order.");
        assert_eq!(input["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(input["properties"]["lines"]["description"], "How many.");
        assert_eq!(input["required"], json!(["lines"]));
        assert_eq!(output["type"], "integer");
        let limits = Limits {
            fuel: Some(1_000),
            memory_bytes: Some(64 << 20),
            timeout: Some(Duration::from_secs(30)),
        };
        assert_eq!((description.limits, description.max_attempts), (limits, Some(3)));
    }

    #[test]
    fn a_payload_becomes_a_result() {
        assert_eq!(run_json::<total>(r#"{"lines": [{"units": 2}, {"units": 3}]}"#), Ok("5".to_owned()));
        assert_eq!(run_json::<tick>("{}"), Ok("null".to_owned()));
    }

    #[test]
    fn a_payload_that_does_not_fit_is_permanent_and_told_with_its_place() {
        let error = run_json::<total>(r#"{"lines": [{"units": 2}, {"units": "x"}]}"#).expect_err("no number");

        assert_eq!(error.kind(), Kind::Permanent);
        assert!(error.message().contains("at lines[1].units: invalid type"), "{error}");
        for payload in ["", "{", "[] []", r#"{"lines": []} x"#, "5"] {
            assert_eq!(run_json::<total>(payload).expect_err(payload).kind(), Kind::Permanent);
        }
        assert_eq!(run_json::<tick>(r#"{"a": 1}"#).expect_err("unknown").kind(), Kind::Permanent);
    }

    #[test]
    fn an_error_of_another_type_becomes_ours() {
        assert_eq!(run_json::<parse>(r#""12""#), Ok("12".to_owned()));
        assert_eq!(run_json::<parse>(r#""x""#).expect_err("no number").kind(), Kind::Permanent);
    }

    use crate::error::Kind;
}
