//! What the file of a `jobctl dev` says, read when that has ended.

use std::path::Path;

use history::Truth;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::trial::Trial;
use crate::truth;

/// All of it. The file must be sound.
pub(super) fn of_file(path: &Path, trial: &mut Trial) -> Truth {
    let read = async {
        let mut file = SqliteConnectOptions::new().filename(path).connect().await?;
        let sound: String = sqlx::query_scalar("pragma integrity_check").fetch_one(&mut file).await?;
        let lines: Vec<String> =
            sqlx::query_scalar(include_str!("../../../sql/truth_sqlite.sql")).fetch_all(&mut file).await?;
        file.close().await?;
        Ok::<_, sqlx::Error>((sound, lines))
    };
    let (sound, lines) = trial.field.runtime().block_on(read).expect("the file can be read");
    trial.require(sound == "ok", format!("{} is not sound: {sound}", path.display()));
    truth::of_lines(lines, 0)
}
