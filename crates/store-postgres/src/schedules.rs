//! Schedules: kept, looked at, fired.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::id::{JobId, ScheduleId};
use model::name::{Namespace, ScheduleName};
use model::schedule::{Fate, Schedule};
use store::{
    DueSchedules, FateFilter, Made, NewSchedule, Result, ScheduleChange, ScheduleChanged, ScheduleFilter,
    SchedulePage, Schedules,
};

use crate::PostgresStore;

#[async_trait]
impl Schedules for PostgresStore {
    async fn create_schedule(&self, _new: NewSchedule) -> Result<Made> {
        unimplemented!()
    }

    async fn schedule(&self, _namespace: &Namespace, _name: &ScheduleName) -> Result<Schedule> {
        unimplemented!()
    }

    async fn schedules(&self, _filter: ScheduleFilter) -> Result<SchedulePage> {
        unimplemented!()
    }

    async fn due_schedules(&self, _limit: u32) -> Result<DueSchedules> {
        unimplemented!()
    }

    async fn change_schedules(&self, _changes: Vec<ScheduleChange>) -> Result<Vec<ScheduleChanged>> {
        unimplemented!()
    }

    async fn disable_schedule(&self, _id: ScheduleId, _seq: i64, _reason: &str) -> Result<bool> {
        unimplemented!()
    }

    async fn fates(&self, _filter: FateFilter) -> Result<Vec<Fate>> {
        unimplemented!()
    }

    async fn fired(
        &self,
        _schedule: ScheduleId,
        _instants: &[DateTime<Utc>],
    ) -> Result<Vec<(DateTime<Utc>, JobId)>> {
        unimplemented!()
    }
}
