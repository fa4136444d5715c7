//! The part of the scripted API that is about schedules: each call takes the next answer of its own.

use std::collections::VecDeque;

use rpc::v1::schedules_server::Schedules;
use rpc::{Code, Error, v1};
use tonic::{Request, Response, Status};

use crate::scripted::{Answer, Api};

/// What one call was asked, and what it answers.
pub(crate) struct Calls<Q, A> {
    pub(crate) asked: Vec<Q>,
    pub(crate) answers: VecDeque<Result<A, Error>>,
}

impl<Q, A> Default for Calls<Q, A> {
    fn default() -> Self {
        Self { asked: Vec::new(), answers: VecDeque::new() }
    }
}

impl<Q, A, const N: usize> From<[Result<A, Error>; N]> for Calls<Q, A> {
    fn from(answers: [Result<A, Error>; N]) -> Self {
        Self { asked: Vec::new(), answers: answers.into() }
    }
}

impl<Q, A> Calls<Q, A> {
    fn call(&mut self, request: Request<Q>) -> Answer<A> {
        self.asked.push(request.into_inner());
        let answer = self.answers.pop_front();
        answer
            .ok_or_else(|| Status::unimplemented("not in this script"))?
            .map(Response::new)
            .map_err(Into::into)
    }
}

/// What is asked of schedules, and what is answered.
#[derive(Default)]
pub(crate) struct ScheduleScript {
    pub(crate) creates: Calls<v1::CreateScheduleRequest, v1::CreateScheduleResponse>,
    pub(crate) updates: Calls<v1::UpdateScheduleRequest, v1::Schedule>,
    pub(crate) gets: Calls<v1::GetScheduleRequest, v1::Schedule>,
    pub(crate) lists: Calls<v1::ListSchedulesRequest, v1::ListSchedulesResponse>,
    pub(crate) pauses: Calls<v1::PauseScheduleRequest, v1::Schedule>,
    pub(crate) resumes: Calls<v1::ResumeScheduleRequest, v1::Schedule>,
    pub(crate) deletes: Calls<v1::DeleteScheduleRequest, v1::DeleteScheduleResponse>,
    pub(crate) triggers: Calls<v1::TriggerScheduleRequest, v1::TriggerScheduleResponse>,
    pub(crate) backfills: Calls<v1::BackfillScheduleRequest, v1::BackfillScheduleResponse>,
    pub(crate) histories: Calls<v1::ScheduleHistoryRequest, v1::ScheduleHistoryResponse>,
}

/// The server goes away after it took a call.
pub(crate) fn lost<A>() -> Result<A, Error> {
    Err(Error::new(Code::Unavailable, "the server is stopping"))
}

#[tonic::async_trait]
impl Schedules for Api {
    async fn create_schedule(
        &self,
        request: Request<v1::CreateScheduleRequest>,
    ) -> Answer<v1::CreateScheduleResponse> {
        self.with(|script| script.schedules.creates.call(request))
    }

    async fn update_schedule(&self, request: Request<v1::UpdateScheduleRequest>) -> Answer<v1::Schedule> {
        self.with(|script| script.schedules.updates.call(request))
    }

    async fn get_schedule(&self, request: Request<v1::GetScheduleRequest>) -> Answer<v1::Schedule> {
        self.with(|script| script.schedules.gets.call(request))
    }

    async fn list_schedules(
        &self,
        request: Request<v1::ListSchedulesRequest>,
    ) -> Answer<v1::ListSchedulesResponse> {
        self.with(|script| script.schedules.lists.call(request))
    }

    async fn pause_schedule(&self, request: Request<v1::PauseScheduleRequest>) -> Answer<v1::Schedule> {
        self.with(|script| script.schedules.pauses.call(request))
    }

    async fn resume_schedule(&self, request: Request<v1::ResumeScheduleRequest>) -> Answer<v1::Schedule> {
        self.with(|script| script.schedules.resumes.call(request))
    }

    async fn delete_schedule(
        &self,
        request: Request<v1::DeleteScheduleRequest>,
    ) -> Answer<v1::DeleteScheduleResponse> {
        self.with(|script| script.schedules.deletes.call(request))
    }

    async fn trigger_schedule(
        &self,
        request: Request<v1::TriggerScheduleRequest>,
    ) -> Answer<v1::TriggerScheduleResponse> {
        self.with(|script| script.schedules.triggers.call(request))
    }

    async fn backfill_schedule(
        &self,
        request: Request<v1::BackfillScheduleRequest>,
    ) -> Answer<v1::BackfillScheduleResponse> {
        self.with(|script| script.schedules.backfills.call(request))
    }

    async fn schedule_history(
        &self,
        request: Request<v1::ScheduleHistoryRequest>,
    ) -> Answer<v1::ScheduleHistoryResponse> {
        self.with(|script| script.schedules.histories.call(request))
    }
}
