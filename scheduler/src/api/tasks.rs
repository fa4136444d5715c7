//! The service `Tasks`.

use model::name::TaskName;
use model::task::TaskRef;
use rpc::v1::tasks_server::Tasks;
use rpc::{Error, v1};
use tonic::{Request, Response, Status, Streaming};

use super::{Api, namespace, publish};
use crate::answer::ask;

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Tasks for Api {
    async fn publish(&self, request: Request<Streaming<v1::PublishRequest>>) -> Answer<v1::PublishResponse> {
        Ok(Response::new(Box::pin(publish::publish(self, request.into_inner())).await?))
    }

    async fn list_tasks(&self, request: Request<v1::ListTasksRequest>) -> Answer<v1::ListTasksResponse> {
        Ok(Response::new(list(self, request.into_inner()).await?))
    }

    async fn get_task(&self, request: Request<v1::GetTaskRequest>) -> Answer<v1::TaskVersion> {
        Ok(Response::new(get(self, request.into_inner()).await?))
    }

    async fn list_versions(
        &self,
        request: Request<v1::ListVersionsRequest>,
    ) -> Answer<v1::ListVersionsResponse> {
        Ok(Response::new(versions(self, request.into_inner()).await?))
    }
}

async fn list(api: &Api, request: v1::ListTasksRequest) -> Result<v1::ListTasksResponse, Error> {
    let tasks = ask(api.store.tasks(&namespace(&request.namespace)?)).await?;
    let info = |task: store::TaskInfo| v1::TaskInfo {
        task: task.task.into(),
        latest: task.latest,
        active: task.active.map(Into::into),
    };
    Ok(v1::ListTasksResponse { tasks: tasks.into_iter().map(info).collect() })
}

/// Asks the store itself: who looks at a task wants to see it as it is.
async fn get(api: &Api, request: v1::GetTaskRequest) -> Result<v1::TaskVersion, Error> {
    let task: TaskRef = request.task.parse()?;
    Ok(ask(api.store.resolve(&namespace(&request.namespace)?, &task)).await?.into())
}

async fn versions(api: &Api, request: v1::ListVersionsRequest) -> Result<v1::ListVersionsResponse, Error> {
    let task: TaskName = request.task.parse()?;
    let versions = ask(api.store.versions(&namespace(&request.namespace)?, &task)).await?;
    Ok(v1::ListVersionsResponse { versions: versions.into_iter().map(Into::into).collect() })
}
