//! What attempts say, save and make.

use model::job::JobState;
use model::name::Namespace;
use store::{JobFilter, Jobs};
use testkit::eventually::eventually;

use crate::lab::Lab;

async fn lines(lab: &Lab, id: model::id::JobId) -> Vec<String> {
    let (lines, _) = lab.store.inner().logs(id, 0, 100).await.expect("logs");
    lines.into_iter().map(|(_, line)| line.text).collect()
}

#[tokio::test]
async fn what_a_job_says_is_seen_while_it_runs_and_whole_at_its_end() {
    let lab = Lab::new().await;
    let _host = lab.host().await;

    let id = lab.put("talk").await;
    eventually("the first line and the progress", || async {
        let job = lab.look(id).await;
        (lines(&lab, id).await == ["one"] && job.progress.is_some()).then_some(())
    })
    .await;
    lab.script.gate.add_permits(1);
    let job = lab.becomes(id, JobState::Succeeded).await;

    assert_eq!(lines(&lab, id).await, ["one", "two"]);
    assert_eq!(job.progress.expect("kept").percent, 90);
    assert_eq!(lab.store.inner().file(id, "a.txt").await.expect("kept").bytes, b"abc");
}

#[tokio::test]
async fn lines_that_the_store_could_not_take_come_later_and_in_order() {
    use crate::faulty::Fault;
    let lab = Lab::new().await;
    let _host = lab.host().await;
    lab.store.fail("report", &[Fault::Before, Fault::Before]);

    let id = lab.put("talk").await;
    eventually("the first line", || async { (lines(&lab, id).await == ["one"]).then_some(()) }).await;
    lab.script.gate.add_permits(1);
    lab.becomes(id, JobState::Succeeded).await;

    assert_eq!(lines(&lab, id).await, ["one", "two"]);
}

#[tokio::test]
async fn a_job_that_says_nothing_costs_no_report() {
    let lab = Lab::new().await;
    let _host = lab.host().await;

    let id = lab.put("succeed").await;
    lab.becomes(id, JobState::Succeeded).await;

    assert_eq!(lab.store.calls("report"), 0);
}

#[tokio::test]
async fn a_checkpoint_is_there_for_the_next_attempt() {
    let lab = Lab::new().await;
    let _host = lab.host().await;

    let id = lab.put("save").await;

    assert_eq!(lab.becomes(id, JobState::Succeeded).await.attempts.len(), 2);
}

#[tokio::test]
async fn a_call_makes_its_child_once_over_all_attempts() {
    let lab = Lab::new().await;
    let _host = lab.host().await;
    lab.store.fail("submit", &[crate::faulty::Fault::After]);

    let id = lab.put("make child").await;
    let job = lab.becomes(id, JobState::Succeeded).await;

    let filter = JobFilter { namespace: Namespace::default(), limit: 100, ..JobFilter::default() };
    let jobs = lab.store.inner().jobs(filter).await.expect("jobs").jobs;
    let children: Vec<_> = jobs.iter().filter(|job| job.parent == Some(id)).collect();
    assert_eq!((job.attempts.len(), children.len(), jobs.len()), (2, 2, 3));
}
