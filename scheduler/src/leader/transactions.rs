//! Names transactions that stay open for long, whoever holds them.
//!
//! What an open transaction may still see, the database keeps: also rows of the queue that are long gone, and every look
//! for due jobs walks over them. At some hundred jobs a second a forgotten session costs more each minute. It cannot be
//! helped from here, so whoever can help is told whom to end.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use model::units::show_duration;
use service::{Shutdown, Ticks};
use store::LongTransaction;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Tools, Trust};
use crate::answer::within;

/// Between two looks: a minute's transaction is named within a quarter of a minute more.
const EVERY: Duration = Duration::from_secs(15);

/// Between two looks at the least, however short a transaction is to be named.
const EVERY_MIN: Duration = Duration::from_secs(1);

/// The longest wait while the store fails.
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// How long the store may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Between two warnings of one transaction: often enough to be seen in the last hour's log, too seldom to fill it.
const REMIND_EVERY: Duration = Duration::from_secs(600);

/// Looks for long transactions.
pub(super) struct Transactions {
    tools: Tools,
    trust: Trust,
    named: Mutex<Named>,
}

impl Transactions {
    pub(super) fn new(tools: Tools, trust: Trust) -> Self {
        Self { tools, trust, named: Mutex::default() }
    }

    pub(super) async fn run(&self, shutdown: &Shutdown) {
        let period = self.tools.long_transaction.clamp(EVERY_MIN, EVERY);
        let ticks =
            Ticks { name: "looking for long transactions", period, backoff_max: BACKOFF_MAX, wake: None };
        ticks.run(shutdown, || self.tick()).await;
    }

    async fn tick(&self) -> anyhow::Result<()> {
        if !self.trust.holds() {
            return Ok(());
        }
        let older_than_ms = u32::try_from(self.tools.long_transaction.as_millis()).unwrap_or(u32::MAX);
        let open = within(DEADLINE, self.tools.store.long_transactions(older_than_ms)).await;
        let open = open.context("look for long transactions")?;
        let told = self.named.lock().await.look(open, Instant::now());
        told.iter().for_each(tell);
        Ok(())
    }
}

/// What is to be said.
#[derive(Debug, PartialEq, Eq)]
enum News {
    Open(LongTransaction),
    Over(LongTransaction),
}

/// Those that were named.
#[derive(Default)]
struct Named(HashMap<i32, (LongTransaction, Instant)>);

impl Named {
    /// What is new about those that are open now.
    fn look(&mut self, open: Vec<LongTransaction>, now: Instant) -> Vec<News> {
        let mut before = std::mem::take(&mut self.0);
        let mut news = Vec::new();
        for transaction in open {
            // One of the same process that is younger is another one.
            let same =
                before.remove(&transaction.pid).filter(|(known, _)| known.age_ms <= transaction.age_ms);
            let named_at = match same {
                Some((_, named_at)) if now.duration_since(named_at) < REMIND_EVERY => named_at,
                _ => {
                    news.push(News::Open(transaction.clone()));
                    now
                }
            };
            self.0.insert(transaction.pid, (transaction, named_at));
        }
        news.extend(before.into_values().map(|(transaction, _)| News::Over(transaction)));
        news
    }
}

fn tell(news: &News) {
    match news {
        News::Open(transaction) => {
            let LongTransaction { pid, age_ms, state, application, user } = transaction;
            let age = show_age(*age_ms);
            tracing::warn!(
                pid,
                age,
                state,
                application,
                user,
                "a transaction has been open in the database for {age}: while it is, jobs start later and later; `select pg_terminate_backend({pid})` ends it"
            );
        }
        News::Over(LongTransaction { pid, age_ms, .. }) => {
            tracing::info!(pid, "the transaction that was open for {} is over", show_age(*age_ms));
        }
    }
}

/// In whole seconds.
fn show_age(age_ms: u64) -> String {
    show_duration(Duration::from_secs(age_ms / 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transaction(pid: i32, age_ms: u64) -> LongTransaction {
        let (state, application) = ("idle in transaction".to_owned(), "psql".to_owned());
        LongTransaction { pid, age_ms, state, application, user: "ann".to_owned() }
    }

    #[test]
    fn each_is_named_once_then_seldom_and_its_end_is_told() {
        let (mut named, start) = (Named::default(), Instant::now());
        let (one, other) = (transaction(1, 61_000), transaction(2, 60_000));

        let first = named.look(vec![one.clone(), other.clone()], start);
        let older = transaction(1, 76_000);
        let second = named.look(vec![older], start + EVERY);
        let reminder = transaction(1, 662_000);
        let third = named.look(vec![reminder.clone()], start + REMIND_EVERY);
        let last = named.look(Vec::new(), start + REMIND_EVERY + EVERY);

        assert_eq!(first, [News::Open(one), News::Open(other.clone())]);
        assert_eq!(second, [News::Over(other)]);
        assert_eq!(third, [News::Open(reminder.clone())]);
        assert_eq!(last, [News::Over(reminder)]);
        assert!(named.0.is_empty());
    }

    #[test]
    fn a_younger_one_of_the_same_process_is_another() {
        let (mut named, now) = (Named::default(), Instant::now());
        named.look(vec![transaction(1, 90_000)], now);

        let news = named.look(vec![transaction(1, 60_000)], now + EVERY);

        assert_eq!(news, [News::Open(transaction(1, 60_000))]);
    }
}
