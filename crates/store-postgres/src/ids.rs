//! Ids: as arrays, by their prefix, and those that names stand for.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use model::id::{JobId, VersionId};
use model::name::{QueueKey, TaskName};
use store::record::{queue, version_missing, word};
use uuid::Uuid;

use crate::db::Db;
use crate::error::{Told, unavailable};

/// As many entries each memory holds before it is emptied: a few hundred kilobytes.
const KNOWN_MAX: usize = 10_000;

/// How often it is asked for queues that somebody else makes at the same moment.
const ASKS_MAX: u32 = 5;

/// What never changes once it is stored, and would be looked up for each job: the task of a version, and the
/// row of a queue. Neither is ever removed.
#[derive(Default)]
pub(crate) struct Known {
    versions: Mutex<HashMap<VersionId, (i64, TaskName)>>,
    queues: Mutex<HashMap<QueueKey, i32>>,
}

impl Known {
    /// The tasks of the versions.
    ///
    /// # Errors
    /// `NotFound` for an unknown version.
    pub(crate) async fn tasks(
        &self,
        db: &Db,
        asked: BTreeSet<VersionId>,
    ) -> Told<HashMap<VersionId, (i64, TaskName)>> {
        let mut found = recall(&self.versions, &asked);
        let missing: Vec<i64> = asked.iter().filter(|id| !found.contains_key(id)).map(|id| id.0).collect();
        if missing.is_empty() {
            return Ok(found);
        }
        let query = sqlx::query_file!("sql/submit_versions.sql", &missing);
        for row in db.all(query).await? {
            found.insert(VersionId(row.id), (row.task_id, word(&row.task)?));
        }
        if let Some(unknown) = asked.iter().find(|id| !found.contains_key(id)) {
            return Err(version_missing(*unknown).into());
        }
        remember(&self.versions, &found);
        Ok(found)
    }

    /// The rows of the queues; those that there are not yet are made.
    pub(crate) async fn queues(&self, db: &Db, asked: BTreeSet<QueueKey>) -> Told<HashMap<QueueKey, i32>> {
        let mut found = recall(&self.queues, &asked);
        for _ in 0..ASKS_MAX {
            let missing: Vec<&QueueKey> = asked.iter().filter(|key| !found.contains_key(key)).collect();
            if missing.is_empty() {
                return Ok(found);
            }
            let namespaces: Vec<String> =
                missing.iter().map(|key| key.namespace.as_str().to_owned()).collect();
            let names: Vec<String> = missing.iter().map(|key| key.queue.as_str().to_owned()).collect();
            let query = sqlx::query_file!("sql/submit_queues.sql", &namespaces, &names);
            for row in db.all(query).await? {
                found.insert(queue(&row.namespace, &row.name)?, row.id);
            }
            remember(&self.queues, &found);
        }
        Err(unavailable("a queue is made and unmade by others".to_owned()))
    }
}

fn recall<K: Clone + Eq + Ord + std::hash::Hash, V: Clone>(
    memory: &Mutex<HashMap<K, V>>,
    asked: &BTreeSet<K>,
) -> HashMap<K, V> {
    let memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
    asked.iter().filter_map(|key| memory.get(key).map(|value| (key.clone(), value.clone()))).collect()
}

fn remember<K: Clone + Eq + std::hash::Hash, V: Clone>(memory: &Mutex<HashMap<K, V>>, found: &HashMap<K, V>) {
    let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
    if memory.len() + found.len() > KNOWN_MAX {
        memory.clear();
    }
    memory.extend(found.iter().map(|(key, value)| (key.clone(), value.clone())));
}

/// The ids as an array's elements.
pub(crate) fn uuids<'a>(ids: impl IntoIterator<Item = &'a JobId>) -> Vec<Uuid> {
    ids.into_iter().map(|id| id.0).collect()
}

/// The first and the last id that begin with `prefix`, in any case and with or without dashes; none when no id
/// can.
pub(crate) fn ids_with_prefix(prefix: &str) -> Option<(Uuid, Uuid)> {
    let digits: String = prefix.chars().filter(|c| *c != '-').collect();
    if digits.len() > 32 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let edge = |fill: char| {
        let text: String = digits.chars().chain(std::iter::repeat(fill)).take(32).collect();
        Uuid::try_parse(&text).ok()
    };
    Some((edge('0')?, edge('f')?))
}

/// A number as far as a column holds it.
pub(crate) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number as far as a column of half the size holds it.
pub(crate) fn small(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_range_of_ids() {
        let (first, last) = ids_with_prefix("0189-F").expect("good digits");

        assert_eq!(first.to_string(), "0189f000-0000-0000-0000-000000000000");
        assert_eq!(last.to_string(), "0189ffff-ffff-ffff-ffff-ffffffffffff");
        assert_eq!(ids_with_prefix("%"), None);
        assert_eq!(ids_with_prefix(&"0".repeat(33)), None);
    }

    #[test]
    fn a_memory_that_is_full_begins_anew() {
        let memory = Mutex::new((0..KNOWN_MAX).map(|n| (n, ())).collect::<HashMap<_, _>>());

        remember(&memory, &HashMap::from([(KNOWN_MAX, ())]));

        assert_eq!(recall(&memory, &BTreeSet::from([1, KNOWN_MAX])), HashMap::from([(KNOWN_MAX, ())]));
    }
}
