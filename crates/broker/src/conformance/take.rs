//! Facts about taking and waiting.

use std::time::{Duration, Instant};

use super::lab::{DEADLINE, Lab, by_deadline, jobs, only, reference, references, sorted};
use crate::{Queues, Take};

/// Long enough to see that something waits, short enough for a test.
const A_MOMENT: Duration = Duration::from_millis(150);

fn patient(queues: Queues, max: usize) -> Take {
    Take { queues, max, wait: DEADLINE }
}

pub async fn a_take_gives_no_more_than_was_asked(lab: &Lab) {
    lab.push(&references("q", 1, 10)).await;

    assert_eq!(lab.take_now(Queues::All, 4).await, jobs(1..=4));
    assert_eq!(lab.take_now(Queues::All, 4).await, jobs(5..=8));
    assert_eq!(lab.take_now(Queues::All, 4).await, jobs(9..=10));
}

pub async fn who_asks_for_nothing_gets_nothing_at_once(lab: &Lab) {
    lab.push(&[reference("q", 1)]).await;

    assert_eq!(lab.take(patient(Queues::All, 0)).await, []);
    assert_eq!(lab.drain(Queues::All).await, jobs([1]));
}

pub async fn a_take_is_of_one_queue(lab: &Lab) {
    lab.push(&references("a", 1, 3)).await;
    lab.push(&references("b", 11, 3)).await;

    let first = lab.take_now(Queues::All, 10).await;
    let second = lab.take_now(Queues::All, 10).await;

    let mut takes = [first, second];
    takes.sort();
    assert_eq!(takes, [jobs(1..=3), jobs(11..=13)]);
}

pub async fn only_named_queues_are_served(lab: &Lab) {
    lab.push(&[reference("a", 1), reference("b", 2), reference("c", 3), reference("other/a", 4)]).await;

    assert_eq!(sorted(lab.drain(only(&["a", "c"])).await), jobs([1, 3]));
    assert_eq!(sorted(lab.drain(Queues::All).await), jobs([2, 4]));
}

pub async fn a_queue_named_twice_is_served_once(lab: &Lab) {
    lab.push(&references("a", 1, 2)).await;

    assert_eq!(lab.take_now(only(&["a", "a"]), 10).await, jobs([1, 2]));
}

pub async fn a_take_ends_empty_when_its_wait_ran_out(lab: &Lab) {
    lab.push(&[reference("b", 1)]).await;
    let wait = A_MOMENT;

    for queues in [only(&["a"]), only(&[])] {
        let start = Instant::now();
        let taken = lab.take(Take { queues, max: 1, wait }).await;

        assert_eq!(taken, []);
        assert!(start.elapsed() >= wait, "it waited {:?}", start.elapsed());
    }
}

pub async fn a_take_without_a_wait_does_not_wait(lab: &Lab) {
    assert_eq!(lab.take_now(Queues::All, 1).await, []);
    assert_eq!(lab.take_now(only(&["a"]), 1).await, []);
    assert_eq!(lab.take_now(only(&[]), 1).await, []);
}

pub async fn a_take_waits_for_the_first_and_is_woken(lab: &Lab) {
    for queues in [only(&["a", "q"]), Queues::All] {
        let mut take = std::pin::pin!(lab.take(patient(queues, 10)));
        assert!(tokio::time::timeout(A_MOMENT, &mut take).await.is_err(), "there is nothing to take");

        lab.push(&references("q", 1, 3)).await;

        assert_eq!(take.await, jobs(1..=3));
    }
}

pub async fn whoever_waits_for_other_queues_is_not_served(lab: &Lab) {
    let mut take = std::pin::pin!(lab.take(patient(only(&["a"]), 10)));
    assert!(tokio::time::timeout(A_MOMENT, &mut take).await.is_err(), "there is nothing to take");

    lab.push(&[reference("b", 2)]).await;

    assert!(tokio::time::timeout(A_MOMENT, &mut take).await.is_err(), "there is nothing in its queue");
    lab.push(&[reference("a", 1)]).await;
    assert_eq!(take.await, jobs([1]));
    assert_eq!(lab.drain(Queues::All).await, jobs([2]));
}

pub async fn all_includes_queues_that_come_later(lab: &Lab) {
    lab.push(&[reference("known", 1)]).await;
    lab.drain(Queues::All).await;
    let mut take = std::pin::pin!(lab.take(patient(Queues::All, 10)));
    assert!(tokio::time::timeout(A_MOMENT, &mut take).await.is_err(), "there is nothing to take");

    lab.push(&[reference("tenant/new", 2)]).await;

    assert_eq!(by_deadline("the new queue", take).await, jobs([2]));
}
