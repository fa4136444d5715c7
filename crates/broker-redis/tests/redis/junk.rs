//! What the broker makes of a Redis where somebody else writes to its keys.

use std::time::Duration;

use broker::{Broker as _, Queues, Signal, Take};
use redis::pipe;
use testkit::eventually::DEADLINE;
use testkit::redis::Server;

use crate::support::{SOON, ask, connect, drain, jobs, popping, queue, references, take};

#[tokio::test]
async fn junk_in_the_place_of_the_generation_is_replaced() {
    let server = Server::start().await;
    let broker = connect(&server).await;

    for vandal in [["SET", "jobctl:generation", "junk"], ["LPUSH", "jobctl:generation", "junk"]] {
        ask::<()>(&server, pipe().cmd("DEL").arg("jobctl:generation").ignore()).await;
        ask::<()>(&server, pipe().cmd(vandal[0]).arg(&vandal[1..]).ignore()).await;

        let generation = broker.generation().await.expect("generation");

        assert_eq!(broker.generation().await.expect("again"), generation);
    }
}

#[tokio::test]
async fn junk_among_the_references_is_dropped() {
    let server = Server::start().await;
    let broker = connect(&server).await;
    let big = vec![b'x'; 10 << 20];
    let mut vandal = pipe();
    for junk in [&b"short"[..], &[0xff; 17], b"", &big] {
        vandal.cmd("ZADD").arg("jobctl:queue:default/q").arg(0).arg(junk).ignore();
    }
    ask::<()>(&server, &vandal).await;

    assert_eq!(broker.take(take(2, Duration::ZERO)).await.expect("take"), []);
    ask::<()>(&server, &vandal).await;
    broker.push(&references([1, 2])).await.expect("push");

    assert_eq!(broker.take(take(2, SOON)).await.expect("take"), jobs([1, 2]));
    assert_eq!(broker.waiting().await.expect("waiting"), []);
}

#[tokio::test]
async fn junk_among_the_queues_is_dropped() {
    let server = Server::start().await;
    let broker = connect(&server).await;
    broker.push(&references([1])).await.expect("push");
    ask::<()>(&server, pipe().cmd("SADD").arg("jobctl:queues").arg(&["", "a", "a/b/c", "a b/c"]).ignore())
        .await;

    assert_eq!(broker.waiting().await.expect("waiting"), [(queue("default/q"), 1)]);

    let (left,): (Vec<String>,) = ask(&server, pipe().cmd("SMEMBERS").arg("jobctl:queues")).await;
    assert_eq!(left, ["default/q"]);
    assert_eq!(drain(&broker).await, jobs([1]));
}

#[tokio::test]
async fn keys_that_hold_something_else_are_replaced() {
    let server = Server::start().await;
    let broker = connect(&server).await;
    let mut vandal = pipe();
    for key in ["jobctl:queue:default/q", "jobctl:queues"] {
        vandal.cmd("SET").arg(key).arg("junk").ignore();
    }

    ask::<()>(&server, &vandal).await;
    broker.push(&references([1])).await.expect("push");
    assert_eq!(drain(&broker).await, jobs([1]));

    ask::<()>(&server, &vandal).await;
    assert_eq!(broker.waiting().await.expect("waiting"), []);
    assert_eq!(drain(&broker).await, []);

    ask::<()>(&server, &vandal).await;
    broker.remove(&queue("default/q"), &jobs([1])).await.expect("remove");
    ask::<()>(&server, &vandal).await;
    let all = Take { queues: Queues::All, max: 1, wait: Duration::from_millis(600) };
    assert_eq!(broker.take(all).await.expect("take"), []);
}

#[tokio::test]
async fn junk_among_the_signals_is_dropped() {
    let server = Server::start().await;
    let broker = connect(&server).await;
    let mut listener = broker.signals();

    ask::<()>(&server, pipe().cmd("PUBLISH").arg("jobctl:signals").arg("junk").ignore()).await;
    broker.signal(Signal::Changed).await.expect("signal");

    assert_eq!(listener.recv().await, Ok(Signal::Changed));
}

#[tokio::test]
async fn scores_that_make_no_sense_neither_hide_a_reference_nor_harm_the_others() {
    let server = Server::start().await;
    let broker = connect(&server).await;
    broker.push(&references([2, 3])).await.expect("push");
    let mut vandal = pipe();
    for (n, score) in [(1, "-inf"), (2, "-1"), (4, "inf"), (5, "1e300")] {
        vandal.cmd("ZADD").arg("jobctl:queue:default/q").arg(score).arg(jobs([n])[0].0.as_bytes()).ignore();
    }
    ask::<()>(&server, &vandal).await;

    let mut found = broker.take(take(2, SOON)).await.expect("take");
    found.extend(broker.take(take(1, SOON)).await.expect("take"));
    found.extend(broker.take(take(10, SOON)).await.expect("take"));

    assert_eq!(found, jobs([1, 2, 3, 5, 4]));
}

#[tokio::test]
async fn a_queue_whose_key_becomes_something_else_under_a_take_that_waits_is_served_again() {
    let server = Server::start().await;
    let broker = std::sync::Arc::new(connect(&server).await);
    let taker = broker.clone();
    let taken = tokio::spawn(async move { taker.take(take(10, DEADLINE)).await });
    popping(&server, 1).await;

    ask::<()>(&server, pipe().cmd("SET").arg("jobctl:queue:default/q").arg("junk").ignore()).await;
    broker.push(&references([1])).await.expect("push");

    assert_eq!(taken.await.expect("no panic").expect("take"), jobs([1]));
}
