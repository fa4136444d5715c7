//! Facts about storing jobs.

use std::time::Duration;

use model::bounds::BATCH_JOBS_MAX;
use model::id::VersionId;
use model::job::{JobState, NewJob, Priority, Start};
use model::limits::{FuelChoice, LimitOverrides};

use super::lab::{Lab, ids, job_with, json, namespace, new_job, succeeded, task};
use crate::{Error, Finished, Submit};

pub async fn a_new_job_is_queued_and_offered(lab: &Lab) {
    let version = lab.version().await;
    let job = job_with(version, |options| options.priority = Priority::try_from(2).expect("1 to 9"));

    let told = lab.submit(vec![job.clone()]).await.remove(0);

    assert_eq!((told.id, told.duplicate, told.state), (job.id, false, JobState::Queued));
    let offer = told.offer.expect("it is due");
    assert_eq!((offer.job, offer.priority.get()), (job.id, 2));
    assert_eq!(offer.queue.to_string(), "default/default");
    let stored = lab.look(job.id).await;
    assert_eq!((stored.state, stored.task, stored.version), (JobState::Queued, task("work"), 1));
    assert_eq!((stored.run_at, stored.attempt, stored.max_attempts), (offer.run_at, 0, 5));
    assert_eq!((stored.started_at, stored.finished_at, stored.failure), (None, None, None));
}

pub async fn a_batch_is_answered_in_its_order(lab: &Lab) {
    let version = lab.version().await;
    let mut ids = ids(50);
    ids.reverse();
    let jobs = ids.iter().map(|id| NewJob { id: *id, ..new_job(version) }).collect();

    let told = lab.submit(jobs).await;

    assert_eq!(told.iter().map(|one| one.id).collect::<Vec<_>>(), ids);
    assert!(told.iter().all(|one| !one.duplicate && one.offer.is_some()));
}

pub async fn a_full_batch_is_stored_whole(lab: &Lab) {
    let version = lab.version().await;
    let jobs = (0..BATCH_JOBS_MAX).map(|_| new_job(version)).collect();

    let told = lab.submit(jobs).await;

    assert_eq!(told.len(), BATCH_JOBS_MAX);
    assert_eq!(lab.store.depths().await.expect("depths")[0].queued, BATCH_JOBS_MAX as u64);
}

pub async fn an_empty_batch_is_harmless(lab: &Lab) {
    assert_eq!(lab.submit(Vec::new()).await, Vec::new());
}

pub async fn a_submit_made_again_changes_nothing_and_answers_the_same(lab: &Lab) {
    let version = lab.version().await;
    let wait = Start::After(Duration::from_secs(3600));
    let jobs = vec![new_job(version), job_with(version, |options| options.start = wait)];
    let first = lab.submit(jobs.clone()).await;
    let before = lab.look(jobs[0].id).await;

    let second = lab.submit(jobs.clone()).await;

    assert_eq!(first, second);
    assert_eq!(lab.look(jobs[0].id).await, before);
    assert_eq!(lab.due().await.len(), 1);
}

pub async fn a_submit_made_again_does_not_revive_what_ended(lab: &Lab) {
    let version = lab.version().await;
    let job = new_job(version);
    lab.submit(vec![job.clone()]).await;
    let claimed = lab.claim(lab.host().await, job.id).await;
    assert_eq!(lab.finish(succeeded(claimed.lease)).await, Finished::Ended);

    let told = lab.submit(vec![job.clone()]).await.remove(0);

    assert_eq!((told.id, told.duplicate, told.state), (job.id, false, JobState::Succeeded));
    assert_eq!(told.offer, None);
    assert_eq!(lab.due().await, Vec::new());
}

pub async fn an_id_that_another_namespace_uses_is_a_conflict_and_stores_nothing(lab: &Lab) {
    let ours = new_job(lab.version().await);
    lab.submit(vec![ours.clone()]).await;
    let version = lab.version_in("other", "work").await;
    let in_other = |job: NewJob| NewJob { namespace: namespace("other"), version, ..job };
    let (taken, beside) = (in_other(ours), in_other(new_job(version)));

    let refusal = lab.try_submit(vec![beside.clone(), taken]).await;

    assert!(matches!(refusal, Err(Error::Conflict { .. })), "{refusal:?}");
    let stored = lab.store.job(&beside.namespace, beside.id).await;
    assert!(matches!(stored, Err(Error::NotFound { .. })), "{stored:?}");
}

pub async fn a_payload_keeps_its_bytes(lab: &Lab) {
    let version = lab.version().await;
    let text =
        r#"{"b":1e400, "a":1234567890123456789012345678901234567890,"c":"\u0000é\ud83d\ude00","b":'x'}"#
            .replace('\'', "\"");
    let job = NewJob { payload: json(&text), ..new_job(version) };

    lab.submit(vec![job.clone()]).await;

    assert_eq!(lab.look(job.id).await.payload.as_str(), text);
    assert_eq!(lab.claim(lab.host().await, job.id).await.payload.as_str(), text);
}

pub async fn options_are_kept(lab: &Lab) {
    let version = lab.version().await;
    let job = job_with(version, |options| {
        options.queue = "slow".parse().expect("a good name");
        options.priority = Priority::try_from(9).expect("1 to 9");
        options.tags = [("team", "blue"), ("quote", "it's \"so\"")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
    });

    lab.submit(vec![job.clone()]).await;

    let stored = lab.look(job.id).await;
    assert_eq!(stored.queue.to_string(), "default/slow");
    assert_eq!(stored.priority.get(), 9);
    assert_eq!(stored.tags, job.options.tags);
    let claimed = lab.claim(lab.host().await, job.id).await;
    assert_eq!(claimed.queue, stored.queue);
    assert_eq!((claimed.version, claimed.max_attempts, claimed.failures), (version, 5, 0));
}

pub async fn limits_are_kept(lab: &Lab) {
    let version = lab.version().await;
    let timeout = LimitOverrides { timeout_ms: Some(1500), ..LimitOverrides::default() };
    let memory = LimitOverrides { memory_bytes: Some(1 << 20), ..LimitOverrides::default() };
    let several =
        LimitOverrides { fuel: Some(FuelChoice::Units(7)), http_requests: Some(3), ..timeout.clone() };
    let asked = [LimitOverrides::default(), timeout, memory, several];
    let jobs: Vec<NewJob> =
        asked.iter().map(|limits| job_with(version, |options| options.limits = limits.clone())).collect();

    lab.submit(jobs.clone()).await;

    let session = lab.host().await;
    for (job, limits) in jobs.iter().zip(asked) {
        assert_eq!(lab.look(job.id).await.limits, limits);
        assert_eq!(lab.claim(session, job.id).await.limits, limits);
    }
}

pub async fn a_delayed_job_is_scheduled_and_not_offered(lab: &Lab) {
    let version = lab.version().await;
    let hour = Duration::from_secs(3600);
    let job = job_with(version, |options| options.start = Start::After(hour));

    let told = lab.submit(vec![job.clone()]).await.remove(0);

    assert_eq!((told.state, told.offer), (JobState::Scheduled, None));
    let stored = lab.look(job.id).await;
    assert_eq!(stored.state, JobState::Scheduled);
    assert_eq!(stored.run_at, stored.created_at + hour);
    assert_eq!(lab.due().await, Vec::new());
}

pub async fn an_instant_to_come_is_waited_for_and_a_past_one_is_now(lab: &Lab) {
    let version = lab.version().await;
    let now = lab.now().await;
    let hour = chrono::Duration::hours(1);
    let late = job_with(version, |options| options.start = Start::At(now + hour));
    let early = job_with(version, |options| options.start = Start::At(now - hour));

    let told = lab.submit(vec![late.clone(), early]).await;

    assert_eq!((told[0].state, told[1].state), (JobState::Scheduled, JobState::Queued));
    let run_at = lab.look(late.id).await.run_at;
    assert_eq!(run_at.timestamp_millis(), (now + hour).timestamp_millis());
}

pub async fn a_job_of_an_unknown_version_is_refused_with_its_batch(lab: &Lab) {
    let version = lab.version().await;
    let good = new_job(version);
    let bad = new_job(VersionId(version.0 + 1000));

    let refusal = lab.try_submit(vec![good.clone(), bad]).await.expect_err("an unknown version");

    assert!(matches!(refusal, Error::NotFound { .. }), "{refusal}");
    let missing = lab.store.job(&good.namespace, good.id).await.expect_err("nothing was stored");
    assert!(matches!(missing, Error::NotFound { .. }), "{missing}");
}

pub async fn a_child_job_names_its_parent(lab: &Lab) {
    let parent = lab.running().await;
    let child = new_job(parent.version);

    let submit = Submit { jobs: vec![child.clone()], parent: Some(parent.lease) };
    lab.store.submit(submit).await.expect("the parent holds its lease");

    assert_eq!(lab.look(child.id).await.parent, Some(parent.lease.job));
}

pub async fn a_parent_that_lost_its_lease_makes_no_child(lab: &Lab) {
    let parent = lab.running().await;
    let child = new_job(parent.version);
    lab.lapse(parent.lease.session).await;

    let submit = Submit { jobs: vec![child.clone()], parent: Some(parent.lease) };
    let refusal = lab.store.submit(submit).await.expect_err("the lease has run out");

    assert!(matches!(refusal, Error::Stale { .. }), "{refusal}");
    assert!(lab.store.job(&child.namespace, child.id).await.is_err());
}

pub async fn a_parent_that_ended_makes_no_child(lab: &Lab) {
    let parent = lab.running().await;
    let child = new_job(parent.version);
    assert_eq!(lab.finish(succeeded(parent.lease)).await, Finished::Ended);

    let submit = Submit { jobs: vec![child.clone()], parent: Some(parent.lease) };
    let refusal = lab.store.submit(submit).await.expect_err("the attempt has ended");

    assert!(matches!(refusal, Error::Stale { .. }), "{refusal}");
}
