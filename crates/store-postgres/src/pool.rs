//! The connections of a process, in two pools.
//!
//! The usual one serves every verb. When the queue is locked for long or the server hangs, all of it may wait; so
//! hosts' signs of life and leaders' terms have a few connections of their own, on which nothing waits for long.

use std::str::FromStr;
use std::time::Duration;

use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use sqlx::{ConnectOptions, Connection};
use store::{Error, Result};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::Config;
use crate::error::{Fault, Told, unavailable};
use crate::session::Session;

/// A connection that was not used for so long is tried before it is used again: the server may have closed it,
/// or a firewall may have forgotten it. In a busy process none is.
const IDLE_TRUSTED: Duration = Duration::from_secs(1);

/// How long such a try may take: over the slowest line that a lease bears, it is answered by then.
const TRY_TIMEOUT: Duration = Duration::from_secs(1);

/// After the server should have ended a statement, so much longer is waited for it to say so. When it does not,
/// it is gone or stands still, and its connection is given up.
const ANSWER_GRACE: Duration = Duration::from_secs(3);

/// How long it is asked why there was no connection; with the wait for one, whoever asks at a terminal is still told
/// within three seconds.
const WHY_TIMEOUT: Duration = Duration::from_millis(400);

/// Connections for signs of life: one is used, once or a few times a second; while it hangs there is another.
const VITAL_MAX: u32 = 3;

/// How long a sign of life waits for a lock: it is better given again than late, and a host with the usual lease is
/// told before it gives up.
const VITAL_LOCK_TIMEOUT: Duration = Duration::from_millis(700);

/// How long the server works on a sign of life.
const VITAL_STATEMENT_TIMEOUT: Duration = Duration::from_secs(2);

/// Connections to one server, made as they are needed.
pub(crate) struct Connections {
    pool: PgPool,
    options: PgConnectOptions,
    acquire_timeout: Duration,
    answer_timeout: Duration,
    /// One at a time finds out why there is none.
    asking: Semaphore,
}

/// Those for every verb.
pub(crate) fn usual(config: &Config) -> Result<Connections> {
    let pool = PoolOptions::new().max_connections(config.connections.max(1));
    Connections::new(config, pool, config.lock_timeout, config.statement_timeout)
}

/// Those for signs of life.
pub(crate) fn vital(config: &Config) -> Result<Connections> {
    // One that works is kept: where others take every connection that comes free, there might be no second.
    let pool = PoolOptions::new().max_connections(VITAL_MAX).max_lifetime(None);
    Connections::new(config, pool, VITAL_LOCK_TIMEOUT, VITAL_STATEMENT_TIMEOUT)
}

impl Connections {
    fn new(
        config: &Config,
        pool: PoolOptions<sqlx::Postgres>,
        lock_timeout: Duration,
        statement_timeout: Duration,
    ) -> Result<Self> {
        let options = options(config, lock_timeout, statement_timeout)?;
        let pool = pool
            .acquire_timeout(config.acquire_timeout)
            .test_before_acquire(false)
            .before_acquire(|connection: &mut PgConnection, seen| {
                Box::pin(async move {
                    // One that does not answer is closed, and another taken.
                    Ok(seen.idle_for <= IDLE_TRUSTED
                        || matches!(timeout(TRY_TIMEOUT, connection.ping()).await, Ok(Ok(()))))
                })
            })
            .connect_lazy_with(options.clone());
        Ok(Self {
            pool,
            options,
            acquire_timeout: config.acquire_timeout,
            answer_timeout: statement_timeout + ANSWER_GRACE,
            asking: Semaphore::new(1),
        })
    }

    /// Finds out whether the server lets us in.
    pub(crate) async fn first(&self) -> Result<()> {
        // The pool tries again until its time is up, and then cannot say what was wrong.
        let first = timeout(self.acquire_timeout, self.options.connect()).await;
        let first = first.map_err(|_| unavailable(self.none_in_time()))?;
        Ok(first.map_err(Fault::from)?.close().await.map_err(Fault::from)?)
    }

    /// A connection for several statements.
    pub(crate) async fn session(&self) -> Told<Session> {
        match self.pool.acquire().await {
            Ok(connection) => Ok(Session::new(connection, self.answer_timeout)),
            Err(sqlx::Error::PoolTimedOut) => Err(self.why_none().await),
            Err(error) => Err(error.into()),
        }
    }

    /// The pool only knows that its time was up. The server says why it lets nobody in; when it does let us in, all
    /// of ours are in use.
    async fn why_none(&self) -> Fault {
        let Ok(_only) = self.asking.try_acquire() else { return unavailable(self.none_in_time()) };
        match timeout(WHY_TIMEOUT, self.options.connect()).await {
            Ok(Ok(connection)) => {
                // It was only made to be told this.
                drop(connection);
                let most = self.pool.options().get_max_connections();
                unavailable(format!("all {most} connections were in use for {:?}", self.acquire_timeout))
            }
            Ok(Err(error)) => error.into(),
            Err(_) => unavailable(self.none_in_time()),
        }
    }

    fn none_in_time(&self) -> String {
        format!("no connection within {:?}", self.acquire_timeout)
    }
}

/// What all connections of a pool agree on, whatever the database or its user is set to.
fn options(config: &Config, lock: Duration, statement: Duration) -> Result<PgConnectOptions> {
    let ms = |wait: Duration| wait.as_millis().to_string();
    Ok(parse(&config.url)?.application_name(&config.application_name).options([
        ("statement_timeout", ms(statement)),
        ("lock_timeout", ms(lock)),
        ("idle_in_transaction_session_timeout", ms(config.idle_in_transaction_timeout)),
        // What every statement was written for.
        ("default_transaction_isolation", "read committed".to_owned()),
    ]))
}

/// A URL as options; what is wrong with it is said without it.
pub(crate) fn parse(url: &str) -> Result<PgConnectOptions> {
    let options = PgConnectOptions::from_str(url);
    let options =
        options.map_err(|error| Error::Unavailable { why: format!("the database's URL: {error}") })?;
    Ok(options.disable_statement_logging())
}
