//! What the operator of a server allows: the most of each limit, and room for compiled code.

use model::limits::{Limits, PLATFORM_MAX};

use crate::args::written::Word;
use crate::args::{Ceilings, LimitFlags, values};
use crate::commands::context::Context;
use crate::config::{File, first};
use crate::exit::{Error, Result};

const HINT: &str =
    "--max-limit memory=1GiB,host-calls=10000, JOBCTL_MAX_LIMITS, or [max_limits] in jobctl.toml";

/// The most that any task may have: the platform's maximum, lowered by `jobctl.toml` and that by flags.
pub(super) fn limits_max(context: &Context, flags: &Ceilings) -> Result<Limits> {
    lowered(&context.settings.file, flags)
        .map_err(|problem| Error::usage(format!("max-limit: {problem}")).hint(HINT))
}

fn lowered(file: &File, flags: &Ceilings) -> std::result::Result<Limits, String> {
    let mut lowered = LimitFlags::default();
    for (name, Word(value)) in &file.max_limits {
        lowered.set(name, value)?;
    }
    for word in flags.max_limits.iter().map(|word| word.trim()).filter(|word| !word.is_empty()) {
        let (name, value) = word.split_once('=').ok_or_else(|| format!("{word:?} is not NAME=VALUE"))?;
        lowered.set(name.trim(), value.trim())?;
    }
    let lowered = lowered.overrides();
    lowered.check(&PLATFORM_MAX, "the platform's").map_err(|invalid| invalid.to_string())?;
    Ok(PLATFORM_MAX.with(&lowered))
}

/// The most bytes of compiled code on disk.
pub(super) fn disk_bytes_max(context: &Context, flags: &Ceilings) -> Result<u64> {
    let asked = first(flags.cache_size.as_ref(), None);
    let asked = asked.map(|text| values::size(&text)).transpose();
    let asked =
        asked.map_err(|problem| Error::usage(format!("cache-size: {problem}")).hint("--cache-size 4GiB"))?;
    let in_file = context.settings.file.cache_size.map(u64::from);
    Ok(asked.or(in_file).unwrap_or(sandbox::DISK_BYTES_DEFAULT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ceilings(words: &[&str]) -> Ceilings {
        Ceilings { max_limits: words.iter().map(|word| (*word).to_owned()).collect(), cache_size: None }
    }

    #[test]
    fn flags_lower_what_the_file_lowered_and_the_rest_stays_the_platforms() {
        let file: File =
            toml::from_str("[max_limits]\nmemory = \"1GiB\"\nhost_calls = 500\ntimeout = \"1h\"")
                .expect("it is TOML");

        let max = lowered(&file, &ceilings(&["memory=64MiB", " fuel=1_000 ", ""])).expect("good");

        let expected = Limits {
            memory_bytes: 64 << 20,
            host_calls: 500,
            timeout_ms: 3_600_000,
            fuel: Some(1_000),
            ..PLATFORM_MAX
        };
        assert_eq!(max, expected);
        assert_eq!(lowered(&File::default(), &ceilings(&[])).expect("nothing said"), PLATFORM_MAX);
    }

    #[test]
    fn what_cannot_be_allowed_is_named() {
        let cases = [
            ("memory=5GiB", "memory: 5 GiB is over the platform's limit of 4 GiB"),
            ("memmory=1GiB", "\"memmory\" is no limit; there are fuel, memory, table-elements,"),
            ("memory", "\"memory\" is not NAME=VALUE"),
            ("memory=big", "memory: \"big\" is not like 64KiB"),
            ("host-calls=0", "host-calls: a limit of 0 lets nothing run"),
        ];

        for (word, expected) in cases {
            let refusal = lowered(&File::default(), &ceilings(&[word])).expect_err(word);
            assert!(refusal.starts_with(expected), "{refusal}");
        }
    }
}
