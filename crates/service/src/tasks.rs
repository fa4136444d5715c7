//! The parts of a role, run together: when one breaks, all stop.

use std::future::Future;

use anyhow::{Context, anyhow};
use tokio::task::JoinSet;

use crate::Shutdown;

/// Named parts that run side by side.
#[derive(Debug)]
pub struct Tasks {
    set: JoinSet<(&'static str, anyhow::Result<()>)>,
    shutdown: Shutdown,
}

impl Tasks {
    /// None yet; `shutdown` is asked to end when a part breaks.
    #[must_use]
    pub fn new(shutdown: Shutdown) -> Self {
        Self { set: JoinSet::new(), shutdown }
    }

    /// Starts a part. It must end by itself once the shutdown asks for it.
    pub fn spawn<F>(&mut self, name: &'static str, part: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.set.spawn(async move { (name, part.await) });
    }

    /// Waits until all parts have ended.
    ///
    /// # Errors
    /// The first error of a part, with its name. A part that ends early without an error stops nothing.
    pub async fn join(mut self) -> anyhow::Result<()> {
        let mut first = None;
        while let Some(ended) = self.set.join_next().await {
            let error = match ended {
                Ok((_, Ok(()))) => continue,
                Ok((name, Err(error))) => error.context(name),
                Err(panic) => anyhow!(panic).context("a part of the process panicked"),
            };
            self.shutdown.now();
            first.get_or_insert(error);
        }
        first.map_or(Ok(()), Err).context("run")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_breaks_stops_the_others_and_is_named() {
        let shutdown = Shutdown::new();
        let mut tasks = Tasks::new(shutdown.clone());
        let other = shutdown.clone();
        tasks.spawn("other", async move {
            other.ending().await;
            Ok(())
        });
        tasks.spawn("broken", async { Err(anyhow!("no")) });

        let error = tasks.join().await.expect_err("one broke");

        assert_eq!(format!("{error:#}"), "run: broken: no");
    }
}
