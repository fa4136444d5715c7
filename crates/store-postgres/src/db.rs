//! What verbs are run on: a connection for one statement or for several, and again when the server chose a victim.

use std::future::Future;
use std::time::Duration;

use store::Result;

use crate::Config;
use crate::error::{Fault, Told};
use crate::pool::{self, Connections};
use crate::session::{Change, Question, Session};

/// How often a statement is run that the server chose as a victim. Locks are taken in order, so that more than
/// one collision in a row is a matter of luck.
const RUNS_MAX: u32 = 4;

/// The longest wait before a victim's second run, doubled before each further one: whoever it collided with is
/// done by then, and victims of one collision do not meet again.
const RERUN_WAIT: Duration = Duration::from_millis(20);

/// The connections of a process.
pub(crate) struct Db {
    usual: Connections,
    vital: Connections,
}

impl Db {
    /// Finds out whether the server answers; more connections are made as they are needed.
    pub(crate) async fn connect(config: &Config) -> Result<Self> {
        let usual = pool::usual(config)?;
        usual.first().await?;
        Ok(Self { usual, vital: pool::vital(config)? })
    }

    /// A connection for several statements.
    pub(crate) async fn session(&self) -> Told<Session> {
        self.usual.session().await
    }

    /// A connection for a sign of life. It does not wait behind whatever the others wait for, and the server gives
    /// up its locks soon.
    pub(crate) async fn vital(&self) -> Told<Session> {
        self.vital.session().await
    }

    /// A transaction; end it with [`Session::end`].
    pub(crate) async fn begin(&self) -> Told<Session> {
        self.session().await?.begin().await
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

/// Runs `work` again when the server chose it as a victim.
pub(crate) async fn again<T, F>(work: impl Fn() -> F) -> Told<T>
where
    F: Future<Output = Told<T>>,
{
    let mut longest = RERUN_WAIT;
    for _ in 1..RUNS_MAX {
        match work().await {
            Err(Fault::Victim(_)) => {}
            told => return told,
        }
        tokio::time::sleep(longest.mul_f64(rand::random())).await;
        longest *= 2;
    }
    work().await
}
