//! An e-mail arrives whole, at a server that is not ours.

use std::path::PathBuf;

use serde_json::Value;
use stories::{Footing, Letter, Setup, SmtpServer, System, Tls, component, read_letter};

const EMAIL: &str = r#"{
    "email": "Ana Souza <ana@example.com>",
    "subject": "Relatório de vendas – 3º trimestre ✓",
    "message": "Olá Ana,\n\nos números estão prontos: 1.234,56 €.\n.\nAté já\n",
    "html": "<p>Olá Ana,</p><p>os números estão <b>prontos</b>: 1.234,56&nbsp;€ ✓</p>",
    "reply_to": "vendas@example.com"
}"#;

fn assert_whole(letter: &Letter, message_id: &str) {
    assert_eq!(letter.subject, "Relatório de vendas – 3º trimestre ✓");
    assert_eq!(letter.to, "Ana Souza <ana@example.com>");
    assert_eq!(letter.reply_to.as_deref(), Some("vendas@example.com"));
    assert_eq!(letter.message_id, message_id);
    let lines: Vec<_> = letter.text.lines().collect();
    assert_eq!(lines, ["Olá Ana,", "", "os números estão prontos: 1.234,56 €.", ".", "Até já"]);
    let html = letter.html.as_deref().expect("an HTML alternative");
    assert!(html.contains("os números estão <b>prontos</b>: 1.234,56&nbsp;€ ✓"), "{html}");
}

/// A system that sends by `relay` and trusts the certificates of `authority`; of none: those that the machine trusts.
fn sending_by(relay: String, authority: Option<PathBuf>) -> System {
    let trusted = authority.map(|file| ("SSL_CERT_FILE", file.display().to_string()));
    let environment = trusted.into_iter().collect();
    let system = System::start(&Setup { relay: Some(relay), environment, ..Setup::on(Footing::Embedded) });
    system.jobctl().publish(&component("send_email"), &["--allow-mail"]);
    system
}

/// What the first attempt said of why it failed.
fn first_error(job: &Value) -> &str {
    job["attempts"][0]["error"]["message"].as_str().unwrap_or_else(|| panic!("{job}"))
}

#[test]
fn an_e_mail_is_received_whole_by_a_real_server() {
    let smtp = SmtpServer::start();
    let relay = Some(smtp.url());
    let system = System::start(&Setup { relay, ..Setup::on(Footing::Embedded) });
    let jobctl = system.jobctl();
    jobctl.publish(&component("send_email"), &["--allow-mail"]);

    let job = jobctl.json(&["enqueue", "send_email", EMAIL, "--wait"]);

    let letters = smtp.letters();
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_whole(letter, job["result"]["message_id"].as_str().expect("an id"));
    assert_eq!(letter.from, "Jobs <jobs@example.com>");
}

#[test]
fn without_a_relay_an_e_mail_lands_in_the_outbox_of_dev() {
    let system = System::on(Footing::Embedded);
    let jobctl = system.jobctl();
    jobctl.publish(&component("send_email"), &["--allow-mail"]);

    let job = jobctl.json(&["enqueue", "send_email", EMAIL, "--wait"]);

    let outbox = system.folder().join("data/outbox").read_dir().expect("it is there");
    let files: Vec<_> = outbox.map(|entry| entry.expect("an entry").path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    assert_eq!(file.extension().and_then(|extension| extension.to_str()), Some("eml"));
    assert_whole(&read_letter(file), job["result"]["message_id"].as_str().expect("an id"));
}

#[test]
fn a_relay_that_is_away_is_tried_again_until_the_mail_went_out_once() {
    let mut smtp = SmtpServer::away();
    let relay = Some(smtp.url());
    let system = System::start(&Setup { relay, ..Setup::on(Footing::Embedded) });
    let jobctl = system.jobctl();
    jobctl.publish(&component("send_email"), &["--allow-mail"]);
    let id = jobctl.enqueue("send_email", EMAIL, &[]);
    let waiting = jobctl.job_in(&id, "scheduled");
    assert_eq!(waiting["attempts"][0]["outcome"], "failed", "{waiting}");
    assert_eq!(waiting["attempts"][0]["error"]["kind"], "task", "{waiting}");

    smtp.begin();

    let job = jobctl.job_in(&id, "succeeded");
    let letters = smtp.letters();
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_whole(letter, job["result"]["message_id"].as_str().expect("an id"));
}

#[test]
fn a_relay_that_wants_tls_and_a_password_gets_both() {
    for tls in [Tls::Starttls, Tls::Implicit] {
        let smtp = SmtpServer::guarded(tls);
        let system = sending_by(smtp.guarded_url(None), Some(smtp.authority()));

        let job = system.jobctl().json(&["enqueue", "send_email", EMAIL, "--wait"]);

        let letters = smtp.letters();
        let [letter] = letters.as_slice() else { panic!("{tls:?}: {letters:?}") };
        assert_whole(letter, job["result"]["message_id"].as_str().expect("an id"));
        assert_eq!(letter.protocol.as_deref(), Some("ESMTPSA"), "{tls:?}");
    }
}

#[test]
fn a_wrong_password_fails_the_job_for_good_and_is_told_nowhere() {
    let smtp = SmtpServer::guarded(Tls::Starttls);
    let mut system = sending_by(smtp.guarded_url(Some("hunter2")), Some(smtp.authority()));
    let jobctl = system.jobctl();

    let id = jobctl.enqueue("send_email", EMAIL, &[]);

    let job = jobctl.job_in(&id, "failed");
    assert_eq!(job["attempts"].as_array().map(Vec::len), Some(1), "{job}");
    assert!(first_error(&job).contains("the mail relay refused it"), "{job}");
    assert!(smtp.letters().is_empty());
    let logs = [jobctl.log_texts(&id).join("\n"), system.scheduler(0).log_text(), job.to_string()];
    // As it is, and as it goes over the wire: in Base64, after the user's name.
    for secret in ["hunter2", "AGpvYnMAaHVudGVyMg"] {
        assert!(!logs.iter().any(|text| text.contains(secret)), "{logs:?}");
    }
}

#[test]
fn a_relay_whose_certificate_is_not_trusted_is_sent_nothing() {
    for tls in [Tls::Starttls, Tls::Implicit] {
        let smtp = SmtpServer::guarded(tls);
        let system = sending_by(smtp.guarded_url(None), None);
        let jobctl = system.jobctl();

        let id = jobctl.enqueue("send_email", EMAIL, &[]);

        // It is tried again: certificates are renewed, and authorities installed.
        let job = jobctl.job_in(&id, "scheduled");
        assert_eq!(job["attempts"][0]["outcome"], "failed", "{job}");
        assert!(first_error(&job).contains("the mail relay's certificate is not trusted"), "{tls:?}: {job}");
        assert!(smtp.letters().is_empty());
    }
}

#[test]
fn a_relay_without_tls_is_sent_nothing_when_tls_is_required() {
    let smtp = SmtpServer::start();
    let system = sending_by(format!("{}?tls=required", smtp.url()), None);
    let jobctl = system.jobctl();

    let id = jobctl.enqueue("send_email", EMAIL, &[]);

    let job = jobctl.job_in(&id, "failed");
    assert!(first_error(&job).contains("STARTTLS"), "{job}");
    assert!(smtp.letters().is_empty());
}
