//! A store that ends with its process.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use super::{Commit, Entry, Key, Kind, Step, Store, StoreError};

/// Keeps everything in memory: for tests and first tries. Everybody must log in again after a restart.
#[derive(Default)]
pub struct MemoryStore(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    entries: BTreeMap<Key, Entry>,
    /// The last version given out, and the last number of a list.
    last: u64,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    fn holds(&self, step: &Step, now: u64) -> bool {
        let current = |key: &Key| self.entries.get(key).filter(|entry| !entry.has_expired(now));
        match step {
            Step::Insert { key, .. } => current(key).is_none(),
            Step::Replace { key, version, .. }
            | Step::Check { key, version }
            | Step::Delete { key, version: Some(version) } => {
                current(key).is_some_and(|entry| entry.version == *version)
            }
            Step::Delete { version: None, .. } | Step::Append { .. } => true,
        }
    }

    fn apply(&mut self, step: &Step) {
        self.last += 1;
        let version = self.last;
        match step {
            Step::Insert { key, value, expires_at } | Step::Replace { key, value, expires_at, .. } => {
                self.entries.insert(key.clone(), Entry::new(value.clone(), version, *expires_at));
            }
            Step::Append { kind, value, expires_at } => {
                let key = Key::new(kind.clone(), format!("{version:020}"));
                self.entries.insert(key, Entry::new(value.clone(), version, *expires_at));
            }
            Step::Delete { key, .. } => drop(self.entries.remove(key)),
            Step::Check { .. } => {}
        }
    }
}

#[async_trait::async_trait]
impl Store for MemoryStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        Ok(self.with(|inner| inner.entries.get(key).cloned()))
    }

    async fn commit(&self, steps: &[Step], now: u64) -> Result<Commit, StoreError> {
        Ok(self.with(|inner| {
            if !steps.iter().all(|step| inner.holds(step, now)) {
                return Commit::Conflict;
            }
            steps.iter().for_each(|step| inner.apply(step));
            Commit::Done
        }))
    }

    async fn list(
        &self,
        kind: Kind,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Entry)>, StoreError> {
        let start = Key::new(kind.clone(), after.filter(|after| *after >= prefix).unwrap_or(prefix));
        Ok(self.with(|inner| {
            inner
                .entries
                .range(start..)
                .take_while(|(key, _)| key.kind == kind && key.name.starts_with(prefix))
                .filter(|(key, _)| after.is_none_or(|after| key.name.as_str() > after))
                .take(limit)
                .map(|(key, entry)| (key.name.clone(), entry.clone()))
                .collect()
        }))
    }

    async fn sweep(&self, now: u64, limit: usize) -> Result<usize, StoreError> {
        Ok(self.with(|inner| {
            let expired = inner.entries.iter().filter(|(_, entry)| entry.has_expired(now)).take(limit);
            let keys: Vec<Key> = expired.map(|(key, _)| key.clone()).collect();
            keys.iter().for_each(|key| drop(inner.entries.remove(key)));
            keys.len()
        }))
    }
}
