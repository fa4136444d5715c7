//! Jobs that a task makes.

use serde_json::json;
use stories::{Footing, System, guest, parent_guest};

#[test]
fn a_child_job_is_made_once_however_often_its_parent_is_tried() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    jobctl.publish(&guest(system.folder()), &[]);
    jobctl.publish(&parent_guest(system.folder()), &["--allow-enqueue", "echo"]);

    let parent = jobctl.json(&["enqueue", "parent", "[7]", "--wait"]);

    assert_eq!(parent["attempts"].as_array().map(Vec::len), Some(2), "{parent}");
    let children = jobctl.list(&["job", "list", "--task", "echo"]);
    let [child] = children.as_slice() else { panic!("{children:?}") };
    assert_eq!((&child["parent"], &child["payload"]), (&parent["id"], &json!([7])));
    let child = jobctl.job_in(child["id"].as_str().expect("an id"), "succeeded");
    assert_eq!(child["result"], json!([7]));
}

#[test]
fn a_task_makes_jobs_only_of_tasks_that_it_was_granted() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    let file = parent_guest(system.folder());
    jobctl.publish(&guest(system.folder()), &[]);

    let publish = jobctl.refusal(6, &["task", "publish", file.to_str().expect("a plain path")]);
    jobctl.publish(&file, &["--allow-enqueue", "other"]);
    let (code, parent) = jobctl.document(&["enqueue", "parent", "[7]", "--wait"]);

    assert!(publish["message"].as_str().is_some_and(|text| text.contains("jobs:task/queue")), "{publish}");
    // The refusal is told to the guest, which passed it on.
    assert_eq!(code, 4, "{parent}");
    assert!(parent["error"]["message"].as_str().is_some_and(|text| text.contains("not granted")), "{parent}");
    assert!(jobctl.list(&["job", "list", "--task", "echo"]).is_empty());
}
