//! Group commit: what came while the last batch was under way is the next batch. No timer; nothing waits
//! when nothing is under way.
//!
//! ```text
//! callers ──▶ queue ──▶ take all that is there (up to `most`) ──▶ one batch call ──▶ answer each caller
//!                ▲                                                                 │
//!                └──────────────────── meanwhile the next batch gathers ◀──────────┘
//! ```

use std::future::Future;

use tokio::sync::{mpsc, oneshot};

/// Calls that wait in line at the most, in batches; then callers wait to be let in.
const BATCHES_WAITING: usize = 4;

/// Hands single calls to a function that does many at once.
#[derive(Debug)]
pub struct Coalescer<I, O> {
    queue: mpsc::Sender<(I, oneshot::Sender<O>)>,
}

impl<I, O> Clone for Coalescer<I, O> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

/// The batch function broke (it panicked, or answered too few): it is not known what became of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

impl<I: Send + 'static, O: Send + 'static> Coalescer<I, O> {
    /// Starts a task that calls `batch` with 1 to `most` inputs and expects as many outputs in their order. It
    /// ends when the last clone of the coalescer is dropped and everything was answered.
    pub fn start<F, B>(most: usize, mut batch: F) -> Self
    where
        F: FnMut(Vec<I>) -> B + Send + 'static,
        B: Future<Output = Vec<O>> + Send,
    {
        let (queue, mut waiting) = mpsc::channel::<(I, oneshot::Sender<O>)>(most.max(1) * BATCHES_WAITING);
        tokio::spawn(async move {
            let mut taken = Vec::with_capacity(most);
            while waiting.recv_many(&mut taken, most.max(1)).await > 0 {
                let (inputs, callers): (Vec<_>, Vec<_>) = taken.drain(..).unzip();
                for (output, caller) in batch(inputs).await.into_iter().zip(callers) {
                    // A caller that was dropped does not want the answer.
                    let _ = caller.send(output);
                }
            }
        });
        Self { queue }
    }

    /// One call, done with others when there are any.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn call(&self, input: I) -> Result<O, Gone> {
        let (caller, answer) = oneshot::channel();
        self.queue.send((input, caller)).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn what_came_meanwhile_is_the_next_batch() {
        let sizes = Arc::new(Mutex::new(Vec::new()));
        let gate = Arc::new(Semaphore::new(0));
        let (seen, pass) = (Arc::clone(&sizes), Arc::clone(&gate));
        let doubled = Coalescer::start(100, move |numbers: Vec<u32>| {
            seen.lock().expect("unpoisoned").push(numbers.len());
            let pass = Arc::clone(&pass);
            async move {
                pass.acquire().await.expect("open").forget();
                numbers.into_iter().map(|number| number * 2).collect()
            }
        });

        let first = tokio::spawn({
            let doubled = doubled.clone();
            async move { doubled.call(1).await }
        });
        while sizes.lock().expect("unpoisoned").is_empty() {
            tokio::task::yield_now().await;
        }
        let others = join_all((2..=50).map(|number| doubled.call(number)));
        gate.add_permits(2);
        let others = others.await;

        assert_eq!(first.await.expect("no panic"), Ok(2));
        assert_eq!(others, (2..=50).map(|number| Ok(number * 2)).collect::<Vec<_>>());
        assert_eq!(*sizes.lock().expect("unpoisoned"), [1, 49]);
    }

    #[tokio::test]
    async fn a_batch_that_answers_too_few_is_gone_for_the_rest() {
        let short = Coalescer::start(10, |_: Vec<u32>| async { Vec::<u32>::new() });

        assert_eq!(short.call(1).await, Err(Gone));
    }
}
