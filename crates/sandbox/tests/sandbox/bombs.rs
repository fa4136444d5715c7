//! Compile bombs: small components that ask the compiler for much. Each meets a limit, of the checks before
//! compiling or of the compile worker, and jobs run meanwhile.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use guests::Guest;
use model::retry::Ending;
use model::units::show_size;
use sandbox::{Config, Flavour, Refusal, RefusalKind, Sandbox};

use crate::room::{Room, config_in};

const METERED: Flavour = Flavour { metered: true, deterministic: false };

/// Most that a small component may take of the machine, in the worker and in ourselves.
const RESIDENT_BYTES_MAX: u64 = 512 << 20;

/// Against hanging only: the limit is processor time, and the machine may be busy.
const HANGING: Duration = Duration::from_secs(60);

/// Between two looks at what the worker takes.
const LOOK: Duration = Duration::from_millis(5);

/// How a component begins.
const COMPONENT: [u8; 8] = *b"\0asm\x0d\0\x01\0";

/// How a module begins.
const MODULE: [u8; 8] = *b"\0asm\x01\0\0\0";

/// Inspects a bomb of less than a megabyte while its cost is watched.
async fn refusal(name: &str, bytes: Vec<u8>) -> Refusal {
    assert!(bytes.len() < 1 << 20, "{name} is not small: {}", bytes.len());
    let room = Room::new();
    let before = resident("self", "VmRSS").expect("we are there");
    let began = Instant::now();
    let mut inspecting = Box::pin(room.sandbox.inspect(bytes, METERED));
    let (mut worker, mut own) = (0, 0);
    let inspected = loop {
        tokio::select! {
            inspected = &mut inspecting => break inspected,
            () = tokio::time::sleep(LOOK) => {
                worker = worker.max(children());
                own = own.max(resident("self", "VmRSS").expect("we are there").saturating_sub(before));
            }
        }
    };
    assert!(worker < RESIDENT_BYTES_MAX, "{name}: the worker took {}", show_size(worker));
    assert!(own < RESIDENT_BYTES_MAX, "{name}: it took {} of ours", show_size(own));
    assert!(began.elapsed() < HANGING, "{name}: {:?}", began.elapsed());
    let refusal = inspected.expect_err(name);
    assert!(!refusal.message.contains('\n') && refusal.message.len() < 600, "{name}: {refusal}");
    refusal
}

/// The largest peak of resident memory among the processes that this one has started, in bytes.
fn children() -> u64 {
    let own = std::process::id().to_string();
    let peaks = fs::read_dir("/proc").expect("it is there").filter_map(|entry| {
        let name = entry.ok()?.file_name();
        let process = name.to_str()?;
        let status = status(process)?;
        if field(&status, "PPid")? != own {
            return None;
        }
        resident(process, "VmHWM")
    });
    peaks.max().unwrap_or(0)
}

fn resident(process: &str, which: &str) -> Option<u64> {
    let status = status(process)?;
    let kilobytes = field(&status, which)?.strip_suffix("kB")?.trim().parse::<u64>().ok()?;
    Some(kilobytes * 1024)
}

fn status(process: &str) -> Option<String> {
    fs::read_to_string(Path::new("/proc").join(process).join("status")).ok()
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = status.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(field, _)| *field == name).map(|(_, value)| value.trim())
}

async fn is_too_expensive(name: &str, text: &str, part: &str) {
    let refusal = refusal(name, wat::parse_str(text).expect("valid")).await;
    assert_eq!(refusal.kind, RefusalKind::Policy, "{name}: {refusal}");
    assert!(refusal.message.starts_with("is too expensive to compile: "), "{name}: {refusal}");
    assert!(refusal.message.contains(part), "{name}: {refusal}");
}

/// What burns the compiler's time or memory until a limit ends it. On a machine that is busy with other things its
/// time by the clock may end before its processor time does.
async fn runs_into_a_limit(name: &str, text: &str) {
    let refusal = refusal(name, wat::parse_str(text).expect("valid")).await;
    let (begin, part) = match refusal.kind {
        RefusalKind::Fault => ("the compiler did not get to the end within", "the machine is too busy"),
        _ => ("is too expensive to compile: ", "the limit for"),
    };
    assert!(
        refusal.kind != RefusalKind::Malformed && refusal.message.starts_with(begin),
        "{name}: {refusal}"
    );
    assert!(refusal.message.contains(part), "{name}: {refusal}");
}

/// A component around a module with these fields.
fn module(fields: &str) -> String {
    component(&format!("(core module {fields})"))
}

/// A component with these fields that exports what a task does by its name, so that the compiler sees it. It is no
/// task, so what compiles is refused after that.
fn component(fields: &str) -> String {
    format!(
        r#"(component {fields} (core module $last) (export "jobs:task/guest@1.0.0" (core module $last)))"#
    )
}

fn repeated(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        writeln!(text, "{}", item(number)).expect("a String takes everything");
        text
    })
}

#[tokio::test]
async fn instances_that_double_are_counted() {
    let mut text = "(component (core module $m) (core instance (instantiate $m)))".to_owned();
    for _ in 0..24 {
        text = format!("(component {text} (instance (instantiate 0)) (instance (instantiate 0)))");
    }
    is_too_expensive("doubling", &text, "more than 100 instances").await;
}

#[tokio::test]
async fn components_in_components_are_counted() {
    let beside = format!("(component {})", "(component)".repeat(20_000));

    let deep = refusal("2,000 levels", nested(2_000)).await;

    assert!(deep.message.contains("deeper than 32 levels"), "{deep}");
    is_too_expensive("20,000 side by side", &beside, "more than 500 modules and components").await;
}

/// Binary, because the text format's own reader is afraid of such.
fn nested(levels: usize) -> Vec<u8> {
    (0..levels).fold(COMPONENT.to_vec(), |inner, _| [&COMPONENT, &section(4, &inner)[..]].concat())
}

/// LEB128.
fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).expect("seven bits");
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

#[tokio::test]
async fn very_many_functions_run_into_the_limits() {
    let text = module(&"(func)".repeat(150_000));
    runs_into_a_limit("150,000 functions", &text).await;
}

#[tokio::test]
async fn many_locals_in_many_branches_run_into_the_limits() {
    let branches = repeated(6_000, |at| {
        let (asked, from, to) = (at % 2_000, at * 7 % 2_000, at * 13 % 2_000);
        format!("(if (local.get {asked}) (then (local.set {to} (local.get {from}))))")
    });
    let text = module(&format!("(func (local {}) {branches})", "i32 ".repeat(2_000)));
    runs_into_a_limit("2,000 locals in 6,000 branches", &text).await;
}

#[tokio::test]
async fn many_locals_in_many_loops_run_into_the_limits() {
    let branches = repeated(6_000, |at| {
        let (asked, to, out) = (at % 2_000, at * 13 % 2_000, at % 1_000);
        format!("local.get {asked} br_if {out} local.get 1 local.set {to}")
    });
    let (begin, end) = ("loop ".repeat(1_000), "end ".repeat(1_000));
    let text = module(&format!("(func (local {}) {begin} {branches} {end})", "i32 ".repeat(2_000)));
    runs_into_a_limit("2,000 locals in 1,000 loops", &text).await;
}

/// These are refused, before compiling or after it: what matters is that they cost little, and that it is said in a line.
#[tokio::test]
async fn whatever_else_is_large_by_name_costs_little() {
    let deep = repeated(900, |at| match at {
        0 => "(type $t0 (list u8))".to_owned(),
        _ => format!("(type $t{at} (list $t{}))", at - 1),
    });
    let doubling = repeated(90, |at| match at {
        0 => "(type $t0 (tuple u8 u8))".to_owned(),
        _ => format!("(type $t{at} (tuple $t{0} $t{0}))", at - 1),
    });
    let imports = repeated(5_000, |at| format!("(import \"i{at}\" (func))"));
    let exports = repeated(5_000, |at| format!("(export \"e{at}\" (func $f))"));
    let core_exports = repeated(40_000, |at| format!("(export \"e{at}\" (func 0))"));
    let table = format!("(func (block (br_table {} (i32.const 0))))", "0 ".repeat(100_000));
    let memories = repeated(100, |at| {
        format!(
            "(memory 256) (data (memory {at}) (i32.const 0) \"x\") (data (memory {at}) (i32.const 16777215) \"x\")"
        )
    });
    let tables =
        repeated(90, |at| format!("(table 10000000 funcref) (elem (table {at}) (i32.const 9999999) func 0)"));
    let elements = format!("(func $f) (table 1 funcref) (elem func {})", "0 ".repeat(90_000));
    let core_types = repeated(5_000, |at| format!("(type (func (param {})))", "i32 ".repeat(at % 30)));
    let exports = format!(
        "(core module $m (func (export \"f\"))) (core instance $i (instantiate $m))
            (func $f (canon lift (core func $i \"f\"))) {exports}"
    );
    let cases = [
        ("lists of lists", component(&deep)),
        ("types that double", component(&doubling)),
        ("imports", component(&imports)),
        ("exports", component(&exports)),
        ("exports of a module", module(&format!("(func) {core_exports}"))),
        ("a branch table", module(&table)),
        ("memories of noughts", module(&memories)),
        ("tables of nothing", module(&format!("(func) {tables}"))),
        ("elements", module(&elements)),
        ("types", module(&core_types)),
    ];

    for (name, text) in cases {
        refusal(name, wat::parse_str(text).expect(name)).await;
    }
}

#[tokio::test]
async fn sizes_that_are_claimed_and_not_there_cost_nothing() {
    let most = number(u32::MAX as usize);
    // A section that has so many entries, and one that has so many bytes.
    let claims = |id: u8| [section(id, &most), [&[id], &most[..]].concat()];

    // Of a module: types, imports, functions, tables, memories, globals, exports, elements, code, data, data count.
    for id in [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12] {
        for claim in claims(id) {
            let module = section(1, &[&MODULE, &claim[..]].concat());
            is_malformed("claims of a module", &[module, exported()].concat()).await;
        }
    }
    // Of a component: core instances, core types, instances, aliases, types, functions, imports, exports.
    for id in [2, 3, 5, 6, 7, 8, 10, 11] {
        let empty = section(1, &MODULE);
        for claim in claims(id) {
            is_malformed("claims of a component", &[empty.clone(), exported(), claim].concat()).await;
        }
    }
}

async fn is_malformed(name: &str, sections: &[u8]) {
    let refusal = refusal(name, [&COMPONENT, sections].concat()).await;
    assert_eq!(refusal.kind, RefusalKind::Malformed, "{sections:?}: {refusal}");
    assert!(refusal.message.starts_with("is not a valid component: "), "{sections:?}: {refusal}");
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], &number(content.len())[..], content].concat()
}

/// The export of the first module by the name of what a task exports, so that the compiler sees the component.
fn exported() -> Vec<u8> {
    const NAME: &[u8] = b"jobs:task/guest@1.0.0";
    section(11, &[&[1, 0], &number(NAME.len())[..], NAME, &[0, 0x11, 0, 0]].concat())
}

/// Inspects a small component with this shell script in place of the compile worker.
async fn with_worker(script: &str) -> Refusal {
    let folder = tempfile::tempdir().expect("a folder");
    let compile_command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    let config = Config { compile_command, ..config_in(folder.path()) };
    let sandbox = Sandbox::new(config).expect("the engines can be made");
    sandbox.inspect(Guest::default().build(), METERED).await.expect_err("the worker is broken")
}

#[tokio::test]
async fn each_limit_of_the_worker_is_named() {
    let cases = [
        ("kill -XCPU $$", "it takes more than 4 s of processor time, the limit for "),
        ("echo memory allocation of 7 bytes failed >&2; kill -ABRT $$", "more than 384."),
        ("printf 'Emmap: Cannot allocate memory'", "more than 384."),
        ("printf K; exec cat /dev/zero", "its code has more than 64 MiB, the limit for "),
        ("kill -SEGV $$", "the compiler broke off with signal: 11"),
    ];

    for (script, part) in cases {
        let refusal = with_worker(script).await;
        assert_eq!(refusal.kind, RefusalKind::Policy, "{script}: {refusal}");
        assert!(refusal.message.contains(part), "{script}: {refusal}");
    }
}

#[tokio::test]
async fn a_worker_that_gets_no_time_is_not_the_components_fault() {
    let refusal = with_worker("exec sleep 60").await;

    assert_eq!(refusal.kind, RefusalKind::Fault, "{refusal}");
    assert!(refusal.message.contains("within 9 s: the machine is too busy"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_run_while_a_bomb_is_compiled() {
    let room = Arc::new(Room::new());
    let component = Guest::default().build();
    room.run(component.clone()).await;
    let sandbox = Arc::clone(&room.sandbox);
    let bytes = wat::parse_str(module(&"(func)".repeat(150_000))).expect("valid");
    let bomb = tokio::spawn(async move { sandbox.inspect(bytes, METERED).await });
    let burning = async {
        while children() < 64 << 20 {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(HANGING, burning).await.expect("the worker begins");

    for _ in 0..100 {
        assert_eq!(room.run(component.clone()).await.ending, Ending::Succeeded);
    }

    assert!(!bomb.is_finished(), "jobs end before the compiler does");
    bomb.await.expect("it ends").expect_err("it is refused");
}

/// What the system says of the niceness of a process: 39 fields, the 17th after the name.
#[tokio::test]
async fn the_worker_stands_back_behind_everything_else() {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_compile-worker"));
    // It waits for its request.
    command.stdin(std::process::Stdio::piped()).kill_on_drop(true);
    let worker = command.spawn().expect("it can be started");
    let id = worker.id().expect("it runs");
    let niceness = || {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).expect("it runs");
        let (_, fields) = stat.rsplit_once(')').expect("its name is in brackets");
        fields.split_whitespace().nth(16).map(str::to_owned)
    };
    let own = niceness_of_self();

    let stands_back = async {
        while niceness() == Some(own.to_string()) {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(HANGING, stands_back).await.expect("it stands back");

    assert_eq!(niceness(), Some((own + 10).min(19).to_string()));
}

fn niceness_of_self() -> i32 {
    rustix::process::getpriority_process(None).expect("we have one")
}
