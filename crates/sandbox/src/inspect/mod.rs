//! What publish learns about a component: whether it may be stored, and what it says of itself.

mod description;
mod policy;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use model::bounds::TASKS_PER_COMPONENT_MAX;
use model::grants::{Capability, Grants};
use model::id::{Digest, JobId};
use model::job::{LogLine, Progress};
use model::json::Json;
use model::limits::Limits;
use model::name::{Namespace, QueueKey, QueueName};
use model::retry::Ending;
use model::task::TaskDescription;

use wasmtime::component::types::ComponentItem;

use crate::cache::{Key, LoadError, Loaded, Loader};
use crate::capabilities::{
    Capabilities, ChildJob, HttpError, HttpRequest, HttpResponse, MailError, MailMessage,
};
use crate::compile::precheck;
use crate::engine::Flavour;
use crate::execution::{Invocation, JobContext, StopHandle};
use crate::inspection::{Inspection, Refusal, RefusalKind};
use crate::run::{Answer, Call, call};
use crate::source::ComponentSource;
use crate::state::State;
use crate::ticker::Ticker;

/// Fuel for `describe`: about a second of computing. Start-up code of Go and JavaScript takes 3 million.
const DESCRIBE_FUEL: u64 = 1_000_000_000;

/// Memory for `describe`: CPython with its standard library needs 60 MiB.
const DESCRIBE_MEMORY_BYTES: u64 = 256 << 20;

/// Time for `describe`; publish waits for it.
const DESCRIBE_TIMEOUT_MS: u64 = 10_000;

/// Parses, validates, compiles and describes.
pub(crate) async fn inspect(
    loader: &Loader,
    ticker: &Ticker,
    bytes: Vec<u8>,
    flavour: Flavour,
) -> Result<Inspection, Refusal> {
    let size_bytes = bytes.len() as u64;
    let look = move || {
        let outline = precheck::check(&bytes)?;
        let capabilities = policy::check(&outline)?;
        Ok((Digest::of(&bytes), outline, capabilities, bytes))
    };
    let (sha256, outline, capabilities, bytes) = unless_broken(tokio::task::spawn_blocking(look).await)?;
    let mut imports = outline.imports;
    imports.sort();
    imports.dedup();
    let key = Key { sha256, flavour };
    let (loaded, load) = loader.load(key, &AtHand(bytes)).await.map_err(|error| match error {
        LoadError::Refused(refusal) => refusal,
        LoadError::Altered(message) | LoadError::Unavailable(message) => {
            Refusal { kind: RefusalKind::Fault, message, hint: None }
        }
    })?;
    let capabilities = called(capabilities, &loaded);
    let tasks = describe(&loaded, ticker, key).await?;
    let (code, compile_ms) = (load.origin, load.compile_ms);
    Ok(Inspection { sha256, size_bytes, imports, capabilities, tasks, code, compile_ms })
}

/// The capabilities of which the component imports a function. One of which it imports types alone it cannot use: those
/// of `secrets` come along with every import of `http`.
fn called(mut capabilities: BTreeSet<Capability>, loaded: &Loaded) -> BTreeSet<Capability> {
    let component = loaded.pre.instance_pre().component();
    let engine = component.engine();
    let component = component.component_type();
    let mut interfaces = BTreeSet::new();
    for (name, import) in component.imports(engine) {
        let ComponentItem::ComponentInstance(instance) = import.ty else { continue };
        if instance.exports(engine).any(|(_, export)| matches!(export.ty, ComponentItem::ComponentFunc(_))) {
            interfaces.insert(name.split('@').next().unwrap_or(name).to_owned());
        }
    }
    capabilities.retain(|capability| interfaces.contains(&format!("jobs:task/{}", capability.interface())));
    capabilities
}

async fn describe(loaded: &Loaded, ticker: &Ticker, key: Key) -> Result<Vec<TaskDescription>, Refusal> {
    let mut invocation = asking(key);
    let (_handle, stop) = StopHandle::pair();
    let state = State::new(&mut invocation, Arc::new(Nothing), stop.clone());
    let called = call(&loaded.pre, ticker, state, stop, Call::Describe).await;
    let said = match called.answer {
        Ok(Answer::Describe(said)) => said,
        Ok(Answer::Run(_)) => return Err(refuse("answered a question that was not asked")),
        Err(end) => {
            let Ending::Failed { failure, .. } = end.ending else {
                return Err(refuse("was stopped while it described itself"));
            };
            // A refusal is one line: what happened, and the innermost function.
            let said = failure.to_string();
            let said: Vec<_> = said.lines().take(2).map(str::trim).collect();
            return Err(Refusal {
                kind: RefusalKind::Malformed,
                message: format!("could not describe its tasks: {}", said.join(" ")),
                hint: Some("`describe` runs without any capability and with small limits".to_owned()),
            });
        }
    };
    if said.is_empty() {
        return Err(refuse("describes no task"));
    }
    if said.len() > TASKS_PER_COMPONENT_MAX {
        let seen = said.len();
        return Err(policy::refuse(format!(
            "describes {seen} tasks; a component has at most {TASKS_PER_COMPONENT_MAX}"
        )));
    }
    let check = move || description::check_all(said);
    unless_broken(tokio::task::spawn_blocking(check).await)
}

fn unless_broken<T>(done: Result<Result<T, Refusal>, tokio::task::JoinError>) -> Result<T, Refusal> {
    done.unwrap_or_else(|error| {
        let message = format!("could not be checked: {error}");
        Err(Refusal { kind: RefusalKind::Fault, message, hint: None })
    })
}

fn refuse(message: &str) -> Refusal {
    Refusal { kind: RefusalKind::Malformed, message: message.to_owned(), hint: None }
}

/// The invocation that `describe` runs under; it is no job, so it has an id of noughts.
fn asking(key: Key) -> Invocation {
    let Key { sha256, flavour } = key;
    let queue = QueueKey { namespace: Namespace::default(), queue: QueueName::default() };
    Invocation {
        sha256,
        task: "describe".parse().expect("it is a name"),
        payload: Json::default(),
        context: JobContext { job: JobId(uuid::Uuid::nil()), queue, attempt: 1, max_attempts: 1 },
        limits: Limits {
            // Without metering, deadline and memory bound it.
            fuel: flavour.metered.then_some(DESCRIBE_FUEL),
            memory_bytes: DESCRIBE_MEMORY_BYTES,
            timeout_ms: DESCRIBE_TIMEOUT_MS,
            ..Limits::default()
        },
        deterministic: flavour.deterministic,
        grants: Grants::default(),
        checkpoint: None,
    }
}

/// The bytes that are inspected.
struct AtHand(Vec<u8>);

#[async_trait]
impl ComponentSource for AtHand {
    async fn fetch(&self, _sha256: Digest) -> anyhow::Result<Vec<u8>> {
        Ok(self.0.clone())
    }
}

/// What a component may do while it describes itself.
pub(crate) struct Nothing;

const WHY_NOT: &str = "`describe` runs without any capability";

#[async_trait]
impl Capabilities for Nothing {
    fn log(&self, _line: LogLine) {}

    fn progress(&self, _progress: Progress) {}

    fn lease_held(&self) -> bool {
        true
    }

    async fn save_checkpoint(&self, _data: Vec<u8>) -> Result<(), String> {
        Err(WHY_NOT.to_owned())
    }

    async fn enqueue(&self, _child: ChildJob) -> Result<JobId, String> {
        Err(WHY_NOT.to_owned())
    }

    async fn send_mail(&self, _message: MailMessage, _call: u32) -> Result<String, MailError> {
        Err(MailError::Refused(WHY_NOT.to_owned()))
    }

    async fn http(&self, _request: HttpRequest) -> Result<HttpResponse, HttpError> {
        Err(HttpError::Denied(WHY_NOT.to_owned()))
    }

    fn has_secret(&self, _name: &str) -> bool {
        false
    }
}
