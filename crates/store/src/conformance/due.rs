//! Facts about what is due, and what stands in the queues.

use std::time::Duration;

use model::job::{JobOptions, NewJob, Priority, Start};

use super::lab::{Lab, ids, job_with, namespace, new_job};
use crate::Due;

fn urgent(options: &mut JobOptions, priority: u8) {
    options.priority = Priority::try_from(priority).expect("1 to 9");
}

pub async fn an_empty_store_has_nothing_due(lab: &Lab) {
    assert_eq!(lab.due().await, Vec::new());
    assert_eq!(lab.store.depths().await.expect("depths"), Vec::new());
}

pub async fn the_database_s_clock_is_told(lab: &Lab) {
    let id = lab.put().await;

    assert!(lab.now().await >= lab.look(id).await.created_at);
}

pub async fn the_most_urgent_and_then_the_longest_due_come_first(lab: &Lab) {
    let version = lab.version().await;
    let mut expected = Vec::new();
    for priority in [5, 1, 5, 9, 1] {
        let job = job_with(version, |options| urgent(options, priority));
        lab.submit(vec![job.clone()]).await;
        lab.past(lab.look(job.id).await.run_at).await;
        expected.push((priority, job.id));
    }
    expected.sort_by_key(|(priority, _)| *priority);

    let offers = lab.due().await;

    let found: Vec<_> = offers.iter().map(|offer| (offer.priority.get(), offer.job)).collect();
    assert_eq!(found, expected);
}

pub async fn an_offer_names_its_queue(lab: &Lab) {
    let version = lab.version_in("other", "work").await;
    let job = NewJob {
        namespace: namespace("other"),
        ..job_with(version, |options| options.queue = "slow".parse().expect("a good name"))
    };
    let told = lab.submit(vec![job]).await.remove(0);

    let offers = lab.due().await;

    assert_eq!(offers[0].queue.to_string(), "other/slow");
    assert_eq!(Some(&offers[0]), told.offer.as_ref());
}

pub async fn the_limit_is_for_each_queue_and_priority(lab: &Lab) {
    let version = lab.version().await;
    let mut jobs: Vec<NewJob> = Vec::new();
    for _ in 0..3 {
        jobs.push(new_job(version));
        jobs.push(job_with(version, |options| urgent(options, 1)));
        jobs.push(job_with(version, |options| options.queue = "slow".parse().expect("a good name")));
    }
    lab.submit(jobs).await;

    let (offers, _) = lab.store.due(Due { since: None, limit: 2 }).await.expect("due");

    let count = |queue: &str, priority: u8| {
        offers
            .iter()
            .filter(|one| one.queue.queue.as_str() == queue && one.priority.get() == priority)
            .count()
    };
    assert_eq!((count("default", 5), count("default", 1), count("slow", 5)), (2, 2, 2));
    assert_eq!(offers.len(), 6);
}

pub async fn the_steady_read_finds_only_what_became_due_since(lab: &Lab) {
    let old = lab.put().await;
    lab.past(lab.look(old).await.run_at).await;
    let since = lab.now().await;
    let new = lab.put().await;

    let (offers, now) = lab.store.due(Due { since: Some(since), limit: 100 }).await.expect("due");

    assert_eq!(offers.iter().map(|offer| offer.job).collect::<Vec<_>>(), [new]);
    assert!(now >= since);
}

pub async fn what_became_due_by_waiting_is_found_by_the_steady_read(lab: &Lab) {
    let version = lab.version().await;
    let job = job_with(version, |options| options.start = Start::After(Duration::from_millis(20)));
    lab.submit(vec![job.clone()]).await;
    let run_at = lab.look(job.id).await.run_at;
    lab.past(run_at).await;

    let (offers, _) = lab.store.due(Due { since: Some(run_at), limit: 100 }).await.expect("due");

    assert_eq!(offers.iter().map(|offer| offer.job).collect::<Vec<_>>(), [job.id]);
}

pub async fn depths_count_what_stands_in_each_queue(lab: &Lab) {
    let version = lab.version().await;
    let hour = Start::After(Duration::from_secs(3600));
    let slow = |options: &mut JobOptions| options.queue = "slow".parse().expect("a good name");
    let mut jobs: Vec<NewJob> = ids(3).into_iter().map(|id| NewJob { id, ..new_job(version) }).collect();
    jobs.push(job_with(version, |options| options.start = hour));
    jobs.push(job_with(version, slow));
    lab.submit(jobs.clone()).await;
    let session = lab.host().await;
    lab.claim(session, jobs[0].id).await;
    lab.claim(session, jobs[4].id).await;

    let depths = lab.store.depths().await.expect("depths");

    let names: Vec<_> = depths.iter().map(|depth| depth.queue.to_string()).collect();
    assert_eq!(names, ["default/default", "default/slow"]);
    let counts: Vec<_> = depths.iter().map(|one| (one.queued, one.running, one.scheduled)).collect();
    assert_eq!(counts, [(2, 1, 1), (0, 1, 0)]);
    assert!(depths.iter().all(|depth| !depth.paused));
    assert!(depths[0].oldest_queued_seconds.expect("two wait") >= 0.0);
    assert_eq!(depths[1].oldest_queued_seconds, None);
}

pub async fn an_emptied_queue_is_still_shown(lab: &Lab) {
    lab.dead().await;

    let depths = lab.store.depths().await.expect("depths");

    assert_eq!(depths.len(), 1);
    assert_eq!((depths[0].queued, depths[0].running, depths[0].scheduled), (0, 0, 0));
}
