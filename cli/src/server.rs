//! The connection to the API: one call at a time, tried again when that is safe.

use std::future::Future;
use std::time::{Duration, Instant};

use rpc::{Client, ClientConfig, Code};
use tonic::{Response, Status};

use crate::config::Settings;

/// How long a connection may take: with it, a server that is not there is told within 3 s.
const CONNECT: Duration = Duration::from_secs(2);

/// How long one answer may take: longer than any database call of a server that works.
const ANSWER: Duration = Duration::from_secs(30);

/// How long a server that went away is waited for: a rolling restart or a new leader takes less.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The waits between tries.
pub(crate) fn waits() -> impl Iterator<Item = Duration> {
    service::backoff(Duration::from_millis(100), Duration::from_secs(1))
}

/// A server that answered.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    client: Client,
    url: String,
}

impl Server {
    /// Connects.
    pub(crate) async fn connect(settings: &Settings) -> Result<Self, rpc::Error> {
        let config = ClientConfig {
            server: settings.server.clone(),
            token: settings.token.clone(),
            connect_timeout: CONNECT,
        };
        let client = Client::connect(&config).await?;
        Ok(Self { client, url: config.server })
    }

    /// The stubs, for calls that look after themselves.
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Makes a call that may be made twice, and makes it again for a while when the server went away.
    pub(crate) async fn call<T, C, A>(&self, mut call: C) -> Result<T, rpc::Error>
    where
        C: FnMut(Client) -> A,
        A: Future<Output = Result<Response<T>, Status>>,
    {
        let began = Instant::now();
        let mut waits = waits();
        loop {
            let error = match self.call_once(call(self.client())).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let wait = waits.next().unwrap_or(PATIENCE);
            if error.code != Code::Unavailable || began.elapsed() + wait > PATIENCE {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Makes a call that is not to be made twice.
    pub(crate) async fn call_once<T, A>(&self, call: A) -> Result<T, rpc::Error>
    where
        A: Future<Output = Result<Response<T>, Status>>,
    {
        match tokio::time::timeout(ANSWER, call).await {
            Ok(Ok(answer)) => Ok(answer.into_inner()),
            Ok(Err(status)) => Err(self.error(status)),
            Err(_) => Err(self.silent()),
        }
    }

    /// The error that a status stands for. What did not come from our server's code but from a connection that
    /// broke is `Unavailable`, with the server's address.
    pub(crate) fn error(&self, status: Status) -> rpc::Error {
        let is_ours = !status.details().is_empty();
        let error = rpc::Error::from(status);
        match error.code {
            Code::Unavailable | Code::Internal if !is_ours => self.unavailable(&error.message),
            _ => error,
        }
    }

    /// The server does not answer.
    pub(crate) fn silent(&self) -> rpc::Error {
        self.unavailable(&format!("no answer within {} s", ANSWER.as_secs()))
    }

    /// The server cannot be spoken to.
    pub(crate) fn unavailable(&self, why: &str) -> rpc::Error {
        rpc::Error::new(Code::Unavailable, format!("the server at {} is not available: {why}", self.url))
            .hint("`jobctl status` tells whether it is up; the same command may be run again")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Server {
        let config =
            ClientConfig { server: "http://127.0.0.1:1".to_owned(), token: None, connect_timeout: CONNECT };
        let client = Client::lazy(&config).expect("a good URL");
        Server { client, url: config.server }
    }

    #[tokio::test]
    async fn a_broken_connection_is_unavailable_and_names_the_server() {
        let error = server().error(Status::internal("h2 protocol error"));

        assert_eq!(error.code, Code::Unavailable);
        assert!(error.message.contains("http://127.0.0.1:1"), "{error}");
    }

    #[tokio::test]
    async fn a_fault_of_the_server_stays_what_it_is() {
        let told = rpc::Error::new(Code::Internal, "a fault").hint("look");

        assert_eq!(server().error(told.clone().into()), told);
    }

    #[tokio::test]
    async fn a_call_is_made_again_until_the_server_is_back() {
        let mut calls = 0;

        let answer = server()
            .call(|_| {
                calls += 1;
                let is_up = calls == 2;
                async move { if is_up { Ok(Response::new(7)) } else { Err(Status::unavailable("gone")) } }
            })
            .await;

        assert_eq!(answer, Ok(7));
    }

    #[tokio::test]
    async fn a_refusal_is_not_tried_again() {
        let mut calls = 0;

        let answer: Result<(), _> = server()
            .call(|_| {
                calls += 1;
                async { Err(rpc::Error::new(Code::NotFound, "no").into()) }
            })
            .await;

        assert_eq!(answer.expect_err("refused").code, Code::NotFound);
        assert_eq!(calls, 1);
    }
}
