//! What is known of a component before it is published, as JSON and for people.

use std::path::Path;

use model::limits::Limits;
use model::retry::MAX_ATTEMPTS_DEFAULT;
use model::task::Manifest;
use model::units::show_size;
use sandbox::{Flavour, Inspection};
use serde::Serialize;
use serde_json::value::RawValue;

use super::escape;
use super::job_text::{first_line, short};
use super::json::raw;
use super::task::imports_line;
use super::view::View;

/// How wide the lines of a fact get.
const LINE_COLUMNS: usize = 62;

/// What `task check` answers.
#[derive(Debug, Serialize)]
pub(crate) struct Checked<'a> {
    file: String,
    sha256: String,
    size_bytes: u64,
    metered: bool,
    deterministic: bool,
    code: &'static str,
    compile_ms: u64,
    imports: &'a [String],
    /// The flags that grant what it imports.
    grants_needed: Vec<&'static str>,
    tasks: Vec<Task<'a>>,
}

#[derive(Debug, Serialize)]
struct Task<'a> {
    task: &'a str,
    description: &'a str,
    input_schema: Option<&'a RawValue>,
    output_schema: Option<&'a RawValue>,
    limits: &'a Limits,
    max_attempts: u32,
}

impl<'a> Checked<'a> {
    /// Of the component in `file`, whose tasks would have these manifests.
    pub(crate) fn of(
        file: &Path,
        inspection: &'a Inspection,
        manifests: &'a [Manifest],
        flavour: Flavour,
    ) -> Self {
        Self {
            file: file.display().to_string(),
            sha256: inspection.sha256.to_string(),
            size_bytes: inspection.size_bytes,
            metered: flavour.metered,
            deterministic: flavour.deterministic,
            code: inspection.code.as_str(),
            compile_ms: inspection.compile_ms,
            imports: &inspection.imports,
            grants_needed: inspection.capabilities.iter().map(|capability| capability.flag()).collect(),
            tasks: manifests.iter().map(Task::from).collect(),
        }
    }
}

impl<'a> From<&'a Manifest> for Task<'a> {
    fn from(manifest: &'a Manifest) -> Self {
        let said = &manifest.description;
        let schema = |schema: &'a Option<String>| schema.as_deref().and_then(|text| raw(text.as_bytes()));
        Self {
            task: said.name.as_str(),
            description: &said.description,
            input_schema: schema(&said.input_schema),
            output_schema: schema(&said.output_schema),
            limits: &manifest.limits,
            max_attempts: said.max_attempts.unwrap_or(MAX_ATTEMPTS_DEFAULT),
        }
    }
}

/// The component and its tasks, for people.
pub(crate) fn checked(view: &View, checked: &Checked<'_>) -> String {
    let compiled = match checked.compile_ms {
        0 => format!("compiled before (from {})", checked.code),
        ms => format!("compiled in {ms} ms"),
    };
    let flavour = match (checked.metered, checked.deterministic) {
        (true, false) => "metered",
        (false, false) => "unmetered",
        (true, true) => "metered, deterministic",
        (false, true) => "unmetered, deterministic",
    };
    let grants = match checked.grants_needed.as_slice() {
        [] => "none".to_owned(),
        flags => flags.join(" "),
    };
    let mut text = view.paint.bold(&escape::line(&format!("{} is fine", checked.file)));
    text.push('\n');
    let facts = [
        ("sha256", short(&checked.sha256).to_owned()),
        ("size", show_size(checked.size_bytes)),
        ("code", format!("{compiled}, {flavour}")),
        ("imports", wrapped(imports_line(checked.imports).split(' '), " ")),
        ("grants needed", grants),
    ];
    push(view, &mut text, &facts);
    for task in &checked.tasks {
        text.push_str(&format!("\n{}\n", view.paint.bold(&escape::line(task.task))));
        let limits = task.limits.shown().into_iter().map(|(name, amount)| format!("{name} {amount}"));
        let limits: Vec<_> = limits.collect();
        let facts = [
            ("description", wrapped(escape::line(first_line(task.description)).split(' '), " ")),
            ("schemas", schemas(task).to_owned()),
            ("limits", wrapped(limits.iter().map(String::as_str), ", ")),
            ("attempts", format!("at most {}", task.max_attempts)),
        ];
        push(view, &mut text, &facts);
    }
    text
}

fn schemas(task: &Task<'_>) -> &'static str {
    match (task.input_schema.is_some(), task.output_schema.is_some()) {
        (true, true) => "input and output",
        (true, false) => "input",
        (false, true) => "output",
        (false, false) => "none: any payload is taken",
    }
}

fn push(view: &View, text: &mut String, facts: &[(&str, String)]) {
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        let value = escape::lines(value).replace("\n    ", "\n                 ");
        text.push_str(&format!("  {}  {value}\n", view.paint.dim(&format!("{name:<13}"))));
    }
}

/// Words over as many lines as they take.
fn wrapped<'a>(words: impl Iterator<Item = &'a str>, between: &str) -> String {
    let mut text = String::new();
    let mut columns = 0;
    for word in words {
        let length = word.chars().count() + between.len();
        if columns > 0 {
            text.push_str(between);
            if columns + length > LINE_COLUMNS {
                text.truncate(text.trim_end().len());
                text.push('\n');
                columns = 0;
            }
        }
        text.push_str(word);
        columns += length;
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::attempt::CodeOrigin;
    use model::grants::{Capability, Grants};
    use model::id::Digest;
    use model::limits::{LimitOverrides, PLATFORM_MAX};
    use model::task::TaskDescription;

    use super::*;

    fn inspection() -> Inspection {
        let import = |name: &str| format!("jobs:task/{name}@1.0.0");
        let mut imports: Vec<String> = ["context", "http", "log", "mail", "progress"].map(import).to_vec();
        imports.push("wasi:io/poll@0.2.6".to_owned());
        Inspection {
            sha256: Digest::of(b"x"),
            size_bytes: 1_536,
            imports,
            capabilities: BTreeSet::from([Capability::Http, Capability::Mail]),
            tasks: vec![TaskDescription {
                name: "report".parse().expect("a name"),
                description: format!("Makes a report.\x1b[2J {}\nMore.", "Very long. ".repeat(9)),
                input_schema: Some("{\"type\": \"object\"}".to_owned()),
                output_schema: None,
                limits: LimitOverrides::default(),
                max_attempts: None,
            }],
            code: CodeOrigin::Compiled,
            compile_ms: 812,
        }
    }

    fn shown<T>(show: impl FnOnce(&Checked<'_>) -> T) -> T {
        let inspection = inspection();
        let manifests = inspection
            .manifests(&Grants::default(), &LimitOverrides::default(), false, &PLATFORM_MAX)
            .expect("the defaults are allowed");
        let flavour = Flavour { metered: true, deterministic: false };
        show(&Checked::of(Path::new("report.wasm"), &inspection, &manifests, flavour))
    }

    #[test]
    fn a_component_is_told_in_full_within_eighty_columns() {
        let text = shown(|shown| checked(&View::default(), shown));

        for expected in [
            "report.wasm is fine\n",
            "  size           1.5 KiB\n",
            "  code           compiled in 812 ms, metered\n",
            "  grants needed  --allow-http HOST --allow-mail\n",
            "\nreport\n  description    Makes a report.\\u{1b}[2J Very long. ",
            "\n  schemas        input\n",
            "fuel 50,000,000,000, memory 128 MiB, ",
            "http-bytes 64 MiB\n",
            "  attempts       at most 5\n",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn programs_get_each_fact_under_its_name() {
        let json = shown(|shown| serde_json::to_value(shown).expect("JSON"));

        assert_eq!(json["grants_needed"], serde_json::json!(["--allow-http HOST", "--allow-mail"]));
        assert_eq!((&json["code"], &json["compile_ms"]), (&"compiled".into(), &812.into()));
        let task = &json["tasks"][0];
        assert_eq!((&task["task"], &task["input_schema"]["type"]), (&"report".into(), &"object".into()));
        assert_eq!(task["limits"]["http_bytes"], 64 << 20);
    }
}
