//! The service `Jobs`: one line a verb.

use rpc::v1;
use rpc::v1::jobs_server::Jobs;
use tonic::{Request, Response, Status};

use super::{Answers, Api, cancel, cancel_many, enqueue, files, list, logs, retry, wait};

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Jobs for Api {
    type WaitJobsStream = Answers<v1::JobEnded>;
    type LogsStream = Answers<v1::LogEntry>;
    type GetFileStream = Answers<v1::FileChunk>;

    async fn enqueue(&self, request: Request<v1::EnqueueRequest>) -> Answer<v1::EnqueueResponse> {
        Ok(Response::new(enqueue::enqueue(self, request.into_inner()).await?))
    }

    async fn get_job(&self, request: Request<v1::GetJobRequest>) -> Answer<v1::Job> {
        Ok(Response::new(list::get(self, request.into_inner()).await?))
    }

    async fn list_jobs(&self, request: Request<v1::ListJobsRequest>) -> Answer<v1::ListJobsResponse> {
        Ok(Response::new(list::list(self, request.into_inner()).await?))
    }

    async fn wait_jobs(&self, request: Request<v1::WaitJobsRequest>) -> Answer<Self::WaitJobsStream> {
        Ok(Response::new(wait::wait(self, request.into_inner()).await?))
    }

    async fn logs(&self, request: Request<v1::LogsRequest>) -> Answer<Self::LogsStream> {
        Ok(Response::new(logs::logs(self, request.into_inner()).await?))
    }

    async fn cancel_job(&self, request: Request<v1::CancelJobRequest>) -> Answer<v1::CancelJobResponse> {
        Ok(Response::new(cancel::cancel(self, request.into_inner()).await?))
    }

    async fn cancel_jobs(&self, request: Request<v1::CancelJobsRequest>) -> Answer<v1::CancelJobsResponse> {
        Ok(Response::new(cancel_many::cancel(self, request.into_inner()).await?))
    }

    async fn retry_job(&self, request: Request<v1::RetryJobRequest>) -> Answer<v1::RetryJobResponse> {
        Ok(Response::new(retry::one(self, request.into_inner()).await?))
    }

    async fn retry_jobs(&self, request: Request<v1::RetryJobsRequest>) -> Answer<v1::RetryJobsResponse> {
        Ok(Response::new(retry::many(self, request.into_inner()).await?))
    }

    async fn get_file(&self, request: Request<v1::GetFileRequest>) -> Answer<Self::GetFileStream> {
        Ok(Response::new(files::file(self, request.into_inner()).await?))
    }
}
