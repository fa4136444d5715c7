//! Which imports a component may have, and what it must export.

use std::collections::BTreeSet;

use model::grants::Capability;

use crate::compile::precheck::Outline;
use crate::inspection::{Refusal, RefusalKind};

/// Interfaces of `jobs:task` that every component may import.
const OURS: [&str; 6] = ["context", "log", "progress", "checkpoint", "config", "files"];

/// Interfaces of WASI 0.2 that are linked. Languages import them whether they use them or not; behind them is
/// nothing but clocks, random numbers and the job's log: no files, no environment, no network.
const WASI: [(&str, &[&str]); 6] = [
    (
        "cli",
        &[
            "environment",
            "exit",
            "stdin",
            "stdout",
            "stderr",
            "terminal-input",
            "terminal-output",
            "terminal-stdin",
            "terminal-stdout",
            "terminal-stderr",
        ],
    ),
    ("io", &["error", "poll", "streams"]),
    ("clocks", &["wall-clock", "monotonic-clock"]),
    ("random", &["random", "insecure", "insecure-seed"]),
    ("filesystem", &["types", "preopens"]),
    (
        "sockets",
        &[
            "network",
            "instance-network",
            "tcp",
            "tcp-create-socket",
            "udp",
            "udp-create-socket",
            "ip-name-lookup",
        ],
    ),
];

/// What a component must export, without the version.
const GUEST: &str = "jobs:task/guest";

/// Checks names and versions; the types are checked when the component is linked and instantiated.
pub(super) fn check(outline: &Outline) -> Result<BTreeSet<Capability>, Refusal> {
    let mut capabilities = BTreeSet::new();
    for import in &outline.imports {
        capabilities.extend(check_import(import)?);
    }
    let guests: Vec<&str> = outline
        .exports
        .iter()
        .filter_map(|export| export.split_once('@'))
        .filter(|(name, _)| *name == GUEST)
        .map(|(_, version)| version)
        .collect();
    match guests.as_slice() {
        [version] if is_major(version, "1") => Ok(capabilities),
        [version] => Err(refuse(format!("exports {GUEST}@{version}; this platform speaks jobs:task 1.0"))),
        _ => Err(Refusal {
            kind: RefusalKind::Malformed,
            message: format!("does not export {GUEST}@1.0.0, so it is not a task"),
            hint: Some("build it for the world `task` of wit/task.wit, or with the task SDK".to_owned()),
        }),
    }
}

/// A refusal by policy.
pub(super) fn refuse(message: String) -> Refusal {
    Refusal { kind: RefusalKind::Policy, message, hint: None }
}

fn check_import(import: &str) -> Result<Option<Capability>, Refusal> {
    let unknown = |hint: Option<&str>| Refusal {
        kind: RefusalKind::Policy,
        message: format!("imports {import}, which this platform does not offer"),
        hint: hint.map(str::to_owned),
    };
    let Some((package, interface, version)) = parse(import) else {
        return Err(unknown(None));
    };
    if package == "jobs:task" {
        let capability = Capability::ALL.into_iter().find(|capability| capability.interface() == interface);
        if capability.is_none() && !OURS.contains(&interface) {
            return Err(unknown(Some("wit/task.wit lists all interfaces")));
        }
        if !is_major(version, "1") {
            return Err(refuse(format!("imports {import}; this platform speaks jobs:task 1.0")));
        }
        return Ok(capability);
    }
    if package == "wasi:http" {
        return Err(unknown(Some("import jobs:task/http instead, and publish with --allow-http HOST")));
    }
    let linked = package
        .strip_prefix("wasi:")
        .and_then(|name| WASI.iter().find(|(known, _)| *known == name))
        .is_some_and(|(_, interfaces)| interfaces.contains(&interface));
    if !linked {
        return Err(unknown(None));
    }
    if !version.starts_with("0.2.") {
        return Err(unknown(Some("of WASI, the versions 0.2 are offered")));
    }
    Ok(None)
}

/// `package:name/interface@version`.
fn parse(import: &str) -> Option<(&str, &str, &str)> {
    let (name, version) = import.split_once('@')?;
    let (package, interface) = name.split_once('/')?;
    Some((package, interface, version))
}

fn is_major(version: &str, major: &str) -> bool {
    version.split('.').next() == Some(major)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(imports: &[&str], exports: &[&str]) -> Outline {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Outline { imports: owned(imports), exports: owned(exports) }
    }

    #[test]
    fn an_import_that_is_not_offered_is_refused_by_its_name() {
        for import in [
            "wasi:http/outgoing-handler@0.2.3",
            "wasi:keyvalue/store@0.2.0",
            "wasi:cli/environment@0.3.0",
            "jobs:task/disk@1.0.0",
            "jobs:task/log@2.0.0",
            "evil:a/b@1.0.0",
            "plain-name",
        ] {
            let refusal = check(&outline(&[import], &["jobs:task/guest@1.0.0"])).expect_err(import);
            assert!(refusal.kind == RefusalKind::Policy && refusal.message.contains(import), "{refusal}");
        }
    }

    #[test]
    fn imports_say_which_capabilities_are_asked_for() {
        let imports = ["wasi:cli/stdout@0.2.12", "jobs:task/http@1.0.0", "jobs:task/queue@1.3.0"];

        let asked = check(&outline(&imports, &["jobs:task/guest@1.0.0", "init"]));

        assert_eq!(asked, Ok(BTreeSet::from([Capability::Http, Capability::Enqueue])));
    }

    #[test]
    fn what_is_not_a_task_is_told_so() {
        let refusal = check(&outline(&[], &["wasi:cli/run@0.2.0"])).expect_err("no guest");

        assert!(refusal.message.contains("jobs:task/guest@1.0.0"), "{refusal}");
    }
}
