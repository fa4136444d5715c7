//! What publish learns about a component before it is stored.

use std::collections::BTreeSet;

use model::attempt::CodeOrigin;
use model::grants::{Capability, Grants};
use model::id::Digest;
use model::limits::{LimitOverrides, Limits};
use model::task::{Manifest, TaskDescription};

/// A component that was parsed, validated, compiled and asked to describe itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The digest of its bytes.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Interfaces it imports, as `package:name/interface@version`, sorted.
    pub imports: Vec<String>,
    /// The capabilities of which it imports a function.
    pub capabilities: BTreeSet<Capability>,
    /// The tasks it describes; at least one.
    pub tasks: Vec<TaskDescription>,
    /// Where its compiled code came from.
    pub code: CodeOrigin,
    /// How long the compiler took, in milliseconds; 0 when it was compiled before.
    pub compile_ms: u64,
}

impl Inspection {
    /// Whether everything that is imported was granted.
    ///
    /// # Errors
    /// Names the imports that no grant covers, and how to grant them.
    pub fn covered(&self, grants: &Grants) -> Result<(), Refusal> {
        let missing: Vec<Capability> =
            self.capabilities.iter().copied().filter(|capability| !grants.has(*capability)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let named: Vec<&str> = missing
            .iter()
            .map(|capability| {
                let interface = format!("jobs:task/{}@", capability.interface());
                let import = self.imports.iter().find(|import| import.starts_with(&interface));
                import.map_or(capability.interface(), String::as_str)
            })
            .collect();
        let flags: Vec<&str> = missing.iter().map(|capability| capability.flag()).collect();
        Err(Refusal {
            kind: RefusalKind::Policy,
            message: format!("imports {}, which is not granted", named.join(" and ")),
            hint: Some(format!("grant it: {}", flags.join(" "))),
        })
    }

    /// What a version of each task is made of, in the order of [`Inspection::tasks`]. Its limits are the platform's
    /// defaults, over them those that the task describes, over them `overrides`.
    ///
    /// # Errors
    /// Names the first limit that is nought or over `max`, the most that the operator allows.
    pub fn manifests(
        &self,
        grants: &Grants,
        overrides: &LimitOverrides,
        deterministic: bool,
        max: &Limits,
    ) -> Result<Vec<Manifest>, Refusal> {
        self.tasks.iter().map(|task| self.manifest(task, grants, overrides, deterministic, max)).collect()
    }

    fn manifest(
        &self,
        task: &TaskDescription,
        grants: &Grants,
        overrides: &LimitOverrides,
        deterministic: bool,
        max: &Limits,
    ) -> Result<Manifest, Refusal> {
        let limits = Limits::default().capped(max).with(&task.limits).with(overrides);
        limits.check(max, "the platform's").map_err(|invalid| Refusal {
            kind: RefusalKind::Policy,
            message: format!("task {}: {invalid}", task.name),
            hint: Some("ask for less at publish, or ask the operator for a higher maximum".to_owned()),
        })?;
        Ok(Manifest {
            description: task.clone(),
            imports: self.imports.clone(),
            grants: grants.clone(),
            limits,
            deterministic,
        })
    }
}

/// Why a component cannot be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// At whose door it lies.
    pub kind: RefusalKind,
    /// One line that names what is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// At whose door a refusal lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The component's: it is malformed, or does not do what the contract says.
    Malformed,
    /// A policy's: a limit, or an import that no grant covers.
    Policy,
    /// The machine's: it could not be checked now. Another try may help.
    Fault,
}

#[cfg(test)]
mod tests {
    use model::limits::{FuelChoice, PLATFORM_MAX};

    use super::*;

    fn inspection() -> Inspection {
        let limits = LimitOverrides { memory_bytes: Some(64 << 20), ..LimitOverrides::default() };
        let task = TaskDescription {
            name: "report".parse().expect("a name"),
            description: String::new(),
            input_schema: None,
            output_schema: None,
            limits,
            max_attempts: None,
        };
        Inspection {
            sha256: Digest::of(b"report"),
            size_bytes: 6,
            imports: vec!["jobs:task/http@1.0.0".to_owned(), "jobs:task/mail@1.0.0".to_owned()],
            capabilities: BTreeSet::from([Capability::Http, Capability::Mail]),
            tasks: vec![task],
            code: CodeOrigin::Compiled,
            compile_ms: 1,
        }
    }

    #[test]
    fn an_import_that_no_grant_covers_is_named_with_its_flag() {
        let grants = Grants { mail: true, ..Grants::default() };

        let refusal = inspection().covered(&grants).expect_err("http is not granted");

        assert_eq!(refusal.kind, RefusalKind::Policy);
        assert_eq!(refusal.message, "imports jobs:task/http@1.0.0, which is not granted");
        assert!(refusal.hint.is_some_and(|hint| hint.contains("--allow-http")));
        let http = vec!["api.example.com".parse().expect("a grant")];
        assert_eq!(inspection().covered(&Grants { http, ..grants }), Ok(()));
    }

    #[test]
    fn limits_are_defaults_then_what_the_task_says_then_what_the_publisher_says() {
        let overrides = LimitOverrides {
            fuel: Some(FuelChoice::Unlimited),
            timeout_ms: Some(7),
            ..LimitOverrides::default()
        };

        let manifests =
            inspection().manifests(&Grants::default(), &overrides, true, &PLATFORM_MAX).expect("it fits");

        let limits = &manifests[0].limits;
        assert_eq!((limits.fuel, limits.timeout_ms, limits.memory_bytes), (None, 7, 64 << 20));
        assert_eq!(limits.host_calls, Limits::default().host_calls);
        assert!(manifests[0].deterministic);
    }

    #[test]
    fn what_is_over_the_operators_maximum_is_refused_by_name_and_a_default_is_lowered() {
        let max = Limits { memory_bytes: 32 << 20, timeout_ms: 1_000, ..PLATFORM_MAX };
        let manifests = |overrides| inspection().manifests(&Grants::default(), &overrides, false, &max);

        let refusal = manifests(LimitOverrides::default()).expect_err("the task wants 64 MiB");
        let lower = LimitOverrides { memory_bytes: Some(16 << 20), ..LimitOverrides::default() };
        let limits = manifests(lower).expect("it fits").remove(0).limits;

        assert_eq!(refusal.message, "task report: memory: 64 MiB is over the platform's limit of 32 MiB");
        assert_eq!(limits.timeout_ms, 1_000);
    }
}
