//! Facts about looking jobs up.

use std::time::Duration;

use model::id::JobId;
use model::job::{JobState, NewJob, Start};
use model::name::Namespace;

use super::lab::{Lab, id, ids, job_with, namespace, new_job, sorted, succeeded, task};
use crate::{Cancel, Cancelled, Error, JobFilter, Retried, Retry};

fn filter() -> JobFilter {
    JobFilter { limit: 100, ..JobFilter::default() }
}

async fn listed(lab: &Lab, filter: JobFilter) -> Vec<JobId> {
    lab.store.jobs(filter).await.expect("jobs").jobs.into_iter().map(|job| job.id).collect()
}

/// One job in each state; in the order of [`JobState::ALL`].
pub(super) async fn one_of_each(lab: &Lab) -> Vec<JobId> {
    let version = lab.version().await;
    let ids = ids(6);
    let mut jobs: Vec<NewJob> = ids.iter().map(|id| NewJob { id: *id, ..new_job(version) }).collect();
    jobs[0].options.start = Start::After(Duration::from_secs(3600));
    lab.submit(jobs).await;
    let session = lab.host().await;
    lab.claim(session, ids[2]).await;
    let good = lab.claim(session, ids[3]).await;
    lab.finish(succeeded(good.lease)).await;
    let bad = lab.claim(session, ids[4]).await;
    lab.finish(super::lab::failed(bad.lease, model::retry::Next::End)).await;
    lab.cancel(ids[5]).await;
    ids
}

pub async fn an_unknown_job_is_not_found_by_its_id(lab: &Lab) {
    let id = id();

    let refusal = lab.store.job(&Namespace::default(), id).await.expect_err("no such job");

    assert!(matches!(&refusal, Error::NotFound { what } if what.contains(&id.to_string())), "{refusal}");
}

pub async fn a_job_is_not_seen_from_another_namespace(lab: &Lab) {
    let id = lab.put().await;
    let other = namespace("other");
    let prefix = id.to_string();

    assert!(matches!(lab.store.job(&other, id).await, Err(Error::NotFound { .. })));
    assert_eq!(lab.store.jobs_with_prefix(&other, &prefix, 10).await.expect("prefix"), Vec::new());
    assert_eq!(listed(lab, JobFilter { namespace: other.clone(), ..filter() }).await, Vec::new());
    let cancel = Cancel { namespace: other.clone(), ids: vec![id], grace_ms: 0 };
    assert_eq!(lab.store.cancel(cancel).await.expect("cancel"), [Cancelled::Unknown]);
    let retry = Retry { namespace: other.clone(), ids: vec![id] };
    assert_eq!(lab.store.retry(retry).await.expect("retry"), [Retried::Unknown]);
}

pub async fn a_prefix_finds_its_jobs_in_order(lab: &Lab) {
    let version = lab.version().await;
    let ids = [
        "01890000-0000-7000-8000-000000000001",
        "01890000-0000-7000-8000-0000000000ff",
        "0189ffff-0000-7000-8000-000000000001",
    ]
    .map(|text| text.parse::<JobId>().expect("a UUID"));
    let jobs = ids.iter().rev().map(|id| NewJob { id: *id, ..new_job(version) }).collect();
    lab.submit(jobs).await;
    let find = |prefix: &'static str, limit| async move {
        lab.store.jobs_with_prefix(&Namespace::default(), prefix, limit).await.expect("prefix")
    };

    assert_eq!(find("0189", 10).await, ids);
    assert_eq!(find("0189", 2).await, ids[..2]);
    assert_eq!(find("018", 10).await, ids);
    assert_eq!(find("01890000-0", 10).await, ids[..2]);
    assert_eq!(find("018900000000", 10).await, ids[..2]);
    assert_eq!(find("01890000-0000-7000-8000-0000000000FF", 10).await, ids[1..2]);
    assert_eq!(find("02", 10).await, Vec::new());
    assert_eq!(find("%", 10).await, Vec::new());
    assert_eq!(find("01890000-0000-7000-8000-0000000000ff00", 10).await, Vec::new());
}

pub async fn a_job_is_in_the_state_it_was_brought_to(lab: &Lab) {
    let ids = one_of_each(lab).await;

    for (id, state) in ids.into_iter().zip(JobState::ALL) {
        let job = lab.look(id).await;
        assert_eq!(job.state, *state);
        assert_eq!(job.finished_at.is_some(), state.is_final(), "{state}");
        assert!(!job.cancel_requested, "{state}");
    }
}

pub async fn a_list_is_newest_first(lab: &Lab) {
    let mut ids = one_of_each(lab).await;
    ids.reverse();

    assert_eq!(listed(lab, filter()).await, ids);
}

pub async fn a_list_shows_what_a_job_shows(lab: &Lab) {
    one_of_each(lab).await;

    for listed in lab.store.jobs(filter()).await.expect("jobs").jobs {
        let job = lab.look(listed.id).await;
        assert_eq!((listed.state, listed.attempt, &listed.failure), (job.state, job.attempt, &job.failure));
        assert_eq!((listed.task, listed.version, listed.sha256), (job.task, job.version, job.sha256));
        assert_eq!((listed.started_at, listed.finished_at), (job.started_at, job.finished_at));
        assert_eq!((listed.attempts.len(), listed.files.len()), (0, 0));
    }
}

pub async fn a_list_can_be_restricted_by_state(lab: &Lab) {
    let ids = one_of_each(lab).await;

    for (id, state) in ids.iter().zip(JobState::ALL) {
        assert_eq!(listed(lab, JobFilter { states: vec![*state], ..filter() }).await, [*id], "{state}");
    }
    let two = vec![JobState::Failed, JobState::Running];
    assert_eq!(listed(lab, JobFilter { states: two, ..filter() }).await, [ids[4], ids[2]]);
}

pub async fn a_list_can_be_restricted_by_task_queue_and_tags(lab: &Lab) {
    let work = lab.version().await;
    let play = lab.version_in("default", "play").await;
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let plain = new_job(work);
    let other_task = new_job(play);
    let other_queue = job_with(work, |options| options.queue = "slow".parse().expect("a good name"));
    let tagged = job_with(work, |options| options.tags = [tag("a", "1"), tag("b", "2")].into());
    let half = job_with(work, |options| options.tags = [tag("a", "1")].into());
    let jobs = [&plain, &other_task, &other_queue, &tagged, &half];
    lab.submit(jobs.into_iter().cloned().collect()).await;
    let found = |filter| async move { sorted(listed(lab, filter).await) };

    let by_task = found(JobFilter { task: Some(task("play")), ..filter() }).await;
    assert_eq!(by_task, [other_task.id]);
    let by_queue = found(JobFilter { queue: Some("slow".parse().expect("name")), ..filter() }).await;
    assert_eq!(by_queue, [other_queue.id]);
    let by_tag = found(JobFilter { tags: vec![tag("a", "1")], ..filter() }).await;
    assert_eq!(by_tag, sorted([tagged.id, half.id]));
    let by_both = found(JobFilter { tags: vec![tag("a", "1"), tag("b", "2")], ..filter() }).await;
    assert_eq!(by_both, [tagged.id]);
    assert_eq!(found(JobFilter { tags: vec![tag("a", "2")], ..filter() }).await, []);
    assert_eq!(found(JobFilter { task: Some(task("nosuch")), ..filter() }).await, []);
    assert_eq!(found(JobFilter { queue: Some("nosuch".parse().expect("name")), ..filter() }).await, []);
}

pub async fn a_list_can_be_restricted_by_time(lab: &Lab) {
    let first = lab.put().await;
    let created_at = lab.look(first).await.created_at;
    lab.past(created_at).await;
    let second = lab.put().await;
    let later = lab.look(second).await.created_at;

    assert_eq!(listed(lab, JobFilter { since: Some(later), ..filter() }).await, [second]);
    let both = listed(lab, JobFilter { since: Some(created_at), ..filter() }).await;
    assert_eq!(sorted(both), sorted([first, second]));
}

pub async fn pages_show_every_job_once(lab: &Lab) {
    let version = lab.version().await;
    let mut ids = ids(7);
    lab.submit(ids.iter().map(|id| NewJob { id: *id, ..new_job(version) }).collect()).await;
    ids.reverse();

    let mut seen = Vec::new();
    let mut sizes = Vec::new();
    let mut before = None;
    loop {
        let page = lab.store.jobs(JobFilter { before, limit: 3, ..filter() }).await.expect("jobs");
        sizes.push(page.jobs.len());
        seen.extend(page.jobs.iter().map(|job| job.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }

    assert_eq!(seen, ids);
    assert_eq!(sizes, [3, 3, 1]);
}

pub async fn a_page_that_is_just_full_is_the_last(lab: &Lab) {
    lab.put().await;

    let page = lab.store.jobs(JobFilter { limit: 1, ..filter() }).await.expect("jobs");

    assert_eq!((page.jobs.len(), page.next), (1, None));
}

pub async fn states_are_told_of_every_job_there_is(lab: &Lab) {
    let ids = one_of_each(lab).await;
    let unknown = id();

    let told = lab.store.states(&[&*ids, &[unknown]].concat()).await.expect("states");

    let mut told: Vec<_> = told.into_iter().map(|one| (one.id, one.namespace, one.state)).collect();
    told.sort_unstable();
    let expected = ids.into_iter().zip(JobState::ALL).map(|(id, state)| (id, Namespace::default(), *state));
    let mut expected: Vec<_> = expected.collect();
    expected.sort_unstable();
    assert_eq!(told, expected);
    assert_eq!(lab.store.states(&[]).await.expect("states"), []);
}
