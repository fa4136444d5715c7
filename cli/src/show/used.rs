//! What was used of each limit, for people.

use std::time::Duration;

use model::attempt::CodeOrigin;
use model::limits::Limits;
use model::units::{show_count, show_duration_ms, show_size};
use sandbox::Execution;

use super::table::table;
use super::time::milliseconds;
use super::view::View;

/// Where the compiled code came from, and how long that took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loaded {
    pub(crate) code: CodeOrigin,
    /// How long the compiler took; 0 when it was compiled before.
    pub(crate) compile_ms: u64,
    /// Until the task could be run, checks included.
    pub(crate) took: Duration,
}

/// What was used of each limit, for people.
pub(crate) fn used(view: &View, limits: &Limits, execution: &Execution, loaded: Loaded) -> String {
    let (usage, spent) = (&execution.usage, &execution.spent);
    let size = |name, used, of| row(name, used, Some(of), show_size);
    let count = |name, used, of| row(name, used, Some(of), show_count);
    let fuel = match usage.fuel {
        Some(units) => row("fuel", units, limits.fuel, show_count),
        None => ["fuel", "not metered", "unlimited", ""].map(str::to_owned),
    };
    let mut time = row("time", usage.wall_us, Some(limits.timeout_ms.saturating_mul(1_000)), show_count);
    time[1] = milliseconds(of_micros(usage.wall_us));
    time[2] = show_duration_ms(limits.timeout_ms);
    let rows = [
        fuel,
        size("memory", usage.peak_memory_bytes, limits.memory_bytes),
        count("table elements", spent.table_elements, limits.table_elements),
        time,
        size("output", spent.output_bytes, limits.output_bytes),
        size("log", spent.log_bytes, limits.log_bytes),
        size("files", spent.file_bytes, limits.file_bytes),
        count("host calls", usage.host_calls, limits.host_calls),
        count("HTTP requests", spent.http_requests, limits.http_requests),
        size("HTTP bytes", spent.http_bytes, limits.http_bytes),
    ];
    let code = match loaded.compile_ms {
        0 => format!("from {}", loaded.code),
        ms => format!("compiled in {ms} ms"),
    };
    let mut facts = vec![
        ("code", format!("{code}, ready after {}", milliseconds(loaded.took.as_secs_f64() * 1_000.0))),
        ("in host calls", milliseconds(of_micros(usage.host_call_us))),
        ("bytes", format!("{} in, {} out", show_size(usage.bytes_in), show_size(usage.bytes_out))),
    ];
    if let Some(stop) = execution.stop {
        facts.push(("stopped", format!("({}) in {}", stop.reason, milliseconds(of_micros(stop.latency_us)))));
    }
    let facts =
        facts.iter().map(|(name, fact)| format!("\n{}  {fact}", view.paint.dim(&format!("{name:<14}"))));
    format!("\n{}\n{}", table(view, ["LIMIT", "USED", "OF", "%"], rows), facts.collect::<String>())
}

fn row(name: &str, used: u64, of: Option<u64>, show: fn(u64) -> String) -> [String; 4] {
    [
        name.to_owned(),
        show(used),
        of.map_or("unlimited".to_owned(), show),
        of.map_or(String::new(), |of| percent(used, of)),
    ]
}

/// How much of a limit was used, in hundredths.
fn percent(used: u64, of: u64) -> String {
    let percent = used as f64 * 100.0 / of.max(1) as f64;
    match percent {
        0.0 => "0".to_owned(),
        ..0.1 => "<0.1".to_owned(),
        0.1..10.0 => format!("{percent:.1}"),
        _ => format!("{percent:.0}"),
    }
}

/// Milliseconds of a number of microseconds.
pub(crate) fn of_micros(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

#[cfg(test)]
pub(crate) mod tests {
    use model::attempt::{Stop, StopReason, Usage};
    use model::error::{ErrorKind, Failure};
    use model::retry::{Ending, Retry};
    use sandbox::Spent;

    use super::*;

    pub(crate) const LOADED: Loaded =
        Loaded { code: CodeOrigin::Compiled, compile_ms: 30, took: Duration::from_millis(35) };

    pub(crate) fn execution() -> Execution {
        Execution {
            ending: Ending::Failed {
                failure: Failure::new(ErrorKind::Memory, "asked for 131 MiB, limit 128 MiB"),
                retry: Retry::Never,
            },
            result: None,
            files: Vec::new(),
            usage: Usage {
                fuel: Some(12_345),
                peak_memory_bytes: 64 << 20,
                wall_us: 1_500,
                host_call_us: 420,
                host_calls: 3,
                bytes_in: 1_536,
                bytes_out: 10,
                code: Some(CodeOrigin::Memory),
                load_us: 1,
            },
            stop: Some(Stop { reason: StopReason::Deadline, latency_us: 250 }),
            spent: Spent { table_elements: 200_000, output_bytes: 1 << 19, ..Spent::default() },
        }
    }

    #[test]
    fn what_was_used_of_each_limit_stands_in_a_row() {
        let shown = used(&View::default(), &Limits::default(), &execution(), LOADED);

        let expected = [
            "LIMIT           USED     OF              %",
            "fuel            12,345   50,000,000,000  <0.1",
            "memory          64 MiB   128 MiB         50",
            "table elements  200,000  200,000         100",
            "time            1.50ms   5m              <0.1",
            "output          512 KiB  1 MiB           50",
            "log             0 B      1 MiB           0",
            "files           0 B      16 MiB          0",
            "host calls      3        100,000         <0.1",
            "HTTP requests   0        1,000           0",
            "HTTP bytes      0 B      64 MiB          0",
            "",
            "code            compiled in 30 ms, ready after 35ms",
            "in host calls   0.42ms",
            "bytes           1.5 KiB in, 10 B out",
            "stopped         (deadline) in 0.25ms",
        ];
        assert_eq!(shown.trim_start().lines().collect::<Vec<_>>(), expected, "{shown}");
    }

    #[test]
    fn what_is_not_metered_has_no_share() {
        let limits = Limits { fuel: None, ..Limits::default() };
        let execution = Execution { usage: Usage::default(), ..execution() };

        let shown = used(&View::default(), &limits, &execution, LOADED);

        assert!(shown.contains("fuel            not metered  unlimited  -\n"), "{shown}");
    }

    #[test]
    fn a_share_is_as_exact_as_it_is_small() {
        let shown =
            [(0, 10), (1, 100_000), (15, 1_000), (99, 100), (100, 100)].map(|(used, of)| percent(used, of));

        assert_eq!(shown, ["0", "<0.1", "1.5", "99", "100"]);
    }
}
