//! Commands that need nobody else: `completions` and `version`.

use clap::CommandFactory;
use clap_complete::Shell;
use serde::Serialize;

use super::context::Context;
use crate::args::{Cli, Format};
use crate::exit::{Exit, Result};
use crate::show::escape;
use crate::version::VERSION;

/// Prints the script that completes commands.
pub(crate) fn completions(context: &Context, shell: Shell) -> Result {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "jobctl", &mut script);
    match context.output.format() {
        Format::Text => context.output.bytes(&script)?,
        _ => {
            let script = String::from_utf8_lossy(&script);
            let document = serde_json::json!({ "shell": shell.to_string(), "script": script });
            context.output.document(&document, |_| String::new())?;
        }
    }
    Ok(Exit::Done)
}

#[derive(Debug, Serialize)]
struct Version {
    version: &'static str,
    wasmtime: &'static str,
    wit: &'static str,
    tzdb: Tzdb,
}

/// The time zone database that schedules are read by.
#[derive(Debug, Serialize)]
struct Tzdb {
    release: String,
    origin: String,
}

/// Prints what this binary is made of.
pub(crate) fn version(context: &Context) -> Result {
    let recurrence::Release { release, origin } = recurrence::release();
    let version = Version {
        version: VERSION,
        wasmtime: env!("WASMTIME_VERSION"),
        wit: sandbox::WIT_PACKAGE,
        tzdb: Tzdb { release, origin },
    };
    context.output.document(&version, |_| text(&version))?;
    Ok(Exit::Done)
}

fn text(version: &Version) -> String {
    let Version { version, wasmtime, wit, tzdb } = version;
    let zones = escape::line(&format!("time zones {} ({})", tzdb.release, tzdb.origin));
    format!("jobctl {version}\nwasmtime {wasmtime}\n{wit}\n{zones}")
}
