//! Payloads of every size, and what has none.

use history::{Event, Hit};
use model::bounds::{COMPONENT_BYTES_MAX, PAYLOAD_BYTES_MAX};
use model::clock::{Clock as _, SystemClock};
use model::id::JobId;
use rpc::{Error, v1};

use super::endless::{self, Poured};
use crate::calls;
use crate::load::LoadPlan;
use crate::trial::Trial;

/// What may lie between two ends that have not heard of each other yet.
const UNDER_WAY: u64 = 16 << 20;

/// Most bytes of one call: the largest message, and an eighth of it for what it is wrapped in.
const CALL_BYTES_MAX: u64 = 72 << 20;

/// More than a pipe holds.
const PIPE: u64 = 1 << 20;

pub(super) fn of_every_size(trial: &mut Trial) {
    let load = trial.load(LoadPlan { jobs: trial.times(1_000, 100), ..LoadPlan::default() });

    for scheduler in 0..trial.times(2, 1) {
        whole(trial, scheduler);
        without_end(trial, scheduler);
        at_the_terminal(trial, scheduler);
    }

    let _ = trial.settle(load);
}

/// A payload for `touch` of this many bytes that does nothing.
fn payload(bytes: usize) -> Vec<u8> {
    let mut payload = b"{}".to_vec();
    payload.resize(bytes, b' ');
    payload
}

fn whole(trial: &mut Trial, scheduler: usize) {
    let sizes = [
        ("payload of 0 B", Vec::new(), None),
        ("payload of the limit", payload(PAYLOAD_BYTES_MAX), None),
        ("payload of the limit + 1", payload(PAYLOAD_BYTES_MAX + 1), Some("1048577 bytes")),
    ];
    for (words, payload, refusal) in sizes {
        let fault = trial.fault(words, Hit::Nobody);
        let (id, told) = ask(trial, scheduler, payload);
        trial.over(fault);
        trial.record(Event::Asked { job: id.clone(), key: None });
        match (told, refusal) {
            (Ok(told), None) => trial.record(Event::Told { asked: id, job: told }),
            (Ok(_), Some(_)) => trial.require(false, format!("a {words} was stored")),
            (Err(error), None) => trial.require(false, format!("a {words} was refused: {error}")),
            (Err(error), Some(seen)) => {
                let limit = PAYLOAD_BYTES_MAX.to_string();
                let says = error.message.contains(seen) && error.message.contains(&limit);
                trial.require(says, format!("a {words} was refused without the limit and the size: {error}"));
                trial.record(Event::Refused { job: id.clone(), code: error.code.as_str().to_owned() });
                let stored = trial.field.number(&format!("select count(*) from jobs where id = '{id}'"));
                trial.require(stored == 0, format!("a {words} was refused and stored"));
            }
        }
    }
}

fn ask(trial: &Trial, scheduler: usize, payload: Vec<u8>) -> (String, Result<String, Error>) {
    let id = JobId::generate(SystemClock.now()).to_string();
    let job = v1::NewJob { id: id.clone(), payload, options: None, task: "touch".to_owned() };
    let client = trial.field.client(scheduler);
    let told = trial.field.runtime().block_on(calls::enqueue(&client, vec![job]));
    (id, told.map(|told| told[0].id.clone()))
}

fn without_end(trial: &mut Trial, scheduler: usize) {
    let server = &trial.field.api(scheduler);
    let runtime = &trial.field.runtime().clone();
    let component = COMPONENT_BYTES_MAX as u64;
    // It asks for more than the limit at once, and is refused before its bytes are read.
    let pour = || runtime.block_on(endless::message(server, 100));
    poured(trial, "message of 100 MB", 0, pour);
    let pour = || runtime.block_on(endless::messages(server));
    poured(trial, "body without end", CALL_BYTES_MAX, pour);
    let pour = || runtime.block_on(endless::upload(server));
    poured(trial, "upload without end", component, pour);
    let pour = || runtime.block_on(endless::header(server));
    poured(trial, "header without end", 0, pour);
}

fn poured(trial: &mut Trial, words: &str, limit: u64, pour: impl FnOnce() -> Poured) {
    let Poured { taken, refusal } = trial.during(words, Hit::Nobody, |_| pour());
    trial.require(refusal.is_some(), format!("a {words} was not refused"));
    let most = limit + UNDER_WAY;
    trial.require(taken <= most, format!("{taken} bytes of a {words} were taken, of which {most} may be"));
}

/// The same at the terminal: the limit is held before anybody is asked.
fn at_the_terminal(trial: &mut Trial, scheduler: usize) {
    let jobctl = trial.field.jobctl_at(scheduler);
    let fault = trial.fault("standard input without end", Hit::Nobody);
    let (answer, taken) = endless::input(jobctl.command(&["-o", "json", "enqueue", "touch", "-"]));
    trial.over(fault);
    trial.require(answer.code == 2, format!("input without end: {answer:?}"));
    let most = PAYLOAD_BYTES_MAX as u64 + PIPE;
    trial.require(taken <= most, format!("{taken} bytes of input without end were taken"));

    let fault = trial.fault("file without end", Hit::Nobody);
    let answer = jobctl.run(&["enqueue", "touch", "@/dev/zero"]);
    trial.over(fault);
    let says = answer.stderr.contains(&PAYLOAD_BYTES_MAX.to_string());
    trial.require(answer.code == 2 && says, format!("a file without end: {answer:?}"));
}
