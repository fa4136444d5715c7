//! What the broker makes of a Redis that is away, emptied, frozen or full.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{Router, SOON, ask, connect, drain, jobs, popping, queue, references, refused, take};
use broker::{Broker as _, Signal};
use broker_redis::RedisBroker;
use redis::pipe;
use testkit::eventually::{DEADLINE, eventually};
use testkit::redis::Server;

#[tokio::test]
async fn two_brokers_on_one_redis_are_one() {
    let server = Server::start().await;
    let (here, there) = (connect(&server).await, connect(&server).await);
    let mut listener = there.signals();

    here.push(&references([1])).await.expect("push");
    here.signal(Signal::Changed).await.expect("signal");

    assert_eq!(drain(&there).await, jobs([1]));
    assert_eq!(listener.recv().await, Ok(Signal::Changed));
    assert_eq!(here.generation().await.expect("here"), there.generation().await.expect("there"));
}

#[tokio::test]
async fn another_prefix_is_another_broker() {
    let server = Server::start().await;
    let broker = connect(&server).await;
    let mut config = broker_redis::Config::parse(&server.url()).expect("a URL");
    config.prefix = "other:".to_owned();
    let other = RedisBroker::open(config).await.expect("connect");

    broker.push(&references([1])).await.expect("push");

    assert_eq!(drain(&other).await, []);
    assert_eq!(other.waiting().await.expect("waiting"), []);
    assert_eq!(drain(&broker).await, jobs([1]));
}

#[tokio::test]
async fn flushing_changes_the_generation() {
    let server = Server::start().await;
    let broker = connect(&server).await;
    let before = broker.generation().await.expect("before");

    ask::<()>(&server, pipe().cmd("FLUSHALL").ignore()).await;

    let after = broker.generation().await.expect("after");
    assert_ne!(after, before);
    assert_eq!(broker.generation().await.expect("again"), after);
}

#[tokio::test]
async fn a_restart_changes_the_generation() {
    let mut server = Server::start().await;
    let broker = connect(&server).await;
    let before = broker.generation().await.expect("before");

    server.restart().await;

    assert_ne!(broker.generation().await.expect("after"), before);
}

#[tokio::test]
async fn a_restart_from_an_old_snapshot_changes_the_generation() {
    let mut server = Server::start().await;
    let broker = connect(&server).await;
    let before = broker.generation().await.expect("before");
    let (kept,): (String,) = ask(&server, pipe().cmd("GET").arg("jobctl:generation")).await;

    server.restart().await;
    ask::<()>(&server, pipe().cmd("SET").arg("jobctl:generation").arg(kept).ignore()).await;

    assert_ne!(broker.generation().await.expect("after"), before);
}

#[tokio::test]
async fn pushes_and_takes_go_on_after_a_restart() {
    let mut server = Server::start().await;
    let broker = connect(&server).await;
    broker.push(&references([1, 2])).await.expect("push");
    assert_eq!(broker.take(take(1, SOON)).await.expect("take"), jobs([1]));

    server.restart().await;

    broker.push(&references([3])).await.expect("push");
    assert_eq!(drain(&broker).await, jobs([3]));
    assert_eq!(broker.waiting().await.expect("waiting"), []);
}

#[tokio::test]
async fn a_take_that_waits_survives_a_restart() {
    let mut server = Server::start().await;
    let broker = Arc::new(connect(&server).await);
    let taker = broker.clone();
    let taken = tokio::spawn(async move { taker.take(take(10, DEADLINE)).await });
    popping(&server, 1).await;

    server.kill().await;
    server.restart().await;
    broker.push(&references([1, 2])).await.expect("push");

    let mut jobs_taken = taken.await.expect("no panic").expect("take");
    jobs_taken.extend(drain(&broker).await);
    assert_eq!(jobs_taken, jobs([1, 2]));
}

#[tokio::test]
async fn while_redis_is_away_every_verb_says_so_and_later_works() {
    let mut server = Server::start().await;
    let broker = connect(&server).await;
    broker.push(&references([1])).await.expect("push");

    server.kill().await;

    let address = format!("127.0.0.1:{}", server.port());
    for refusal in [
        refused(broker.push(&references([2]))).await,
        refused(broker.take(take(1, Duration::ZERO))).await,
        refused(broker.take(take(1, Duration::from_millis(300)))).await,
        refused(broker.waiting()).await,
        refused(broker.remove(&queue("default/q"), &jobs([1]))).await,
        refused(broker.signal(Signal::Changed)).await,
        refused(broker.generation()).await,
    ] {
        assert!(refusal.contains(&address), "{refusal}");
    }
    server.restart().await;
    broker.push(&references([3])).await.expect("push");
    assert_eq!(drain(&broker).await, jobs([3]));
}

#[tokio::test]
async fn many_calls_while_redis_is_away_fail_together() {
    let mut server = Server::start().await;
    let broker = Arc::new(connect(&server).await);

    server.freeze();

    let calls: Vec<_> = (0..50)
        .map(|n| {
            let broker = broker.clone();
            tokio::spawn(async move { refused(broker.push(&references([n]))).await })
        })
        .collect();
    for call in calls {
        assert!(call.await.expect("it fails in time").contains("no answer"));
    }
    server.thaw();
    eventually("Redis to answer again", async || broker.push(&references([99])).await.ok()).await;
}

#[tokio::test]
async fn a_take_goes_on_when_a_frozen_redis_does() {
    let mut server = Server::start().await;
    let broker = Arc::new(connect(&server).await);
    let taker = broker.clone();
    let taken = tokio::spawn(async move { taker.take(take(10, DEADLINE)).await });
    popping(&server, 1).await;

    server.freeze();
    refused(broker.push(&references([1]))).await;
    server.thaw();
    eventually("Redis to answer again", async || broker.push(&references([2])).await.ok()).await;

    // What was sent to the frozen Redis may have arrived or not.
    let mut found = taken.await.expect("no panic").expect("take");
    found.extend(drain(&broker).await);
    assert!(found.contains(&jobs([2])[0]), "{found:?}");
}

#[tokio::test]
async fn signals_come_again_after_a_restart() {
    let mut server = Server::start().await;
    let broker = connect(&server).await;
    let mut listener = broker.signals();

    server.restart().await;

    let heard = tokio::spawn(async move { listener.recv().await });
    eventually("a signal", async || {
        broker.signal(Signal::Changed).await.ok();
        heard.is_finished().then_some(())
    })
    .await;
    assert_eq!(heard.await.expect("no panic"), Ok(Signal::Changed));
}

#[tokio::test]
async fn a_full_redis_refuses_and_serves_again_when_there_is_room() {
    let server = Server::start().await;
    let broker = connect(&server).await;
    broker.push(&references([1])).await.expect("push");
    let limit = |bytes: &str| pipe().cmd("CONFIG").arg(&["SET", "maxmemory", bytes]).ignore().clone();

    ask::<()>(&server, &limit("1")).await;
    let refusal = refused(broker.push(&references([2]))).await;
    assert!(refusal.contains("OOM"), "{refusal}");
    assert_eq!(drain(&broker).await, jobs([1]));

    ask::<()>(&server, &limit("0")).await;
    broker.push(&references([3])).await.expect("push");
    assert_eq!(drain(&broker).await, jobs([3]));
}

#[tokio::test]
async fn a_take_that_is_dropped_gives_back_what_it_got() {
    let server = Server::start().await;
    let broker = Arc::new(connect(&server).await);
    let mut found = Vec::new();

    // Drop it at all moments: before the push, with it, after it.
    for n in 0..100_u64 {
        let taker = broker.clone();
        let taken = tokio::spawn(async move { taker.take(take(1, DEADLINE)).await });
        tokio::time::timeout(Duration::from_micros(20 * n), broker.push(&references([n.into()]))).await.ok();
        taken.abort();
        if let Ok(taken) = taken.await {
            found.extend(taken.expect("take"));
        }
        broker.push(&references([n.into()])).await.expect("push");
    }

    // A reference that was taken is found again when it was pushed the second time.
    let found = Mutex::new(BTreeSet::from_iter(found));
    eventually("all references", async || {
        let more = drain(&broker).await;
        let mut found = found.lock().expect("lock");
        found.extend(more);
        (found.len() == 100).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_take_that_is_dropped_before_it_saw_its_answer_gives_it_back() {
    let server = Server::start().await;
    let broker = connect(&server).await;
    broker.push(&references([1, 2])).await.expect("push");
    let count = async || {
        let (count,): (u64,) = ask(&server, pipe().cmd("ZCARD").arg("jobctl:queue:default/q")).await;
        count
    };
    let mut taken = Box::pin(broker.take(take(10, DEADLINE)));
    assert!(futures::poll!(&mut taken).is_pending());
    eventually("the answer", async || (count().await == 0).then_some(())).await;
    count().await;

    drop(taken);

    eventually("the references to be back", async || (count().await == 2).then_some(())).await;
    assert_eq!(drain(&broker).await, jobs([1, 2]));
}

#[tokio::test]
async fn takes_that_are_dropped_leave_no_connection_that_waits() {
    let server = Server::start().await;
    let broker = Arc::new(connect(&server).await);
    let takers: Vec<_> = (0..20)
        .map(|_| {
            let taker = broker.clone();
            tokio::spawn(async move { taker.take(take(1, DEADLINE)).await })
        })
        .collect();
    popping(&server, 20).await;

    for taker in takers {
        taker.abort();
    }

    let gone = tokio::time::timeout(SOON, popping(&server, 0)).await;
    gone.expect("pops that nobody waits for end at once");
    broker.push(&references(0..100)).await.expect("push");
    assert_eq!(drain(&broker).await, jobs(0..100));
}

#[tokio::test]
async fn callers_with_little_patience_get_a_new_connection_for_one_that_was_swallowed() {
    let server = Server::start().await;
    let router = Router::to(&server).await;
    let broker = RedisBroker::connect(&router.url()).await.expect("connect");
    broker.signal(Signal::Changed).await.expect("signal");

    router.forget();

    // Nobody stays until the answer is overdue.
    let patience = Duration::from_millis(700);
    eventually("a signal to arrive", async || {
        tokio::time::timeout(patience, broker.signal(Signal::Changed)).await.ok()?.ok()
    })
    .await;
}

#[tokio::test]
async fn a_take_on_a_connection_that_was_swallowed_ends_and_the_next_finds_what_is_there() {
    let server = Server::start().await;
    let router = Router::to(&server).await;
    let broker = Arc::new(RedisBroker::connect(&router.url()).await.expect("connect"));
    // Both keep their connections for the next take.
    let takers = [broker.clone(), broker.clone()];
    let takers = takers.map(|taker| tokio::spawn(async move { taker.take(take(1, DEADLINE)).await }));
    popping(&server, 2).await;
    broker.push(&references([1, 2])).await.expect("push");
    for taker in takers {
        taker.await.expect("no panic").expect("take");
    }

    router.forget();
    refused(broker.take(take(1, Duration::ZERO))).await;
    connect(&server).await.push(&references([3])).await.expect("push");

    assert_eq!(broker.take(take(1, SOON)).await.expect("take"), jobs([3]));
}

#[tokio::test]
async fn references_that_were_kept_over_a_restart_are_there_once_when_offered_again() {
    let mut server = Server::start().await;
    server.set_flags(&["--appendonly", "yes", "--appendfsync", "always"]);
    server.restart().await;
    let broker = connect(&server).await;
    broker.push(&references([1, 2, 3])).await.expect("push");
    let before = broker.generation().await.expect("before");

    server.restart().await;

    assert_ne!(broker.generation().await.expect("after"), before);
    assert_eq!(broker.waiting().await.expect("waiting"), [(queue("default/q"), 3)]);
    broker.push(&references([1, 2, 3])).await.expect("push again");
    assert_eq!(drain(&broker).await, jobs([1, 2, 3]));
}

#[tokio::test]
async fn a_full_redis_lets_wake_ups_through_and_no_generation() {
    let server = Server::start().await;
    let broker = connect(&server).await;
    let mut listener = broker.signals();
    broker.generation().await.expect("generation");

    ask::<()>(&server, pipe().cmd("CONFIG").arg(&["SET", "maxmemory", "1"]).ignore()).await;

    // Whoever asks for it would offer references, and learns by it that there is no room for them.
    let refusal = refused(broker.generation()).await;
    assert!(refusal.contains("OOM"), "{refusal}");
    broker.signal(Signal::Changed).await.expect("signal");
    assert_eq!(listener.recv().await, Ok(Signal::Changed));
}
