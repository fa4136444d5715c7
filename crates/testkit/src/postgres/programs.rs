//! The programs of PostgreSQL, and who runs them.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::server::is_root;

/// PostgreSQL refuses to run as root; its Debian package makes this user.
pub(super) const USER: &str = "postgres";

pub(super) fn psql_arguments<'a>(url: &'a str, sql: &'a str) -> [&'a str; 7] {
    ["-XqAt", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]
}

pub(super) fn as_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--init-groups"]).arg(program);
    // The folder of the test may be closed to that user.
    command.current_dir("/");
    command
}

/// A program of the newest PostgreSQL that Debian's packages installed, or whatever the path finds.
pub(super) fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions
        .map(|version| version.path().join("bin").join(name))
        .filter(|path| path.exists())
        .max_by_key(|path| version_of(path))
        .unwrap_or_else(|| PathBuf::from(name))
}

fn version_of(program: &Path) -> u32 {
    let version = program.ancestors().nth(2).and_then(Path::file_name);
    version.and_then(|name| name.to_str()).and_then(|name| name.parse().ok()).unwrap_or(0)
}
