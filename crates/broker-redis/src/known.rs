//! Which queues there are.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use model::name::{Namespace, QueueKey, QueueName};
use redis::{RedisResult, pipe};

use crate::junk::Junk;
use crate::keys::{Keys, read_queue};
use crate::line::Line;
use crate::server::is_wrong_type;

/// How old the list may be: whoever serves all queues sees a new one within a second.
pub(crate) const AGE_MAX: Duration = Duration::from_millis(500);

/// The names of all queues, read again when they are old.
pub(crate) struct Known {
    keys: Arc<Keys>,
    line: Arc<Line>,
    junk: Arc<Junk>,
    list: Mutex<Option<(Instant, Vec<QueueKey>)>>,
}

impl Known {
    pub(crate) fn new(keys: Arc<Keys>, line: Arc<Line>, junk: Arc<Junk>) -> Self {
        Self { keys, line, junk, list: Mutex::default() }
    }

    /// The queues, as of a moment ago.
    pub(crate) async fn list(&self) -> RedisResult<Vec<QueueKey>> {
        if let Some((read, list)) = &*self.list.lock().expect("no one panics while holding the list")
            && read.elapsed() < AGE_MAX
        {
            return Ok(list.clone());
        }
        let read = Instant::now();
        let list = self.read().await?;
        *self.list.lock().expect("no one panics while holding the list") = Some((read, list.clone()));
        Ok(list)
    }

    /// The queues as of now. The default one is always among them, so that the first job of a new system
    /// need not wait until its queue is found.
    pub(crate) async fn read(&self) -> RedisResult<Vec<QueueKey>> {
        let mut names = self.names().await;
        if names.as_ref().is_err_and(is_wrong_type) {
            self.repair(&[]).await?;
            names = self.names().await;
        }
        let names = names?;
        let (found, junk): (Vec<_>, Vec<_>) =
            names.iter().map(|name| read_queue(name).ok_or(name)).partition(Result::is_ok);
        let mut queues: Vec<QueueKey> = found.into_iter().flatten().collect();
        let default = QueueKey { namespace: Namespace::default(), queue: QueueName::default() };
        if !queues.contains(&default) {
            queues.push(default);
        }
        if !junk.is_empty() {
            self.junk.dropped(junk.len(), "queue");
            let mut remove = pipe();
            let members = remove.cmd("SREM").arg(self.keys.queues());
            for name in junk.into_iter().filter_map(Result::err) {
                members.arg(name);
            }
            self.line.ask::<()>(members.ignore()).await?;
        }
        Ok(queues)
    }

    async fn names(&self) -> RedisResult<Vec<Vec<u8>>> {
        let (names,) = self.line.ask(pipe().cmd("SMEMBERS").arg(self.keys.queues())).await?;
        Ok(names)
    }

    /// Deletes what is not of its kind: of `queues`, the keys of queues, and of the list of queues. Tells
    /// how many it deleted.
    pub(crate) async fn repair(&self, queues: &[String]) -> RedisResult<usize> {
        let mut keys: Vec<(String, &str)> = queues.iter().map(|key| (key.clone(), "zset")).collect();
        keys.push((self.keys.queues(), "set"));
        self.delete_unless(&keys).await
    }

    /// Deletes what stands in the generation's place.
    pub(crate) async fn repair_generation(&self) -> RedisResult<usize> {
        self.delete_unless(&[(self.keys.generation(), "string")]).await
    }

    async fn delete_unless(&self, keys: &[(String, &str)]) -> RedisResult<usize> {
        let mut ask = pipe();
        for (key, _) in keys {
            ask.cmd("TYPE").arg(key);
        }
        let kinds: Vec<String> = self.line.ask(&ask).await?;

        let wrong = |kind: &str, wanted: &str| kind != wanted && kind != "none";
        let mut delete = pipe();
        for ((key, _), _) in keys.iter().zip(&kinds).filter(|((_, wanted), kind)| wrong(kind, wanted)) {
            delete.cmd("UNLINK").arg(key).ignore();
        }
        let count = delete.len();
        if count > 0 {
            self.junk.dropped(count, "key");
            self.line.ask::<()>(&delete).await?;
        }
        Ok(count)
    }
}
