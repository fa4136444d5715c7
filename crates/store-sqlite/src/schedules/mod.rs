//! Schedules: kept, looked at, fired.

mod change;
mod rows;

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::bounds::PAGE_MAX;
use model::id::{JobId, ScheduleId};
use model::name::{Namespace, ScheduleName};
use model::schedule::{Fate, Schedule};
use sqlx::SqliteConnection;
use store::record::{corrupt, pending_column, schedule_missing, spec_column};
use store::{
    BrokenSchedule, DueSchedules, FateFilter, Made, NewSchedule, Result, ScheduleChange, ScheduleChanged,
    ScheduleFilter, SchedulePage, Schedules,
};
use uuid::Uuid;

use crate::SqliteStore;
use crate::error::fault;
use crate::json;
use crate::schedules::change::{change, fired};
use crate::schedules::rows::{FateRow, ScheduleRow, stamp};
use crate::standing::standings;
use crate::time::{instant, now};

#[async_trait]
impl Schedules for SqliteStore {
    async fn create_schedule(&self, new: NewSchedule) -> Result<Made> {
        let mut tx = self.db.durable().await?;
        let now = now(&mut tx).await?;
        let standing = &new.standing;
        let made = sqlx::query_file_scalar!(
            "sql/schedule_make.sql",
            new.namespace.as_str(),
            new.name.as_str(),
            spec_column(&new.spec),
            new.payload.as_bytes(),
            standing.state.as_str(),
            standing.reason,
            standing.next_at.map(stamp),
            standing.look_at.map(stamp),
            pending_column(&standing.pending),
            json::ids(standing.open.iter().copied()),
            now
        );
        let made = made.fetch_optional(&mut *tx).await.map_err(fault)?;
        let id = match made {
            Some(id) => id,
            None => named(&mut tx, &new.namespace, &new.name).await?,
        };
        let schedule = by_id(&mut tx, id).await?;
        if made.is_some() {
            tx.commit().await.map_err(fault)?;
        }
        Ok(Made { schedule, fresh: made.is_some() })
    }

    async fn schedule(&self, namespace: &Namespace, name: &ScheduleName) -> Result<Schedule> {
        let mut tx = self.db.snapshot().await?;
        let id = named(&mut tx, namespace, name).await?;
        by_id(&mut tx, id).await
    }

    async fn schedules(&self, filter: ScheduleFilter) -> Result<SchedulePage> {
        let limit = filter.limit.min(PAGE_MAX);
        let mut tx = self.db.page().await?;
        let ids = sqlx::query_file_scalar!(
            "sql/schedules_page.sql",
            filter.namespace.as_str(),
            filter.after.as_ref().map_or("", |name| name.as_str()),
            json::list(&filter.states),
            filter.task.as_ref().map(|task| task.as_str()),
            // One more than the page holds tells whether there is another page.
            i64::from(limit) + 1
        );
        let mut ids = ids.fetch_all(&mut *tx).await.map_err(fault)?;
        let more = ids.len() > limit as usize;
        ids.truncate(limit as usize);
        let rows = by_ids(&mut tx, &ids).await?;
        let schedules: Vec<Schedule> =
            rows.into_iter().map(ScheduleRow::into_shown).collect::<Result<_>>()?;
        let next = if more { schedules.last().map(|last| last.name.clone()) } else { None };
        Ok(SchedulePage { schedules, next })
    }

    async fn due_schedules(&self, limit: u32) -> Result<DueSchedules> {
        let mut tx = self.db.snapshot().await?;
        let now = now(&mut tx).await?;
        let ids = sqlx::query_file_scalar!("sql/schedules_due.sql", now, limit).fetch_all(&mut *tx).await;
        let ids = ids.map_err(fault)?;
        let rows = if ids.is_empty() { Vec::new() } else { by_ids(&mut tx, &ids).await? };
        let schedules: Vec<std::result::Result<Schedule, BrokenSchedule>> =
            rows.into_iter().map(ScheduleRow::into_due).collect();
        Ok(DueSchedules { schedules, now: instant(now)? })
    }

    async fn change_schedules(&self, changes: Vec<ScheduleChange>) -> Result<Vec<ScheduleChanged>> {
        change(&self.db, changes).await
    }

    async fn disable_schedule(&self, id: ScheduleId, seq: i64, reason: &str) -> Result<bool> {
        let mut tx = self.db.durable().await?;
        let disabled =
            sqlx::query_file!("sql/schedule_disable.sql", id.0, seq, reason).execute(&mut *tx).await;
        if disabled.map_err(fault)?.rows_affected() == 0 {
            return Ok(false);
        }
        tx.commit().await.map_err(fault)?;
        Ok(true)
    }

    async fn fates(&self, filter: FateFilter) -> Result<Vec<Fate>> {
        let before = filter.before.map_or(i64::MAX, stamp);
        let limit = filter.limit.min(PAGE_MAX);
        let mut tx = self.db.page().await?;
        let rows = sqlx::query_file_as!(FateRow, "sql/schedule_fates.sql", filter.schedule.0, before, limit)
            .fetch_all(&mut *tx)
            .await
            .map_err(fault)?;
        let jobs: Vec<JobId> = rows.iter().filter_map(|row| row.job).map(JobId).collect();
        let standings = standings(&mut tx, &jobs).await?;
        let states: HashMap<JobId, _> = standings.into_iter().map(|one| (one.id, one.state)).collect();
        rows.into_iter().map(|row| row.into_fate(&states)).collect()
    }

    async fn fired(
        &self,
        schedule: ScheduleId,
        instants: &[DateTime<Utc>],
    ) -> Result<Vec<(DateTime<Utc>, JobId)>> {
        let mut reader = self.db.reader().await?;
        let asked: Vec<_> = instants.iter().map(|at| (schedule, stamp(*at))).collect();
        let fired = fired(&mut reader, &asked).await?;
        // Told as they were asked for: whoever asks compares them with finer instants than milliseconds.
        Ok(instants
            .iter()
            .zip(&asked)
            .filter_map(|(at, asked)| fired.get(asked).map(|job| (*at, *job)))
            .collect())
    }
}

/// The id of a schedule.
async fn named(connection: &mut SqliteConnection, namespace: &Namespace, name: &ScheduleName) -> Result<i64> {
    sqlx::query_file_scalar!("sql/schedule_id.sql", namespace.as_str(), name.as_str())
        .fetch_optional(connection)
        .await
        .map_err(fault)?
        .ok_or_else(|| schedule_missing(namespace, name))
}

async fn by_id(connection: &mut SqliteConnection, id: i64) -> Result<Schedule> {
    let row = by_ids(connection, &[id]).await?.pop();
    row.ok_or_else(|| corrupt(format!("schedule {id} is not stored")))?.into_shown()
}

/// The rows of these ids, in this order.
async fn by_ids(connection: &mut SqliteConnection, ids: &[i64]) -> Result<Vec<ScheduleRow>> {
    sqlx::query_file_as!(ScheduleRow, "sql/schedules.sql", json::list(ids))
        .fetch_all(connection)
        .await
        .map_err(fault)
}
