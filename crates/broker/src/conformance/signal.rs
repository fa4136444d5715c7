//! Facts about wake-ups, and about how a loss is noticed.

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::lab::{Lab, by_deadline, job, jobs, references};
use crate::{Queues, Signal};

/// The next signal, past those that were missed.
async fn next(listener: &mut Receiver<Signal>) -> Signal {
    by_deadline("a signal", async {
        loop {
            match listener.recv().await {
                Ok(signal) => return signal,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => panic!("the broker is gone"),
            }
        }
    })
    .await
}

pub async fn a_signal_reaches_every_listener(lab: &Lab) {
    let mut listeners = [lab.broker.signals(), lab.broker.signals()];

    lab.broker.signal(Signal::Ended(jobs([1, 2]))).await.expect("signal");
    lab.broker.signal(Signal::Changed).await.expect("signal");

    for listener in &mut listeners {
        assert_eq!(next(listener).await, Signal::Ended(jobs([1, 2])));
        assert_eq!(next(listener).await, Signal::Changed);
    }
}

pub async fn a_signal_about_many_jobs_tells_all_of_them(lab: &Lab) {
    let mut listener = lab.broker.signals();
    let many = jobs(0..2500);

    lab.broker.signal(Signal::Ended(many.clone())).await.expect("signal");

    let mut told = Vec::new();
    while told.len() < many.len() {
        match next(&mut listener).await {
            Signal::Ended(jobs) => told.extend(jobs),
            Signal::Changed => panic!("nothing changed"),
        }
    }
    assert_eq!(told, many);
}

pub async fn a_signal_that_nobody_hears_is_harmless(lab: &Lab) {
    lab.broker.signal(Signal::Changed).await.expect("signal");
    lab.broker.signal(Signal::Ended(Vec::new())).await.expect("signal");
}

pub async fn a_slow_listener_misses_the_oldest_and_blocks_nobody(lab: &Lab) {
    let mut slow = lab.broker.signals();
    let mut quick = lab.broker.signals();

    for n in 0..3000 {
        by_deadline("room for a signal", lab.broker.signal(Signal::Ended(vec![job(n)])))
            .await
            .expect("signal");
        if n % 100 == 99 {
            while next(&mut quick).await != Signal::Ended(vec![job(n)]) {}
        }
    }

    let Signal::Ended(first) = next(&mut slow).await else { panic!("nothing changed") };
    assert!(first[0] > job(0), "the oldest is still there");
    while next(&mut slow).await != Signal::Ended(vec![job(2999)]) {}
}

pub async fn the_generation_is_stable_while_nothing_is_lost(lab: &Lab) {
    let generation = lab.broker.generation().await.expect("generation");

    lab.push(&references("q", 1, 10)).await;
    lab.take_now(Queues::All, 5).await;
    lab.drain(Queues::All).await;
    lab.broker.signal(Signal::Changed).await.expect("signal");

    assert_eq!(lab.broker.generation().await.expect("generation"), generation);
}
