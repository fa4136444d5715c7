//! The child process that compiles: it limits itself, reads a request from standard input, answers on standard
//! output and ends.
//!
//! Request: the letter of the flavour, then the component's bytes until the end. Answer: `K` and the compiled
//! code, or `E` and why not. No answer at all means that a limit ended it.

use std::io::{Read, Write};

use model::bounds::COMPONENT_BYTES_MAX;
use rustix::process::{Resource, Rlimit, nice, setrlimit};

use crate::bulk;
use crate::compile::allowance::Allowance;
use crate::engine::{self, Flavour};

/// How far it stands back behind everything else: jobs and answers to people come first, and on a busy machine
/// compiling still gets a tenth.
const NICENESS: i32 = 10;

/// The answer's first byte when it worked.
pub(crate) const COMPILED: u8 = b'K';

/// The answer's first byte when the component is at fault.
pub(crate) const REFUSED: u8 = b'E';

/// Compiles what standard input asks for and ends the process. The program named in
/// [`Config::compile_command`](crate::Config::compile_command) calls this before anything else.
pub fn compile_worker() -> ! {
    let code = match serve() {
        Ok(()) => 0,
        // The parent is gone or the limits cannot be set: there is nobody to tell but the exit code.
        Err(_) => 1,
    };
    std::process::exit(code)
}

fn serve() -> anyhow::Result<()> {
    stand_back()?;
    limit_self(Allowance::of(COMPONENT_BYTES_MAX))?;
    let mut letter = [0];
    let mut stdin = std::io::stdin().lock();
    stdin.read_exact(&mut letter)?;
    let flavour = Flavour::from_letter(letter[0]).ok_or_else(|| anyhow::anyhow!("an unknown flavour"))?;
    let mut bytes = Vec::new();
    stdin.take(COMPONENT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    limit_self(Allowance::of(bytes.len()))?;
    let engine = engine::compiling(flavour)?;
    let cut = bulk::cut(&bytes).map_err(wasmtime::Error::from);
    let answer = cut.and_then(|bytes| engine.precompile_component(&bytes));
    let mut stdout = std::io::stdout().lock();
    match answer {
        Ok(code) => {
            stdout.write_all(&[COMPILED])?;
            stdout.write_all(&code)?;
        }
        Err(error) => {
            stdout.write_all(&[REFUSED])?;
            stdout.write_all(format!("{error:#}").as_bytes())?;
        }
    }
    stdout.flush()?;
    Ok(())
}

/// The compiler writes no file and leaves no core dump.
fn stand_back() -> anyhow::Result<()> {
    for resource in [Resource::Fsize, Resource::Core] {
        setrlimit(resource, Rlimit { current: Some(0), maximum: Some(0) })?;
    }
    // Where the system refuses, compiling is as important as the rest.
    let _ = nice(NICENESS);
    Ok(())
}

/// Limits can only be lowered: first to what the largest component may take, then to what this one may.
fn limit_self(allowance: Allowance) -> anyhow::Result<()> {
    let Allowance { address_bytes, cpu_seconds, .. } = allowance;
    let limits = [
        (Resource::As, address_bytes, address_bytes),
        // The lower one sends a signal that tells what it was; the upper one just kills.
        (Resource::Cpu, cpu_seconds, cpu_seconds + 1),
    ];
    for (resource, current, maximum) in limits {
        setrlimit(resource, Rlimit { current: Some(current), maximum: Some(maximum) })?;
    }
    Ok(())
}
