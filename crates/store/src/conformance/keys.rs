//! Facts about idempotency keys.

use std::time::Duration;

use futures::future::join_all;
use model::job::{JobState, Key, NewJob, Priority};
use model::name::Namespace;

use super::lab::{Lab, id, job_with, json, keyed, namespace, new_job, succeeded};
use crate::Error;

pub async fn a_key_in_use_tells_the_earlier_job(lab: &Lab) {
    let version = lab.version().await;
    let first = keyed(version, "k");
    let second = keyed(version, "k");
    lab.submit(vec![first.clone()]).await;

    let told = lab.submit(vec![second.clone()]).await.remove(0);

    assert_eq!((told.id, told.duplicate, told.state), (first.id, true, JobState::Queued));
    assert_eq!(told.offer, None);
    assert!(lab.store.job(&Namespace::default(), second.id).await.is_err());
    assert_eq!(lab.look(first.id).await.key.as_deref(), Some("k"));
    assert_eq!(lab.due().await.len(), 1);
}

pub async fn a_key_twice_in_a_batch_makes_one_job(lab: &Lab) {
    let version = lab.version().await;
    let jobs = vec![keyed(version, "k"), new_job(version), keyed(version, "k"), keyed(version, "l")];

    let told = lab.submit(jobs.clone()).await;

    assert_eq!(told[2].id, jobs[0].id);
    assert_eq!(told.iter().map(|one| one.duplicate).collect::<Vec<_>>(), [false, false, true, false]);
    assert_eq!(lab.due().await.len(), 3);
}

pub async fn a_keyed_submit_made_again_answers_the_same(lab: &Lab) {
    let version = lab.version().await;
    let jobs = vec![keyed(version, "k"), keyed(version, "k")];

    let first = lab.submit(jobs.clone()).await;
    let second = lab.submit(jobs).await;

    assert_eq!(first, second);
}

pub async fn an_ended_job_still_stands_for_its_key(lab: &Lab) {
    let version = lab.version().await;
    let first = keyed(version, "k");
    lab.submit(vec![first.clone()]).await;
    let claimed = lab.claim(lab.host().await, first.id).await;
    lab.finish(succeeded(claimed.lease)).await;

    let told = lab.submit(vec![keyed(version, "k")]).await.remove(0);

    assert_eq!((told.id, told.duplicate, told.state), (first.id, true, JobState::Succeeded));
}

pub async fn a_key_with_another_payload_is_a_conflict_and_stores_nothing(lab: &Lab) {
    let version = lab.version().await;
    lab.submit(vec![keyed(version, "k")]).await;
    let innocent = new_job(version);
    let other = NewJob { payload: json("{\"n\":2}"), ..keyed(version, "k") };

    let refusal = lab.try_submit(vec![innocent.clone(), other]).await.expect_err("other content");

    assert!(matches!(&refusal, Error::Conflict { why } if why.contains("\"k\"")), "{refusal}");
    assert!(lab.store.job(&Namespace::default(), innocent.id).await.is_err());
}

pub async fn a_key_with_other_options_is_a_conflict(lab: &Lab) {
    let version = lab.version().await;
    lab.submit(vec![keyed(version, "k")]).await;
    let mut other = keyed(version, "k");
    other.options.priority = Priority::try_from(1).expect("1 to 9");

    let refusal = lab.try_submit(vec![other]).await.expect_err("other options");

    assert!(matches!(refusal, Error::Conflict { .. }), "{refusal}");
}

pub async fn a_key_with_other_limits_is_a_conflict(lab: &Lab) {
    let version = lab.version().await;
    lab.submit(vec![keyed(version, "k")]).await;
    let mut other = keyed(version, "k");
    other.options.limits.memory_bytes = Some(1 << 20);

    let refusal = lab.try_submit(vec![other]).await.expect_err("other limits");

    assert!(matches!(refusal, Error::Conflict { .. }), "{refusal}");
}

pub async fn a_key_with_two_contents_in_a_batch_is_a_conflict(lab: &Lab) {
    let version = lab.version().await;
    let first = keyed(version, "k");
    let other = NewJob { payload: json("{\"n\":2}"), ..keyed(version, "k") };

    let refusal = lab.try_submit(vec![first.clone(), other]).await.expect_err("other content");

    assert!(matches!(refusal, Error::Conflict { .. }), "{refusal}");
    assert!(lab.store.job(&Namespace::default(), first.id).await.is_err());
}

pub async fn a_key_is_the_task_s_own(lab: &Lab) {
    let work = lab.version().await;
    let play = lab.version_in("default", "play").await;
    let elsewhere = lab.version_in("other", "work").await;
    let foreign = NewJob { namespace: namespace("other"), ..keyed(elsewhere, "k") };

    let told = lab.submit(vec![keyed(work, "k"), keyed(play, "k"), foreign]).await;

    assert!(told.iter().all(|one| !one.duplicate));
}

pub async fn a_newer_version_of_the_task_keeps_its_keys(lab: &Lab) {
    let first = keyed(lab.version().await, "k");
    lab.submit(vec![first.clone()]).await;
    let newer = super::components::publish(lab, b"other bytes", &[("work", "")], true).await;

    let told = lab.submit(vec![keyed(newer[0].version.id, "k")]).await.remove(0);

    assert_eq!((told.id, told.duplicate), (first.id, true));
}

pub async fn a_key_is_forgotten_after_its_time(lab: &Lab) {
    let version = lab.version().await;
    let ttl = Duration::from_millis(1);
    let brief =
        || job_with(version, |options| options.key = Some(Key { text: "k".to_owned(), ttl: Some(ttl) }));
    let first = lab.submit(vec![brief()]).await.remove(0);
    let created_at = lab.look(first.id).await.created_at;
    lab.past(created_at + ttl + ttl).await;

    let other = NewJob { payload: json("{\"n\":2}"), ..keyed(version, "k") };
    let second = lab.submit(vec![other.clone()]).await.remove(0);
    let third = lab.submit(vec![NewJob { id: id(), ..other }]).await.remove(0);

    assert!(!second.duplicate);
    assert_ne!(first.id, second.id);
    assert_eq!((third.id, third.duplicate), (second.id, true));
    assert_eq!(lab.due().await.len(), 2);
}

pub async fn many_submitters_of_one_key_make_one_job(lab: &Lab) {
    let version = lab.version().await;
    let racers = (0..16).map(|_| lab.try_submit(vec![keyed(version, "k"), keyed(version, "l")]));

    let told: Vec<_> = join_all(racers).await.into_iter().map(|answer| answer.expect("submit")).collect();

    for place in [0, 1] {
        assert_eq!(told.iter().filter(|one| !one[place].duplicate).count(), 1);
        assert!(told.iter().all(|one| one[place].id == told[0][place].id));
    }
    assert_eq!(lab.due().await.len(), 2);
}
