//! Facts about counting jobs.

use std::time::Duration;

use model::bounds::LOSSES_MAX;
use model::job::{JobState, Start};
use model::retry::Next;

use super::lab::{Lab, failed, job_with, namespace, new_job, succeeded, task};
use super::look::one_of_each;
use crate::JobFilter;

async fn counted(lab: &Lab, filter: JobFilter) -> Vec<(JobState, u64)> {
    lab.store.count(filter).await.expect("count").states
}

/// How many jobs are queued, when none is scheduled or runs.
async fn queued(lab: &Lab, filter: JobFilter) -> u64 {
    match counted(lab, filter).await[..] {
        [] => 0,
        [(JobState::Queued, jobs)] => jobs,
        ref other => panic!("not only queued jobs: {other:?}"),
    }
}

pub async fn unfinished_jobs_are_counted_by_state(lab: &Lab) {
    one_of_each(lab).await;
    lab.put().await;

    let counted = counted(lab, JobFilter::default()).await;

    assert_eq!(counted, [(JobState::Scheduled, 1), (JobState::Queued, 2), (JobState::Running, 1)]);
}

pub async fn an_empty_store_counts_nothing(lab: &Lab) {
    assert_eq!(counted(lab, JobFilter::default()).await, []);
}

pub async fn a_count_can_be_restricted_by_state(lab: &Lab) {
    use JobState::{Failed, Queued, Running, Scheduled};
    one_of_each(lab).await;
    let of =
        |states: &[JobState]| counted(lab, JobFilter { states: states.to_vec(), ..JobFilter::default() });

    for state in [Scheduled, Queued, Running] {
        assert_eq!(of(&[state]).await, [(state, 1)]);
    }
    assert_eq!(of(&[Running, Failed, Scheduled]).await, [(Scheduled, 1), (Running, 1), (Failed, 1)]);
}

/// The states of a job that may run again.
const REVIVABLE: [JobState; 2] = [JobState::Failed, JobState::Cancelled];

fn ended(states: &[JobState]) -> JobFilter {
    JobFilter { states: states.to_vec(), ..JobFilter::default() }
}

pub async fn failed_and_cancelled_jobs_are_counted_when_they_are_asked_for(lab: &Lab) {
    use JobState::{Cancelled, Failed, Succeeded};
    one_of_each(lab).await;
    let parked = lab.put().await;
    for _ in 0..LOSSES_MAX {
        super::rescue::lose(lab, parked).await;
    }
    let stopped = lab.running().await.lease;
    lab.cancel(stopped.job).await;
    lab.finish(super::lab::cancelled(stopped)).await;

    assert_eq!(counted(lab, ended(&REVIVABLE)).await, [(Failed, 2), (Cancelled, 2)]);
    assert_eq!(counted(lab, ended(&[Failed])).await, [(Failed, 2)]);
    assert_eq!(counted(lab, ended(&[Cancelled])).await, [(Cancelled, 2)]);
    assert_eq!(
        counted(lab, ended(&[Succeeded])).await,
        [],
        "of those there may be as many as the store holds"
    );
}

pub async fn a_job_that_runs_again_is_not_counted_as_failed(lab: &Lab) {
    let dead = lab.dead().await.lease;
    let gone = lab.put().await;
    lab.cancel(gone).await;

    lab.retry_all(&[dead.job, gone]).await;

    assert_eq!(counted(lab, ended(&REVIVABLE)).await, []);
    let second = lab.claim(dead.session, dead.job).await;
    lab.finish(succeeded(second.lease)).await;
    assert_eq!(counted(lab, ended(&REVIVABLE)).await, [], "its last attempt succeeded");
}

pub async fn a_count_of_the_failed_can_be_restricted(lab: &Lab) {
    use JobState::{Cancelled, Failed};
    let (work, play) = (lab.version().await, lab.version_in("default", "play").await);
    let tag = || ("a".to_owned(), "1".to_owned());
    let slow = || "slow".parse().expect("a good name");
    let jobs = vec![
        new_job(work),
        job_with(work, |options| options.queue = slow()),
        job_with(play, |options| options.tags = [tag()].into()),
    ];
    let session = lab.host().await;
    for job in lab.submit(jobs).await {
        let claimed = lab.claim(session, job.id).await;
        lab.finish(failed(claimed.lease, Next::End)).await;
    }
    let gone = lab.put().await;
    let created_at = lab.look(gone).await.created_at;
    lab.cancel(gone).await;
    let count = |filter| counted(lab, filter);

    assert_eq!(count(JobFilter { task: Some(task("work")), ..ended(&[Failed]) }).await, [(Failed, 2)]);
    assert_eq!(count(JobFilter { queue: Some(slow()), ..ended(&REVIVABLE) }).await, [(Failed, 1)]);
    assert_eq!(count(JobFilter { tags: vec![tag()], ..ended(&REVIVABLE) }).await, [(Failed, 1)]);
    let all = [(Failed, 3), (Cancelled, 1)];
    assert_eq!(count(JobFilter { before: Some(gone), limit: 1, ..ended(&REVIVABLE) }).await, all);
    assert_eq!(count(JobFilter { namespace: namespace("other"), ..ended(&REVIVABLE) }).await, []);
    let since = JobFilter { since: Some(created_at), ..ended(&[Cancelled]) };
    assert_eq!(count(since.clone()).await, [(Cancelled, 1)]);
    let later = JobFilter { since: Some(created_at + Duration::from_secs(60)), ..since };
    assert_eq!(count(later).await, []);
}

pub async fn a_count_tells_when_it_was_made(lab: &Lab) {
    let before = lab.now().await;

    let at = lab.store.count(JobFilter::default()).await.expect("count").at;

    assert!(before <= at && at <= lab.now().await, "{before} {at}");
    lab.past(at).await;
    let dead = lab.dead().await.lease.job;
    assert!(lab.look(dead).await.finished_at > Some(at), "what ends later is told apart");
}

pub async fn a_count_can_be_restricted_by_task_queue_and_tags(lab: &Lab) {
    let work = lab.version().await;
    let play = lab.version_in("default", "play").await;
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let slow = || "slow".parse().expect("a good name");
    let other_queue = job_with(work, |options| options.queue = slow());
    let tagged = job_with(play, |options| options.tags = [tag("a", "1"), tag("b", "2")].into());
    let half = job_with(work, |options| options.tags = [tag("a", "1")].into());
    lab.submit(vec![new_job(work), new_job(play), other_queue, tagged, half]).await;
    let all = JobFilter::default;
    let count = |filter| queued(lab, filter);

    assert_eq!(count(JobFilter { task: Some(task("play")), ..all() }).await, 2);
    assert_eq!(count(JobFilter { task: Some(task("nosuch")), ..all() }).await, 0);
    assert_eq!(count(JobFilter { queue: Some(slow()), ..all() }).await, 1);
    assert_eq!(count(JobFilter { tags: vec![tag("a", "1")], ..all() }).await, 2);
    assert_eq!(count(JobFilter { tags: vec![tag("a", "1"), tag("b", "2")], ..all() }).await, 1);
    assert_eq!(count(JobFilter { tags: vec![tag("a", "1"), tag("a", "2")], ..all() }).await, 0);
    let both = JobFilter { task: Some(task("work")), tags: vec![tag("a", "1")], ..all() };
    assert_eq!(count(both).await, 1);
    let neither = JobFilter { queue: Some(slow()), tags: vec![tag("a", "1")], ..all() };
    assert_eq!(count(neither).await, 0);
    let running = lab.running().await.lease.job;
    assert_eq!(lab.state(running).await, JobState::Running);
    let played = JobFilter { task: Some(task("play")), states: vec![JobState::Running], ..all() };
    assert_eq!(counted(lab, played).await, [], "what runs is of another task");
    let worked = JobFilter { task: Some(task("work")), states: vec![JobState::Running], ..all() };
    assert_eq!(counted(lab, worked).await, [(JobState::Running, 1)]);
}

pub async fn a_count_can_be_restricted_by_time(lab: &Lab) {
    let first = lab.put().await;
    let created_at = lab.look(first).await.created_at;
    lab.past(created_at).await;
    let second = lab.put().await;
    let later = lab.look(second).await.created_at;
    let since = |instant| queued(lab, JobFilter { since: Some(instant), ..JobFilter::default() });

    assert_eq!(since(later).await, 1);
    assert_eq!(since(created_at).await, 2);
    assert_eq!(since(later + Duration::from_secs(60)).await, 0);
}

pub async fn a_count_is_of_one_namespace(lab: &Lab) {
    lab.put().await;
    let other = JobFilter { namespace: namespace("other"), ..JobFilter::default() };

    assert_eq!(counted(lab, other.clone()).await, []);
    assert_eq!(counted(lab, JobFilter { task: Some(task("work")), ..other }).await, []);
}

pub async fn a_count_is_of_all_pages(lab: &Lab) {
    let version = lab.version().await;
    let later = job_with(version, |options| options.start = Start::After(Duration::from_secs(3600)));
    lab.submit(vec![new_job(version), new_job(version), later]).await;
    let newest = lab.put().await;

    let counted = counted(lab, JobFilter { before: Some(newest), limit: 1, ..JobFilter::default() }).await;

    assert_eq!(counted, [(JobState::Scheduled, 1), (JobState::Queued, 3)]);
}
