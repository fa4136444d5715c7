//! Facts about the news of a running attempt.

use model::job::{LogLevel, LogLine, Progress};
use model::retry::Next;

use super::lab::{AT_ONCE, Lab, failed, line, succeeded};
use crate::{ClaimedJob, Ended, Report};

fn news(claimed: &ClaimedJob) -> Report {
    Report { lease: claimed.lease, lines: Vec::new(), progress: None, checkpoint: None }
}

fn progress(percent: u8, message: &str) -> Progress {
    Progress { percent, message: message.to_owned() }
}

pub async fn log_lines_are_read_in_order_and_once(lab: &Lab) {
    let claimed = lab.running().await;
    let id = claimed.lease.job;
    let odd = LogLine { level: LogLevel::Stderr, ..line("\u{1b}[31m \"é\" \\u0000") };
    for lines in [vec![line("one"), odd.clone()], vec![line("three")]] {
        lab.store.report(Report { lines, ..news(&claimed) }).await.expect("report");
    }
    lab.finish(Ended { lines: vec![line("last")], ..succeeded(claimed.lease) }).await;

    let mut seen = Vec::new();
    let mut after = 0;
    loop {
        let (lines, next) = lab.store.logs(id, after, 2).await.expect("logs");
        if lines.is_empty() {
            assert_eq!(next, after, "the end is where it was");
            break;
        }
        assert!(next > after, "positions grow");
        assert!(lines.len() <= 2, "at most as many as asked for");
        after = next;
        seen.extend(lines);
    }

    assert_eq!(seen, [(1, line("one")), (1, odd), (1, line("three")), (1, line("last"))]);
}

pub async fn log_lines_name_their_attempt(lab: &Lab) {
    let first = lab.running().await;
    let id = first.lease.job;
    lab.store.report(Report { lines: vec![line("a")], ..news(&first) }).await.expect("report");
    lab.finish(failed(first.lease, AT_ONCE)).await;
    let second = lab.claim(first.lease.session, id).await;
    lab.store.report(Report { lines: vec![line("b")], ..news(&second) }).await.expect("report");

    let (lines, _) = lab.store.logs(id, 0, 10).await.expect("logs");

    assert_eq!(lines, [(1, line("a")), (2, line("b"))]);
}

pub async fn one_long_chunk_is_read_in_pieces(lab: &Lab) {
    let claimed = lab.running().await;
    let lines: Vec<LogLine> = (0..10).map(|n| line(&n.to_string())).collect();
    lab.store.report(Report { lines: lines.clone(), ..news(&claimed) }).await.expect("report");

    let mut seen = Vec::new();
    let mut after = 0;
    for _ in 0..4 {
        let (piece, next) = lab.store.logs(claimed.lease.job, after, 3).await.expect("logs");
        seen.extend(piece.into_iter().map(|(_, line)| line));
        after = next;
    }

    assert_eq!(seen, lines);
}

pub async fn a_job_without_logs_has_none(lab: &Lab) {
    let id = lab.put().await;

    assert_eq!(lab.store.logs(id, 0, 10).await.expect("logs"), (Vec::new(), 0));
}

pub async fn the_last_progress_is_shown(lab: &Lab) {
    let claimed = lab.running().await;
    let id = claimed.lease.job;
    assert_eq!(lab.look(id).await.progress, None);

    for step in [progress(10, "begun"), progress(60, "it's \"halfway\"")] {
        lab.store.report(Report { progress: Some(step.clone()), ..news(&claimed) }).await.expect("report");
        assert_eq!(lab.look(id).await.progress, Some(step));
    }
    lab.store.report(news(&claimed)).await.expect("report");

    assert_eq!(lab.look(id).await.progress, Some(progress(60, "it's \"halfway\"")));
}

pub async fn a_checkpoint_is_given_to_the_next_attempt(lab: &Lab) {
    let first = lab.running().await;
    for saved in [b"old".to_vec(), vec![0, 1, 255]] {
        lab.store.report(Report { checkpoint: Some(saved), ..news(&first) }).await.expect("report");
    }
    lab.store.report(news(&first)).await.expect("report");
    lab.finish(failed(first.lease, AT_ONCE)).await;

    let second = lab.claim(first.lease.session, first.lease.job).await;

    assert_eq!(second.checkpoint, Some(vec![0, 1, 255]));
}

pub async fn a_checkpoint_outlives_its_host(lab: &Lab) {
    let first = lab.running().await;
    let saved = Some(b"kept".to_vec());
    lab.store.report(Report { checkpoint: saved.clone(), ..news(&first) }).await.expect("report");
    lab.lapse(first.lease.session).await;
    lab.rescue().await;

    let second = lab.claim(lab.host().await, first.lease.job).await;

    assert_eq!(second.checkpoint, saved);
}

pub async fn a_checkpoint_is_the_job_s_own(lab: &Lab) {
    let one = lab.running().await;
    lab.store.report(Report { checkpoint: Some(vec![1]), ..news(&one) }).await.expect("report");
    lab.finish(failed(one.lease, Next::End)).await;

    assert_eq!(lab.running().await.checkpoint, None);
}
