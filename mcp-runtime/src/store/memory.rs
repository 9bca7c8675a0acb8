//! A store that ends with its process.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Commit, Entry, Key, Kind, Step, Store, StoreError, check_limits};

/// The most that all names and values may take together: 256 MiB.
const CAPACITY: usize = 256 << 20;

/// Keeps everything in memory: for tests and first tries. Everybody must log in again after a restart.
///
/// It holds 256 MiB of names and values. When that is reached, commits that add something fail until enough has expired
/// and was swept, or was deleted.
#[derive(Default)]
pub struct MemoryStore(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    entries: BTreeMap<Arc<Key>, Entry>,
    /// What ends, by when: so that sweeping looks at nothing else.
    ends: BTreeSet<(u64, Arc<Key>)>,
    /// The last version given out, and the last number of a list.
    last: u64,
    /// Of all names and values.
    bytes: usize,
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

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore")
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

    /// Whether there is room for what the steps add, not counting what they take away.
    fn has_room(&self, steps: &[Step]) -> bool {
        let added: usize = steps.iter().filter_map(Step::value).map(<[u8]>::len).sum();
        added == 0 || self.bytes.saturating_add(added) <= CAPACITY
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Insert { key, value, expires_at } | Step::Replace { key, value, expires_at, .. } => {
                self.last += 1;
                self.put(key.clone(), value, *expires_at);
            }
            Step::Append { kind, value, expires_at } => {
                self.last += 1;
                self.put(Key::new(kind.clone(), format!("{:020}", self.last)), value, *expires_at);
            }
            Step::Delete { key, .. } => self.remove(key),
            Step::Check { .. } => {}
        }
    }

    fn put(&mut self, key: Key, value: &[u8], expires_at: Option<u64>) {
        self.remove(&key);
        self.bytes += key.name.len() + value.len();
        let key = Arc::new(key);
        self.ends.extend(expires_at.map(|end| (end, key.clone())));
        self.entries.insert(key, Entry::new(value.to_vec(), self.last, expires_at));
    }

    fn remove(&mut self, key: &Key) {
        let Some((key, entry)) = self.entries.remove_entry(key) else { return };
        self.bytes -= key.name.len() + entry.value.len();
        if let Some(end) = entry.expires_at {
            self.ends.remove(&(end, key));
        }
    }

    /// The key that ends first, if that is not later than `now`.
    fn expired(&self, now: u64) -> Option<Arc<Key>> {
        self.ends.first().filter(|(end, _)| *end <= now).map(|(_, key)| key.clone())
    }
}

#[async_trait::async_trait]
impl Store for MemoryStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        Ok(self.with(|inner| inner.entries.get(key).cloned()))
    }

    async fn commit(&self, steps: &[Step], now: u64) -> Result<Commit, StoreError> {
        check_limits(steps)?;
        self.with(|inner| {
            if !steps.iter().all(|step| inner.holds(step, now)) {
                return Ok(Commit::Conflict);
            }
            if !inner.has_room(steps) {
                return Err(StoreError::new("the memory that it may take is full"));
            }
            steps.iter().for_each(|step| inner.apply(step));
            Ok(Commit::Done)
        })
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
                .range::<Key, _>(start..)
                .take_while(|(key, _)| key.kind == kind && key.name.starts_with(prefix))
                .filter(|(key, _)| after.is_none_or(|after| key.name.as_str() > after))
                .take(limit)
                .map(|(key, entry)| (key.name.clone(), entry.clone()))
                .collect()
        }))
    }

    async fn sweep(&self, now: u64, limit: usize) -> Result<usize, StoreError> {
        Ok(self.with(|inner| {
            let mut removed = 0;
            while removed < limit
                && let Some(key) = inner.expired(now)
            {
                inner.remove(&key);
                removed += 1;
            }
            removed
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::store::{MAX_VALUE, assert_contract};

    const THING: Kind = Kind::new("thing");

    fn insert(name: String, bytes: usize, expires_at: Option<u64>) -> Step {
        Step::insert(Key::new(THING, name), vec![0; bytes], expires_at)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn keeps_the_contract() {
        assert_contract(Arc::new(MemoryStore::new())).await;
    }

    #[tokio::test]
    async fn is_full_at_some_point_and_goes_on_after_a_sweep() {
        let store = MemoryStore::new();
        let room = CAPACITY / (MAX_VALUE + 3);
        for n in 0..room {
            let step = insert(format!("{n:03}"), MAX_VALUE, Some(10));
            assert_eq!(store.commit(&[step], 0).await.unwrap(), Commit::Done);
        }
        let one_more = [insert("one more".to_owned(), MAX_VALUE, None)];
        assert!(store.commit(&one_more, 0).await.unwrap_err().to_string().contains("full"));
        assert_eq!(store.get(&Key::new(THING, "one more")).await.unwrap(), None);
        // What takes away is always possible.
        let delete = Step::delete(Key::new(THING, "000"), None);
        assert_eq!(store.commit(&[delete], 0).await.unwrap(), Commit::Done);
        assert_eq!(store.sweep(10, 1_000).await.unwrap(), room - 1);
        assert_eq!(store.commit(&one_more, 0).await.unwrap(), Commit::Done);
        store.with(|inner| assert_eq!((inner.bytes, inner.ends.len()), (MAX_VALUE + 8, 0)));
    }

    /// Everybody else waits for the lock meanwhile.
    #[tokio::test]
    async fn sweeping_looks_only_at_what_has_expired() {
        let store = MemoryStore::new();
        let names: Vec<String> = (0..300_000).map(|n| format!("{n:06}")).collect();
        for chunk in names.chunks(1_000) {
            let steps: Vec<Step> = chunk.iter().map(|name| insert(name.clone(), 0, Some(1_000))).collect();
            assert_eq!(store.commit(&steps, 0).await.unwrap(), Commit::Done);
        }
        // Ten times as often as anybody would; a scan of all takes many milliseconds each.
        let start = Instant::now();
        for _ in 0..1_000 {
            assert_eq!(store.sweep(999, 100).await.unwrap(), 0);
        }
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        assert_eq!(store.sweep(1_000, 100).await.unwrap(), 100);
        assert_eq!(store.sweep(1_000, usize::MAX).await.unwrap(), 299_900);
    }
}
