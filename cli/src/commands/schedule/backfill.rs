//! `jobctl schedule backfill`: counts the instants that have made no job, asks, and makes their jobs part by part.

use model::units::show_count;
use rpc::v1;
use serde::Serialize;

use crate::args::ScheduleBackfill;
use crate::commands::context::Context;
use crate::exit::{Error, Exit, Result};
use crate::server::Server;
use crate::show::time::said;

/// What became of the instants.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Sum {
    instants: u64,
    fired_before: u64,
    made: u64,
    jobs: Vec<String>,
}

impl Sum {
    /// How many jobs there are to make.
    fn missing(&self) -> u64 {
        self.instants.saturating_sub(self.fired_before)
    }

    /// `240 instants, 12 of them have made their jobs: 228 jobs are to be made`.
    fn counted(&self) -> String {
        let instants = count(self.instants, "instant");
        match (self.instants, self.fired_before, self.missing()) {
            (0, ..) => "no instant lies in that time".to_owned(),
            (1, _, 0) => "1 instant, and it has made its job".to_owned(),
            (_, _, 0) => format!("{instants}, and all of them have made their jobs"),
            (_, 0, missing) => format!("{instants}: {} to make", count(missing, "job")),
            (_, 1, missing) => {
                format!("{instants}, 1 of which has made its job: {} to make", count(missing, "job"))
            }
            (_, before, missing) => format!(
                "{instants}, {} of which have made their jobs: {} to make",
                show_count(before),
                count(missing, "job")
            ),
        }
    }
}

fn count(number: u64, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {noun}{s}", show_count(number))
}

/// Makes the jobs of instants that have passed. A part that is asked for twice makes nothing twice.
pub(super) async fn run(context: Context, backfill: ScheduleBackfill) -> Result {
    if backfill.to <= backfill.from {
        let message = format!("to: {} is not after --from, {}", said(backfill.to), said(backfill.from));
        return Err(Error::usage(message));
    }
    let server = context.server().await?;
    let mut request = v1::BackfillScheduleRequest {
        namespace: context.namespace(),
        name: backfill.name.as_str().to_owned(),
        from: Some(rpc::timestamp(backfill.from)),
        to: Some(rpc::timestamp(backfill.to)),
        count_only: true,
    };
    let counted = ask(&server, &request).await?;
    let mut sum = Sum { instants: counted.instants, fired_before: counted.fired_before, ..Sum::default() };
    if backfill.count_only || sum.missing() == 0 {
        context.output.document(&sum, |_| sum.counted())?;
        return Ok(Exit::Done);
    }
    if backfill.yes {
        context.output.detail(&sum.counted());
    } else if !confirmed(&context, &sum)? {
        context.output.note("no job was made");
        return Ok(Exit::Usage);
    }
    request.count_only = false;
    parts(&context, &server, request, &mut sum).await?;
    context.output.document(&sum, |_| format!("made {}", count(sum.made, "job")))?;
    Ok(Exit::Done)
}

/// Asks whoever sits at the terminal; without one somebody must have said `-y`.
fn confirmed(context: &Context, sum: &Sum) -> Result<bool> {
    let counted = sum.counted();
    if !context.output.can_ask() {
        return Err(Error::usage(format!("{counted}; no job was made, for nobody can be asked"))
            .hint("-y makes them without asking"));
    }
    context.output.ask(&format!("{counted}\nMake them? [y/N] "))
}

async fn parts(
    context: &Context,
    server: &Server,
    mut request: v1::BackfillScheduleRequest,
    sum: &mut Sum,
) -> Result<()> {
    let progress = context.output.progress_count("making jobs", sum.instants);
    loop {
        let part = ask(server, &request).await.map_err(|error| after(sum, error))?;
        progress.advance(part.instants);
        sum.made += part.made;
        sum.jobs.extend(part.jobs);
        // A part that begins where the one before began would begin there for ever.
        match part.next_from.filter(|next| Some(*next) != request.from) {
            Some(next) => request.from = Some(next),
            None => return Ok(()),
        }
    }
}

/// An error half-way is no clean refusal: what was made before it stands. The same command goes on.
fn after(sum: &Sum, error: Error) -> Error {
    if sum.made == 0 {
        return error;
    }
    error
        .exit(Exit::Unexpected)
        .context(|what| {
            format!(
                "{what}; {} made before",
                match sum.made {
                    1 => "1 job was".to_owned(),
                    many => format!("{} jobs were", show_count(many)),
                }
            )
        })
        .hint("the same command makes the rest")
        .with("made", sum.made)
}

async fn ask(server: &Server, request: &v1::BackfillScheduleRequest) -> Result<v1::BackfillScheduleResponse> {
    let answer = server.call(|mut client| {
        let request = request.clone();
        async move { client.schedules.backfill_schedule(request).await }
    });
    Ok(answer.await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_made_is_said_before_it_is() {
        let said = |instants, fired_before| Sum { instants, fired_before, ..Sum::default() }.counted();

        assert_eq!(said(0, 0), "no instant lies in that time");
        assert_eq!(said(1, 1), "1 instant, and it has made its job");
        assert_eq!(said(24, 24), "24 instants, and all of them have made their jobs");
        assert_eq!(said(1, 0), "1 instant: 1 job to make");
        assert_eq!(said(1_200, 200), "1,200 instants, 200 of which have made their jobs: 1,000 jobs to make");
        assert_eq!(said(3, 1), "3 instants, 1 of which has made its job: 2 jobs to make");
    }
}
