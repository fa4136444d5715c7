//! One attempt: every limit armed, then instantiated, called, and stopped if it must be.
//!
//! ```text
//!            ┌ the call returned or trapped: what the guest did; the stop may have come as an epoch's trap
//! one select ┼ somebody asked to stop: the call is dropped, wherever it waits
//!            └ the deadline passed: the same
//! ```
//! The call is polled first: a job that ends within one poll never touches a timer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::attempt::{StopReason, Usage};
use model::error::ErrorKind;
use model::limits::Limits;
use model::units::micros;
use wasmtime::{Engine, Store, UpdateDeadline};

use crate::bindings::FullPre;
use crate::bindings::exports::jobs::task::guest;
use crate::cache::Load;
use crate::capabilities::Capabilities;
use crate::execution::{Execution, Invocation, Spent, StopSignal};
use crate::gate::Abort;
use crate::state::{HANDLES_MAX, State, handover_bytes};
use crate::ticker::Ticker;
use crate::traps::End;

/// What to call in the guest.
pub(crate) enum Call<'a> {
    /// `run` with this payload.
    Run(&'a str),
    /// `describe`.
    Describe,
}

/// What the guest answered.
pub(crate) enum Answer {
    /// To `run`.
    Run(Result<String, guest::Error>),
    /// To `describe`.
    Describe(Vec<guest::Description>),
}

/// How a call went: the answer, or the end that stands for what happened instead; and the store after it.
pub(crate) struct Called {
    /// The answer or the end.
    pub(crate) answer: Result<Answer, End>,
    /// What it used, but for code, payload, result and log.
    pub(crate) usage: Usage,
    /// What it used besides, but for the result.
    pub(crate) spent: Spent,
    /// The state after it.
    pub(crate) state: State,
}

/// Runs one attempt to its end.
pub(crate) async fn execute(
    pre: &FullPre<State>,
    ticker: &Ticker,
    mut invocation: Invocation,
    capabilities: Arc<dyn Capabilities>,
    stop: StopSignal,
    load: Load,
) -> Execution {
    let state = State::new(&mut invocation, capabilities, stop.clone());
    let payload = invocation.payload.as_str();
    let Called { answer, mut usage, mut spent, state } =
        call(pre, ticker, state, stop.clone(), Call::Run(payload)).await;
    let returned = match &answer {
        Ok(Answer::Run(Ok(result))) => result.len() as u64,
        _ => 0,
    };
    let end = match answer {
        Ok(Answer::Run(returned)) => End::returned(returned, &state.gate.limits),
        Ok(Answer::Describe(_)) => End::failed(ErrorKind::Host, "the guest was asked for something else"),
        Err(end) => end,
    };
    let End { ending, result, stop } = end.after_a_request(&stop);
    spent.output_bytes = returned;
    usage.bytes_in += payload.len() as u64;
    usage.bytes_out += returned + spent.log_bytes;
    usage.code = Some(load.origin);
    usage.load_us = micros(load.took);
    Execution { ending, result, files: state.files, usage, stop, spent }
}

/// Calls the guest in a fresh store and instance.
pub(crate) async fn call(
    pre: &FullPre<State>,
    ticker: &Ticker,
    state: State,
    mut stop: StopSignal,
    what: Call<'_>,
) -> Called {
    let limits = state.gate.limits.clone();
    let started = Instant::now();
    let deadline = started + Duration::from_millis(limits.timeout_ms);
    let mut store = arm(pre.engine(), state, &limits, stop.clone(), deadline);
    let running = ticker.running();
    let ended = tokio::select! {
        biased;
        returned = enter(pre, &mut store, what) => Ok(returned),
        asked = stop.wait() => Err(asked),
        () = tokio::time::sleep_until(deadline.into()) => Err((StopReason::Deadline, deadline)),
    };
    drop(running);
    let wall = started.elapsed();
    let answer = match ended {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(End::trapped(&error, store.data(), wall)),
        Err((StopReason::Deadline, since)) => Err(End::timed_out(wall, since, &limits, "")),
        Err((reason, since)) => Err(End::stopped(reason, since)),
    };
    let fuel = limits.fuel.map(|budget| budget.saturating_sub(store.get_fuel().unwrap_or(0)));
    let state = store.into_data();
    state.output.finish();
    let usage = Usage { fuel, wall_us: micros(wall), ..state.usage() };
    Called { answer, usage, spent: state.spent(), state }
}

/// A store under all limits. They hold from here on: start functions run at instantiation.
fn arm(engine: &Engine, state: State, limits: &Limits, stop: StopSignal, deadline: Instant) -> Store<State> {
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.limiter);
    if let Some(fuel) = limits.fuel {
        store.set_fuel(fuel).expect("a metered engine takes fuel");
    }
    store.set_epoch_deadline(1);
    let mut others_had_their_turn = false;
    store.epoch_deadline_callback(move |_| {
        if let Some((reason, since)) = stop.asked() {
            return Err(Abort::Stopped { reason, since }.into());
        }
        // Here, where it computes, the error carries a backtrace; the timer that drops the call has none.
        if Instant::now() >= deadline {
            return Err(Abort::Stopped { reason: StopReason::Deadline, since: deadline }.into());
        }
        if std::mem::take(&mut others_had_their_turn) {
            return Ok(UpdateDeadline::Continue(1));
        }
        others_had_their_turn = true;
        // Tokio's own yield, which looks at sockets and timers before this guest has its next turn; after a plain
        // one a worker thread with nothing but guests looks there every 61 turns only, a third of a second. Then
        // straight back here: a stop that was asked for meanwhile is not put off by a tick.
        Ok(UpdateDeadline::YieldCustom(0, Box::pin(tokio::task::yield_now())))
    });
    // Its own resources, what it holds of ours, and each of those lent once: a poll of all pollables lends them.
    store.set_max_component_handles(2 * HANDLES_MAX);
    store.set_hostcall_fuel(usize::try_from(handover_bytes(limits)).unwrap_or(usize::MAX));
    store
}

async fn enter(pre: &FullPre<State>, store: &mut Store<State>, what: Call<'_>) -> wasmtime::Result<Answer> {
    let task = store.data().task.clone();
    let full = pre.instantiate_async(&mut *store).await?;
    let guest = full.jobs_task_guest();
    match what {
        Call::Run(payload) => Ok(Answer::Run(guest.call_run(store, &task, payload).await?)),
        Call::Describe => Ok(Answer::Describe(guest.call_describe(store).await?)),
    }
}
