//! `jobctl migrate`.

use connect::Migration;
use serde_json::json;

use super::{needed, patient};
use crate::args::Migrate;
use crate::commands::context::Context;
use crate::config::first;
use crate::exit::{Exit, Result};

/// Brings the schema up to date, or prints what would do it.
pub(crate) async fn run(context: Context, migrate: Migrate) -> Result {
    let url = first(migrate.database_url.as_ref(), context.settings.file.database_url.clone());
    let url = needed("database-url", "JOBCTL_DATABASE_URL", url)?;
    if migrate.dry_run {
        let pending = patient("the database", || connect::pending(&url)).await?;
        let shown = json!({ "pending": pending.iter().map(|one| {
            json!({ "number": one.number, "name": one.name, "sql": one.sql })
        }).collect::<Vec<_>>() });
        context.output.document(&shown, |_| sql(&pending))?;
        return Ok(Exit::Done);
    }
    let applied = patient("the database", || connect::migrate(&url)).await?;
    let shown = json!({ "applied": applied.iter().map(|one| {
        json!({ "number": one.number, "name": one.name })
    }).collect::<Vec<_>>() });
    context.output.document(&shown, |_| names(&applied))?;
    Ok(Exit::Done)
}

/// The statements, such as a database's own client takes.
fn sql(pending: &[Migration]) -> String {
    if pending.is_empty() {
        return "-- the schema is up to date".to_owned();
    }
    let parts = pending.iter().map(|one| format!("-- {} {}\n{}", one.number, one.name, one.sql.trim_end()));
    parts.collect::<Vec<_>>().join("\n\n")
}

fn names(applied: &[Migration]) -> String {
    if applied.is_empty() {
        return "the schema is up to date".to_owned();
    }
    let lines = applied.iter().map(|one| format!("applied {} {}", one.number, one.name));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_is_sql_that_can_be_run() {
        let pending =
            [Migration { number: 1, name: "init".to_owned(), sql: "create table t ();\n".to_owned() }];

        assert_eq!(sql(&pending), "-- 1 init\ncreate table t ();");
        assert_eq!(sql(&[]), "-- the schema is up to date");
        assert_eq!(names(&pending), "applied 1 init");
    }
}
