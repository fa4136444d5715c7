//! One way to run a statement on a connection: by a deadline, with the errors sorted.

use std::future::Future;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::{Map, Query, QueryScalar};
use sqlx::{Executor, FromRow, Postgres};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use crate::error::{Fault, Told, ends_connection, unavailable};

/// A connection in use. Given up while it waits for an answer, or in a transaction, it is closed rather than
/// returned: nobody knows what would come out of it next, or when.
pub(crate) struct Session {
    connection: PoolConnection<Postgres>,
    answer_timeout: Duration,
    busy: bool,
}

impl Session {
    pub(crate) fn new(connection: PoolConnection<Postgres>, answer_timeout: Duration) -> Self {
        Self { connection, answer_timeout, busy: false }
    }

    /// Begins a transaction on it; end it with [`Session::end`].
    pub(crate) async fn begin(mut self) -> Told<Self> {
        self.simple(include_str!("../sql/begin.sql")).await?;
        // Until it has ended, nobody else may have the connection.
        self.busy = true;
        Ok(self)
    }

    pub(crate) async fn all<O>(&mut self, query: impl Question<O>) -> Told<Vec<O>> {
        let was_busy = std::mem::replace(&mut self.busy, true);
        let told = timeout(self.answer_timeout, query.all(&mut self.connection)).await;
        self.told(was_busy, told)
    }

    pub(crate) async fn maybe<O>(&mut self, query: impl Question<O>) -> Told<Option<O>> {
        let was_busy = std::mem::replace(&mut self.busy, true);
        let told = timeout(self.answer_timeout, query.maybe(&mut self.connection)).await;
        self.told(was_busy, told)
    }

    pub(crate) async fn execute(&mut self, query: Change<'_>) -> Told<u64> {
        let was_busy = std::mem::replace(&mut self.busy, true);
        let told = timeout(self.answer_timeout, query.execute(&mut *self.connection)).await;
        Ok(self.told(was_busy, told)?.rows_affected())
    }

    /// Ends the transaction: what was done holds when `answer` is good, and is undone when it is not.
    pub(crate) async fn end<T, E: Into<Fault>>(mut self, answer: Result<T, E>) -> Told<T> {
        let answer = answer.map_err(Into::into);
        let end = match &answer {
            Ok(_) => include_str!("../sql/commit.sql"),
            Err(_) => include_str!("../sql/rollback.sql"),
        };
        let ended = self.simple(end).await;
        if ended.is_ok() {
            self.busy = false;
        }
        answer.and_then(|answer| ended.map(|()| answer))
    }

    /// The connection itself, for what is no query.
    pub(crate) fn raw(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    async fn simple(&mut self, sql: &'static str) -> Told<()> {
        let was_busy = std::mem::replace(&mut self.busy, true);
        let told = timeout(self.answer_timeout, self.connection.execute(sql)).await;
        self.told(was_busy, told).map(|_| ())
    }

    fn told<T>(&mut self, was_busy: bool, told: Result<sqlx::Result<T>, Elapsed>) -> Told<T> {
        let Ok(told) = told else {
            return Err(unavailable(format!("no answer within {:?}", self.answer_timeout)));
        };
        // A refusal leaves the connection as good as it was, unless it is the server's last word on it; anything else
        // may have broken it.
        let is_good = match &told {
            Ok(_) => true,
            Err(sqlx::Error::Database(error)) => !error.code().is_some_and(|code| ends_connection(&code)),
            Err(_) => false,
        };
        self.busy = was_busy || !is_good;
        Ok(told?)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.busy {
            self.connection.close_on_drop();
        }
    }
}

/// A statement that changes rows.
pub(crate) type Change<'q> = Query<'q, Postgres, PgArguments>;

/// A statement that answers rows of `O`: what sqlx makes of one column, and of several.
pub(crate) trait Question<O>: Send {
    fn all(self, connection: &mut PgConnection) -> impl Future<Output = sqlx::Result<Vec<O>>> + Send;
    fn maybe(self, connection: &mut PgConnection) -> impl Future<Output = sqlx::Result<Option<O>>> + Send;
}

impl<F, O> Question<O> for Map<'_, Postgres, F, PgArguments>
where
    F: FnMut(PgRow) -> sqlx::Result<O> + Send,
    O: Send + Unpin,
{
    async fn all(self, connection: &mut PgConnection) -> sqlx::Result<Vec<O>> {
        self.fetch_all(connection).await
    }

    async fn maybe(self, connection: &mut PgConnection) -> sqlx::Result<Option<O>> {
        self.fetch_optional(connection).await
    }
}

impl<O> Question<O> for QueryScalar<'_, Postgres, O, PgArguments>
where
    O: Send + Unpin,
    (O,): for<'r> FromRow<'r, PgRow>,
{
    async fn all(self, connection: &mut PgConnection) -> sqlx::Result<Vec<O>> {
        self.fetch_all(connection).await
    }

    async fn maybe(self, connection: &mut PgConnection) -> sqlx::Result<Option<O>> {
        self.fetch_optional(connection).await
    }
}
