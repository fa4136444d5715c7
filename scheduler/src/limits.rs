//! Limits that somebody sets, read from their message and held against what is allowed.

use model::error::Invalid;
use model::limits::{LimitOverrides, Limits};
use rpc::{Code, Error, v1};

/// Reads limits. A limit of nought makes no sense wherever it is set.
///
/// # Errors
/// Names the first that makes none.
pub(crate) fn read(limits: Option<v1::LimitOverrides>) -> Result<LimitOverrides, Invalid> {
    let limits = LimitOverrides::try_from(limits.unwrap_or_default())?;
    limits.check_nought()?;
    Ok(limits)
}

/// Refuses limits that are over `max`, which is called `whose` in the refusal; `hint` gets the name of the limit.
///
/// # Errors
/// `Denied`, naming the first limit that is over, the most allowed and the value seen.
pub(crate) fn allow(
    limits: &LimitOverrides,
    max: &Limits,
    whose: &str,
    hint: impl FnOnce(&str) -> String,
) -> Result<(), Error> {
    limits.check(max, whose).map_err(|over| Error::new(Code::Denied, over.to_string()).hint(hint(over.field)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nought_is_invalid_and_too_much_is_denied() {
        let memory =
            |bytes| v1::LimitOverrides { memory_bytes: Some(bytes), ..v1::LimitOverrides::default() };

        let nought = read(Some(memory(0))).expect_err("nought");
        let much = read(Some(memory(u64::MAX))).expect("it is a limit");
        let over = allow(&much, &Limits::default(), "the version's", |name| format!("lower --{name}"));

        assert_eq!(nought.field, "memory");
        let over = over.expect_err("it is over");
        assert_eq!((over.code, over.hint.as_deref()), (Code::Denied, Some("lower --memory")));
        assert!(over.message.ends_with("is over the version's limit of 128 MiB"), "{over}");
        assert_eq!(read(None), Ok(LimitOverrides::default()));
    }
}
