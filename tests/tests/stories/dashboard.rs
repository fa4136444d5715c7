//! The pages show what happened, and whatever a guest wrote is text in them.

use stories::{Footing, System, component, guest, page};

const HOSTILE: &str = r#""<script>alert('\u001b[31m')</script><img src=x onerror=alert(1)>""#;

#[test]
fn pages_show_the_job_and_escape_what_the_guest_wrote() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    jobctl.publish(&guest(system.folder()), &[]);
    let id = jobctl.enqueue("shout", HOSTILE, &["--tag", "who=<script>"]);
    let _ = jobctl.job_in(&id, "failed");
    let server = jobctl.server();

    let job = page(server, &format!("/jobs/default/{id}"));

    assert_eq!(job.status, 200, "{job:?}");
    assert!(job.body.contains(&id) && job.body.contains("shout"), "{job:?}");
    assert!(job.body.matches("script&").count() >= 3, "payload, log, error: {job:?}");
    for path in ["/", "/jobs", "/tasks", &format!("/jobs/default/{id}")] {
        let page = page(server, path);
        assert_eq!(page.status, 200, "{path}: {page:?}");
        assert!(!page.body.contains("<script") && !page.body.contains("<img src=x"), "{path}: {page:?}");
        assert!(page.head.contains("content-security-policy: default-src 'none'"), "{path}: {page:?}");
    }
    assert!(page(server, "/").body.contains(&id) && page(server, "/jobs").body.contains(&id));
    assert!(page(server, "/tasks").body.contains("second_try"));
    assert_eq!(page(server, "/jobs/default/018f0000-0000-7000-8000-000000000000").status, 404);
}

#[test]
fn a_report_is_shown_in_a_sandbox_of_the_browser() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    jobctl.publish(&component("generate_report"), &[]);
    let job = jobctl.json(&["enqueue", "generate_report", r#"{"report_type": "vendas_Q3"}"#, "--wait"]);
    let id = job["id"].as_str().expect("an id");

    let report = page(jobctl.server(), &format!("/jobs/default/{id}/files/report.html"));

    assert_eq!(report.status, 200, "{report:?}");
    assert!(report.head.contains("content-type: text/html"), "{}", report.head);
    assert!(report.head.contains("content-security-policy: sandbox;"), "{}", report.head);
    assert!(page(jobctl.server(), &format!("/jobs/default/{id}")).body.contains("report.csv"));
}

#[test]
fn a_schedule_and_its_jobs_lead_to_each_other_and_what_people_wrote_is_text() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    jobctl.publish(&guest(system.folder()), &[]);
    let payload = format!("[{HOSTILE}, \"{{{{scheduled_for}}}}\"]");
    let cron = ["--cron", "30 2 * * *", "--timezone", "America/New_York", "--paused"];
    let words = ["--payload", &payload, "--note", "<script>alert(1)</script>", "--tag", "who=<img src=x>"];
    let create = ["schedule", "create", "nightly", "--task", "echo"];
    let _ = jobctl.json(&[&create[..], &cron, &words].concat());
    let fired = jobctl.json(&["schedule", "trigger", "nightly"]);
    let id = fired["id"].as_str().unwrap_or_else(|| panic!("{fired}"));
    let _ = jobctl.job_in(id, "succeeded");
    let server = jobctl.server();

    let schedule = page(server, "/schedules/nightly");

    let job_address = format!("/jobs/default/{id}");
    for part in
        [&job_address, "at 02:30 every day, America/New_York", "02:30 does not exist", "trigger", "succeeded"]
    {
        assert!(schedule.body.contains(part), "{part:?}: {schedule:?}");
    }
    assert!(page(server, &job_address).body.contains("href=\"/schedules/nightly\""));
    for path in ["/schedules", "/schedules?state=paused&task=echo", "/schedules/nightly", &job_address] {
        let page = page(server, path);
        assert_eq!(page.status, 200, "{path}: {page:?}");
        assert!(page.body.contains("nightly"), "{path}: {page:?}");
        assert!(!page.body.contains("<script") && !page.body.contains("<img"), "{path}: {page:?}");
    }
    assert!(!page(server, "/schedules?state=active").body.contains("nightly"));
    assert!(!page(server, "/schedules?after=nightly").body.contains("/schedules/nightly"));
    assert_eq!(page(server, "/schedules/nightly?namespace=other").status, 404);
    assert_eq!(page(server, "/schedules/nightly?before=never").status, 400);
}

#[test]
fn the_server_says_that_it_lives_and_is_ready() {
    let system = System::on(Footing::Embedded);

    for path in ["/healthz", "/readyz"] {
        let answer = page(system.jobctl().server(), path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
}

#[test]
fn on_a_terminal_guest_text_cannot_speak_to_the_terminal() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    jobctl.publish(&guest(system.folder()), &[]);
    // An escape that JSON does not hide: the guest writes its payload as it came.
    let id = jobctl.enqueue("shout", "\"\u{9b}31m\u{202e}red\"", &[]);
    let _ = jobctl.job_in(&id, "failed");

    for verb in ["show", "logs"] {
        let shown = jobctl.run(&["job", verb, &id, "--color", "never"]);
        assert_eq!(shown.code, 0, "{shown:?}");
        assert!(shown.stdout.contains("red"), "{shown:?}");
        assert!(!shown.stdout.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{shown:?}");
    }
}
