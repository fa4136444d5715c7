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
use wasmtime::{Engine, Store, UpdateDeadline};

use crate::bindings::FullPre;
use crate::bindings::exports::jobs::task::guest;
use crate::capabilities::Capabilities;
use crate::execution::{Execution, Invocation, StopSignal};
use crate::gate::Abort;
use crate::state::State;
use crate::ticker::Ticker;
use crate::traps::End;

/// What a guest may hand over in one call besides what its limits say: log lines, mails, headers.
const HANDOVER_BYTES_MIN: u64 = 16 << 20;

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
    /// What it used.
    pub(crate) usage: Usage,
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
) -> Execution {
    let state = State::new(&mut invocation, capabilities, stop.clone());
    let called = call(pre, ticker, state, stop, Call::Run(invocation.payload.as_str())).await;
    let End { ending, result, stop } = match called.answer {
        Ok(Answer::Run(returned)) => End::returned(returned, &called.state.gate.limits),
        Ok(Answer::Describe(_)) => End::failed(ErrorKind::Host, "the guest was asked for something else"),
        Err(end) => end,
    };
    Execution { ending, result, files: called.state.files, usage: called.usage, stop }
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
    let mut store = arm(pre.engine(), state, &limits, stop.clone());
    let deadline = started + Duration::from_millis(limits.timeout_ms);
    let running = ticker.running();
    let ended = tokio::select! {
        biased;
        returned = enter(pre, &mut store, what) => Ok(returned),
        asked = stop.wait() => Err(asked),
        () = tokio::time::sleep_until(deadline.into()) => Err((StopReason::Deadline, deadline)),
    };
    drop(running);
    let answer = match ended {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(End::trapped(&error, store.data())),
        Err((reason, since)) => Err(End::stopped(reason, since.elapsed(), &limits)),
    };
    let wall = started.elapsed();
    let fuel = limits.fuel.map(|budget| budget.saturating_sub(store.get_fuel().unwrap_or(0)));
    let state = store.into_data();
    state.output.finish();
    let usage = Usage {
        fuel,
        peak_memory_bytes: state.limiter.peak(),
        wall_us: micros(wall),
        host_call_us: micros(state.gate.inside()),
    };
    Called { answer, usage, state }
}

/// A store under all limits. They hold from here on: start functions run at instantiation.
fn arm(engine: &Engine, state: State, limits: &Limits, stop: StopSignal) -> Store<State> {
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.limiter);
    if let Some(fuel) = limits.fuel {
        store.set_fuel(fuel).expect("a metered engine takes fuel");
    }
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| match stop.asked() {
        Some((reason, since)) => Err(Abort::Stopped { reason, since }.into()),
        // Tokio's own yield, which looks at sockets and timers before this guest has its next turn; after a plain
        // one a worker thread with nothing but guests looks there every 61 turns only, a third of a second.
        None => Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))),
    });
    let handover = limits.output_bytes.max(limits.file_bytes).saturating_add(HANDOVER_BYTES_MIN);
    store.set_hostcall_fuel(usize::try_from(handover).unwrap_or(usize::MAX));
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

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
