//! What a version differs in from the one before, a line each.

use std::collections::BTreeSet;

use model::grants::Grants;
use model::task::TaskVersion;
use model::units::show_size;

/// The lines; none when nothing differs.
pub(super) fn changes(before: &TaskVersion, now: &TaskVersion) -> Vec<String> {
    let (old, new) = (&before.manifest, &now.manifest);
    let mut lines = Vec::new();
    sets(&mut lines, "grant", &grants(&old.grants), &grants(&new.grants));
    sets(
        &mut lines,
        "import",
        &old.imports.iter().cloned().collect(),
        &new.imports.iter().cloned().collect(),
    );
    for ((what, from), (_, to)) in old.limits.shown().into_iter().zip(new.limits.shown()) {
        value(&mut lines, &format!("limit {what}"), &from, &to);
    }
    let yes_or_no = |yes| if yes { "yes" } else { "no" };
    value(&mut lines, "deterministic", yes_or_no(old.deterministic), yes_or_no(new.deterministic));
    let (from, to) = (&old.description, &new.description);
    let attempts = |attempts: Option<u32>| attempts.map_or("default".to_owned(), |n| n.to_string());
    value(&mut lines, "max attempts", &attempts(from.max_attempts), &attempts(to.max_attempts));
    for (what, changed) in [
        ("description", from.description != to.description),
        ("input schema", from.input_schema != to.input_schema),
        ("output schema", from.output_schema != to.output_schema),
    ] {
        if changed {
            lines.push(format!("{what} changed"));
        }
    }
    if before.sha256 != now.sha256 {
        let short = |version: &TaskVersion| version.sha256.to_string()[..12].to_owned();
        lines.push(format!("code {} -> {}", short(before), short(now)));
        value(&mut lines, "size", &show_size(before.size_bytes), &show_size(now.size_bytes));
    }
    lines
}

fn sets(lines: &mut Vec<String>, what: &str, from: &BTreeSet<String>, to: &BTreeSet<String>) {
    lines.extend(to.difference(from).map(|one| format!("{what} + {one}")));
    lines.extend(from.difference(to).map(|one| format!("{what} - {one}")));
}

fn value(lines: &mut Vec<String>, what: &str, from: &str, to: &str) {
    if from != to {
        lines.push(format!("{what} {from} -> {to}"));
    }
}

fn grants(grants: &Grants) -> BTreeSet<String> {
    let http = grants.http.iter().map(|host| format!("http {host}"));
    let secrets = grants.secrets.iter().map(|name| format!("secret {name}"));
    let env = grants.env.iter().map(|(name, value)| format!("env {name}={value}"));
    let tasks = grants.enqueue.iter().map(|task| format!("enqueue {task}"));
    let mail = grants.mail.then(|| "mail".to_owned());
    http.chain(secrets).chain(env).chain(tasks).chain(mail).collect()
}

#[cfg(test)]
mod tests {
    use model::id::{Digest, VersionId};
    use model::limits::{LimitOverrides, Limits};
    use model::name::Namespace;
    use model::task::{Manifest, TaskDescription};

    use super::*;

    fn version() -> TaskVersion {
        let description = TaskDescription {
            name: "report".parse().expect("a name"),
            description: String::new(),
            input_schema: None,
            output_schema: None,
            limits: LimitOverrides::default(),
            max_attempts: None,
        };
        TaskVersion {
            id: VersionId(1),
            namespace: Namespace::default(),
            task: "report".parse().expect("a name"),
            version: 1,
            sha256: Digest::of(b"one"),
            size_bytes: 2_048,
            manifest: Manifest {
                description,
                imports: vec!["jobs:task/log@1.0.0".to_owned()],
                grants: Grants { mail: true, ..Grants::default() },
                limits: Limits::default(),
                deterministic: false,
            },
            created_at: chrono::DateTime::UNIX_EPOCH,
            active: true,
        }
    }

    #[test]
    fn each_difference_is_a_line() {
        let before = version();
        let mut now = version();
        now.manifest.grants = Grants { secrets: vec!["TOKEN".to_owned()], ..Grants::default() };
        now.manifest.imports.push("jobs:task/secrets@1.0.0".to_owned());
        now.manifest.limits.memory_bytes = 256 << 20;
        now.manifest.limits.http_requests = 5;
        now.manifest.deterministic = true;
        now.manifest.description.input_schema = Some("{}".to_owned());
        now.size_bytes = 4_096;
        now.sha256 = Digest::of(b"two");

        let lines = changes(&before, &now);

        for expected in [
            "grant + secret TOKEN",
            "grant - mail",
            "import + jobs:task/secrets@1.0.0",
            "limit memory 128 MiB -> 256 MiB",
            "limit http-requests 1,000 -> 5",
            "deterministic no -> yes",
            "input schema changed",
            "size 2 KiB -> 4 KiB",
        ] {
            assert!(lines.iter().any(|line| line == expected), "{expected} is not in {lines:?}");
        }
        assert_eq!(lines.len(), 9, "{lines:?}");
        assert!(changes(&before, &before).is_empty());
    }
}
