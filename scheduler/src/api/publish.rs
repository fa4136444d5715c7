//! Publish: receive, inspect, hold against grants and limits, store, tell what changed.

use broker::Signal;
use model::grants::Grants;
use model::id::VersionId;
use model::limits::{LimitOverrides, Limits};
use model::name::Namespace;
use model::task::{Manifest, TaskVersion};
use rpc::{Code, Error, v1};
use sandbox::{Flavour, Inspection, Refusal, RefusalKind};
use store::{Publish, PublishTask, Published};
use tonic::Streaming;

use super::{Api, changes, namespace, upload};
use crate::answer::{STORE_DEADLINE, ask, refusal, within};
use crate::limits;

/// What the caller asks for besides the component.
struct Wish {
    namespace: Namespace,
    grants: Grants,
    limits: LimitOverrides,
    deterministic: bool,
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
    let wish = read(api, header)?;
    let received = api.turn(&api.uploads, "received").await?;
    let bytes = upload::bytes(&mut stream, declared).await?;
    let inspection = inspect(api, &wish, &bytes).await?;
    let tasks = tasks(api, &wish, &inspection).map_err(refused)?;
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

/// Reads and checks the wish, before anything else of the component is taken.
fn read(api: &Api, header: v1::PublishHeader) -> Result<Wish, Error> {
    let grants = Grants::try_from(header.grants.unwrap_or_default())?;
    grants.check()?;
    let limits = limits::read(header.limits)?;
    limits::allow(&limits, &api.limits_max, "the platform's", |limit| {
        format!("ask for less; whoever runs the platform sets the most with --max-limit {limit}=…")
    })?;
    Ok(Wish {
        namespace: namespace(&header.namespace)?,
        grants,
        limits,
        deterministic: header.deterministic,
        promote: !header.no_promote,
        plan: header.plan,
    })
}

/// Compiles and describes the component as it will run.
async fn inspect(api: &Api, wish: &Wish, bytes: &[u8]) -> Result<Inspection, Error> {
    let flavour = Flavour::of(&Limits::default().with(&wish.limits), wish.deterministic);
    let _one_of_some = api.turn(&api.inspections, "inspected").await?;
    api.sandbox.inspect(bytes.to_vec(), flavour).await.map_err(refused)
}

/// The tasks of the component, when everything they import is granted and everything they ask for allowed.
fn tasks(api: &Api, wish: &Wish, inspection: &Inspection) -> Result<Vec<PublishTask>, Refusal> {
    inspection.covered(&wish.grants)?;
    let manifests = inspection.manifests(&wish.grants, &wish.limits, wish.deterministic, &api.limits_max)?;
    let task = |manifest: Manifest| PublishTask { task: manifest.description.name.clone(), manifest };
    Ok(manifests.into_iter().map(task).collect())
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
