//! Many jobs from a file of lines. Every line is checked before the first is sent; then they go in calls of
//! bounded size, each stored whole or not at all.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::Path;

use model::bounds::{BATCH_JOBS_MAX, PAYLOAD_BYTES_MAX};
use rpc::v1;

use super::line;
use super::options::message;
use super::{malformed, new_job, submit};
use crate::args::{Enqueue, Format};
use crate::commands::context::{Context, ask};
use crate::commands::wait;
use crate::exit::{Error, Exit, Result};
use crate::server::Server;
use crate::show::job::{Enqueued, Job};

/// Longest line: the longest payload, and room for the options.
const LINE_BYTES_MAX: usize = PAYLOAD_BYTES_MAX + (64 << 10);

/// Payload bytes in one call; the server takes 64 MiB.
const CALL_BYTES_MAX: usize = 16 << 20;

/// The lines of a file that can be read twice.
pub(super) struct Lines {
    reader: BufReader<File>,
    number: u64,
}

/// Opens the file; what can be read once only (a pipe, standard input) is copied first.
pub(super) fn open(path: &Path) -> Result<Lines> {
    let open = || {
        if path.as_os_str() == "-" {
            return spool(io::stdin().lock());
        }
        let file = File::open(path)?;
        if file.metadata()?.is_file() { Ok(file) } else { spool(file) }
    };
    let file =
        open().map_err(|error| Error::usage(format!("batch: {} cannot be read: {error}", path.display())))?;
    Ok(Lines { reader: BufReader::new(file), number: 0 })
}

fn spool(mut reader: impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut reader, &mut file)?;
    file.rewind()?;
    Ok(file)
}

impl Lines {
    /// The next line that is not blank, and its number.
    fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>> {
        loop {
            let mut bytes = Vec::new();
            let limit = LINE_BYTES_MAX as u64 + 1;
            let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut bytes);
            if read.map_err(|error| Error::usage(format!("batch: {error}")))? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if bytes.len() > LINE_BYTES_MAX {
                let message =
                    format!("line {}: longer than the limit of {LINE_BYTES_MAX} bytes", self.number);
                return Err(Error::usage(message));
            }
            if !bytes.trim_ascii().is_empty() {
                return Ok(Some((self.number, bytes)));
            }
        }
    }

    fn next_job(&mut self, enqueue: &Enqueue) -> Result<Option<(u64, v1::NewJob)>> {
        let Some((number, bytes)) = self.next()? else {
            return Ok(None);
        };
        let (payload, options) = line::read(&bytes, &enqueue.options)
            .map_err(|refusal| Error::from(refusal).context(|what| format!("line {number}: {what}")))?;
        Ok(Some((number, new_job(enqueue, payload, message(&options)))))
    }

    fn rewind(&mut self) -> Result<()> {
        self.number = 0;
        self.reader.rewind().map_err(|error| Error::usage(format!("batch: {error}")))
    }

    /// The jobs of one call, with the numbers of the first and the last line.
    fn next_call(
        &mut self,
        enqueue: &Enqueue,
        held: &mut Option<(u64, v1::NewJob)>,
    ) -> Result<Vec<(u64, v1::NewJob)>> {
        let mut call = Vec::new();
        let mut bytes = 0;
        while call.len() < BATCH_JOBS_MAX {
            let next = match held.take() {
                Some(job) => Some(job),
                None => self.next_job(enqueue)?,
            };
            let Some((number, job)) = next else { break };
            bytes += job.payload.len();
            if bytes > CALL_BYTES_MAX && !call.is_empty() {
                *held = Some((number, job));
                break;
            }
            call.push((number, job));
        }
        Ok(call)
    }
}

/// Checks all, then sends all.
pub(super) fn run(context: Context, enqueue: &Enqueue, mut lines: Lines) -> Result {
    let mut total = 0;
    while lines.next_job(enqueue)?.is_some() {
        total += 1;
    }
    lines.rewind()?;
    ask(send(context, enqueue, lines, total))
}

async fn send(context: Context, enqueue: &Enqueue, mut lines: Lines, total: u64) -> Result {
    let server = context.server().await?;
    let progress = context.output.progress_count("enqueueing", total);
    let mut stored: Vec<v1::EnqueuedJob> = Vec::new();
    let mut count = 0;
    let mut held = None;
    loop {
        let call = lines.next_call(enqueue, &mut held)?;
        let (Some((first, _)), Some((last, _))) = (call.first(), call.last()) else { break };
        let place = if first == last { format!("line {first}") } else { format!("lines {first} to {last}") };
        let jobs: Vec<_> = call.into_iter().map(|(_, job)| job).collect();
        let wanted = jobs.len();
        let answer = submit(&context, &server, jobs).await.map_err(|error| refused(error, &place, count))?;
        if answer.len() != wanted {
            return Err(malformed(answer.len(), wanted));
        }
        count += wanted;
        progress.advance(wanted as u64);
        if !enqueue.wait && context.output.format() != Format::Json {
            print(&context, &answer)?;
        }
        stored.extend(answer);
    }
    drop(progress);
    if enqueue.wait {
        return wait_for(&context, &server, enqueue, &stored).await;
    }
    if context.output.format() == Format::Json {
        let jobs: Vec<_> = stored.iter().map(Enqueued::from).collect();
        context.output.named("jobs", &jobs, |_| String::new())?;
    }
    Ok(Exit::Done)
}

/// Prints what was stored: an id a line, or an object a line.
fn print(context: &Context, stored: &[v1::EnqueuedJob]) -> Result<()> {
    let shown: Vec<_> = stored.iter().map(Enqueued::from).collect();
    context
        .output
        .list(&shown, &shown, |_| stored.iter().map(|job| job.id.as_str()).collect::<Vec<_>>().join("\n"))
}

/// A call that was refused, after others were stored: then the exit code may not say that nothing was.
fn refused(error: Error, place: &str, count: usize) -> Error {
    let error = error.context(|what| format!("{place}: {what}")).with("stored", count);
    match &error {
        Error::Shown(shown) if count > 0 && shown.exit == Exit::Usage => {
            let hint = format!(
                "the {count} jobs before were stored; with a `key` in each line the same file may be sent again"
            );
            error.exit(Exit::Unexpected).hint(hint)
        }
        _ => error,
    }
}

async fn wait_for(
    context: &Context,
    server: &Server,
    enqueue: &Enqueue,
    stored: &[v1::EnqueuedJob],
) -> Result {
    let ids: Vec<_> = stored.iter().map(|job| job.id.clone()).collect();
    let jobs = wait::many(context, server, &ids, enqueue.wait_timeout).await?;
    let shown: Vec<_> = jobs.iter().map(Job::from).collect();
    context.output.named("jobs", &shown, |view| {
        let lines = jobs.iter().map(|job| format!("{} {}", job.id, view.paint.state(&job.state)));
        lines.collect::<Vec<_>>().join("\n")
    })?;
    Ok(Exit::of_jobs(jobs.iter().map(|job| job.state.as_str())))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn enqueue() -> Enqueue {
        match Cli::parse_from(["jobctl", "enqueue", "t", "--batch", "x"]).command {
            Command::Enqueue(enqueue) => *enqueue,
            other => panic!("{other:?}"),
        }
    }

    fn lines(text: &str) -> Lines {
        Lines { reader: BufReader::new(spool(text.as_bytes()).expect("spooled")), number: 0 }
    }

    #[test]
    fn lines_are_numbered_as_in_the_file_and_blank_ones_are_passed_over() {
        let mut lines = lines("{}\n\n  \n{\"payload\": 1}\nnope\n");

        let first = lines.next_job(&enqueue()).expect("good").expect("a line");
        let second = lines.next_job(&enqueue()).expect("good").expect("a line");
        let third = lines.next_job(&enqueue()).expect_err("not JSON");

        assert_eq!((first.0, second.0, second.1.payload.as_slice()), (1, 4, b"1".as_slice()));
        assert!(matches!(third, Error::Shown(shown) if shown.message.starts_with("line 5: ")));
    }

    #[test]
    fn a_call_is_bounded_in_jobs_and_in_bytes() {
        let many = "{}\n".repeat(BATCH_JOBS_MAX + 1);
        let large = format!("{{\"payload\": \"{}\"}}\n", "x".repeat(PAYLOAD_BYTES_MAX - 2)).repeat(17);
        let sizes = |text: &str| {
            let (mut lines, mut held, mut sizes) = (lines(text), None, Vec::new());
            loop {
                match lines.next_call(&enqueue(), &mut held).expect("good").len() {
                    0 => return sizes,
                    size => sizes.push(size),
                }
            }
        };

        assert_eq!(sizes(&many), [BATCH_JOBS_MAX, 1]);
        assert_eq!(sizes(&large), [16, 1]);
    }

    #[test]
    fn a_refusal_after_something_was_stored_is_not_bad_usage() {
        let exit = |count| match refused(Error::usage("no"), "line 1", count) {
            Error::Shown(shown) => shown.exit,
            Error::PipeClosed => Exit::Done,
        };

        assert_eq!((exit(0), exit(1_000)), (Exit::Usage, Exit::Unexpected));
    }
}
