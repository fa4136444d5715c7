//! Tasks and their versions, as JSON and for people.

use std::collections::BTreeMap;

use model::limits::Limits;
use model::units::show_size;
use rpc::v1;
use serde::Serialize;
use serde_json::value::RawValue;

use super::escape;
use super::job_text::{first_line, short};
use super::json::{pretty, raw};
use super::table::table_with_prose;
use super::time::{Times, rfc3339};
use super::view::View;

/// What `task publish` answers for each task.
#[derive(Debug, Serialize)]
pub(crate) struct Published<'a> {
    task: &'a str,
    /// None for a plan.
    version: Option<u32>,
    sha256: &'a str,
    size_bytes: u64,
    unchanged: bool,
    imports: &'a [String],
    grants: Grants<'a>,
    limits: Limits,
    deterministic: bool,
    compile_ms: u64,
    changes: &'a [String],
    active: bool,
}

/// A task version.
#[derive(Debug, Serialize)]
pub(crate) struct Version<'a> {
    task: &'a str,
    version: u32,
    sha256: &'a str,
    size_bytes: u64,
    description: &'a str,
    input_schema: Option<&'a RawValue>,
    output_schema: Option<&'a RawValue>,
    imports: &'a [String],
    grants: Grants<'a>,
    limits: Limits,
    deterministic: bool,
    max_attempts: u32,
    created_at: Option<String>,
    active: bool,
}

/// A task as it is listed.
#[derive(Debug, Serialize)]
pub(crate) struct Task<'a> {
    task: &'a str,
    latest: u32,
    active: Option<Version<'a>>,
}

#[derive(Debug, Serialize)]
struct Grants<'a> {
    http: &'a [String],
    secrets: &'a [String],
    env: BTreeMap<&'a str, &'a str>,
    mail: bool,
    enqueue: &'a [String],
}

impl<'a> Published<'a> {
    /// What became of one task; none when the answer is malformed.
    pub(crate) fn of(published: &'a v1::PublishedTask) -> Option<Self> {
        let version = published.version.as_ref()?;
        Some(Self {
            task: &version.task,
            version: Some(version.version).filter(|number| *number > 0),
            sha256: &version.sha256,
            size_bytes: version.size_bytes,
            unchanged: published.unchanged,
            imports: &version.imports,
            grants: grants(version),
            limits: version.limits.unwrap_or_default().into(),
            deterministic: version.deterministic,
            compile_ms: published.compile_ms,
            changes: &published.changes,
            active: version.active,
        })
    }
}

impl<'a> From<&'a v1::TaskVersion> for Version<'a> {
    fn from(version: &'a v1::TaskVersion) -> Self {
        Self {
            task: &version.task,
            version: version.version,
            sha256: &version.sha256,
            size_bytes: version.size_bytes,
            description: &version.description,
            input_schema: raw(version.input_schema.as_bytes()),
            output_schema: raw(version.output_schema.as_bytes()),
            imports: &version.imports,
            grants: grants(version),
            limits: version.limits.unwrap_or_default().into(),
            deterministic: version.deterministic,
            max_attempts: version.max_attempts,
            created_at: rfc3339(version.created_at.as_ref()),
            active: version.active,
        }
    }
}

impl<'a> From<&'a v1::TaskInfo> for Task<'a> {
    fn from(task: &'a v1::TaskInfo) -> Self {
        Self { task: &task.task, latest: task.latest, active: task.active.as_ref().map(Into::into) }
    }
}

fn grants(version: &v1::TaskVersion) -> Grants<'_> {
    let grants = version.grants.as_ref();
    let list = |of: fn(&v1::Grants) -> &Vec<String>| grants.map_or(&[][..], |grants| of(grants).as_slice());
    Grants {
        http: list(|grants| &grants.http),
        secrets: list(|grants| &grants.secrets),
        env: grants
            .iter()
            .flat_map(|grants| &grants.env)
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect(),
        mail: grants.is_some_and(|grants| grants.mail),
        enqueue: list(|grants| &grants.enqueue),
    }
}

/// What became of a publish, for people.
pub(crate) fn published(view: &View, plan: bool, tasks: &[v1::PublishedTask]) -> String {
    let lines = tasks.iter().filter_map(|published| {
        let version = published.version.as_ref()?;
        let what = match (published.unchanged, plan, version.version) {
            (true, ..) => format!("{}@{} is unchanged", version.task, version.version),
            (false, true, 0) => format!("{} would get a new version", version.task),
            (false, true, number) => format!("{}@{number} would be published", version.task),
            (false, false, number) => format!("published {}@{number}", version.task),
        };
        let compiled = match published.compile_ms {
            0 => "compiled before".to_owned(),
            ms => format!("compiled in {ms} ms"),
        };
        let size = show_size(version.size_bytes);
        let facts = format!("(sha256 {}, {size}, {compiled})", short(&version.sha256));
        let mut text = format!("{} {}", view.paint.bold(&escape::line(&what)), view.paint.dim(&facts));
        if !plan && !version.active {
            let promote = format!("\n  not what `{}` means: it was not promoted", version.task);
            text.push_str(&escape::block(&promote));
        }
        for change in &published.changes {
            text.push_str(&format!("\n  {}", escape::line(change)));
        }
        Some(text)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Tasks in a table.
pub(crate) fn tasks(view: &View, times: Times, tasks: &[v1::TaskInfo]) -> String {
    if tasks.is_empty() {
        return "no tasks: `jobctl task publish FILE.wasm` publishes one".to_owned();
    }
    let rows = tasks.iter().map(|task| {
        let active = task.active.as_ref();
        [
            task.task.clone(),
            active.map(|version| version.version.to_string()).unwrap_or_default(),
            task.latest.to_string(),
            active.map(|version| show_size(version.size_bytes)).unwrap_or_default(),
            times.at(active.and_then(|version| version.created_at.as_ref())),
            active.map(|version| first_line(&version.description).to_owned()).unwrap_or_default(),
        ]
    });
    table_with_prose(view, ["TASK", "ACTIVE", "LATEST", "SIZE", "PUBLISHED", "DESCRIPTION"], rows)
}

/// Versions in a table.
pub(crate) fn versions(view: &View, times: Times, versions: &[v1::TaskVersion]) -> String {
    let rows = versions.iter().map(|version| {
        [
            format!("{}@{}", version.task, version.version),
            if version.active { "yes".to_owned() } else { "no".to_owned() },
            short(&version.sha256).to_owned(),
            show_size(version.size_bytes),
            times.at(version.created_at.as_ref()),
            grants_line(version),
        ]
    });
    table_with_prose(view, ["VERSION", "ACTIVE", "SHA256", "SIZE", "PUBLISHED", "GRANTS"], rows)
}

/// A version in full.
pub(crate) fn version(view: &View, times: Times, version: &v1::TaskVersion) -> String {
    let active = if version.active { " (active)" } else { "" };
    let mut facts = vec![
        ("task", format!("{}@{}{active}", version.task, version.version)),
        ("description", first_line(&version.description).to_owned()),
        ("sha256", version.sha256.clone()),
        ("size", show_size(version.size_bytes)),
        ("published", times.at(version.created_at.as_ref())),
        ("grants", grants_line(version)),
        ("attempts", format!("at most {}", version.max_attempts)),
        ("imports", imports_line(&version.imports)),
    ];
    if version.deterministic {
        facts.push(("deterministic", "the same floating point on every processor".to_owned()));
    }
    facts.extend(Limits::from(version.limits.unwrap_or_default()).shown());
    let mut text = String::new();
    for (name, value) in facts {
        text.push_str(&format!("{}  {}\n", view.paint.dim(&format!("{name:<14}")), escape::line(&value)));
    }
    for (name, schema) in [("input schema", &version.input_schema), ("output schema", &version.output_schema)]
    {
        if !schema.is_empty() {
            let shown = escape::json(&pretty(schema)).replace('\n', "\n  ");
            text.push_str(&format!("\n{}\n  {shown}\n", view.paint.bold(name)));
        }
    }
    text
}

/// Our own interfaces by name; what every language's run-time imports is only counted.
pub(crate) fn imports_line(imports: &[String]) -> String {
    let (ours, others): (Vec<_>, Vec<_>) =
        imports.iter().map(String::as_str).partition(|import| import.starts_with("jobs:"));
    match others.len() {
        0 if ours.is_empty() => "none".to_owned(),
        0 => ours.join(" "),
        count if ours.is_empty() => format!("{count} of WASI"),
        count => format!("{} and {count} of WASI", ours.join(" ")),
    }
}

fn grants_line(version: &v1::TaskVersion) -> String {
    let grants = grants(version);
    let mut parts = Vec::new();
    if grants.mail {
        parts.push("mail".to_owned());
    }
    parts.extend(grants.http.iter().map(|host| format!("http:{host}")));
    parts.extend(grants.secrets.iter().map(|name| format!("secret:{name}")));
    parts.extend(grants.enqueue.iter().map(|task| format!("enqueue:{task}")));
    parts.extend(grants.env.keys().map(|key| format!("env:{key}")));
    if parts.is_empty() { "none".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn answer() -> v1::PublishedTask {
        v1::PublishedTask {
            version: Some(v1::TaskVersion {
                task: "report".to_owned(),
                version: 2,
                grants: Some(v1::Grants { mail: true, ..v1::Grants::default() }),
                active: true,
                ..v1::TaskVersion::default()
            }),
            unchanged: false,
            compile_ms: 12,
            changes: vec!["grants: mail is new \x1b[2J".to_owned()],
        }
    }

    #[test]
    fn a_published_task_has_every_field_of_the_contract() {
        let answer = answer();

        let shown = serde_json::to_value(Published::of(&answer).expect("a version")).expect("JSON");

        for field in [
            "task",
            "version",
            "sha256",
            "size_bytes",
            "unchanged",
            "imports",
            "grants",
            "limits",
            "deterministic",
            "compile_ms",
        ] {
            assert!(shown.get(field).is_some(), "{field} in {shown}");
        }
        assert_eq!(shown["grants"]["mail"], true);
        assert_eq!(shown["version"], 2);
    }

    #[test]
    fn a_version_tells_each_of_its_limits() {
        let limits = v1::Limits::from(Limits { fuel: None, ..Limits::default() });
        let version =
            v1::TaskVersion { limits: Some(limits), deterministic: true, ..v1::TaskVersion::default() };
        let times = Times { style: crate::args::TimeStyle::Iso, now: chrono::DateTime::UNIX_EPOCH };

        let json = serde_json::to_value(Version::from(&version)).expect("JSON");
        let text = super::version(&View::default(), times, &version);

        assert_eq!(
            (&json["limits"]["fuel"], &json["limits"]["host_calls"]),
            (&Value::Null, &Value::from(100_000))
        );
        assert_eq!(json["limits"].as_object().map(serde_json::Map::len), Some(10));
        assert_eq!(json["deterministic"], true);
        for line in [
            "fuel            unlimited\n",
            "table-elements  200,000\n",
            "http-bytes      64 MiB\n",
            "deterministic  ",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }

    #[test]
    fn a_plan_has_no_version_yet() {
        let mut answer = answer();
        answer.version.as_mut().expect("a version").version = 0;

        let shown = serde_json::to_value(Published::of(&answer).expect("a version")).expect("JSON");

        assert_eq!(shown["version"], Value::Null);
        assert!(published(&View::default(), true, &[answer]).starts_with("report would get a new version"));
    }

    #[test]
    fn what_changed_is_said_a_line_each() {
        let shown = published(&View::default(), false, &[answer()]);

        assert!(shown.starts_with("published report@2 ("), "{shown}");
        assert!(shown.ends_with("\n  grants: mail is new \\u{1b}[2J"), "{shown}");
    }
}
