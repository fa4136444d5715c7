use async_trait::async_trait;
use model::clock::{Clock, SystemClock};
use sandbox::{Capabilities, Execution, Invocation};

use super::*;

struct Idle;

#[async_trait]
impl Executor for Idle {
    async fn execute(&self, _: Invocation, _: Arc<dyn Capabilities>, _: StopSignal) -> Execution {
        std::future::pending().await
    }
    fn wake(&self) {}
    fn compiled(&self) -> u64 {
        0
    }
}

fn running() -> Arc<Running> {
    Running::new(Arc::new(Idle))
}

fn lease(session: i64, attempt: u32) -> Lease {
    let job = JobId::generate(SystemClock.now());
    Lease { job, attempt, session: SessionId(session) }
}

fn asked(signal: &StopSignal) -> Option<StopReason> {
    signal.asked().map(|(reason, _)| reason)
}

#[test]
fn an_interrupt_reaches_its_attempt_only_and_while_it_runs_only() {
    let running = running();
    let session = Session::for_tests(1);
    let lease = lease(1, 2);
    let (signal, in_hand) = running.begin(&session, lease);

    assert_eq!(running.interrupt(Lease { attempt: 1, ..lease }, Duration::ZERO), Told::Ended);
    running.stop(Lease { attempt: 1, ..lease }, StopReason::LeaseLost);
    assert_eq!(asked(&signal), None);
    assert_eq!(running.interrupt(lease, Duration::ZERO), Told::Stopping);
    assert_eq!(asked(&signal), Some(StopReason::Cancel));
    assert_eq!(running.interrupt(lease, Duration::ZERO), Told::Stopping, "twice is as well");

    in_hand.executed();
    assert_eq!(running.interrupt(lease, Duration::ZERO), Told::Ended);
    assert!(running.has(lease.session, lease.job) && running.count() == 0);
    drop(in_hand);
    assert!(!running.has(lease.session, lease.job));
}

#[test]
fn an_interrupt_that_overtakes_the_claim_is_not_forgotten() {
    let running = running();
    let session = Session::for_tests(1);
    let lease = lease(1, 1);

    assert_eq!(running.interrupt(lease, Duration::ZERO), Told::Ended);
    let claiming = running.claiming(&[lease.job]);
    assert_eq!(running.interrupt(lease, Duration::ZERO), Told::Stopping);
    let (signal, _in_hand) = running.begin(&session, lease);
    drop(claiming);

    assert_eq!(asked(&signal), Some(StopReason::Cancel));
}

#[test]
fn an_attempt_that_is_over_is_so_while_others_are_claimed() {
    let running = running();
    let over = lease(1, 1);
    drop(running.begin(&Session::for_tests(1), over));

    let _claiming = running.claiming(&[lease(1, 1).job]);

    assert_eq!(running.interrupt(over, Duration::ZERO), Told::Ended);
}

#[test]
fn what_comes_after_the_end_is_stopped_at_once() {
    let running = running();
    let session = Session::for_tests(1);
    let (before, _one) = running.begin(&session, lease(1, 1));

    assert_eq!(running.close(StopReason::Drain), 1);
    let (after, _two) = running.begin(&session, lease(1, 1));
    session.lose();
    let (lost, _three) = running.begin(&session, lease(1, 1));

    assert_eq!(asked(&before), Some(StopReason::Drain));
    assert_eq!(asked(&after), Some(StopReason::Drain));
    assert_eq!(asked(&lost), Some(StopReason::LeaseLost));
}

#[test]
fn losing_a_session_stops_its_own_attempts_only() {
    let running = running();
    let (old, _one) = running.begin(&Session::for_tests(1), lease(1, 1));
    let (new, _two) = running.begin(&Session::for_tests(2), lease(2, 1));

    assert_eq!(running.stop_session(SessionId(1), StopReason::LeaseLost), 1);

    assert_eq!(asked(&old), Some(StopReason::LeaseLost));
    assert_eq!(asked(&new), None);
}

/// Longer than any test.
const LONG: Duration = Duration::from_secs(3_600);

#[test]
fn a_guest_knows_of_its_grace_at_once_and_is_stopped_when_it_is_over() {
    let running = running();
    let lease = lease(1, 1);
    let (signal, _in_hand) = running.begin(&Session::for_tests(1), lease);

    assert_eq!(running.interrupt(lease, LONG), Told::Stopping);

    assert!(signal.cancel_requested().is_some() && asked(&signal).is_none());
    let next = running.end_graces(Instant::now()).expect("it ends some time");
    assert_eq!(asked(&signal), None);
    assert_eq!(running.end_graces(next), None);
    assert_eq!(asked(&signal), Some(StopReason::Cancel));
}

#[test]
fn the_shorter_of_two_graces_counts() {
    let running = running();
    let lease = lease(1, 1);
    let (signal, _in_hand) = running.begin(&Session::for_tests(1), lease);

    running.interrupt(lease, LONG);
    let first = running.end_graces(Instant::now());
    running.interrupt(lease, 2 * LONG);
    assert_eq!(running.end_graces(Instant::now()), first);
    running.interrupt(lease, LONG / 2);
    assert!(running.end_graces(Instant::now()) < first);
    assert_eq!(asked(&signal), None);

    running.interrupt(lease, Duration::ZERO);
    assert_eq!(asked(&signal), Some(StopReason::Cancel));
    assert_eq!(running.end_graces(Instant::now()), None);
}

#[test]
fn a_grace_that_overtakes_the_claim_is_not_forgotten() {
    let running = running();
    let (short, late) = (lease(1, 1), lease(1, 1));
    let claiming = running.claiming(&[short.job, late.job]);
    running.interrupt(short, 2 * LONG);
    running.interrupt(short, LONG);
    running.interrupt(short, 2 * LONG);
    running.interrupt(late, LONG);
    running.interrupt(late, Duration::ZERO);

    let (graced, _one) = running.begin(&Session::for_tests(1), short);
    let (stopped, _two) = running.begin(&Session::for_tests(1), late);
    drop(claiming);

    assert!(graced.cancel_requested().is_some() && asked(&graced).is_none());
    let until = running.end_graces(Instant::now()).expect("it has a grace");
    assert!(until <= Instant::now() + LONG);
    assert_eq!(asked(&stopped), Some(StopReason::Cancel));
}

#[test]
fn a_grace_does_not_outlive_its_attempt_nor_keep_other_stops_off() {
    let running = running();
    let session = Session::for_tests(1);
    let (ended, lost) = (lease(1, 1), lease(1, 1));
    let (_signal, in_hand) = running.begin(&session, ended);
    let (signal, _in_hand) = running.begin(&session, lost);
    running.interrupt(ended, LONG);

    in_hand.executed();
    assert_eq!(running.end_graces(Instant::now()), None);
    assert_eq!(running.interrupt(ended, LONG), Told::Ended);

    running.interrupt(lost, LONG);
    running.stop_session(SessionId(1), StopReason::LeaseLost);
    assert_eq!(asked(&signal), Some(StopReason::LeaseLost));
}

#[tokio::test]
async fn the_timer_hears_of_a_shorter_grace() {
    let running = running();
    let lease = lease(1, 1);
    let (mut signal, _in_hand) = running.begin(&Session::for_tests(1), lease);
    running.interrupt(lease, LONG);

    let stopped = async {
        tokio::task::yield_now().await;
        running.interrupt(lease, Duration::from_millis(1));
        signal.wait().await
    };
    let (reason, _) = tokio::select! {
        never = running.keep_graces() => match never {},
        stopped = tokio::time::timeout(testkit::eventually::DEADLINE, stopped) => stopped.expect("it is stopped"),
    };

    assert_eq!(reason, StopReason::Cancel);
}
