//! `jobctl task run`: one attempt here, in the same sandbox under the same limits, without a server.

mod watch;
mod words;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use host::local::{Local, LocalConfig};
use host::{MailConfig, Network};
use model::attempt::{Outcome, StopReason};
use model::bounds::CHECKPOINT_BYTES_MAX;
use model::clock::{Clock, SystemClock};
use model::error::{ErrorKind, Failure};
use model::id::JobId;
use model::job::OutputFile;
use model::json::Json;
use model::name::{QueueKey, QueueName};
use model::retry::{Ending, MAX_ATTEMPTS_DEFAULT};
use model::task::Manifest;
use sandbox::{Execution, Invocation, JobContext, Sandbox, StopHandle};
use scheduler::Schema;
use service::Shutdown;

use self::watch::Watch;
use self::words::Words;
use super::component::{self, AtHand, Inspected};
use super::manifest::{self, Wish};
use crate::args::{Format, Run};
use crate::commands::context::Context;
use crate::commands::{files, role};
use crate::exit::{Error, Exit, Result};
use crate::show::run::{Kept, Ran};
use crate::show::used::{Loaded, used};
use crate::version::VERSION;

/// How long a task may tidy up after the first ctrl-c: enough to save what it has, and no trial for whoever waits.
const GRACE: Duration = Duration::from_secs(2);

/// What to do about a task that could not send e-mail.
const NO_MAIL: &str = "e-mail goes nowhere here: --outbox FOLDER writes it to files, --smtp-url URL sends it";

/// All that can be had before the component is looked at.
struct Plan {
    file: PathBuf,
    component: Bytes,
    cache_dir: Option<PathBuf>,
    wish: Wish,
    words: Words,
    checkpoint: Option<Vec<u8>>,
    checkpoint_file: Option<PathBuf>,
    out: Option<PathBuf>,
    mail: MailConfig,
    allow_networks: Vec<Network>,
    secrets: BTreeMap<String, String>,
}

/// Reads what there is to read, and runs.
pub(super) fn run(context: Context, run: Run) -> Result {
    let wish = manifest::wish(&run.version)?;
    let component = component::read(&run.file)?;
    let words = words::read(run.task, run.payload)?;
    let mail = match run.outbox {
        Some(folder) => role::outbox(&context, &run.outside, folder),
        None => role::mail(&context, &run.outside, None)?,
    };
    if let Some(folder) = &run.out {
        fs::create_dir_all(folder)
            .map_err(|error| Error::usage(format!("out: {} cannot be made: {error}", folder.display())))?;
    }
    let plan = Plan {
        component,
        wish,
        words,
        mail,
        allow_networks: role::networks(&context, &run.outside)?,
        secrets: role::secret_values(&context, &run.outside)?,
        checkpoint: run.checkpoint.as_deref().map(read_checkpoint).transpose()?.flatten(),
        checkpoint_file: run.checkpoint,
        file: run.file,
        cache_dir: run.cache_dir,
        out: run.out,
    };
    role::serve(see_through(context, plan))
}

/// The checkpoint in a file; none when there is no file yet.
fn read_checkpoint(path: &Path) -> Result<Option<Vec<u8>>> {
    let refused = |what: String| Error::usage(format!("checkpoint: {} {what}", path.display()));
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(format!("cannot be read: {error}"))),
    };
    let mut data = Vec::new();
    file.take(CHECKPOINT_BYTES_MAX as u64 + 1)
        .read_to_end(&mut data)
        .map_err(|error| refused(format!("cannot be read: {error}")))?;
    if data.len() > CHECKPOINT_BYTES_MAX {
        return Err(refused(format!("has more than the limit of {CHECKPOINT_BYTES_MAX} bytes")));
    }
    Ok(Some(data))
}

async fn see_through(context: Context, mut plan: Plan) -> Result {
    let cache_dir = plan.cache_dir.take();
    let inspecting = component::inspect(&context, plan.component.clone(), cache_dir, &plan.wish, true);
    let inspected = Box::pin(inspecting).await?;
    let manifest = plan.words.choose(&inspected.manifests, &plan.file)?.clone();
    check_payload(&manifest, &plan.words.payload)?;

    let job = JobId::generate(SystemClock.now());
    let watch = Arc::new(Watch::new(&context));
    let config = LocalConfig {
        job,
        version: VERSION.to_owned(),
        mail: plan.mail.clone(),
        allow_networks: std::mem::take(&mut plan.allow_networks),
        secrets: std::mem::take(&mut plan.secrets),
    };
    let told = Arc::clone(&watch);
    let local = Local::new(config, move |event| told.tell(event));
    let local = local.map_err(|error| Error::usage(format!("{error:#}")))?;
    let invocation = invocation(&context, &inspected, &manifest, &plan, job);
    let (handle, signal) = StopHandle::pair();
    let shutdown = Shutdown::on_signals(GRACE).context("listen for signals").map_err(Error::from)?;
    tokio::spawn(cancel_when_asked(shutdown, handle, Arc::clone(&inspected.sandbox), Arc::clone(&watch)));
    let source = AtHand(plan.component.clone());
    let running = inspected.sandbox.run(&source, invocation, Arc::<Local>::clone(&local), signal);
    let execution = Box::pin(running).await;
    watch.close();

    if let (Some(path), Some(data)) = (&plan.checkpoint_file, local.checkpoint()) {
        files::write(path, &data).map_err(|error| unwritten(path, &error))?;
    }
    let kept = keep(plan.out.as_deref(), &execution.files)?;
    let loaded = Loaded {
        code: inspected.inspection.code,
        compile_ms: inspected.inspection.compile_ms,
        took: inspected.took,
    };
    let ended = conclude(&context, &manifest, &execution, loaded, &kept, &watch);
    let mail_is_off = manifest.grants.mail && plan.mail == MailConfig::Off;
    ended.map_err(|error| if mail_is_off { error.hint_unless_there_is_one(NO_MAIL) } else { error })
}

/// Refuses what the server would refuse at enqueue, in the same words.
fn check_payload(manifest: &Manifest, payload: &Json) -> Result<()> {
    let said = &manifest.description;
    let Some(text) = &said.input_schema else { return Ok(()) };
    let schema = Schema::compile(text)
        .map_err(|why| Error::usage(format!("component: the input schema of task {} {why}", said.name)))?;
    schema.check(payload).map_err(|message| {
        Error::usage(message).hint("`jobctl task check FILE.wasm -o json` shows the schema")
    })
}

fn invocation(
    context: &Context,
    inspected: &Inspected,
    manifest: &Manifest,
    plan: &Plan,
    job: JobId,
) -> Invocation {
    let namespace = context.settings.namespace.clone();
    Invocation {
        sha256: inspected.inspection.sha256,
        task: manifest.description.name.clone(),
        payload: plan.words.payload.clone(),
        context: JobContext {
            job,
            queue: QueueKey { namespace, queue: QueueName::default() },
            attempt: 1,
            max_attempts: manifest.description.max_attempts.unwrap_or(MAX_ATTEMPTS_DEFAULT),
        },
        limits: manifest.limits.clone(),
        deterministic: manifest.deterministic,
        grants: manifest.grants.clone(),
        checkpoint: plan.checkpoint.clone(),
    }
}

/// The first signal lets the task see that it is to end, the second, or the end of its grace, ends it.
async fn cancel_when_asked(shutdown: Shutdown, stop: StopHandle, sandbox: Arc<Sandbox>, watch: Arc<Watch>) {
    shutdown.draining().await;
    stop.request_cancel();
    watch.say(&format!(
        "cancelling: the task may tidy up for {} s; ctrl-c again ends it at once",
        GRACE.as_secs()
    ));
    shutdown.ending().await;
    stop.stop(StopReason::Cancel);
    sandbox.wake();
}

/// Writes the files that the task made to the folder, if one was named.
fn keep<'a>(folder: Option<&Path>, made: &'a [OutputFile]) -> Result<Vec<Kept<'a>>> {
    let mut kept = Vec::with_capacity(made.len());
    for file in made {
        let path = match folder {
            Some(folder) => {
                let path = folder.join(files::plain_name(&file.name)?);
                files::write(&path, &file.bytes).map_err(|error| unwritten(&path, &error))?;
                Some(path)
            }
            None => None,
        };
        kept.push(Kept::of(file, path));
    }
    Ok(kept)
}

fn unwritten(path: &Path, error: &io::Error) -> Error {
    Error::new(Exit::Unexpected, "internal", format!("{} cannot be written: {error}", path.display()))
}

/// Tells how it went: the result for people and what was used, the whole for programs.
fn conclude(
    context: &Context,
    manifest: &Manifest,
    execution: &Execution,
    loaded: Loaded,
    kept: &[Kept<'_>],
    watch: &Watch,
) -> Result {
    let output = &context.output;
    if output.format() != Format::Text {
        let seen = watch.seen();
        let ran = Ran::of(manifest, execution, loaded, kept, &seen);
        output.document(&ran, |_| String::new())?;
        return Ok(exit_of(execution.ending.outcome()));
    }
    if let Some(result) = &execution.result {
        output.raw_json(result.as_str())?;
    }
    for file in kept {
        output.note(&file.text());
    }
    if kept.iter().any(|file| file.path.is_none()) {
        output.hint("--out FOLDER keeps the files");
    }
    output.note(&used(&output.view_of_stderr(), &manifest.limits, execution, loaded));
    not_succeeded(manifest, execution)
}

fn exit_of(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::Succeeded => Exit::Done,
        Outcome::Cancelled => Exit::JobCancelled,
        Outcome::Failed | Outcome::Lost | Outcome::Released => Exit::JobFailed,
    }
}

fn not_succeeded(manifest: &Manifest, execution: &Execution) -> Result {
    let task = &manifest.description.name;
    match &execution.ending {
        Ending::Succeeded => Ok(Exit::Done),
        Ending::Failed { failure, .. } => {
            let error = Error::new(Exit::JobFailed, "job_failed", format!("task {task} failed: {failure}"));
            Err(match hint(failure) {
                Some(hint) => error.hint(hint),
                None => error,
            })
        }
        Ending::Cancelled | Ending::Released => {
            Err(Error::new(Exit::JobCancelled, "job_cancelled", format!("task {task} was cancelled")))
        }
    }
}

/// The flag that would let it go further.
fn hint(failure: &Failure) -> Option<&'static str> {
    match failure.kind {
        ErrorKind::Fuel => Some("--fuel N allows more, --fuel unlimited runs unmetered"),
        ErrorKind::Memory => Some("--memory SIZE allows more"),
        ErrorKind::Table => Some("--table-elements N allows more"),
        ErrorKind::Timeout => Some("--timeout DURATION allows more"),
        ErrorKind::Output => Some("--max-output SIZE allows larger results, --max-files SIZE larger files"),
        ErrorKind::HostCalls => Some("--host-calls N allows more"),
        ErrorKind::Http => Some("--http-requests N and --http-bytes SIZE allow more"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_that_is_not_there_yet_is_none_and_a_large_one_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let (small, large) = (folder.path().join("small"), folder.path().join("large"));
        fs::write(&small, b"here").expect("written");
        File::create(&large).and_then(|file| file.set_len(2 << 20)).expect("made long");

        assert_eq!(read_checkpoint(&small).expect("good").as_deref(), Some(&b"here"[..]));
        assert!(read_checkpoint(&folder.path().join("none")).expect("none yet").is_none());
        let refusal = format!("{:?}", read_checkpoint(&large).expect_err("too large"));
        assert!(refusal.contains("limit of 1048576 bytes"), "{refusal}");
    }
}
