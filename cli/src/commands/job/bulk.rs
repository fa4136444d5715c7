//! What is done to all jobs that match: they are counted, somebody says so, and then it is done a page a call, newest
//! first.

use model::units::show_count;

use crate::args::JobFilter;
use crate::commands::context::Context;
use crate::commands::job::filter::{self, Filter};
use crate::exit::{Error, Exit, Result};
use crate::server::Server;

/// How a deed is spoken of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    /// `Cancel`: what somebody is asked.
    pub(super) ask: &'static str,
    /// `cancels`: what `-y` does without asking.
    pub(super) does: &'static str,
    /// `cancelling`: what goes on.
    pub(super) going_on: &'static str,
    /// `cancelled`: what was done to a job.
    pub(super) done: &'static str,
    /// `unfinished`: which jobs `--all` means.
    pub(super) all: &'static str,
}

/// What was done to the jobs of one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// How many jobs it was about.
    pub(super) jobs: u64,
    /// Where the next page begins; empty at the end.
    pub(super) next_cursor: String,
}

/// Something that can be done to many jobs.
pub(super) trait Deed {
    const WORDS: Words;

    /// How many match, by state, in the order in which they are told.
    async fn count(&mut self, server: &Server) -> Result<Vec<(u64, &'static str)>>;

    /// Does it to one page.
    async fn page(&mut self, server: &Server, cursor: String) -> Result<Page>;

    /// How many jobs it was done to so far.
    fn done(&self) -> u64;

    /// The error with what was done before it, for scripts.
    fn with_done(&self, error: Error) -> Error;
}

/// The jobs that are meant: never all of them by mistake.
pub(super) fn meant(context: &Context, flags: &JobFilter, all: bool, words: Words) -> Result<Filter> {
    let filter = filter::of(context, flags)?;
    if filter.is_empty() && !all {
        let hint = format!(
            "--task, --state, --queue, --tag or --since, or --all for every {} job of the namespace",
            words.all
        );
        return Err(Error::usage("which jobs? neither an ID nor a filter was given").hint(hint));
    }
    Ok(filter)
}

/// Counts the jobs and does it to all of them; tells how many matched, or nothing when somebody who was asked said no.
pub(super) async fn run<D: Deed>(
    context: &Context,
    server: &Server,
    deed: &mut D,
    yes: bool,
) -> Result<Option<u64>> {
    let counted = deed.count(server).await?;
    let matched = counted.iter().map(|(count, _)| count).sum();
    if matched == 0 {
        return Ok(Some(0));
    }
    let matching = matching(&counted, matched);
    if yes {
        context.output.detail(&matching);
    } else if !confirmed(context, &matching, D::WORDS)? {
        context.output.note(&format!("nothing was {}", D::WORDS.done));
        return Ok(None);
    }
    all_pages(context, server, deed, matched).await?;
    Ok(Some(matched))
}

/// `12 jobs match: 10 running, 2 queued`.
fn matching(counted: &[(u64, &str)], matched: u64) -> String {
    let states: Vec<_> = counted
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, state)| format!("{} {state}", show_count(*count)))
        .collect();
    let matched = match matched {
        1 => "1 job matches".to_owned(),
        many => format!("{} jobs match", show_count(many)),
    };
    format!("{matched}: {}", states.join(", "))
}

/// Asks whoever sits at the terminal; without one somebody must have said `-y`.
fn confirmed(context: &Context, matching: &str, words: Words) -> Result<bool> {
    let Words { ask, does, done, .. } = words;
    if !context.output.can_ask() {
        return Err(Error::usage(format!("{matching}; nothing was {done}, for nobody can be asked"))
            .hint(format!("-y {does} them without asking")));
    }
    context.output.ask(&format!("{matching}\n{ask} them? [y/N] "))
}

async fn all_pages<D: Deed>(context: &Context, server: &Server, deed: &mut D, matched: u64) -> Result<()> {
    let progress = context.output.progress_count(D::WORDS.going_on, matched);
    let mut cursor = String::new();
    loop {
        let page = match deed.page(server, cursor).await {
            Ok(page) => page,
            Err(error) => return Err(after(deed, error)),
        };
        progress.advance(page.jobs);
        cursor = page.next_cursor;
        if cursor.is_empty() {
            return Ok(());
        }
    }
}

/// An error half-way is no clean refusal: what was done before it stands.
fn after<D: Deed>(deed: &D, error: Error) -> Error {
    match deed.done() {
        0 => error,
        done => deed.with_done(error.exit(Exit::Unexpected).context(|what| {
            let jobs =
                if done == 1 { "1 job was".to_owned() } else { format!("{} jobs were", show_count(done)) };
            format!("{what}; {jobs} {} before", D::WORDS.done)
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_that_match_are_counted_by_their_state() {
        let counted = [(10, "running"), (2_000, "queued"), (0, "scheduled")];

        assert_eq!(matching(&counted, 2_010), "2,010 jobs match: 10 running, 2,000 queued");
        assert_eq!(matching(&[(0, "queued"), (1, "scheduled")], 1), "1 job matches: 1 scheduled");
    }
}
