//! How each guest of the gallery must end: a guest without a line here does not compile.

use guests::Hostile;
use model::error::ErrorKind;
use model::grants::Grants;
use model::limits::Limits;

/// One way to run a guest, and its end.
pub(super) struct Case {
    /// The limits it runs under.
    pub(super) limits: Limits,
    /// What it was granted.
    pub(super) grants: Grants,
    /// Whether its version is deterministic.
    pub(super) deterministic: bool,
    /// Whether the world never answers.
    pub(super) hangs: bool,
    /// Whether it is let see, once it runs, that its job is to be cancelled.
    pub(super) requested: bool,
    /// How it must end.
    pub(super) expected: Expected,
}

/// How a guest must end.
#[derive(Debug)]
pub(super) enum Expected {
    /// With a result that begins so.
    Succeeds(&'static str),
    /// With this kind of error and all these parts of its message.
    Fails(ErrorKind, &'static [&'static str]),
    /// At publish, with this part of the refusal.
    Refused(&'static str),
    /// As cancelled, by itself, within its grace.
    GivesUp,
    /// As cancelled, by a stop, after its grace.
    OutstaysItsGrace,
}

impl Case {
    /// The guest as it is published without any flag.
    pub(super) fn new(expected: Expected) -> Self {
        Self {
            limits: Limits::default(),
            grants: Grants::default(),
            deterministic: false,
            hangs: false,
            requested: false,
            expected,
        }
    }

    fn limited(mut self, lower: impl FnOnce(&mut Limits)) -> Self {
        lower(&mut self.limits);
        self
    }

    fn granted(self) -> Self {
        Self { grants: everything(), ..self }
    }

    fn requested(self) -> Self {
        Self { requested: true, ..self }
    }
}

/// Every grant that a guest of the gallery has a use for.
pub(super) fn everything() -> Grants {
    Grants {
        http: vec!["peer.test".parse().expect("a grant")],
        secrets: vec!["token".to_owned()],
        mail: true,
        enqueue: vec!["boom".to_owned()],
        ..Grants::default()
    }
}

fn succeeds(result: &'static str) -> Case {
    Case::new(Expected::Succeeds(result))
}

fn fails(kind: ErrorKind, parts: &'static [&'static str]) -> Case {
    Case::new(Expected::Fails(kind, parts))
}

fn traps(parts: &'static [&'static str]) -> Case {
    fails(ErrorKind::Trap, parts)
}

fn refused(part: &'static str) -> Case {
    Case::new(Expected::Refused(part))
}

fn burns_its_fuel() -> Case {
    fails(ErrorKind::Fuel, &["used 100000 units, limit 100000 units\n  at "])
        .limited(|l| l.fuel = Some(100_000))
}

/// One unit of fuel moves any number of bytes.
fn burns_its_fuel_in_bulk() -> Case {
    fails(ErrorKind::Fuel, &["used 100 units, limit 100 units"]).limited(|l| l.fuel = Some(100))
}

fn runs_to_its_deadline() -> Case {
    fails(ErrorKind::Timeout, &["ran for ", "ms, limit 60ms"]).limited(|l| l.timeout_ms = 60)
}

fn makes_too_many_calls() -> Case {
    fails(ErrorKind::HostCalls, &["made 11 calls, limit 10 calls"]).granted().limited(|l| l.host_calls = 10)
}

/// How `guest` must end, in every way to run it that makes a difference.
#[expect(clippy::too_many_lines, reason = "one match over the gallery is what forgets no guest")]
pub(super) fn expected(guest: Hostile) -> Vec<Case> {
    use ErrorKind::{Denied, Http, InvalidModule, Memory, Output, Stack, Table, Task};
    match guest {
        Hostile::TightLoop => vec![burns_its_fuel(), runs_to_its_deadline()],
        Hostile::MemoryGrowLoop
        | Hostile::RecursionTree
        | Hostile::ClockLoop
        | Hostile::StartLoop
        | Hostile::ReallocLoop => vec![burns_its_fuel()],
        Hostile::MemoryFill | Hostile::MemoryCopy | Hostile::TableFill => vec![burns_its_fuel_in_bulk()],
        Hostile::MemoryGrow | Hostile::MemoryBomb => vec![
            fails(Memory, &["asked for 129 MiB, limit 128 MiB"]),
            fails(Memory, &["asked for 17 MiB, limit 16 MiB"]).limited(|l| l.memory_bytes = 16 << 20),
        ],
        Hostile::MemoryAtTheStart => vec![fails(Memory, &["asked for 200 MiB, limit 128 MiB"])],
        Hostile::TableGrow => vec![
            fails(Table, &["asked for 201000 elements, limit 200000 elements"]),
            fails(Table, &["asked for 6000 elements, limit 5000 elements"])
                .limited(|l| l.table_elements = 5_000),
        ],
        Hostile::TableAtTheStart => vec![
            succeeds("null"),
            fails(Table, &["asked for 150000 elements, limit 100000 elements"])
                .limited(|l| l.table_elements = 100_000),
        ],
        Hostile::TableTooLarge => vec![
            refused("2000000 which exceeds the limit of 200000"),
            fails(InvalidModule, &["2000000 which exceeds the limit of 200000"]),
        ],
        Hostile::Recursion => {
            vec![fails(Stack, &["overflowed its stack, limit 512 KiB", "\n  at again_and_again"])]
        }
        Hostile::RecursionInMemory => {
            vec![fails(Stack, &["overflowed its stack, limit 512 KiB", "at descend"])]
        }
        Hostile::StartTrap => vec![traps(&["unreachable", "\n  at begin"]), refused("unreachable")],
        Hostile::Unreachable => vec![traps(&["unreachable", "\n  at divide_the_bill\n  at run"])],
        Hostile::ForgedName => {
            vec![traps(&["unreachable", "\n  at \u{fffd}[31mred\u{fffd}state: succeeded\n  at run"])]
        }
        Hostile::DivideByZero => vec![traps(&["integer divide by zero"])],
        Hostile::OutOfBounds => vec![traps(&["out of bounds memory access"])],
        Hostile::WrongType => vec![traps(&["indirect call type mismatch"])],
        Hostile::NullCall => vec![traps(&["uninitialized element"])],
        Hostile::HugeResult => vec![
            fails(Output, &["the result has 2 MiB, limit 1 MiB"]),
            fails(Output, &["the result has 2 MiB, limit 3 B"]).limited(|l| l.output_bytes = 3),
        ],
        Hostile::DeepResult => vec![succeeds("[[[[")],
        Hostile::ResultNotJson => vec![fails(Output, &["not valid JSON"])],
        Hostile::ResultNotText => vec![traps(&["utf-8"])],
        Hostile::WildResult => vec![traps(&["out of bounds"])],
        Hostile::HugeError => vec![fails(Task, &["aaaa", "…"])],
        Hostile::ErrorWithNul => vec![fails(Task, &["a\u{fffd}b"])],
        Hostile::LogFlood | Hostile::StdoutFlood => vec![succeeds("null")],
        Hostile::FileFlood => vec![
            fails(Output, &["file \"q\" makes 17 MiB, limit 16 MiB"]),
            fails(Output, &["file \"c\" makes 3 MiB, limit 2 MiB"]).limited(|l| l.file_bytes = 2 << 20),
        ],
        Hostile::HostCallLoop => vec![makes_too_many_calls()],
        Hostile::CheckpointLoop | Hostile::EnqueueLoop => vec![makes_too_many_calls()],
        Hostile::MailLoop => {
            vec![makes_too_many_calls(), fails(Denied, &["jobs:task/mail was not granted", "--allow-mail"])]
        }
        Hostile::PollSleep => vec![runs_to_its_deadline()],
        Hostile::PollHugeList => vec![traps(&["handle limit exceeded"])],
        Hostile::HandleFlood => vec![traps(&["table"])],
        Hostile::RandomFlood => vec![traps(&["requested len 1073741824 exceeds limit 1048576"])],
        Hostile::HttpLoop => vec![
            fails(Http, &["made 3 requests, limit 2 requests"]).granted().limited(|l| l.http_requests = 2),
            makes_too_many_calls(),
        ],
        Hostile::HttpUpload => vec![
            // What the peer answers counts too.
            fails(Http, &["the bodies make 3 MiB, limit 2.5 MiB"])
                .granted()
                .limited(|l| l.http_bytes = (2 << 20) + (1 << 19)),
        ],
        Hostile::HttpDenied => {
            vec![fails(Task, &["169.254.169.254:80 was not granted"]).granted()]
        }
        Hostile::EnqueueDenied => vec![fails(Task, &["--allow-enqueue"])],
        Hostile::SecretDenied => vec![fails(Task, &["was not granted"])],
        Hostile::ExitZero => vec![traps(&["exited with code 0"])],
        Hostile::ExitOne => vec![traps(&["exited with code 1"])],
        Hostile::ReallocWild => vec![traps(&["realloc"])],
        Hostile::DescribeLoop => vec![refused("fuel: used"), succeeds("null")],
        Hostile::DescribeTrap => vec![refused("could not describe its tasks: trap"), succeeds("null")],
        Hostile::DescribeCrowd => vec![refused("describes 10000 tasks; a component has at most 64")],
        Hostile::DescribeMillion => vec![refused("handed over more in one call than its limits allow")],
        Hostile::DescribeBadName => vec![refused("bad name")],
        Hostile::DescribeWild => vec![refused("could not describe its tasks: trap")],
        Hostile::NotANumber => vec![Case { deterministic: true, ..succeeds("true") }],
        Hostile::IgnoresCancel => {
            vec![Case::new(Expected::OutstaysItsGrace).requested(), runs_to_its_deadline()]
        }
        Hostile::HeedsCancel => vec![succeeds("null").requested(), runs_to_its_deadline()],
        Hostile::FailsOnCancel | Hostile::TrapsOnCancel => {
            vec![Case::new(Expected::GivesUp).requested(), runs_to_its_deadline()]
        }
    }
}
