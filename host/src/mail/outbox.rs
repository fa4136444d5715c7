//! A folder that takes the place of a relay.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sandbox::MailError;
use tempfile::NamedTempFile;

use super::message::Letter;

/// A folder of `.eml` files, which any mail program opens.
pub(crate) struct Outbox {
    folder: PathBuf,
}

impl Outbox {
    /// Makes the folder when it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn new(folder: PathBuf) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("make the outbox folder {}", folder.display()))?;
        Ok(Self { folder })
    }

    /// Writes the message as `name`, in place of the one of an earlier attempt. It is there whole or not at all.
    pub(crate) async fn put(&self, name: String, letter: Letter) -> Result<String, MailError> {
        let (folder, bytes) = (self.folder.clone(), letter.message.formatted());
        let written = tokio::task::spawn_blocking(move || write(&folder, &name, &bytes)).await;
        match written {
            Ok(Ok(())) => Ok(letter.id),
            Ok(Err(error)) => {
                Err(MailError::Unavailable(format!("the outbox folder cannot be written: {error}")))
            }
            Err(_) => Err(MailError::Unavailable("the host broke while it wrote the message".to_owned())),
        }
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(folder.join(name))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use sandbox::MailMessage;

    use super::super::Mailer;
    use super::super::message::Mail;
    use crate::MailConfig;

    const JOB: &str = "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000";

    fn mail(text: &str) -> Mail {
        let message = MailMessage {
            to: vec!["ana@example.com".to_owned()],
            reply_to: None,
            subject: "hi".to_owned(),
            text: text.to_owned(),
            html: None,
        };
        Mail { message, job: JOB.parse().expect("an id"), call: 0, at: SystemTime::UNIX_EPOCH }
    }

    #[tokio::test]
    async fn a_message_becomes_one_file_however_often_it_is_sent() {
        let data = tempfile::tempdir().expect("a folder");
        let folder = data.path().join("outbox");
        let config = MailConfig::Outbox { folder: folder.clone(), from: "jobs@example.com".to_owned() };
        let mailer = Mailer::new(&config).expect("the folder can be made");

        let first = mailer.send(mail("one")).await.expect("written");
        let second = mailer.send(mail("two")).await.expect("written");

        assert_eq!(first, second);
        let names: Vec<_> = std::fs::read_dir(&folder).expect("it is there").flatten().collect();
        assert_eq!(names.len(), 1, "{names:?}");
        let path = folder.join(format!("{JOB}.0.eml"));
        let text = std::fs::read_to_string(path).expect("named by job and call");
        assert!(text.contains("Subject: hi\r\n") && text.trim_end().ends_with("two"), "{text}");
        assert!(text.contains("Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n"), "{text}");
    }

    #[tokio::test]
    async fn a_host_without_a_relay_says_what_to_do() {
        let mailer = Mailer::new(&MailConfig::Off).expect("nothing to set up");

        let error = mailer.send(mail("one")).await.expect_err("nowhere to send it");

        assert!(matches!(error, sandbox::MailError::Refused(text) if text.contains("JOBCTL_SMTP_URL")));
    }
}
