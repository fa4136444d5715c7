//! `files`: what the job leaves behind for people. Nothing touches a disk here; they travel with the outcome.

use model::error::ErrorKind;
use model::job::OutputFile;

use crate::bindings::jobs::task::files;
use crate::gate::over;
use crate::measure::sizes;
use crate::state::State;

/// Longest name, as in most file systems.
const NAME_BYTES_MAX: usize = 255;

/// Longest media type; the registry's longest has 127 at the most.
const MEDIA_TYPE_BYTES_MAX: usize = 127;

/// Most files of one attempt: people look through them, and each is a row.
const FILES_MAX: usize = 1_000;

impl files::Host for State {
    async fn write(
        &mut self,
        name: String,
        media_type: String,
        data: Vec<u8>,
    ) -> wasmtime::Result<Result<(), String>> {
        self.gate.pass()?;
        if let Err(problem) = check_name(&name).and_then(|()| check_media_type(&media_type)) {
            return Ok(Err(problem));
        }
        let most = self.gate.limits.file_bytes;
        let others: usize =
            self.files.iter().filter(|file| file.name != name).map(|file| file.bytes.len()).sum();
        let wanted = others.saturating_add(data.len()) as u64;
        if wanted > most {
            return Err(over(ErrorKind::Output, format!("file {name:?} makes {}", sizes(wanted, most))));
        }
        if let Some(file) = self.files.iter_mut().find(|file| file.name == name) {
            file.media_type = media_type;
            file.bytes = data;
            return Ok(Ok(()));
        }
        if self.files.len() == FILES_MAX {
            return Ok(Err(format!("an attempt may write {FILES_MAX} files")));
        }
        self.files.push(OutputFile { name, media_type, bytes: data });
        Ok(Ok(()))
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let seen = name.len();
    if seen == 0 || seen > NAME_BYTES_MAX {
        return Err(format!("a file's name has 1 to {NAME_BYTES_MAX} bytes, this one has {seen}"));
    }
    if name == "." || name == ".." || name.contains(['/', '\\']) || name.contains(char::is_control) {
        return Err(format!("{name:?} is not a file's name: no folders, no control characters"));
    }
    Ok(())
}

fn check_media_type(media_type: &str) -> Result<(), String> {
    let fits = media_type.len() <= MEDIA_TYPE_BYTES_MAX
        && media_type.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
        && media_type.split_once('/').is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty());
    if fits { Ok(()) } else { Err(format!("{media_type:?} is not a media type such as text/html")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        let long = "x".repeat(256);
        for name in ["", ".", "..", "a/b", "/a", "a\0b", "..\\a", "a\nb", long.as_str()] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        for name in ["report.html", "..a", "ä ö.txt"] {
            assert_eq!(check_name(name), Ok(()));
        }
    }

    #[test]
    fn a_media_type_that_could_end_a_header_is_refused() {
        for text in ["", "text", "text/", "/html", "text/html\r\nx: y", "téxt/html"] {
            assert!(check_media_type(text).is_err(), "{text:?}");
        }
        assert_eq!(check_media_type("text/html; charset=utf-8"), Ok(()));
    }
}
