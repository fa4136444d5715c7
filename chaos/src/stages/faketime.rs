//! Processes that are shown another time, by a library (`faketime`). Their monotonic clocks go right, as those of a
//! machine with a wrong time of day do.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use model::clock::{Clock as _, SystemClock};

use crate::Member;
use crate::trial::Trial;

/// How far off clocks are: as `faketime` is told, and in seconds.
pub(super) const OFFS: [(&str, i64); 3] = [("+1h", 3_600), ("-1h", -3_600), ("+3650d", 3_650 * 86_400)];

/// How far a time may be from the right one, in seconds: a busy machine's.
pub(super) const NEAR_S: i64 = 120;

/// How long a process may take to see that its clock is off.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a process has in its environment to be shown a time that is so far off.
///
/// # Panics
/// When the library is not installed: without it nothing would be shown.
pub(super) fn environment(off: &str) -> [(&'static str, String); 3] {
    let library = library().to_str().expect("a plain path").to_owned();
    [("LD_PRELOAD", library), ("FAKETIME", off.to_owned()), ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned())]
}

fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").expect("there is /usr/lib").flatten();
    let mut places = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    places.find(|place| place.exists()).expect("faketime is not installed: run scripts/setup isolation")
}

/// Restarts it with a clock that is so far off; none: that is right again.
pub(super) fn restart(member: &mut Member, off: Option<&str>) {
    member.terminate();
    let kept = &mut member.launch().environment;
    kept.retain(|(name, _)| name != "LD_PRELOAD" && !name.starts_with("FAKETIME"));
    kept.extend(off.into_iter().flat_map(environment).map(|(name, value)| (name.to_owned(), value)));
    member.start();
}

/// Its own log shows that its clock is off: otherwise this would be no fault.
pub(super) fn is_off(trial: &mut Trial, member: impl Fn(&mut Trial) -> &mut Member, seconds: i64) {
    let warned = member(trial).log_line("this machine's clock is off", PATIENCE);
    trial.require(warned.is_some(), "it says that its machine's clock is off");
    let log = member(trial).log_text();
    let last = log.lines().rev().find_map(|line| instant(line.split_whitespace().next()?));
    let off = last.map(|at| at - SystemClock.now().timestamp());
    let right = off.is_some_and(|off| (off - seconds).abs() < NEAR_S);
    trial.require(right, format!("its clock should be {seconds} s off and is {off:?}"));
}

/// Seconds since 1970 of an instant as it is written in logs and documents.
pub(super) fn instant(text: &str) -> Option<i64> {
    text.parse::<DateTime<Utc>>().ok().map(|at| at.timestamp())
}

/// Lets this scheduler lead: the others resign.
pub(super) fn leads(trial: &mut Trial, index: usize) {
    for other in (0..trial.field.schedulers().len()).filter(|other| *other != index) {
        trial.field.scheduler(other).terminate();
        let _ = trial.field.leader();
        trial.field.scheduler(other).start();
    }
    trial.require(trial.field.leader() == index, "the scheduler with the wrong clock leads");
}
