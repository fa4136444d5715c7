//! The child process that compiles: it limits itself, reads a request from standard input, answers on standard
//! output and ends.
//!
//! Request: the letter of the flavour, then the component's bytes until the end. Answer: `K` and the compiled
//! code, or `E` and why not. No answer at all means that a limit ended it.

use std::io::{Read, Write};

use model::bounds::COMPONENT_BYTES_MAX;
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::engine::{self, Flavour};

/// Address space: StarlingMonkey takes 450 MiB, the largest component in use.
const ADDRESS_BYTES_MAX: u64 = 3 << 30;

/// Processor time: StarlingMonkey takes 21 s on one core.
const CPU_SECONDS_MAX: u64 = 120;

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
    limit_self()?;
    let mut letter = [0];
    let mut stdin = std::io::stdin().lock();
    stdin.read_exact(&mut letter)?;
    let flavour = Flavour::from_letter(letter[0]).ok_or_else(|| anyhow::anyhow!("an unknown flavour"))?;
    let mut bytes = Vec::new();
    stdin.take(COMPONENT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    let answer = engine::compiling(flavour)?.precompile_component(&bytes);
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
fn limit_self() -> anyhow::Result<()> {
    let limits = [
        (Resource::As, ADDRESS_BYTES_MAX),
        (Resource::Cpu, CPU_SECONDS_MAX),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
    ];
    for (resource, most) in limits {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}
