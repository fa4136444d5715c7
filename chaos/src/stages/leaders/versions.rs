//! Releases that meet each other: a schema that is newer than the program, and one that is older.

use std::time::Duration;

use history::Hit;
use stories::{Launch, Process, jobctl_path};

use crate::load::LoadPlan;
use crate::trial::Trial;

/// How often a migration tries to get its locks under load.
const TRIES: usize = 40;

/// The database of an older release, beside the field's own.
const OLDER: &str = "older";

pub(super) fn newer(trial: &mut Trial) {
    let load = trial.load(LoadPlan {
        jobs: trial.times(1_500, 200),
        per_second: Some(u32::try_from(trial.times(150, 60)).expect("it is small")),
        ..LoadPlan::default()
    });
    load.until_ended(trial.times(100, 20));

    let fault = trial.fault("a newer release migrates", Hit::Nobody);
    let tries = migrate(trial, include_str!("../../../sql/tomorrow.sql"));
    trial.note(format!("the migration had its locks at try {tries}"));
    let ended = load.ended().unwrap_or(0);
    load.until_ended((ended + load.len()) / 2);
    refused(trial, Which::Host(0), "a newer release has migrated the database");
    let follower = trial.field.follower();
    refused(trial, Which::Scheduler(follower), "a newer release has migrated the database");
    load.until_ended(load.len());
    let tries = migrate(trial, include_str!("../../../sql/tomorrow_end.sql"));
    trial.note(format!("its columns were gone at try {tries}"));
    trial.field.start_all();
    trial.over(fault);

    trial.settle(load);
}

/// Changes the schema while it is in use, as `jobctl migrate` does: what waits for a lock too long tries again. Tells how
/// often it was tried.
fn migrate(trial: &mut Trial, sql: &str) -> usize {
    for number in 1..=TRIES {
        match trial.field.postgres().try_query(sql) {
            Ok(_) => return number,
            Err(error) if error.contains("lock") => trial.pause(Duration::from_millis(200)),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the migration got no locks in {TRIES} tries");
}

#[derive(Clone, Copy)]
enum Which {
    Host(usize),
    Scheduler(usize),
}

/// Restarts one; it must end by itself with code 1, and with one line that contains `words`.
fn refused(trial: &mut Trial, which: Which, words: &str) -> String {
    let (hit, text, status) = {
        let member = match which {
            Which::Host(index) => trial.field.host(index),
            Which::Scheduler(index) => trial.field.scheduler(index),
        };
        let before = member.log_text().len();
        if member.is_running() {
            member.terminate();
        }
        let before = member.log_text().len().max(before);
        member.begin();
        let status = member.exit();
        (member.name().to_owned(), member.log_text()[before..].to_owned(), status)
    };
    let errors: Vec<_> = text.lines().filter(|line| line.contains("error: ")).collect();
    trial.require(status.code() == Some(1), format!("{hit} ended with {status}"));
    let said_once = errors.len() == 1 && errors[0].contains(words);
    trial.require(said_once, format!("{hit} did not say in one line {words:?}: {text}"));
    text
}

pub(super) fn older(trial: &mut Trial) {
    let load = trial.load(LoadPlan { jobs: trial.times(500, 100), ..LoadPlan::default() });
    let url = older_database(trial);
    let usual_host = trial.field.host(0).launch().environment.clone();
    let usual_scheduler = trial.field.scheduler(0).launch().environment.clone();
    load.until_ended(load.len() / 2);

    let host = trial.field.host(0).name().to_owned();
    trial.during("started on an older schema", Hit::host(host), |trial| {
        at(&mut trial.field.host(0).launch().environment, &url);
        at(&mut trial.field.scheduler(0).launch().environment, &url);
        for which in [Which::Host(0), Which::Scheduler(0)] {
            let text = refused(trial, which, "lacks");
            let hinted = text.lines().any(|line| line.contains("hint: ") && line.contains("jobctl migrate"));
            trial.require(hinted, format!("no hint at `jobctl migrate`: {text}"));
        }
        let told = run_migrate(trial, &url);
        trial.require(told.contains("applied"), format!("`jobctl migrate` said {told:?}"));
        // They come up on it, and go home.
        trial.field.host(0).start();
        trial.field.scheduler(0).start();
        trial.field.host(0).terminate();
        trial.field.scheduler(0).terminate();
        trial.field.host(0).launch().environment = usual_host;
        trial.field.scheduler(0).launch().environment = usual_scheduler;
        trial.field.start_all();
    });
    trial.field.postgres().execute(&format!("drop database {OLDER} with (force)"));

    trial.settle(load);
}

/// Makes a database with the schema of the first release, and returns its URL, past all links.
fn older_database(trial: &mut Trial) -> String {
    let row = trial.field.query(
        "select format('insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                 values (1, %L, true, %L, 0)', description, checksum) from _sqlx_migrations where version = 1",
    );
    trial.field.postgres().execute(&format!("create database {OLDER} template template0"));
    let (server, _) = trial.field.postgres().url().rsplit_once('/').expect("a URL names its database");
    let url = format!("{server}/{OLDER}");
    let table = include_str!("../../../sql/migrations_table.sql");
    let first = include_str!("../../../../migrations/postgres/0001_init.sql");
    for sql in [table, first, &row.join("\n")] {
        let told = trial.field.runtime().block_on(testkit::postgres::query(&url, sql));
        told.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    url
}

/// Points a role at another database.
fn at(environment: &mut [(String, String)], url: &str) {
    for (name, value) in environment {
        if name == "JOBCTL_DATABASE_URL" {
            url.clone_into(value);
        }
    }
}

/// Runs `jobctl migrate`, and returns what it printed.
fn run_migrate(trial: &Trial, url: &str) -> String {
    let mut process = Process::start(&Launch {
        program: jobctl_path(),
        arguments: vec!["migrate".to_owned()],
        environment: vec![
            ("HOME".to_owned(), trial.field.folder().display().to_string()),
            ("JOBCTL_DATABASE_URL".to_owned(), url.to_owned()),
        ],
        log: trial.field.folder().join("migrate-older.log"),
    });
    let status = process.ended();
    assert!(status.success(), "jobctl migrate ended with {status}:\n{}", process.log_text());
    process.log_text()
}
