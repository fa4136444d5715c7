//! What an attempt saved, the next one finds.

use serde_json::json;
use stories::{Footing, System, resuming_guest};

#[test]
fn a_second_attempt_finds_what_the_first_one_saved() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    jobctl.publish(&resuming_guest(system.folder()), &[]);

    let ids = ["[41]", r#"["é"]"#].map(|payload| jobctl.enqueue("resume", payload, &[]));

    for (id, saved) in ids.iter().zip([json!(41), json!("é")]) {
        let job = jobctl.job_in(id, "succeeded");
        assert_eq!(job["result"], saved, "{job}");
        let attempts = job["attempts"].as_array().expect("a list");
        let outcomes: Vec<_> = attempts.iter().map(|attempt| &attempt["outcome"]).collect();
        assert_eq!(outcomes, ["failed", "succeeded"], "{job}");
        assert_eq!(attempts[0]["error"]["kind"], "task", "{job}");
    }
}
