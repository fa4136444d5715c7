//! From the end of a guest to what people read: which kind of error, in which words.

use std::fmt::Write as _;
use std::time::Duration;

use model::attempt::{Stop, StopReason};
use model::error::{ErrorKind, Failure};
use model::json::Json;
use model::limits::Limits;
use model::retry::{Ending, Retry, retry_of};
use model::units::{show_duration, show_size};
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::bindings::exports::jobs::task::guest;
use crate::engine::BACKTRACE_FRAMES;
use crate::gate::Abort;
use crate::state::State;

/// Frames of a backtrace that are shown; the message is capped besides.
const FRAMES_SHOWN: usize = 16;

/// Longest name of a function in a backtrace: those of generic Rust fill pages.
const FUNCTION_BYTES_MAX: usize = 120;

/// What the engine says when a guest hands over too much in one call; the error has no type of its own.
const HANDED_TOO_MUCH: &str = "fuel allocated for hostcalls has been exhausted";

/// How an attempt ended, with how it was stopped if it was.
pub(crate) struct End {
    /// How it ended.
    pub(crate) ending: Ending,
    /// The result, when it succeeded.
    pub(crate) result: Option<Json>,
    /// How it was stopped.
    pub(crate) stop: Option<Stop>,
}

impl End {
    /// A failure that the kind alone decides about.
    pub(crate) fn failed(kind: ErrorKind, message: impl AsRef<str>) -> Self {
        let failure = Failure::new(kind, message);
        Self { ending: Ending::Failed { failure, retry: retry_of(kind) }, result: None, stop: None }
    }

    /// An end from outside, `latency` after it was asked for.
    pub(crate) fn stopped(reason: StopReason, latency: Duration, limits: &Limits) -> Self {
        let ending = match reason {
            StopReason::Cancel => Ending::Cancelled,
            StopReason::Drain | StopReason::LeaseLost => Ending::Released,
            StopReason::Deadline => {
                let most = show_duration(Duration::from_millis(limits.timeout_ms));
                let failure =
                    Failure::new(ErrorKind::Timeout, format!("ran longer than its timeout of {most}"));
                Ending::Failed { failure, retry: retry_of(ErrorKind::Timeout) }
            }
        };
        let latency_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        Self { ending, result: None, stop: Some(Stop { reason, latency_us }) }
    }

    /// What the guest itself returned.
    pub(crate) fn returned(returned: Result<String, guest::Error>, limits: &Limits) -> Self {
        let (text, retry) = match returned {
            Ok(result) => return Self::with_result(result, limits),
            Err(guest::Error::Retryable(text)) => (text, Retry::Usual),
            Err(guest::Error::RetryAfter((text, ms))) => (text, Retry::After(Duration::from_millis(ms))),
            Err(guest::Error::Permanent(text)) => (text, Retry::Never),
        };
        let failure = Failure::new(ErrorKind::Task, text);
        Self { ending: Ending::Failed { failure, retry }, result: None, stop: None }
    }

    fn with_result(result: String, limits: &Limits) -> Self {
        let most = usize::try_from(limits.output_bytes).unwrap_or(usize::MAX);
        match Json::check("result", result.into_bytes(), most) {
            Ok(result) => Self { ending: Ending::Succeeded, result: Some(result), stop: None },
            Err(invalid) => Self::failed(ErrorKind::Output, invalid.to_string()),
        }
    }

    /// What ended the guest against its will.
    pub(crate) fn trapped(error: &wasmtime::Error, state: &State) -> Self {
        let limits = &state.gate.limits;
        match error.downcast_ref::<Abort>() {
            Some(Abort::Stopped { reason, since }) => return Self::stopped(*reason, since.elapsed(), limits),
            Some(Abort::Failed(failure)) => return Self::failed(failure.kind, &failure.message),
            None => {}
        }
        if error.is::<PoolConcurrencyLimitError>() {
            return Self::failed(ErrorKind::Host, format!("no room for another instance: {error:#}"));
        }
        let trap = error.downcast_ref::<Trap>().copied();
        if trap == Some(Trap::OutOfFuel) {
            let budget = limits.fuel.unwrap_or(0);
            return Self::failed(
                ErrorKind::Fuel,
                format!("used up its budget of {budget} units of fuel{}", backtrace(error)),
            );
        }
        if let Some(wanted) = state.limiter.refused() {
            let (wanted, limit) = (show_size(wanted), show_size(state.limiter.limit()));
            return Self::failed(
                ErrorKind::Memory,
                format!("asked for {wanted} of memory, its limit is {limit}{}", backtrace(error)),
            );
        }
        let text = format!("{error:#}");
        if text.contains(HANDED_TOO_MUCH) {
            return Self::failed(
                ErrorKind::Output,
                "handed over more bytes in one call than its limits allow",
            );
        }
        if trap == Some(Trap::StackOverflow) || runaway_recursion(trap, error) {
            return Self::failed(ErrorKind::Stack, format!("overflowed its stack{}", backtrace(error)));
        }
        let what = match (error.downcast_ref::<I32Exit>(), trap) {
            (Some(exit), _) => format!("exited with code {} before it returned a result", exit.0),
            (None, Some(trap)) => trap.to_string().trim_start_matches("wasm trap: ").to_owned(),
            (None, None) => error.root_cause().to_string(),
        };
        let said = state.output.last_words().map(|words| format!(": {words}")).unwrap_or_default();
        Self::failed(ErrorKind::Trap, format!("{what}{said}{}", backtrace(error)))
    }
}

/// Rust and C keep most of their stack in memory; it runs into other data or out of bounds before the engine's
/// own stack is full. A bad access at the bottom of very many frames of few functions is that.
fn runaway_recursion(trap: Option<Trap>, error: &wasmtime::Error) -> bool {
    let Some(frames) = error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::frames) else {
        return false;
    };
    let deepest = frames.last().map(wasmtime::FrameInfo::func_index);
    let same = frames.iter().filter(|frame| Some(frame.func_index()) == deepest).count();
    trap == Some(Trap::MemoryOutOfBounds) && frames.len() >= BACKTRACE_FRAMES && same >= BACKTRACE_FRAMES / 8
}

/// The functions it was in, innermost first, one a line; a recursion shows once.
fn backtrace(error: &wasmtime::Error) -> String {
    let mut text = String::new();
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else {
        return text;
    };
    let mut last = None;
    let mut shown = 0;
    for frame in trace.frames() {
        if last == Some(frame.func_index()) {
            continue;
        }
        last = Some(frame.func_index());
        if shown == FRAMES_SHOWN {
            text.push_str("\n  …");
            break;
        }
        shown += 1;
        let name = match frame.func_name() {
            Some(name) => format!("{:#}", rustc_demangle::demangle(name)),
            None => format!("function {}", frame.func_index()),
        };
        let name = model::error::storable_text(&name, FUNCTION_BYTES_MAX);
        write!(text, "\n  at {name}").expect("a String takes everything");
    }
    text
}
