//! Facts about what waits, and in which order it leaves.

use super::lab::{Lab, due, job, jobs, only, queue, reference, references, sorted};
use crate::Queues;

pub async fn an_empty_broker_has_nothing_waiting(lab: &Lab) {
    assert_eq!(lab.waiting().await, []);
    assert_eq!(lab.take_now(Queues::All, 10).await, []);
}

pub async fn an_empty_push_is_harmless(lab: &Lab) {
    lab.push(&[]).await;

    assert_eq!(lab.waiting().await, []);
}

pub async fn the_most_urgent_leave_first(lab: &Lab) {
    lab.push(&[due("q", 1, 5, 0), due("q", 2, 9, 0), due("q", 3, 1, 0)]).await;

    assert_eq!(lab.take_now(Queues::All, 10).await, jobs([3, 1, 2]));
}

pub async fn of_one_priority_the_longest_due_leave_first(lab: &Lab) {
    lab.push(&[due("q", 1, 5, 2), due("q", 2, 5, 3), due("q", 3, 5, 1)]).await;

    assert_eq!(lab.take_now(Queues::All, 10).await, jobs([3, 1, 2]));
}

pub async fn of_one_instant_the_first_made_leave_first(lab: &Lab) {
    lab.push(&[reference("q", 2), reference("q", 1 << 100), reference("q", 1)]).await;

    assert_eq!(lab.take_now(Queues::All, 10).await, jobs([1, 2, 1 << 100]));
}

pub async fn urgency_outweighs_any_wait(lab: &Lab) {
    let century_ms = 100 * 365 * 86_400_000;

    lab.push(&[due("q", 1, 2, -40 * 365 * 86_400_000), due("q", 2, 1, century_ms)]).await;

    assert_eq!(lab.take_now(Queues::All, 10).await, jobs([2, 1]));
}

pub async fn the_order_holds_over_batches(lab: &Lab) {
    lab.push(&[due("q", 1, 5, 10)]).await;
    lab.push(&[due("q", 2, 5, 5)]).await;
    lab.push(&[due("q", 3, 5, 7)]).await;

    assert_eq!(lab.drain(Queues::All).await, jobs([2, 3, 1]));
}

pub async fn a_big_batch_is_kept_whole(lab: &Lab) {
    lab.push(&references("q", 1, 5000)).await;

    assert_eq!(lab.waiting().await, [(queue("q"), 5000)]);
    assert_eq!(lab.take_now(Queues::All, 6000).await, jobs(1..=5000));
}

pub async fn a_batch_spans_queues(lab: &Lab) {
    lab.push(&[reference("a", 1), reference("b", 2), reference("other/a", 3), reference("a", 4)]).await;

    assert_eq!(lab.take_now(only(&["a"]), 10).await, jobs([1, 4]));
    assert_eq!(lab.take_now(only(&["b"]), 10).await, jobs([2]));
    assert_eq!(lab.take_now(only(&["other/a"]), 10).await, jobs([3]));
}

pub async fn pushing_twice_is_one(lab: &Lab) {
    lab.push(&[reference("q", 1), reference("q", 1)]).await;
    lab.push(&[reference("q", 1), reference("q", 2)]).await;

    assert_eq!(lab.drain(Queues::All).await, jobs([1, 2]));
}

pub async fn what_waits_keeps_its_place(lab: &Lab) {
    lab.push(&[due("q", 1, 5, 0), due("q", 2, 5, 1)]).await;

    lab.push(&[due("q", 2, 1, 0)]).await;

    assert_eq!(lab.take_now(Queues::All, 10).await, jobs([1, 2]));
}

pub async fn what_was_taken_can_be_pushed_again(lab: &Lab) {
    lab.push(&[reference("q", 1)]).await;
    lab.take_now(Queues::All, 1).await;

    lab.push(&[due("q", 1, 3, 9)]).await;

    assert_eq!(lab.drain(Queues::All).await, jobs([1]));
}

pub async fn what_was_removed_is_not_found(lab: &Lab) {
    lab.push(&references("q", 1, 4)).await;

    lab.broker.remove(&queue("q"), &jobs([2, 4, 77])).await.expect("remove");

    assert_eq!(lab.waiting().await, [(queue("q"), 2)]);
    assert_eq!(lab.drain(Queues::All).await, jobs([1, 3]));
}

pub async fn removing_touches_one_queue(lab: &Lab) {
    lab.push(&[reference("a", 1), reference("b", 1)]).await;

    lab.broker.remove(&queue("a"), &[job(1)]).await.expect("remove");

    assert_eq!(lab.waiting().await, [(queue("b"), 1)]);
}

pub async fn removing_what_is_not_there_is_harmless(lab: &Lab) {
    lab.broker.remove(&queue("nosuch"), &[job(1)]).await.expect("remove");
    lab.broker.remove(&queue("nosuch"), &[]).await.expect("remove nothing");

    assert_eq!(lab.waiting().await, []);
}

pub async fn what_was_removed_can_be_pushed_again(lab: &Lab) {
    lab.push(&[reference("q", 1)]).await;
    lab.broker.remove(&queue("q"), &[job(1)]).await.expect("remove");

    lab.push(&[reference("q", 1)]).await;

    assert_eq!(lab.drain(Queues::All).await, jobs([1]));
}

pub async fn waiting_counts_each_queue_that_has_any(lab: &Lab) {
    lab.push(&references("a", 1, 3)).await;
    lab.push(&references("b", 10, 2)).await;
    lab.push(&references("other/a", 20, 1)).await;
    lab.take_now(only(&["b"]), 10).await;
    lab.take_now(only(&["a"]), 1).await;

    assert_eq!(lab.waiting().await, [(queue("a"), 2), (queue("other/a"), 1)]);
}

pub async fn names_with_odd_characters_are_kept_apart(lab: &Lab) {
    let names =
        ["a.b/c", "a/b.c", "a-b/c", "a/b-c", "A/b-c", "a_b/c", "0/_", "_/0", "queue/queues", "a/b..c"];
    for (n, name) in (1..).zip(names) {
        lab.push(&[reference(name, n)]).await;
    }

    for (n, name) in (1..).zip(names) {
        assert_eq!(lab.take_now(only(&[name]), 10).await, jobs([n]), "{name}");
    }
}

pub async fn the_longest_names_are_kept(lab: &Lab) {
    let longest = format!("{0}/{0}", "x".repeat(63));

    lab.push(&[reference(&longest, 1)]).await;

    assert_eq!(lab.waiting().await, [(queue(&longest), 1)]);
    assert_eq!(sorted(lab.drain(Queues::All).await), jobs([1]));
}
