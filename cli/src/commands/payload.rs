//! Payloads: where they come from, and the checks that the server makes too, with the same words.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use model::bounds::PAYLOAD_BYTES_MAX;
use model::error::Invalid;
use model::json::Json;

use crate::exit::{Error, Result};

const HINT: &str = "a payload is a JSON text, @FILE, or - for standard input; a word of text needs its own quotes: '\"word\"'";

/// The payload that `word` stands for: a JSON text, `@FILE`, or `-` for standard input; none means `{}`.
pub(crate) fn read(word: Option<&str>) -> Result<Json> {
    let bytes = match word {
        None => return Ok(Json::default()),
        Some("-") => read_capped(io::stdin().lock()).map_err(|error| unreadable("standard input", &error))?,
        Some(word) => match word.strip_prefix('@') {
            Some(path) => read_file(Path::new(path))?,
            None => word.as_bytes().to_vec(),
        },
    };
    check(bytes).map_err(|refusal| Error::from(refusal).hint(HINT))
}

/// Checks one payload.
pub(crate) fn check(bytes: Vec<u8>) -> std::result::Result<Json, Invalid> {
    Json::check("payload", bytes, PAYLOAD_BYTES_MAX)
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    let read = || {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_file() && metadata.len() > PAYLOAD_BYTES_MAX as u64 {
            return Ok(Err(metadata.len()));
        }
        read_capped(file).map(Ok)
    };
    match read() {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(seen)) => {
            let problem = format!("{seen} bytes are more than the limit of {PAYLOAD_BYTES_MAX} bytes");
            Err(Invalid::new("payload", problem).into())
        }
        Err(error) => Err(unreadable(&path.display().to_string(), &error)),
    }
}

/// Reads a byte more than is allowed at the most, so that a stream without end is refused.
fn read_capped(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(PAYLOAD_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(what: &str, error: &io::Error) -> Error {
    Error::usage(format!("payload: {what} cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(word: &str) -> String {
        match read(Some(word)) {
            Err(Error::Shown(shown)) => shown.message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_payload_is_an_empty_object() {
        assert_eq!(read(None).expect("a default").as_bytes(), b"{}");
    }

    #[test]
    fn a_payload_that_is_no_json_is_refused_with_its_position() {
        assert!(message("{\"a\": oops}").contains("line 1 column 7"));
        assert!(message("hello").starts_with("payload: not valid JSON"));
    }

    #[test]
    fn a_file_is_read_as_it_is_and_a_large_one_is_refused_by_its_size() {
        let folder = tempfile::tempdir().expect("a folder");
        let (good, large) = (folder.path().join("good.json"), folder.path().join("large.json"));
        std::fs::write(&good, "{\"n\": 1e400}\n").expect("written");
        File::create(&large).and_then(|file| file.set_len(5 << 20)).expect("made");

        let payload = read(Some(&format!("@{}", good.display()))).expect("good");

        assert_eq!(payload.as_bytes(), b"{\"n\": 1e400}\n");
        assert_eq!(
            message(&format!("@{}", large.display())),
            "payload: 5242880 bytes are more than the limit of 1048576 bytes"
        );
        assert!(message("@/nosuch/file").contains("/nosuch/file"));
    }

    #[test]
    fn a_stream_without_end_is_not_read_to_its_end() {
        assert_eq!(message("@/dev/zero"), "payload: 1048577 bytes are more than the limit of 1048576 bytes");
    }
}
