//! Others take every connection that the server has.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use history::Hit;
use rpc::v1;

use super::stranger::Stranger;
use super::{PATIENCE, PROGRESS};
use crate::load::LoadPlan;
use crate::trial::Trial;

/// So few that a handful of strangers takes all of them; the system itself needs fewer.
const CONNECTIONS: u32 = 90;

/// How many strangers come at once.
const AT_ONCE: usize = 16;

/// How long a caller may wait for a clear answer: the API's deadline, and the way.
const CALL_MAX: Duration = Duration::from_secs(12);

/// How long the server stays full.
const FULL_MS: usize = 8_000;

/// Takes the system's connections away and keeps them.
pub(super) fn crowded(trial: &mut Trial) {
    let usual = trial.field.postgres().settings().connections;
    let fault = trial.fault("a smaller server", Hit::Everybody);
    trial.field.postgres().settings().connections = CONNECTIONS;
    trial.field.postgres().restart();
    let load = trial.load(LoadPlan { jobs: trial.times(3000, 500), ..LoadPlan::default() });
    load.until_ended(trial.times(100, 50));
    trial.over(fault);

    trial.during("connections exhausted", Hit::Everybody, |trial| {
        let crowd = Crowd::come(trial);
        told_clearly(trial);
        trial.pause(Duration::from_millis(trial.times(FULL_MS, 0) as u64));
        drop(crowd);
        let since = Instant::now();
        trial.eventually("readiness again", PATIENCE, |trial| readiness(trial).starts_with("200"));
        trial.recovers(&load, PROGRESS, since, "connections free again");
    });

    trial.settle(load);
    trial.field.postgres().settings().connections = usual;
    trial.field.postgres().restart();
}

/// All who fit in.
struct Crowd(Vec<Stranger>);

impl Crowd {
    /// Comes until nobody of the system is left inside, and readiness says so, and why. Somebody of the system may be in
    /// again a moment later, when a place comes free.
    fn come(trial: &mut Trial) -> Self {
        let mut doorman = Stranger::come(trial, "chaos-doorman");
        trial.eventually("the doorman to be inside", PATIENCE, |trial| doorman.pid(trial).is_some());
        let mut crowd = vec![];
        let began = Instant::now();
        loop {
            doorman.say(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'jobctl'",
            );
            crowd.extend((0..AT_ONCE).map(|_| Stranger::come(trial, "chaos-crowd")));
            trial.pause(Duration::from_millis(150));
            crowd.retain_mut(|one: &mut Stranger| !one.is_over());
            let is_full = trial.field.postgres().try_query("select 1").is_err();
            let said = readiness(trial);
            if is_full && said.starts_with("503") && is_clear(&said) {
                trial.note(format!("readiness: {}", said.lines().last().unwrap_or_default()));
                break;
            }
            if began.elapsed() > PATIENCE {
                trial
                    .require(false, format!("the server was not full, or readiness did not say why: {said}"));
                break;
            }
        }
        crowd.push(doorman);
        Self(crowd)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.0.clear();
    }
}

/// A caller is told why, and soon.
fn told_clearly(trial: &mut Trial) {
    let client = trial.field.client(0);
    let job = v1::NewJob { task: "touch".to_owned(), ..v1::NewJob::default() };
    let asked = Instant::now();
    let told = trial.field.runtime().block_on(crate::calls::enqueue(&client, vec![job]));
    trial.within(asked.elapsed(), CALL_MAX, "a caller is told");
    match told {
        Ok(_) => trial.note("a caller got through all the same"),
        Err(error) => {
            let said = error.to_string();
            trial.require(is_clear(&said), format!("a caller is not told why: {said}"));
        }
    }
}

fn is_clear(said: &str) -> bool {
    ["too many clients", "connections were in use", "remaining connection slots"]
        .iter()
        .any(|words| said.contains(words))
}

/// The status of `/readyz` and what it says.
fn readiness(trial: &mut Trial) -> String {
    let api = trial.field.api(0);
    let address = api.trim_start_matches("http://").to_owned();
    let ask = || {
        let mut stream = TcpStream::connect(&address)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = ask().unwrap_or_default();
    answer.trim_start_matches("HTTP/1.1 ").to_owned()
}
