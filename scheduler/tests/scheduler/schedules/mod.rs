//! Schedules: made, changed, looked at, fired by hand. What the clock fires is the leader's.

mod backfilling;
mod changing;
mod creating;
mod pausing;
mod refusing;
mod triggering;

use chrono::{DateTime, Utc};
use model::name::Namespace;
use model::schedule::{Schedule, Standing};
use rpc::v1;
use store::{ScheduleChange, ScheduleChanged};

use crate::room::{Replica, Room};

/// Once a year: nothing of it fires during a test.
const YEARLY: &str = "0 0 1 1 *";

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn at(text: &str) -> Option<rpc::Timestamp> {
    Some(rpc::timestamp(instant(text)))
}

fn spec(cron: &str) -> v1::ScheduleSpec {
    v1::ScheduleSpec { task: "t".to_owned(), cron: cron.to_owned(), ..v1::ScheduleSpec::default() }
}

fn every(period_ms: u64) -> v1::ScheduleSpec {
    v1::ScheduleSpec { every_ms: Some(period_ms), ..spec("") }
}

impl Replica {
    async fn create(
        &self,
        name: &str,
        spec: v1::ScheduleSpec,
    ) -> Result<v1::CreateScheduleResponse, rpc::Error> {
        let request = v1::CreateScheduleRequest {
            namespace: String::new(),
            name: name.to_owned(),
            spec: Some(spec),
            paused: false,
        };
        Ok(self.client.clone().schedules.create_schedule(request).await?.into_inner())
    }

    async fn created(&self, name: &str, spec: v1::ScheduleSpec) -> v1::Schedule {
        self.create(name, spec).await.expect("it is stored").schedule.expect("it is told")
    }

    async fn update(&self, seen: &v1::Schedule, spec: v1::ScheduleSpec) -> Result<v1::Schedule, rpc::Error> {
        let request = v1::UpdateScheduleRequest {
            name: seen.name.clone(),
            spec: Some(spec),
            seq: seen.seq,
            ..v1::UpdateScheduleRequest::default()
        };
        Ok(self.client.clone().schedules.update_schedule(request).await?.into_inner())
    }

    async fn schedule(&self, name: &str) -> Result<v1::Schedule, rpc::Error> {
        let request = v1::GetScheduleRequest { name: name.to_owned(), ..v1::GetScheduleRequest::default() };
        Ok(self.client.clone().schedules.get_schedule(request).await?.into_inner())
    }

    async fn pause(&self, name: &str) -> Result<v1::Schedule, rpc::Error> {
        let request = v1::PauseScheduleRequest { namespace: String::new(), name: name.to_owned() };
        Ok(self.client.clone().schedules.pause_schedule(request).await?.into_inner())
    }

    async fn resume(&self, name: &str) -> Result<v1::Schedule, rpc::Error> {
        let request = v1::ResumeScheduleRequest { namespace: String::new(), name: name.to_owned() };
        Ok(self.client.clone().schedules.resume_schedule(request).await?.into_inner())
    }

    async fn delete(&self, name: &str) -> Result<(), rpc::Error> {
        let request = v1::DeleteScheduleRequest { namespace: String::new(), name: name.to_owned() };
        self.client.clone().schedules.delete_schedule(request).await?;
        Ok(())
    }

    async fn trigger(&self, name: &str, overlap: &str) -> Result<v1::TriggerScheduleResponse, rpc::Error> {
        self.trigger_as(name, overlap, "").await
    }

    async fn trigger_as(
        &self,
        name: &str,
        overlap: &str,
        id: &str,
    ) -> Result<v1::TriggerScheduleResponse, rpc::Error> {
        let request = v1::TriggerScheduleRequest {
            namespace: String::new(),
            name: name.to_owned(),
            overlap: overlap.to_owned(),
            id: id.to_owned(),
        };
        Ok(self.client.clone().schedules.trigger_schedule(request).await?.into_inner())
    }

    async fn history(&self, name: &str) -> Vec<v1::ScheduleInstant> {
        let request =
            v1::ScheduleHistoryRequest { name: name.to_owned(), ..v1::ScheduleHistoryRequest::default() };
        let answer = self.client.clone().schedules.schedule_history(request).await.expect("it answers");
        answer.into_inner().instants
    }
}

impl Room {
    async fn stored(&self, name: &str) -> Schedule {
        let name = name.parse().expect("a name");
        self.store.schedule(&Namespace::default(), &name).await.expect("it is there")
    }

    /// Has a schedule stand otherwise, as if time had passed.
    async fn stand(&self, name: &str, stand: impl FnOnce(&mut Standing)) {
        let schedule = self.stored(name).await;
        let mut change = ScheduleChange::of(&schedule);
        stand(&mut change.standing);
        let changed = self.store.change_schedules(vec![change]).await.expect("the store answers");
        assert_eq!(changed, [ScheduleChanged::Done(Vec::new())]);
    }

    /// Runs a job to its end.
    async fn ends(&self, job: &str) {
        let session = self.session("http://127.0.0.1:1").await;
        let lease = self.claim(session, job).await;
        self.finish(lease).await;
    }
}
