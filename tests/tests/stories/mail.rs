//! An e-mail arrives whole, at a server that is not ours.

use stories::{Footing, Letter, Setup, SmtpServer, System, component, read_letter};

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
