//! With a token, only who shows it gets in; and the parts of the system show it to each other.

use rpc::Code;
use serde_json::json;
use stories::{Footing, Setup, System, guest, page, page_with};

/// `Basic` and the base64 of `anybody:s3cret-token`, and of `anybody:wrong`.
const RIGHT: &str = "Authorization: Basic YW55Ym9keTpzM2NyZXQtdG9rZW4=\r\n";
const WRONG: &str = "Authorization: Basic YW55Ym9keTp3cm9uZw==\r\n";

#[test]
fn only_who_shows_the_token_gets_in() {
    let footing = Footing::Distributed { schedulers: 2, hosts: 1 };
    let system = System::start(&Setup { token: Some("s3cret-token"), ..Setup::on(footing) });
    let jobctl = system.jobctl();

    for stranger in [jobctl.clone().with_token(None), jobctl.clone().with_token(Some("wrong"))] {
        let refusal = stranger.refusal(6, &["job", "list"]);
        assert_eq!(refusal["code"], "unauthenticated", "{refusal}");
        let publish =
            stranger.run(&["task", "publish", guest(system.folder()).to_str().expect("a plain path")]);
        assert_eq!(publish.code, 6, "{publish:?}");
    }
    for answer in system.ask_hosts(None).into_iter().chain(system.ask_hosts(Some("wrong"))) {
        assert_eq!(answer.expect_err("a stranger").code, Code::Unauthenticated);
    }
    for path in ["/", "/jobs", "/tasks"] {
        let statuses = ["", WRONG, RIGHT].map(|headers| page_with(jobctl.server(), path, headers).status);
        assert_eq!(statuses, [401, 401, 200], "{path}");
    }
    // Whoever watches over the processes has no token.
    assert_eq!(page(jobctl.server(), "/healthz").status, 200);
    assert_eq!(page(jobctl.server(), "/readyz").status, 200);
}

#[test]
fn the_parts_of_a_system_with_a_token_work_together() {
    let footing = Footing::Distributed { schedulers: 2, hosts: 1 };
    let system = System::start(&Setup { token: Some("s3cret-token"), ..Setup::on(footing) });
    system.jobctl().publish(&guest(system.folder()), &["--fuel", "unlimited"]);

    // One of them leads; the other passes what it stored to it, and each reaches the host.
    for scheduler in 0..2 {
        let jobctl = system.jobctl_at(scheduler);
        assert_eq!(jobctl.json(&["enqueue", "echo", "[1]", "--wait"])["result"], json!([1]));
        let id = jobctl.enqueue("spin", "{}", &[]);
        let _ = jobctl.job_in(&id, "running");
        assert_eq!(jobctl.json(&["job", "cancel", &id])["host_reached"], true);
        let _ = jobctl.job_in(&id, "cancelled");
    }
    assert!(system.ask_hosts(Some("s3cret-token"))[0].is_ok());
}
