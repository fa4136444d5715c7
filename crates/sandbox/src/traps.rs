//! From the end of a guest to what people read: which kind of error, in which words.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use model::attempt::{Stop, StopReason};
use model::error::{ErrorKind, Failure};
use model::json::Json;
use model::limits::Limits;
use model::retry::{Ending, Retry, retry_of};
use model::units::{micros, show_duration, show_duration_ms, show_size};
use wasmtime::{FrameInfo, PoolConcurrencyLimitError, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::bindings::exports::jobs::task::guest;
use crate::engine::{BACKTRACE_FRAMES, STACK_BYTES_MAX};
use crate::execution::StopSignal;
use crate::gate::Abort;
use crate::measure::sizes;
use crate::state::{State, handover_bytes};

/// Frames of a backtrace that are shown; the message is capped besides.
const FRAMES_SHOWN: usize = 16;

/// In the name of the function above which Rust's own backtraces show nothing: the machinery of panics.
const RUST_END: &str = "__rust_end_short_backtrace";

/// Longest name of a function in a backtrace: those of generic Rust fill pages.
const FUNCTION_BYTES_MAX: usize = 120;

/// How the modules between a guest and its imports are called where they have names.
const GLUE: &str = "wit-component:";

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
        Self { ending: failure_of(kind, message), result: None, stop: None }
    }

    /// An end from outside that was asked for at `since`.
    pub(crate) fn stopped(reason: StopReason, since: Instant) -> Self {
        let ending = match reason {
            StopReason::Cancel => Ending::Cancelled,
            StopReason::Drain | StopReason::LeaseLost => Ending::Released,
            // Nobody asks for this one: the attempt itself knows its deadline, and says more.
            StopReason::Deadline => failure_of(ErrorKind::Timeout, "ran to its deadline"),
        };
        Self { ending, result: None, stop: Some(stop(reason, since)) }
    }

    /// The end of an attempt that had `ran` when its deadline, which passed at `since`, ended it. `place` is where it
    /// computed then, if it did.
    pub(crate) fn timed_out(ran: Duration, since: Instant, limits: &Limits, place: &str) -> Self {
        let (ran, most) = (show_duration(ran), show_duration_ms(limits.timeout_ms));
        let ending = failure_of(ErrorKind::Timeout, format!("ran for {ran}, limit {most}{place}"));
        Self { ending, result: None, stop: Some(stop(StopReason::Deadline, since)) }
    }

    /// The same end, unless it is a failure after a request to cancel: then the guest gave up because of that.
    pub(crate) fn after_a_request(self, signal: &StopSignal) -> Self {
        match (signal.cancel_requested(), &self.ending) {
            (Some(since), Ending::Failed { .. }) => Self::stopped(StopReason::Cancel, since),
            _ => self,
        }
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
        let (seen, most) = (result.len() as u64, limits.output_bytes);
        if seen > most {
            return Self::failed(ErrorKind::Output, format!("the result has {}", sizes(seen, most)));
        }
        match Json::check("result", result.into_bytes(), usize::MAX) {
            Ok(result) => Self { ending: Ending::Succeeded, result: Some(result), stop: None },
            Err(invalid) => Self::failed(ErrorKind::Output, invalid.to_string()),
        }
    }

    /// What ended the guest against its will, after it had `ran`.
    pub(crate) fn trapped(error: &wasmtime::Error, state: &State, ran: Duration) -> Self {
        let limits = &state.gate.limits;
        let place = backtrace(error);
        match error.downcast_ref::<Abort>() {
            Some(Abort::Stopped { reason: StopReason::Deadline, since }) => {
                return Self::timed_out(ran, *since, limits, &place);
            }
            Some(Abort::Stopped { reason, since }) => return Self::stopped(*reason, *since),
            Some(Abort::Failed(failure)) => {
                return Self::failed(failure.kind, format!("{}{place}", failure.message));
            }
            None => {}
        }
        if error.is::<PoolConcurrencyLimitError>() {
            return Self::failed(ErrorKind::Host, format!("no room for another instance: {error:#}"));
        }
        let (kind, message) = reason(error, state);
        Self::failed(kind, format!("{message}{place}"))
    }
}

/// Which limit a trap ran into, or what it was.
fn reason(error: &wasmtime::Error, state: &State) -> (ErrorKind, String) {
    let limits = &state.gate.limits;
    let trap = error.downcast_ref::<Trap>().copied();
    if trap == Some(Trap::OutOfFuel) {
        let budget = limits.fuel.unwrap_or(0);
        return (ErrorKind::Fuel, format!("used {budget} units, limit {budget} units"));
    }
    if trap == Some(Trap::StackOverflow) || runaway_recursion(trap, error) {
        let most = show_size(STACK_BYTES_MAX as u64);
        return (ErrorKind::Stack, format!("overflowed its stack, limit {most}"));
    }
    if let Some(refused) = state.limiter.refused() {
        return (refused.kind(), refused.message());
    }
    if format!("{error:#}").contains(HANDED_TOO_MUCH) {
        let most = show_size(handover_bytes(limits));
        return (
            ErrorKind::Output,
            format!("handed over more in one call than its limits allow, limit {most}"),
        );
    }
    let what = match (error.downcast_ref::<I32Exit>(), trap) {
        (Some(exit), _) => format!("exited with code {} before it returned a result", exit.0),
        (None, Some(trap)) => trap.to_string().trim_start_matches("wasm trap: ").to_owned(),
        (None, None) => error.root_cause().to_string(),
    };
    let said = state.output.last_words().map(|words| format!(": {words}")).unwrap_or_default();
    (ErrorKind::Trap, format!("{what}{said}"))
}

fn failure_of(kind: ErrorKind, message: impl AsRef<str>) -> Ending {
    Ending::Failed { failure: Failure::new(kind, message), retry: retry_of(kind) }
}

fn stop(reason: StopReason, since: Instant) -> Stop {
    Stop { reason, latency_us: micros(since.elapsed()) }
}

/// Rust and C keep most of their stack in memory; it runs into other data or out of bounds before the engine's
/// own stack is full. A bad access at the bottom of very many frames of few functions is that.
fn runaway_recursion(trap: Option<Trap>, error: &wasmtime::Error) -> bool {
    let Some(frames) = error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::frames) else {
        return false;
    };
    let deepest = frames.last().map(FrameInfo::func_index);
    let same = frames.iter().filter(|frame| Some(frame.func_index()) == deepest).count();
    trap == Some(Trap::MemoryOutOfBounds) && frames.len() >= BACKTRACE_FRAMES && same >= BACKTRACE_FRAMES / 8
}

/// Whether a frame is of the functions that tools put between a guest and its imports, or that we put in place of bulk
/// memory instructions: nobody wrote them, and mostly they have no names where the guest's own do.
fn is_glue(frame: &FrameInfo, any_named: bool) -> bool {
    let unnamed = any_named && frame.func_name().is_none();
    unnamed || frame.module().name().is_some_and(|name| name.starts_with(GLUE))
}

/// The functions it was in, innermost first, one a line; a recursion shows once.
fn backtrace(error: &wasmtime::Error) -> String {
    let mut text = String::new();
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else {
        return text;
    };
    let mut last = None;
    let mut shown = 0;
    // What Rust does to end itself is no news: its own backtraces begin below this function too.
    let is_end = |frame: &FrameInfo| frame.func_name().is_some_and(|name| name.contains(RUST_END));
    let begin = trace.frames().iter().rposition(is_end).map_or(0, |end| end + 1);
    let any_named = trace.frames().iter().any(|frame| frame.func_name().is_some());
    for frame in trace.frames()[begin..].iter().filter(|frame| !is_glue(frame, any_named)) {
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
        // A line's end in a name would forge a line.
        let name = name.replace(char::is_control, "\u{fffd}");
        let name = model::error::storable_text(&name, FUNCTION_BYTES_MAX);
        write!(text, "\n  at {name}").expect("a String takes everything");
    }
    text
}
