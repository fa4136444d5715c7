//! Where log lines go: standard error, as text for people or JSON for machines.

use anyhow::Context;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// How the process logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Which lines: `info`, `warn,host=debug`.
    pub filter: String,
    /// How they are written.
    pub format: Format,
    /// Whether text is coloured.
    pub color: bool,
}

/// Sends the log of the whole process to standard error. Call it once, before anything else starts.
///
/// # Errors
/// When the filter is malformed, or when it was called before.
pub fn init(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.filter)
        .with_context(|| format!("read the log filter {:?}", config.filter))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_span_events(FmtSpan::NONE);
    let done = match config.format {
        Format::Text => builder.with_ansi(config.color).with_target(false).try_init(),
        Format::Json => builder.json().flatten_event(true).with_current_span(true).try_init(),
    };
    done.map_err(|error| anyhow::anyhow!(error)).context("set up the log")
}
