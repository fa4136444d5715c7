//! The API as a benchmark calls it: one connection, whole ids.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use rpc::v1;
use tonic::{Status, Streaming};

/// Where everything of a benchmark stands.
const NAMESPACE: &str = "default";

/// Between two looks at a job that is to start: short beside what is waited for, and nothing is measured meanwhile.
const LOOK: Duration = Duration::from_millis(2);

/// How long a job may take to start or to end before something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// What to enqueue. It is tried once.
#[derive(Debug, Clone)]
pub struct Order {
    /// A task reference.
    pub task: String,
    /// A JSON text.
    pub payload: String,
    /// The queue.
    pub queue: String,
}

/// The API. Cheap to clone; clones share the connection.
#[derive(Debug, Clone)]
pub struct Caller(rpc::Client);

impl Caller {
    /// Connects to `server`.
    ///
    /// # Errors
    /// When nobody answers there.
    pub async fn connect(server: &str) -> Result<Self> {
        let config = rpc::ClientConfig {
            server: server.to_owned(),
            token: None,
            connect_timeout: Duration::from_secs(10),
        };
        let client = rpc::Client::connect(&config).await?;
        Ok(Self(client))
    }

    /// Makes one job and returns its id.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn enqueue(&self, order: &Order) -> Result<String> {
        let mut ids = self.enqueue_many(order, 1).await?;
        ids.pop().context("the answer names no job")
    }

    /// Makes `count` jobs in one call and returns their ids.
    ///
    /// # Errors
    /// When they are refused.
    pub async fn enqueue_many(&self, order: &Order, count: usize) -> Result<Vec<String>> {
        let options =
            v1::JobOptions { queue: order.queue.clone(), max_attempts: 1, ..v1::JobOptions::default() };
        let job = v1::NewJob {
            id: String::new(),
            payload: order.payload.clone().into_bytes(),
            options: Some(options),
            task: order.task.clone(),
        };
        let request = v1::EnqueueRequest { namespace: NAMESPACE.to_owned(), jobs: vec![job; count] };
        let answer = self.0.jobs.clone().enqueue(request).await.map_err(asked("enqueue"))?;
        Ok(answer.into_inner().jobs.into_iter().map(|job| job.id).collect())
    }

    /// The whole job.
    ///
    /// # Errors
    /// When there is none.
    pub async fn job(&self, id: &str) -> Result<v1::Job> {
        let request = v1::GetJobRequest { namespace: NAMESPACE.to_owned(), id: id.to_owned() };
        let answer = self.0.jobs.clone().get_job(request).await.map_err(asked("look at a job"))?;
        Ok(answer.into_inner())
    }

    /// Waits until a host has the job.
    ///
    /// # Errors
    /// When it ends instead, or does not start within a minute.
    pub async fn running(&self, id: &str) -> Result<()> {
        let looks = async {
            loop {
                let job = self.job(id).await?;
                match job.state.as_str() {
                    "running" => return Ok(()),
                    "scheduled" | "queued" => tokio::time::sleep(LOOK).await,
                    _ => {
                        bail!("job {id} of {} was to run on, and is {}: {:?}", job.task, job.state, job.error)
                    }
                }
            }
        };
        tokio::time::timeout(PATIENCE, looks).await.with_context(|| format!("job {id} did not start"))?
    }

    /// Asks to be told when each of the jobs ends.
    ///
    /// # Errors
    /// When there is no such job.
    pub async fn ends(&self, ids: &[String]) -> Result<Ends> {
        let request = v1::WaitJobsRequest { namespace: NAMESPACE.to_owned(), ids: ids.to_vec() };
        let answer = self.0.jobs.clone().wait_jobs(request).await.map_err(asked("wait for jobs"))?;
        Ok(Ends(answer.into_inner()))
    }

    /// Cancels a job, without grace.
    ///
    /// # Errors
    /// When there is no such job.
    pub async fn cancel(&self, id: &str) -> Result<v1::CancelJobResponse> {
        let request =
            v1::CancelJobRequest { namespace: NAMESPACE.to_owned(), id: id.to_owned(), grace_ms: 0 };
        let answer = self.0.jobs.clone().cancel_job(request).await.map_err(asked("cancel a job"))?;
        Ok(answer.into_inner())
    }
}

/// Ends of jobs, told as they come.
#[derive(Debug)]
pub struct Ends(Streaming<v1::JobEnded>);

impl Ends {
    /// The next one.
    ///
    /// # Errors
    /// When all were told before, or none comes within a minute.
    pub async fn next(&mut self) -> Result<v1::JobEnded> {
        let told = tokio::time::timeout(PATIENCE, self.0.message()).await;
        let told = told.context("no job ended within a minute")?;
        told.map_err(asked("wait for jobs"))?.context("every end was told before")
    }

    /// Waits until the last has been told.
    ///
    /// # Errors
    /// When none comes within a minute.
    pub async fn all(mut self, jobs: usize) -> Result<()> {
        for _ in 0..jobs {
            self.next().await?;
        }
        Ok(())
    }
}

fn asked(what: &'static str) -> impl Fn(Status) -> anyhow::Error {
    move |status| anyhow!("{what}: {}", rpc::Error::from(status))
}
