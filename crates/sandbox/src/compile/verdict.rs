//! What the end of a compile worker means: code, a component at fault, or a machine at fault.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use model::units::show_size;
use rustix::process::Signal;

use super::allowance::Allowance;
use super::one_line;
use super::worker::{COMPILED, REFUSED};
use crate::inspection::{Refusal, RefusalKind};

/// What is said when the address space is used up: by the system, and by Rust before it gives up.
const OUT_OF_MEMORY: [&str; 2] = ["Cannot allocate memory", "memory allocation of"];

/// Why there is no compiled code.
#[derive(Debug, Clone)]
pub(crate) enum CompileError {
    /// The component is at fault.
    Refused(Refusal),
    /// The machine is.
    Unavailable(String),
}

/// What a worker left behind.
pub(super) struct Answer {
    /// How it ended.
    pub(super) status: ExitStatus,
    /// Its standard output, up to a byte more than is allowed.
    pub(super) answer: Vec<u8>,
    /// The beginning of its standard error.
    pub(super) complaint: String,
}

/// The code that a worker made of a component of `size` bytes under `allowance`, or why there is none.
pub(super) fn judge(answer: Answer, size: usize, allowance: Allowance) -> Result<Vec<u8>, CompileError> {
    let Answer { status, answer: mut bytes, complaint } = answer;
    if bytes.len() as u64 > allowance.code_bytes {
        let (most, size) = (show_size(allowance.code_bytes), show_size(size as u64));
        return Err(too_expensive(&format!("its code has more than {most}, the limit for {size}")));
    }
    match bytes.first() {
        Some(&COMPILED) if status.success() => {
            bytes.remove(0);
            Ok(bytes)
        }
        Some(&REFUSED) if status.success() => {
            let text = String::from_utf8_lossy(&bytes[1..]);
            if is_out_of_memory(&text) {
                return Err(too_much_memory(size, allowance));
            }
            Err(CompileError::Refused(Refusal {
                kind: RefusalKind::Malformed,
                message: format!("is not a valid component: {}", one_line(&text)),
                hint: None,
            }))
        }
        _ => Err(broken(status, &one_line(&complaint), size, allowance)),
    }
}

/// A worker that did not answer within its time by the clock. What computes is ended before that by its processor
/// time, so the machine had none to give.
pub(super) fn kept_waiting(allowance: Allowance) -> CompileError {
    let seconds = allowance.wall.as_secs();
    CompileError::Unavailable(format!(
        "the compiler did not get to the end within {seconds} s: the machine is too busy"
    ))
}

fn broken(status: ExitStatus, complaint: &str, size: usize, allowance: Allowance) -> CompileError {
    let signal = status.signal();
    if signal.is_none() && !is_out_of_memory(complaint) && !complaint.contains("panicked") {
        return CompileError::Unavailable(format!("the compile worker ended with {status}: {complaint}"));
    }
    tracing::warn!(%status, complaint, size_bytes = size, "a compile worker broke off");
    if is_out_of_memory(complaint) {
        return too_much_memory(size, allowance);
    }
    if signal == Some(Signal::XCPU.as_raw()) {
        let (seconds, size) = (allowance.cpu_seconds, show_size(size as u64));
        return too_expensive(&format!(
            "it takes more than {seconds} s of processor time, the limit for {size}"
        ));
    }
    too_expensive(&format!("the compiler broke off with {status}"))
}

fn too_much_memory(size: usize, allowance: Allowance) -> CompileError {
    let (most, size) = (show_size(allowance.address_bytes), show_size(size as u64));
    too_expensive(&format!("the compiler needs more than {most} of memory, the limit for {size}"))
}

fn too_expensive(why: &str) -> CompileError {
    CompileError::Refused(Refusal {
        kind: RefusalKind::Policy,
        message: format!("is too expensive to compile: {why}"),
        hint: Some("make it smaller, or split it into several components".to_owned()),
    })
}

fn is_out_of_memory(text: &str) -> bool {
    OUT_OF_MEMORY.iter().any(|said| text.contains(said))
}
