//! Publish: receive, inspect, hold against grants and limits, store, tell what changed.

use broker::Signal;
use model::grants::{Capability, Grants};
use model::id::VersionId;
use model::limits::{FuelChoice, LimitOverrides, Limits, PLATFORM_MAX};
use model::name::{Namespace, TaskName};
use model::task::{Manifest, TaskDescription, TaskVersion};
use rpc::{Code, Error, v1};
use sandbox::{Inspection, Refusal, RefusalKind};
use store::{Publish, PublishTask, Published};
use tokio::sync::{Semaphore, SemaphorePermit};
use tonic::Streaming;

use super::{Api, changes, namespace, upload};
use crate::answer::{STORE_DEADLINE, ask, refusal, within};
use crate::schema::Schema;

/// Grants of one kind; a task that needs more is several tasks.
const GRANTS_MAX: usize = 64;

/// Longest name or value of a grant, in bytes: Linux's limit for one environment string is 128 KiB, a
/// configuration value has a line or two.
const GRANT_BYTES_MAX: usize = 4 << 10;

/// What the caller asks for besides the component.
struct Wish {
    namespace: Namespace,
    grants: Grants,
    limits: LimitOverrides,
    promote: bool,
    plan: bool,
}

/// Receives a component and stores a version of each of its tasks.
pub(super) async fn publish(
    api: &Api,
    mut stream: Streaming<v1::PublishRequest>,
) -> Result<v1::PublishResponse, Error> {
    let header = upload::header(&mut stream).await?;
    let declared = header.size_bytes;
    let wish = read(header)?;
    let received = permit(&api.uploads).await?;
    let bytes = upload::bytes(&mut stream, declared).await?;
    let inspection = {
        let _one_of_two = permit(&api.inspections).await?;
        api.sandbox.inspect(bytes.clone()).await.map_err(refused)?
    };
    covered(&inspection, &wish.grants)?;
    let tasks = inspection
        .tasks
        .iter()
        .map(|task| manifest(task, &inspection, &wish))
        .collect::<Result<Vec<_>, _>>()?;
    let before = newest(api, &wish.namespace, &tasks).await?;
    let published = if wish.plan {
        plan(api, &wish.namespace, &inspection, tasks, &before)
    } else {
        let publish = Publish {
            namespace: wish.namespace.clone(),
            bytes,
            sha256: inspection.sha256,
            tasks,
            promote: wish.promote,
        };
        let published = ask(api.store.publish(publish)).await?;
        api.tasks.forget();
        api.bell.signal(Signal::Changed);
        log(&published);
        published
    };
    drop(received);
    let answers = published.into_iter().zip(before);
    Ok(v1::PublishResponse {
        tasks: answers.map(|(one, before)| answer(one, before, &inspection, wish.plan)).collect(),
    })
}

async fn permit(semaphore: &Semaphore) -> Result<SemaphorePermit<'_>, Error> {
    semaphore.acquire().await.map_err(|_| Error::new(Code::Unavailable, "this scheduler is stopping"))
}

fn read(header: v1::PublishHeader) -> Result<Wish, Error> {
    let grants = Grants::try_from(header.grants.unwrap_or_default())?;
    check_grants(&grants)?;
    let fuel = match (header.fuel, header.fuel_unlimited) {
        (Some(_), true) => return Err(invalid("fuel: say either a number or unlimited, not both")),
        (Some(units), false) => Some(FuelChoice::Units(units)),
        (None, true) => Some(FuelChoice::Unlimited),
        (None, false) => None,
    };
    let limits = LimitOverrides {
        fuel,
        memory_bytes: header.memory_bytes,
        timeout_ms: header.timeout_ms,
        output_bytes: header.output_bytes,
    };
    let asked = [
        ("fuel", header.fuel),
        ("memory", limits.memory_bytes),
        ("timeout", limits.timeout_ms),
        ("max-output", limits.output_bytes),
    ];
    if let Some((name, _)) = asked.iter().find(|(_, limit)| *limit == Some(0)) {
        return Err(invalid(format!("{name}: a limit of 0 lets nothing run")));
    }
    Ok(Wish {
        namespace: namespace(&header.namespace)?,
        grants,
        limits,
        promote: !header.no_promote,
        plan: header.plan,
    })
}

fn check_grants(grants: &Grants) -> Result<(), Error> {
    let counts = [
        ("allow-http", grants.http.len()),
        ("secret", grants.secrets.len()),
        ("env", grants.env.len()),
        ("allow-enqueue", grants.enqueue.len()),
    ];
    if let Some((flag, seen)) = counts.iter().find(|(_, seen)| *seen > GRANTS_MAX) {
        return Err(invalid(format!("{flag}: {seen} are more than the limit of {GRANTS_MAX}")));
    }
    let texts = grants.secrets.iter().map(|name| ("secret", name));
    let texts = texts.chain(grants.env.iter().flat_map(|(name, value)| [("env", name), ("env", value)]));
    for (flag, text) in texts {
        let seen = text.len();
        if seen > GRANT_BYTES_MAX || text.contains('\0') {
            let message = format!("{flag}: {seen} bytes; allowed are {GRANT_BYTES_MAX}, none of them NUL");
            return Err(invalid(message));
        }
    }
    if grants.secrets.iter().any(String::is_empty) || grants.env.keys().any(String::is_empty) {
        return Err(invalid("secret, env: a name may not be empty"));
    }
    for task in grants.enqueue.iter().filter(|task| *task != "*") {
        task.parse::<TaskName>()?;
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Code::Invalid, message)
}

fn refused(refusal: Refusal) -> Error {
    let code = match refusal.kind {
        RefusalKind::Malformed => Code::Invalid,
        RefusalKind::Policy => Code::Denied,
        RefusalKind::Fault => Code::Unavailable,
    };
    let error = Error::new(code, format!("component: {}", refusal.message));
    match refusal.hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// Whether everything that is imported was granted.
fn covered(inspection: &Inspection, grants: &Grants) -> Result<(), Error> {
    let missing: Vec<Capability> =
        inspection.capabilities.iter().copied().filter(|capability| !grants.has(*capability)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let named: Vec<&str> = missing
        .iter()
        .map(|capability| {
            let interface = format!("jobs:task/{}@", capability.interface());
            let import = inspection.imports.iter().find(|import| import.starts_with(&interface));
            import.map_or(capability.interface(), String::as_str)
        })
        .collect();
    let flags: Vec<&str> = missing.iter().map(|capability| capability.flag()).collect();
    let message = format!("component: imports {}, which is not granted", named.join(" and "));
    Err(Error::new(Code::Denied, message).hint(format!("grant it at publish: {}", flags.join(" "))))
}

fn manifest(task: &TaskDescription, inspection: &Inspection, wish: &Wish) -> Result<PublishTask, Error> {
    let limits = Limits::default().with(&task.limits).with(&wish.limits);
    limits.check(&PLATFORM_MAX).map_err(|invalid| Error::new(Code::Denied, invalid.to_string()))?;
    for (which, schema) in [("input", &task.input_schema), ("output", &task.output_schema)] {
        if let Some(Err(why)) = schema.as_deref().map(Schema::compile) {
            return Err(invalid(format!("component: the {which} schema of task {} {why}", task.name)));
        }
    }
    let manifest = Manifest {
        description: task.clone(),
        imports: inspection.imports.clone(),
        grants: wish.grants.clone(),
        limits,
    };
    Ok(PublishTask { task: task.name.clone(), manifest })
}

/// The newest version of each task, in their order.
async fn newest(
    api: &Api,
    namespace: &Namespace,
    tasks: &[PublishTask],
) -> Result<Vec<Option<TaskVersion>>, Error> {
    let mut newest = Vec::with_capacity(tasks.len());
    for task in tasks {
        newest.push(match within(STORE_DEADLINE, api.store.versions(namespace, &task.task)).await {
            Ok(versions) => versions.into_iter().next(),
            Err(store::Error::NotFound { .. }) => None,
            Err(error) => return Err(refusal(error)),
        });
    }
    Ok(newest)
}

/// What would be published.
fn plan(
    api: &Api,
    namespace: &Namespace,
    inspection: &Inspection,
    tasks: Vec<PublishTask>,
    before: &[Option<TaskVersion>],
) -> Vec<Published> {
    let planned = tasks.into_iter().zip(before).map(|(task, before)| {
        let unchanged = before
            .as_ref()
            .is_some_and(|before| before.sha256 == inspection.sha256 && before.manifest == task.manifest);
        let version = TaskVersion {
            id: VersionId(0),
            namespace: namespace.clone(),
            task: task.task,
            version: 0,
            sha256: inspection.sha256,
            size_bytes: inspection.size_bytes,
            manifest: task.manifest,
            created_at: api.clock.now(),
            active: false,
        };
        Published { version, unchanged }
    });
    planned.collect()
}

fn log(published: &[Published]) {
    for Published { version, .. } in published.iter().filter(|one| !one.unchanged) {
        let (task, number) = (version.task.as_str(), version.version);
        tracing::info!(task, version = number, sha256 = %version.sha256, "{task}@{number} was published");
    }
}

fn answer(
    published: Published,
    before: Option<TaskVersion>,
    inspection: &Inspection,
    plan: bool,
) -> v1::PublishedTask {
    let Published { version, unchanged } = published;
    let changes = match before {
        Some(before) if !unchanged => changes::changes(&before, &version),
        _ => Vec::new(),
    };
    let mut version = v1::TaskVersion::from(version);
    if plan {
        version.created_at = None;
    }
    v1::PublishedTask { version: Some(version), unchanged, compile_ms: inspection.compile_ms, changes }
}
