//! The guests that are stopped, each in the middle of something else, and what is to be reached with them.

use std::fmt;
use std::path::Path;

use anyhow::{Context as _, Result};
use guests::Hostile;
use model::grants::Capability;
use serde::Serialize;
use serde_json::{Value, json};
use stories::Jobctl;

use crate::{Order, Percentiles, Silence};

/// The queue of whatever is stopped, and of trouble.
const QUEUE: &str = "trouble";

/// Peers that never answer.
#[derive(Debug)]
pub struct Peers {
    /// Of HTTP.
    pub http: Silence,
    /// The mail relay of the system.
    pub mail: Silence,
}

/// What is to be reached, on a quiet machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Guests that compute, sleep or wait in a host call.
    AtOnce,
    /// Guests inside one instruction that works on much memory.
    Bulk,
}

impl Goal {
    /// Whether these are good enough.
    #[must_use]
    pub fn is_met(self, latency_ms: Percentiles) -> bool {
        match self {
            Self::AtOnce => latency_ms.p50 < 0.5 && latency_ms.p99 < 5.0,
            Self::Bulk => latency_ms.p99 < 20.0,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtOnce => "p50 < 0.5, p99 < 5",
            Self::Bulk => "p99 < 20",
        })
    }
}

/// One kind of guest, published.
#[derive(Debug, Clone)]
pub struct Kind {
    /// What it does.
    pub name: &'static str,
    /// A job of it.
    pub order: Order,
    /// Whom it calls, if it calls anybody.
    pub peer: Option<Silence>,
    /// What is to be reached.
    pub goal: Goal,
}

/// Every guest, published.
#[derive(Debug)]
pub struct Kinds {
    /// Those that are stopped.
    pub stopped: Vec<Kind>,
    /// It traps.
    pub trap: Order,
    /// It takes all memory it may, and fails.
    pub bomb: Order,
    /// It computes for ever.
    pub endless: Order,
}

/// Whom a guest calls.
#[derive(Debug, Clone, Copy)]
enum Calls {
    Nobody,
    Http,
    Mail,
}

/// Where a guest comes from.
#[derive(Debug, Clone, Copy)]
enum Code {
    Gallery(Hostile),
    Starting,
}

/// A guest and how it is stopped.
#[derive(Clone, Copy)]
struct Stopped {
    name: &'static str,
    code: Code,
    flags: &'static [&'static str],
    calls: Calls,
    goal: Goal,
}

const fn computing(name: &'static str, code: Code) -> Stopped {
    Stopped { name, code, flags: &[], calls: Calls::Nobody, goal: Goal::AtOnce }
}

const fn bulk(name: &'static str, code: Code) -> Stopped {
    Stopped { goal: Goal::Bulk, ..computing(name, code) }
}

const UNMETERED: &[&str] = &["--fuel", "unlimited"];

/// In the order in which they are told.
const STOPPED: [Stopped; 14] = [
    computing("computing, metered", Code::Gallery(Hostile::TightLoop)),
    Stopped { flags: UNMETERED, ..computing("computing, unmetered", Code::Gallery(Hostile::TightLoop)) },
    computing("recursion without end", Code::Gallery(Hostile::RecursionTree)),
    Stopped { flags: &["--memory", "1GiB"], ..computing("start function that loops", Code::Starting) },
    computing("taking in its payload", Code::Gallery(Hostile::ReallocLoop)),
    computing("memory.grow in a loop", Code::Gallery(Hostile::MemoryGrowLoop)),
    computing("reading the clock in a loop", Code::Gallery(Hostile::ClockLoop)),
    Stopped {
        flags: &["--host-calls", "10000000"],
        ..computing("telling progress in a loop", Code::Gallery(Hostile::HostCallLoop))
    },
    computing("sleeping in a poll of WASI", Code::Gallery(Hostile::PollSleep)),
    Stopped {
        calls: Calls::Http,
        ..computing("waiting for a silent HTTP peer", Code::Gallery(Hostile::HttpLoop))
    },
    Stopped {
        calls: Calls::Mail,
        ..computing("waiting for a silent mail relay", Code::Gallery(Hostile::MailLoop))
    },
    bulk("memory.fill of 64 MiB", Code::Gallery(Hostile::MemoryFill)),
    bulk("memory.copy of 64 MiB", Code::Gallery(Hostile::MemoryCopy)),
    bulk("table.fill", Code::Gallery(Hostile::TableFill)),
];

/// Those that are stopped by the command too.
const BY_COMMAND: [&str; 4] = [
    "computing, metered",
    "sleeping in a poll of WASI",
    "waiting for a silent HTTP peer",
    "memory.fill of 64 MiB",
];

/// A start function that loops would do so already at publish, when the component describes its tasks. This one
/// knows a publish by the little memory that it is given there.
const STARTING: guests::Tasks<'_> = guests::Tasks {
    imports: "",
    extra: "
        (func $begin
          (if (i32.ne (memory.grow (i32.const 8192)) (i32.const -1))
            (then (loop $again (br $again)))))
        (start $begin)",
    tasks: &[("start_function", "(unreachable)")],
};

impl Code {
    fn component(self) -> Vec<u8> {
        match self {
            Self::Gallery(guest) => guest.component(),
            Self::Starting => STARTING.build(),
        }
    }

    fn capabilities(self) -> Vec<Capability> {
        match self {
            Self::Gallery(guest) => guest.capabilities(),
            Self::Starting => Vec::new(),
        }
    }
}

impl Kinds {
    /// Publishes all of them by way of files in `folder`.
    ///
    /// # Errors
    /// When a file cannot be written.
    ///
    /// # Panics
    /// When a guest is refused.
    pub fn publish(jobctl: &Jobctl, folder: &Path, peers: &Peers) -> Result<Self> {
        let publisher = Publisher { jobctl, folder, peers };
        let stopped = STOPPED.iter().map(|kind| publisher.kind(kind)).collect::<Result<_>>()?;
        Ok(Self {
            stopped,
            trap: publisher.order(Code::Gallery(Hostile::Unreachable), &[], Calls::Nobody)?,
            bomb: publisher.order(Code::Gallery(Hostile::MemoryBomb), &[], Calls::Nobody)?,
            endless: publisher.order(Code::Gallery(Hostile::TightLoop), &[], Calls::Nobody)?,
        })
    }

    /// Those that are stopped by the command too.
    pub fn by_command(&self) -> impl Iterator<Item = &Kind> {
        self.stopped.iter().filter(|kind| BY_COMMAND.contains(&kind.name))
    }
}

struct Publisher<'a> {
    jobctl: &'a Jobctl,
    folder: &'a Path,
    peers: &'a Peers,
}

impl Publisher<'_> {
    fn kind(&self, stopped: &Stopped) -> Result<Kind> {
        let Stopped { name, code, flags, calls, goal } = *stopped;
        let peer = match calls {
            Calls::Nobody => None,
            Calls::Http => Some(self.peers.http.clone()),
            Calls::Mail => Some(self.peers.mail.clone()),
        };
        Ok(Kind { name, order: self.order(code, flags, calls)?, peer, goal })
    }

    /// Publishes a guest, and says how to make a job of the very version that this made.
    fn order(&self, code: Code, flags: &[&str], calls: Calls) -> Result<Order> {
        let file = self.folder.join("bench.wasm");
        std::fs::write(&file, code.component()).context("write a component")?;
        let http = self.peers.http.address().to_string();
        let mut flags = flags.to_vec();
        for capability in code.capabilities() {
            match capability {
                Capability::Http => flags.extend(["--allow-http", &http]),
                Capability::Mail => flags.push("--allow-mail"),
                Capability::Enqueue => flags.extend(["--allow-enqueue", "*"]),
                Capability::Secrets => flags.extend(["--secret", "KEY"]),
            }
        }
        let answer = self.jobctl.publish(&file, &flags);
        let task = answer["task"].as_str().with_context(|| format!("publish answers {answer}"))?;
        let payload = match calls {
            Calls::Http => Value::String(format!("http://{http}/")),
            Calls::Nobody | Calls::Mail => json!({}),
        };
        let order = Order {
            task: format!("{task}@{}", answer["version"]),
            payload: payload.to_string(),
            queue: QUEUE.to_owned(),
        };
        Ok(order)
    }
}
