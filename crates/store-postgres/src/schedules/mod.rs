//! Schedules: kept, looked at, fired.

mod change;

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use model::bounds::{PAGE_MAX, TEXT_BYTES_MAX};
use model::error::storable_text;
use model::id::{JobId, ScheduleId};
use model::name::{Namespace, ScheduleName, TaskName};
use model::schedule::{Fate, Schedule};
use store::record::{FateRecord, ScheduleRecord, corrupt, pending_column, schedule_missing, spec_column};
use store::{
    DueSchedules, FateFilter, Made, NewSchedule, Result, ScheduleChange, ScheduleChanged, ScheduleFilter,
    SchedulePage, Schedules,
};

use crate::PostgresStore;
use crate::db::{Db, again};
use crate::error::{Told, unavailable};
use crate::ids::uuids;
use crate::schedules::change::change;
use crate::session::Session;

/// How often a name is asked for that others take and free at the same moment.
const ASKS_MAX: u32 = 5;

#[async_trait]
impl Schedules for PostgresStore {
    async fn create_schedule(&self, new: NewSchedule) -> Result<Made> {
        Ok(again(|| make(&self.db, &new)).await?)
    }

    async fn schedule(&self, namespace: &Namespace, name: &ScheduleName) -> Result<Schedule> {
        let found = named(&mut self.db.session().await?, namespace, name).await?;
        found.ok_or_else(|| schedule_missing(namespace, name))
    }

    async fn schedules(&self, filter: ScheduleFilter) -> Result<SchedulePage> {
        let limit = filter.limit.min(PAGE_MAX) as usize;
        let states: Vec<String> = filter.states.iter().map(|state| state.as_str().to_owned()).collect();
        let query = sqlx::query_file_as!(
            ScheduleRecord,
            "sql/schedules_page.sql",
            filter.namespace.as_str(),
            filter.after.as_ref().map_or("", |name| name.as_str()),
            &states,
            filter.task.as_ref().map(spec_start),
            // One more than the page holds tells whether there is another page.
            limit as i64 + 1
        );
        let mut rows = self.db.all(query).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let schedules: Vec<Schedule> =
            rows.into_iter().map(ScheduleRecord::into_shown).collect::<Result<_>>()?;
        let next = if more { schedules.last().map(|last| last.name.clone()) } else { None };
        Ok(SchedulePage { schedules, next })
    }

    async fn due_schedules(&self, limit: u32) -> Result<DueSchedules> {
        let rows = self.db.all(sqlx::query_file!("sql/schedules_due.sql", i64::from(limit))).await?;
        let now = rows.first().ok_or_else(|| corrupt("the database has no clock"))?.now;
        let due = rows.into_iter().filter_map(|row| {
            Some(ScheduleRecord {
                id: row.id?,
                namespace: row.namespace?,
                name: row.name?,
                spec: row.spec?,
                payload: row.payload?,
                seq: row.seq?,
                state: row.state?,
                reason: row.reason,
                next_at: row.next_at,
                look_at: row.look_at,
                pending: row.pending,
                open: row.open,
                last_instant: row.last_instant,
                last_job: row.last_job,
                last_fired_at: row.last_fired_at,
                created_at: row.created_at?,
                updated_at: row.updated_at?,
            })
        });
        Ok(DueSchedules { schedules: due.map(ScheduleRecord::into_due).collect(), now })
    }

    async fn change_schedules(&self, changes: Vec<ScheduleChange>) -> Result<Vec<ScheduleChanged>> {
        Ok(again(|| change(&self.db, &self.known, &changes)).await?)
    }

    async fn disable_schedule(&self, id: ScheduleId, seq: i64, reason: &str) -> Result<bool> {
        let reason = text(reason);
        let disabled =
            again(|| self.db.execute(sqlx::query_file!("sql/schedule_disable.sql", id.0, seq, reason)));
        Ok(disabled.await? > 0)
    }

    async fn fates(&self, filter: FateFilter) -> Result<Vec<Fate>> {
        let query = sqlx::query_file_as!(
            FateRecord,
            "sql/schedule_fates.sql",
            filter.schedule.0,
            filter.before.map(stamp),
            i64::from(filter.limit.min(PAGE_MAX))
        );
        self.db.all(query).await?.into_iter().map(FateRecord::into_fate).collect()
    }

    async fn fired(
        &self,
        schedule: ScheduleId,
        instants: &[DateTime<Utc>],
    ) -> Result<Vec<(DateTime<Utc>, JobId)>> {
        let stamps: Vec<DateTime<Utc>> = instants.iter().map(|at| stamp(*at)).collect();
        let rows = self.db.all(sqlx::query_file!("sql/schedule_fired.sql", schedule.0, &stamps)).await?;
        let fired: HashMap<DateTime<Utc>, JobId> =
            rows.into_iter().map(|row| (row.instant, JobId(row.job))).collect();
        // Told as they were asked for, which may be finer than what is kept.
        let told = instants.iter().zip(&stamps);
        Ok(told.filter_map(|(at, stamp)| fired.get(stamp).map(|job| (*at, *job))).collect())
    }
}

async fn make(db: &Db, new: &NewSchedule) -> Told<Made> {
    let mut session = db.session().await?;
    for _ in 0..ASKS_MAX {
        let standing = &new.standing;
        let query = sqlx::query_file_as!(
            ScheduleRecord,
            "sql/schedule_make.sql",
            new.namespace.as_str(),
            new.name.as_str(),
            spec_column(&new.spec),
            new.payload.as_bytes(),
            standing.state.as_str(),
            standing.reason.as_deref().map(text),
            standing.next_at.map(stamp),
            standing.look_at.map(stamp),
            pending_column(&standing.pending),
            &uuids(&standing.open)
        );
        if let Some(made) = session.maybe(query).await? {
            return Ok(Made { schedule: made.into_schedule()?, fresh: true });
        }
        if let Some(schedule) = named(&mut session, &new.namespace, &new.name).await? {
            return Ok(Made { schedule, fresh: false });
        }
    }
    Err(unavailable("a schedule is made and deleted by others".to_owned()))
}

async fn named(
    session: &mut Session,
    namespace: &Namespace,
    name: &ScheduleName,
) -> Result<Option<Schedule>> {
    let query = sqlx::query_file_as!(ScheduleRecord, "sql/schedule.sql", namespace.as_str(), name.as_str());
    session.maybe(query).await?.map(ScheduleRecord::into_shown).transpose()
}

/// An instant as the columns hold it, in whole microseconds. Whatever is looked up by an instant goes through here, so
/// that a finer one finds itself again.
fn stamp(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(6)
}

/// Words for people that the server keeps, whatever they quote.
fn text(text: &str) -> String {
    storable_text(text, TEXT_BYTES_MAX)
}

/// What the column of a spec of this task begins with; a quotation mark or the `@` of a version follows.
fn spec_start(task: &TaskName) -> Vec<u8> {
    format!("{{\"task\":\"{task}").into_bytes()
}

#[cfg(test)]
mod tests {
    use model::schedule::{ScheduleSpec, Timing};

    use super::*;

    #[test]
    fn a_spec_begins_with_its_task() {
        for (task, next) in [("work", b'"'), ("work@3", b'@'), ("work@sha256:0123ab", b'@')] {
            let spec = ScheduleSpec::new(task.parse().expect("a task"), Timing::Cron("* * * * *".to_owned()));
            let (column, start) = (spec_column(&spec), spec_start(&spec.task.task));

            assert!(column.starts_with(&start), "{task}");
            assert_eq!(column[start.len()], next, "{task}");
        }
    }

    #[test]
    fn an_instant_is_cut_to_what_is_kept() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("an instant");

        assert_eq!(stamp(at("2026-01-01T00:00:00.123456789Z")), at("2026-01-01T00:00:00.123456Z"));
        assert_eq!(stamp(at("1965-01-01T00:00:00.123456789Z")), at("1965-01-01T00:00:00.123456Z"));
    }
}
