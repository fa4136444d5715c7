//! Backfill, and the history.

use std::collections::HashSet;

use rpc::{Code, v1};

use super::{at, every, instant, spec};
use crate::room::{Replica, Room};

fn range(from: &str, to: &str) -> v1::BackfillScheduleRequest {
    v1::BackfillScheduleRequest {
        name: "s".to_owned(),
        from: at(from),
        to: at(to),
        ..v1::BackfillScheduleRequest::default()
    }
}

impl Replica {
    async fn backfill(
        &self,
        request: v1::BackfillScheduleRequest,
    ) -> Result<v1::BackfillScheduleResponse, rpc::Error> {
        Ok(self.client.clone().schedules.backfill_schedule(request).await?.into_inner())
    }

    async fn count(&self, request: v1::BackfillScheduleRequest) -> (u64, u64) {
        let request = v1::BackfillScheduleRequest { count_only: true, ..request };
        let answer = self.backfill(request).await.expect("it answers");
        assert_eq!((answer.made, answer.jobs.len(), answer.next_from), (0, 0, None));
        (answer.instants, answer.fired_before)
    }
}

async fn hourly() -> (Room, Replica) {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let payload = br#"["{{scheduled_for}}"]"#.to_vec();
    let jitter_ms = 60_000;
    replica.created("s", v1::ScheduleSpec { payload, jitter_ms, ..spec("0 * * * *") }).await;
    replica.pause("s").await.expect("it is there");
    (room, replica)
}

#[tokio::test]
async fn the_instants_of_a_range_make_one_job_each_however_often_it_is_said() {
    let (room, replica) = hourly().await;
    let day = || range("2020-06-01T00:00:00Z", "2020-06-02T00:00:00Z");

    let before = replica.count(day()).await;
    let first = replica.backfill(day()).await.expect("it is made");
    let again = replica.backfill(day()).await.expect("it is made");
    let wider = replica.backfill(range("2020-05-31T22:30:00Z", "2020-06-01T03:00:00Z")).await;

    assert_eq!((before, replica.count(day()).await), ((24, 0), (24, 24)));
    assert_eq!((first.instants, first.made, first.fired_before, first.next_from), (24, 24, 0, None));
    assert_eq!((again.made, again.fired_before, again.jobs.len()), (0, 24, 0));
    let wider = wider.expect("it is made");
    assert_eq!((wider.instants, wider.made, wider.fired_before), (4, 1, 3));
    let jobs = replica.jobs().await;
    let instants: HashSet<_> = jobs.iter().map(|job| job.scheduled_for.map(|at| at.seconds)).collect();
    assert_eq!((jobs.len(), instants.len()), (25, 25));
    assert!(jobs.iter().all(|job| job.state == "queued"), "at once, whatever the jitter");
    room.offered(&first.jobs[0]).await;
    let job = replica.job(&first.jobs[0]).await.expect("it is there");
    assert_eq!((job.schedule.as_str(), &*job.payload), ("s", &br#"["2020-06-01T00:00:00Z"]"#[..]));
}

#[tokio::test]
async fn a_long_range_is_made_in_parts() {
    let (_room, replica) = hourly().await;
    let mut request = range("2020-06-01T00:00:00Z", "2020-07-01T00:00:00Z");

    let first = replica.backfill(request.clone()).await.expect("it is made");
    request.from = first.next_from;
    let second = replica.backfill(request).await.expect("it is made");

    assert_eq!((first.instants, first.made, first.jobs.len()), (500, 500, 500));
    assert_eq!(
        first.next_from,
        Some(rpc::timestamp(instant("2020-06-01T00:00:00Z") + chrono::TimeDelta::hours(500)))
    );
    assert_eq!((second.made, second.next_from), (220, None));
}

#[tokio::test]
async fn parts_of_long_payloads_are_shorter() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let payload = format!("\"{}\"", "x".repeat((1 << 20) - 2)).into_bytes();
    replica.created("s", v1::ScheduleSpec { payload, ..spec("0 0 1 1 *") }).await;

    let part = replica.backfill(range("2000-01-01T00:00:00Z", "2020-01-01T00:00:00Z")).await;

    let part = part.expect("it is made");
    assert_eq!((part.made, part.next_from), (8, at("2008-01-01T00:00:00Z")));
}

#[tokio::test]
async fn only_instants_of_the_schedule_are_made_up_for() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    let started = v1::ScheduleSpec { starts_at: at("2020-06-01T12:00:00Z"), ..every(86_400_000) };
    replica.created("s", started).await;

    let part = replica.backfill(range("2020-05-01T00:00:00Z", "2020-06-03T12:00:00Z")).await;
    let none = replica.backfill(range("2020-05-01T00:00:00Z", "2020-06-01T12:00:00Z")).await;

    assert_eq!(part.expect("it is made").made, 2);
    assert_eq!(none.expect("it answers"), v1::BackfillScheduleResponse::default());
}

#[tokio::test]
async fn a_range_that_makes_no_sense_is_refused() {
    let (room, replica) = Room::with_replica().await;
    room.publish("t", None).await;
    replica.created("s", v1::ScheduleSpec { anchor: at("2019-01-01T00:00:00Z"), ..every(1_000) }).await;
    replica.pause("s").await.expect("it is there");
    let (from, to) = ("2020-01-01T00:00:00Z", "2020-01-01T00:00:01Z");
    let cases = [
        ("from: is missing", "", v1::BackfillScheduleRequest { from: None, ..range(from, to) }),
        ("to: is missing", "", v1::BackfillScheduleRequest { to: None, ..range(from, to) }),
        ("to: 2020-01-01T00:00:00Z is not after", "", range(from, from)),
        ("to: 2199-01-01T00:00:00Z is in the future", "by itself", range(from, "2199-01-01T00:00:00Z")),
        (
            "to: there are more than 10000 instants",
            "before 2020-01-01T02:46:40Z",
            range(from, "2020-01-02T00:00:00Z"),
        ),
    ];

    for (part, hint, request) in cases {
        for count_only in [true, false] {
            let request = v1::BackfillScheduleRequest { count_only, ..request.clone() };
            let error = replica.backfill(request).await.expect_err(part);
            assert_eq!(error.code, Code::Invalid);
            assert!(error.message.starts_with(part), "{error}");
            assert!(error.hint.unwrap_or_default().contains(hint), "{hint}");
        }
    }
    let most = replica.count(range(from, "2020-01-01T02:46:40Z")).await;
    assert_eq!(most, (10_000, 0));
    assert!(replica.jobs().await.is_empty());
}

#[tokio::test]
async fn the_history_tells_the_latest_instants_first_a_page_at_a_time() {
    let (room, replica) = hourly().await;
    let made = replica.backfill(range("2020-06-01T00:00:00Z", "2020-06-01T05:00:00Z")).await;
    let made = made.expect("it is made").jobs;
    room.ends(&made[4]).await;
    let page = async |limit, before| {
        let request = v1::ScheduleHistoryRequest {
            name: "s".to_owned(),
            limit,
            before,
            ..v1::ScheduleHistoryRequest::default()
        };
        replica.client.clone().schedules.schedule_history(request).await
    };

    let first = page(3, None).await.expect("it answers").into_inner().instants;
    let second = page(3, first[2].instant).await.expect("it answers").into_inner().instants;
    let error = rpc::Error::from(page(1_001, None).await.expect_err("too many"));

    let jobs: Vec<_> = first.iter().chain(&second).map(|fate| fate.job.clone()).collect();
    assert_eq!(jobs, made.into_iter().rev().collect::<Vec<_>>());
    assert_eq!((first[0].kind.as_str(), first[0].instant), ("backfill", at("2020-06-01T04:00:00Z")));
    assert_eq!((first[0].job_state.as_str(), first[1].job_state.as_str()), ("succeeded", "queued"));
    assert_eq!(error.message, "limit: 1001 is more than 1000");
}
