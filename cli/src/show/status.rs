//! The system as a whole, as JSON and for people.

use chrono::TimeDelta;
use rpc::v1;
use serde::Serialize;

use super::escape;
use super::table::table;
use super::time::{Times, rfc3339, span};
use super::view::View;

/// What `status` answers.
#[derive(Debug, Serialize)]
pub(crate) struct Status<'a> {
    leader: Option<Leader<'a>>,
    schedulers: Vec<Scheduler<'a>>,
    hosts: Vec<Host<'a>>,
    queues: Vec<Queue<'a>>,
    version: &'a str,
    /// Why the scheduler that answers does not reach the ready queue.
    ready_queue_error: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Leader<'a> {
    id: &'a str,
    term: i64,
    since: Option<String>,
    address: &'a str,
}

#[derive(Debug, Serialize)]
struct Scheduler<'a> {
    id: &'a str,
    address: &'a str,
    leading: bool,
}

#[derive(Debug, Serialize)]
struct Host<'a> {
    id: &'a str,
    address: &'a str,
    state: &'a str,
    slots: u32,
    running: u32,
    version: &'a str,
    session: i64,
}

#[derive(Debug, Serialize)]
struct Queue<'a> {
    name: &'a str,
    queued: u64,
    running: u64,
    paused: bool,
    oldest_queued_seconds: Option<f64>,
    namespace: &'a str,
    scheduled: u64,
}

impl<'a> From<&'a v1::StatusResponse> for Status<'a> {
    fn from(status: &'a v1::StatusResponse) -> Self {
        Self {
            leader: status.leader.as_ref().map(|leader| Leader {
                id: &leader.id,
                term: leader.term,
                since: rfc3339(leader.since.as_ref()),
                address: &leader.address,
            }),
            schedulers: status
                .schedulers
                .iter()
                .map(|one| Scheduler { id: &one.id, address: &one.address, leading: one.leading })
                .collect(),
            hosts: status.hosts.iter().map(Into::into).collect(),
            queues: status.queues.iter().map(Into::into).collect(),
            version: &status.version,
            ready_queue_error: Some(status.ready_queue_error.as_str()).filter(|why| !why.is_empty()),
        }
    }
}

impl<'a> From<&'a v1::Host> for Host<'a> {
    fn from(host: &'a v1::Host) -> Self {
        Self {
            id: &host.id,
            address: &host.address,
            state: &host.state,
            slots: host.slots,
            running: host.running,
            version: &host.version,
            session: host.session,
        }
    }
}

impl<'a> From<&'a v1::Queue> for Queue<'a> {
    fn from(queue: &'a v1::Queue) -> Self {
        Self {
            name: &queue.name,
            queued: queue.queued,
            running: queue.running,
            paused: queue.paused,
            oldest_queued_seconds: queue.oldest_queued_seconds,
            namespace: &queue.namespace,
            scheduled: queue.scheduled,
        }
    }
}

/// The system for people.
pub(crate) fn text(view: &View, times: Times, status: &v1::StatusResponse) -> String {
    let leader = status.leader.as_ref().map_or_else(
        || view.paint.red("nobody leads"),
        |leader| {
            let since = times.at(leader.since.as_ref());
            escape::line(&format!(
                "{} at {} (term {}, since {since})",
                leader.id, leader.address, leader.term
            ))
        },
    );
    let mut parts = vec![format!("{}  {leader}", view.paint.bold("leader"))];
    if !status.ready_queue_error.is_empty() {
        let why = escape::line(&format!("does not answer: {}", status.ready_queue_error));
        parts.push(format!("{}  {}", view.paint.bold("ready queue"), view.paint.red(&why)));
    }
    parts.push(section(view, "schedulers", schedulers(view, &status.schedulers)));
    parts.push(section(view, "hosts", hosts(view, &status.hosts)));
    parts.push(section(view, "queues", queues(view, &status.queues)));
    parts.join("\n\n")
}

fn section(view: &View, name: &str, table: Option<String>) -> String {
    let name = view.paint.bold(name);
    table.map_or_else(|| format!("{name}  none"), |table| format!("{name}\n{table}"))
}

fn schedulers(view: &View, schedulers: &[v1::Scheduler]) -> Option<String> {
    let rows = schedulers.iter().map(|one| {
        let role = if one.leading { "leads" } else { "" };
        [one.id.clone(), one.address.clone(), role.to_owned()]
    });
    (!schedulers.is_empty()).then(|| table(view, ["ID", "ADDRESS", "ROLE"], rows))
}

fn hosts(view: &View, hosts: &[v1::Host]) -> Option<String> {
    let rows = hosts.iter().map(|host| {
        [
            host.id.clone(),
            host.state.clone(),
            format!("{}/{}", host.running, host.slots),
            host.address.clone(),
            host.version.clone(),
        ]
    });
    (!hosts.is_empty()).then(|| table(view, ["ID", "STATE", "RUNNING", "ADDRESS", "VERSION"], rows))
}

fn queues(view: &View, queues: &[v1::Queue]) -> Option<String> {
    let rows = queues.iter().map(|queue| {
        let oldest = queue.oldest_queued_seconds.and_then(|seconds| {
            let ms = std::time::Duration::try_from_secs_f64(seconds).ok()?.as_millis();
            TimeDelta::try_milliseconds(i64::try_from(ms).ok()?)
        });
        [
            format!("{}/{}", queue.namespace, queue.name),
            queue.queued.to_string(),
            queue.running.to_string(),
            queue.scheduled.to_string(),
            oldest.map(span).unwrap_or_default(),
            if queue.paused { "yes".to_owned() } else { "no".to_owned() },
        ]
    });
    (!queues.is_empty())
        .then(|| table(view, ["QUEUE", "QUEUED", "RUNNING", "SCHEDULED", "OLDEST WAITS", "PAUSED"], rows))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::Value;

    use crate::args::TimeStyle;

    use super::*;

    fn keys(value: &Value) -> Vec<&str> {
        value.as_object().expect("an object").keys().map(String::as_str).collect()
    }

    #[test]
    fn a_ready_queue_that_fails_is_said_and_one_that_answers_is_not() {
        let fails = v1::StatusResponse {
            ready_queue_error: "redis at r:6379: \u{1b}[2Jno answer".to_owned(),
            ..v1::StatusResponse::default()
        };
        let answers = v1::StatusResponse::default();
        let json = |status| serde_json::to_value(Status::from(status)).expect("JSON");
        let times = Times { style: TimeStyle::Iso, now: DateTime::UNIX_EPOCH };
        let shown = |status| text(&View::default(), times, status);

        assert_eq!(json(&fails)["ready_queue_error"], fails.ready_queue_error);
        assert_eq!(json(&answers)["ready_queue_error"], Value::Null);
        assert!(shown(&fails).contains("ready queue  does not answer: redis at r:6379"), "{}", shown(&fails));
        assert!(!shown(&fails).contains('\u{1b}') && !shown(&answers).contains("ready queue"));
    }

    #[test]
    fn the_status_has_every_field_of_the_contract() {
        let message = v1::StatusResponse {
            leader: Some(v1::Leader { term: 3, ..v1::Leader::default() }),
            schedulers: vec![v1::Scheduler::default()],
            hosts: vec![v1::Host::default()],
            queues: vec![v1::Queue::default()],
            ..v1::StatusResponse::default()
        };

        let shown = serde_json::to_value(Status::from(&message)).expect("JSON");

        let promised: [(&Value, &[&str]); 3] = [
            (&shown["leader"], &["id", "term", "since"]),
            (&shown["hosts"][0], &["id", "address", "state", "slots", "running", "version"]),
            (&shown["queues"][0], &["name", "queued", "running", "paused", "oldest_queued_seconds"]),
        ];
        for (part, fields) in promised {
            assert!(fields.iter().all(|field| keys(part).contains(field)), "{fields:?} in {part}");
        }
        assert_eq!(shown["leader"]["term"], 3);
        assert_eq!(shown["queues"][0]["oldest_queued_seconds"], Value::Null);
    }

    #[test]
    fn a_system_without_a_leader_says_so() {
        let message = v1::StatusResponse::default();

        assert_eq!(serde_json::to_value(Status::from(&message)).expect("JSON")["leader"], Value::Null);
    }
}
