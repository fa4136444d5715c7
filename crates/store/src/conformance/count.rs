//! Facts about counting what is unfinished.

use std::time::Duration;

use model::job::{JobState, Start};

use super::lab::{Lab, job_with, namespace, new_job, task};
use super::look::one_of_each;
use crate::JobFilter;

async fn counted(lab: &Lab, filter: JobFilter) -> Vec<(JobState, u64)> {
    lab.store.count(filter).await.expect("count")
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
    assert_eq!(of(&[Running, Failed, Scheduled]).await, [(Scheduled, 1), (Running, 1)]);
}

pub async fn final_states_count_nothing(lab: &Lab) {
    one_of_each(lab).await;
    let states: Vec<JobState> = JobState::ALL.iter().copied().filter(|state| state.is_final()).collect();

    assert_eq!(counted(lab, JobFilter { states, ..JobFilter::default() }).await, []);
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
