//! Facts about many queues and many takers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use model::id::JobId;

use super::lab::{DEADLINE, Lab, by_deadline, jobs, only, reference, references, sorted};
use crate::{Broker, Queues, Take};

/// Takes one at a time until `wanted` was taken, and tells after how many.
async fn takes_until(lab: &Lab, queues: &Queues, wanted: JobId, takes_max: usize) -> usize {
    for n in 1..=takes_max {
        if lab.take_now(queues.clone(), 1).await == [wanted] {
            return n;
        }
    }
    panic!("{takes_max} takes did not give {wanted}");
}

pub async fn a_long_queue_does_not_starve_a_short_one(lab: &Lab) {
    lab.push(&references("long", 1, 1000)).await;
    lab.push(&[reference("short", 5000)]).await;

    // With a fair coin for each take, the chance to miss it is that of 100 heads in a row.
    takes_until(lab, &Queues::All, jobs([5000])[0], 100).await;
}

pub async fn the_queue_named_first_does_not_starve_the_last(lab: &Lab) {
    lab.push(&references("a", 1, 1000)).await;
    lab.push(&references("b", 2000, 1000)).await;
    lab.push(&[reference("c", 5000)]).await;

    takes_until(lab, &only(&["a", "b", "c"]), jobs([5000])[0], 200).await;
}

pub async fn a_queue_that_is_filled_again_and_again_does_not_starve_another(lab: &Lab) {
    lab.push(&references("backlog", 1, 5)).await;

    let mut served = 0;
    for n in 0..200 {
        lab.push(&[reference("busy", 1000 + n)]).await;
        let taken = lab.take_now(Queues::All, 1).await;
        served += usize::from(taken[0] < jobs([1000])[0]);
    }

    assert_eq!(served, 5);
}

pub async fn somebody_else_s_takes_do_not_cost_a_queue_its_turn(lab: &Lab) {
    lab.push(&references("a", 1, 1000)).await;
    lab.push(&references("b", 2000, 5)).await;
    lab.push(&references("c", 3000, 1000)).await;

    let mut served = 0;
    for _ in 0..200 {
        let taken = lab.take_now(only(&["a", "b"]), 1).await;
        served += usize::from(taken[0] >= jobs([2000])[0]);
        lab.take_now(only(&["c"]), 1).await;
    }

    assert_eq!(served, 5);
}

/// Takes until `total` were taken by all takers together.
async fn take_all(broker: Arc<dyn Broker>, taken: Arc<AtomicUsize>, total: usize) -> Vec<JobId> {
    let mut mine = Vec::new();
    while taken.load(Ordering::SeqCst) < total {
        let take = Take { queues: Queues::All, max: 50, wait: Duration::from_millis(200) };
        let jobs = broker.take(take).await.expect("take");
        taken.fetch_add(jobs.len(), Ordering::SeqCst);
        mine.extend(jobs);
    }
    mine
}

pub async fn many_takers_get_each_reference_once(lab: &Lab) {
    let total = 10_000;
    let taken = Arc::new(AtomicUsize::new(0));
    let takers: Vec<_> =
        (0..8).map(|_| tokio::spawn(take_all(lab.broker.clone(), taken.clone(), total))).collect();

    for batch in 0..20 {
        let name = ["a", "b", "other/a"][usize::try_from(batch % 3).expect("small")];
        lab.push(&references(name, batch * 500, 500)).await;
    }

    let shares = by_deadline("all references", join_all(takers)).await;
    let all = shares.into_iter().flat_map(|share| share.expect("a taker does not panic")).collect();
    assert_eq!(sorted(all), jobs(0..10_000));
}

pub async fn a_dropped_take_loses_at_most_what_it_held(lab: &Lab) {
    for _ in 0..5 {
        let take = Take { queues: only(&["q"]), max: 1, wait: DEADLINE };
        let wait = Duration::from_millis(50);
        tokio::time::timeout(wait, lab.broker.take(take)).await.expect_err("there is nothing to take");
    }

    lab.push(&references("q", 1, 100)).await;

    let mut found = 0;
    while found < 95 {
        let take = Take { queues: only(&["q"]), max: 100, wait: DEADLINE };
        let taken = lab.take(take).await;
        assert_ne!(taken, [], "only {found} were found");
        found += taken.len();
    }
}

pub async fn a_take_that_is_dropped_leaves_the_others_waiting(lab: &Lab) {
    let patient = || Take { queues: only(&["q"]), max: 10, wait: DEADLINE };
    let mut stays = std::pin::pin!(lab.take(patient()));
    let goes = tokio::time::timeout(Duration::from_millis(100), lab.broker.take(patient()));
    tokio::select! {
        _ = &mut stays => panic!("there is nothing to take"),
        gone = goes => assert!(gone.is_err(), "there is nothing to take"),
    }

    lab.push(&references("q", 1, 3)).await;

    let taken = stays.await;
    assert_ne!(taken, []);
}
