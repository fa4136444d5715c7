//! The connections, and one way to run a statement on them: by a deadline, with the errors sorted.

use std::future::Future;
use std::str::FromStr;
use std::time::Duration;

use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPool, PgRow};
use sqlx::query::{Map, Query, QueryScalar};
use sqlx::{ConnectOptions, Connection, Executor, FromRow, Postgres};
use store::{Error, Result};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use crate::Config;
use crate::error::{Fault, Told, unavailable};

/// A connection that was not used for so long is tried before it is used again: the server may have closed it,
/// or a firewall may have forgotten it. In a busy process none is.
const IDLE_TRUSTED: Duration = Duration::from_secs(1);

/// After the server should have ended a statement, so much longer is waited for it to say so. When it does not,
/// it is gone or stands still, and its connection is given up.
const ANSWER_GRACE: Duration = Duration::from_secs(3);

/// How often a statement is run that the server chose as a victim. Locks are taken in order, so that more than
/// one collision in a row is a matter of luck.
const RUNS_MAX: u32 = 4;

/// A statement that changes rows.
type Change<'q> = Query<'q, Postgres, PgArguments>;

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

pub(crate) struct Db {
    pool: PgPool,
    answer_timeout: Duration,
}

impl Db {
    pub(crate) async fn connect(config: &Config) -> Result<Self> {
        let options = options(config)?;
        // The pool tries again until its time is up, and then cannot say what was wrong.
        let first = timeout(config.acquire_timeout, options.connect()).await;
        let first =
            first.map_err(|_| unavailable(format!("no connection within {:?}", config.acquire_timeout)))?;
        first.map_err(Fault::from)?.close().await.map_err(Fault::from)?;
        let pool = PoolOptions::new()
            .max_connections(config.connections.max(1))
            .acquire_timeout(config.acquire_timeout)
            .test_before_acquire(false)
            .before_acquire(|connection: &mut PgConnection, seen| {
                Box::pin(async move {
                    if seen.idle_for > IDLE_TRUSTED {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        Ok(Self { pool, answer_timeout: config.statement_timeout + ANSWER_GRACE })
    }

    /// A connection for several statements.
    pub(crate) async fn session(&self) -> Told<Session> {
        let connection = self.pool.acquire().await?;
        Ok(Session { connection, answer_timeout: self.answer_timeout, busy: false })
    }

    /// A transaction; end it with [`Session::end`].
    pub(crate) async fn begin(&self) -> Told<Session> {
        let mut session = self.session().await?;
        session.simple(include_str!("../sql/begin.sql")).await?;
        // Until it has ended, nobody else may have the connection.
        session.busy = true;
        Ok(session)
    }

    /// All rows of one statement.
    pub(crate) async fn all<O>(&self, query: impl Question<O>) -> Told<Vec<O>> {
        self.session().await?.all(query).await
    }

    /// The only row of one statement, if there is one.
    pub(crate) async fn maybe<O>(&self, query: impl Question<O>) -> Told<Option<O>> {
        self.session().await?.maybe(query).await
    }

    /// How many rows one statement changed.
    pub(crate) async fn execute(&self, query: Change<'_>) -> Told<u64> {
        self.session().await?.execute(query).await
    }
}

/// A connection in use. Given up while it waits for an answer, or in a transaction, it is closed rather than
/// returned: nobody knows what would come out of it next, or when.
pub(crate) struct Session {
    connection: PoolConnection<Postgres>,
    answer_timeout: Duration,
    busy: bool,
}

impl Session {
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
    pub(crate) async fn end<T, E: Into<Fault>>(mut self, answer: std::result::Result<T, E>) -> Told<T> {
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

    fn told<T>(&mut self, was_busy: bool, told: std::result::Result<sqlx::Result<T>, Elapsed>) -> Told<T> {
        let Ok(told) = told else {
            return Err(unavailable(format!("no answer within {:?}", self.answer_timeout)));
        };
        // A refusal leaves the connection as good as it was; anything else may have broken it.
        self.busy = was_busy || !matches!(told, Ok(_) | Err(sqlx::Error::Database(_)));
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

/// Runs `work` again when the server chose it as a victim.
pub(crate) async fn again<T, F>(work: impl Fn() -> F) -> Told<T>
where
    F: Future<Output = Told<T>>,
{
    for _ in 1..RUNS_MAX {
        match work().await {
            Err(Fault::Victim(_)) => {}
            told => return told,
        }
    }
    work().await
}

/// What all connections agree on.
fn options(config: &Config) -> Result<PgConnectOptions> {
    let ms = |wait: Duration| wait.as_millis().to_string();
    Ok(parse(&config.url)?.application_name(&config.application_name).options([
        ("statement_timeout", ms(config.statement_timeout)),
        ("lock_timeout", ms(config.lock_timeout)),
        ("idle_in_transaction_session_timeout", ms(config.idle_in_transaction_timeout)),
    ]))
}

/// A URL as options; what is wrong with it is said without it.
pub(crate) fn parse(url: &str) -> Result<PgConnectOptions> {
    let options = PgConnectOptions::from_str(url);
    let options =
        options.map_err(|error| Error::Unavailable { why: format!("the database's URL: {error}") })?;
    Ok(options.disable_statement_logging())
}
