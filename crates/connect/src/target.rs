//! What a URL points at.

use std::path::Path;

use model::error::Invalid;
use url::Url;

/// A database.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Database<'a> {
    Postgres {
        url: &'a str,
        /// Server and port, for messages: the URL itself may hold a password.
        place: String,
    },
    Sqlite {
        path: &'a Path,
    },
}

/// What holds the ready queue.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Queue<'a> {
    Redis { url: &'a str },
    Memory,
}

impl<'a> Database<'a> {
    pub(crate) fn read(url: &'a str) -> Result<Self, Invalid> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return sqlite(path.strip_prefix("//").unwrap_or(path));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres { url, place: place(url)? });
        }
        Err(invalid("must be `postgres://USER:PASSWORD@SERVER/DATABASE` or `sqlite:PATH`"))
    }
}

fn sqlite(path: &str) -> Result<Database<'_>, Invalid> {
    match path {
        "" => Err(invalid("`sqlite:` wants the path of a file: `sqlite:PATH`")),
        ":memory:" => Err(invalid("`sqlite::memory:` is not kept: name a file, `sqlite:PATH`")),
        path => Ok(Database::Sqlite { path: Path::new(path) }),
    }
}

/// The server and the port of a URL of PostgreSQL. Without a host it is a socket on this machine.
fn place(url: &str) -> Result<String, Invalid> {
    let form = "`postgres://USER:PASSWORD@SERVER:PORT/DATABASE`";
    let parsed = Url::parse(url).map_err(|error| invalid(format!("must be {form} ({error})")))?;
    let host = parsed.host_str().filter(|host| !host.is_empty()).unwrap_or("this machine");
    Ok(parsed.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

fn invalid(problem: impl Into<String>) -> Invalid {
    Invalid::new("database-url", problem)
}

impl<'a> Queue<'a> {
    pub(crate) fn read(url: &'a str) -> Result<Self, Invalid> {
        if url == "memory:" {
            return Ok(Self::Memory);
        }
        if url.starts_with("redis://") || url.starts_with("rediss://") {
            return Ok(Self::Redis { url });
        }
        Err(Invalid::new(
            "redis-url",
            "must be `redis://HOST`, `rediss://HOST` (TLS), or `memory:` (one process)",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_a_server_or_a_file() {
        let at = |url, place: &str| Ok(Database::Postgres { url, place: place.to_owned() });
        let file = |path| Ok(Database::Sqlite { path: Path::new(path) });

        for (url, expected) in [
            (
                "postgres://me:secret@db.example:6432/jobs",
                at("postgres://me:secret@db.example:6432/jobs", "db.example:6432"),
            ),
            ("postgresql://db/jobs", at("postgresql://db/jobs", "db")),
            ("postgres://[::1]:5432/jobs", at("postgres://[::1]:5432/jobs", "[::1]:5432")),
            ("postgres:///jobs?host=/run", at("postgres:///jobs?host=/run", "this machine")),
            ("sqlite:jobs.db", file("jobs.db")),
            ("sqlite:/var/lib/a b.db", file("/var/lib/a b.db")),
            ("sqlite://jobs.db", file("jobs.db")),
            ("sqlite:///var/lib/jobs.db", file("/var/lib/jobs.db")),
        ] {
            assert_eq!(Database::read(url), expected, "{url}");
        }
    }

    #[test]
    fn what_is_no_database_is_refused_with_the_forms_and_without_the_url() {
        for url in [
            "",
            "jobs.db",
            "mysql://u:secret@h/d",
            "postgres:secret",
            "redis://secret",
            "sqlite:",
            "sqlite::memory:",
            "postgres://u:secret@h:port/d",
            "postgres://u:secret@[::1/d",
        ] {
            let refusal = Database::read(url).expect_err(url).to_string();
            assert!(refusal.starts_with("database-url: "), "{refusal}");
            assert!(refusal.contains("`postgres://") || refusal.contains("`sqlite:PATH`"), "{refusal}");
            assert!(!refusal.contains("secret"), "{refusal}");
        }
    }

    #[test]
    fn a_queue_is_a_redis_or_this_process() {
        assert_eq!(Queue::read("memory:"), Ok(Queue::Memory));
        for url in ["redis://h", "rediss://:p@h:1/2"] {
            assert_eq!(Queue::read(url), Ok(Queue::Redis { url }));
        }
        for url in ["", "memory", "http://secret@h", "h:6379"] {
            let refusal = Queue::read(url).expect_err(url).to_string();
            assert!(refusal.contains("`redis://") && refusal.contains("`memory:`"), "{refusal}");
            assert!(!refusal.contains("secret"), "{refusal}");
        }
    }
}
