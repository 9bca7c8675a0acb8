//! Entries as the types they are made of.

use std::{sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use tokio::time::timeout;

use super::{Commit, Entry, Key, Kind, Step, Store, StoreError};
use crate::clock::Clock;

/// How long a store may take for one thing.
const PATIENCE: Duration = Duration::from_secs(5);

/// A type that is kept in a store, as JSON.
pub(crate) trait Record: Serialize + DeserializeOwned + Send {
    /// Where the type is kept.
    const KIND: Kind;

    /// When it ends, in seconds since the Unix epoch.
    fn expires_at(&self) -> Option<u64>;
}

/// A record as it was read: what a change of it expects.
#[derive(Debug, Clone)]
pub(crate) struct Row<R> {
    pub(crate) name: String,
    pub(crate) record: R,
    version: u64,
}

/// The store as the authorization server uses it: typed, in time, and with expired entries out of sight.
#[derive(Clone)]
pub(crate) struct Records {
    store: Arc<dyn Store>,
    clock: Clock,
}

impl Records {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        Self { store, clock }
    }

    pub(crate) async fn get<R: Record>(&self, name: &str) -> Result<Option<Row<R>>, StoreError> {
        let key = Key::new(R::KIND, name);
        let entry = in_time(self.store.get(&key)).await?;
        entry.filter(|entry| !self.is_over(entry)).map(|entry| row(key.name, &entry)).transpose()
    }

    /// Records whose names begin with `prefix` and come after `after`, and where to go on.
    pub(crate) async fn list<R: Record>(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row<R>>, StoreError> {
        let found = in_time(self.store.list(R::KIND, prefix, after, limit)).await?;
        let current = found.into_iter().filter(|(_, entry)| !self.is_over(entry));
        current.map(|(name, entry)| row(name, &entry)).collect()
    }

    /// As [`list`](Self::list), with the name to go on after, which may be that of an expired entry; `None` at the end.
    pub(crate) async fn page<R: Record>(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Row<R>>, Option<String>), StoreError> {
        let found = in_time(self.store.list(R::KIND, prefix, after, limit)).await?;
        let last = found.last().map(|(name, _)| name.clone());
        let current = found.into_iter().filter(|(_, entry)| !self.is_over(entry));
        let rows: Result<_, _> = current.map(|(name, entry)| row(name, &entry)).collect();
        Ok((rows?, last))
    }

    pub(crate) async fn commit(&self, steps: &[Step]) -> Result<Commit, StoreError> {
        in_time(self.store.commit(steps, self.now())).await
    }

    pub(crate) async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        in_time(self.store.sweep(self.now(), limit)).await
    }

    /// Seconds since the Unix epoch.
    pub(crate) fn now(&self) -> u64 {
        self.clock.unix_seconds()
    }

    fn is_over(&self, entry: &Entry) -> bool {
        entry.has_expired(self.now())
    }
}

/// A step that adds a record.
pub(crate) fn insert<R: Record>(name: impl Into<String>, record: &R) -> Step {
    Step::insert(Key::new(R::KIND, name), bytes(record), record.expires_at())
}

/// A step that adds a record to the list of its type.
pub(crate) fn append<R: Record>(record: &R) -> Step {
    Step::append(R::KIND, bytes(record), record.expires_at())
}

/// A step that removes whatever is there.
pub(crate) fn delete<R: Record>(name: impl Into<String>) -> Step {
    Step::delete(Key::new(R::KIND, name), None)
}

impl<R: Record> Row<R> {
    /// A step that puts another record in the place of this one.
    pub(crate) fn replace(&self, record: &R) -> Step {
        Step::replace(self.key(), self.version, bytes(record), record.expires_at())
    }

    /// A step that removes it.
    pub(crate) fn delete(&self) -> Step {
        Step::delete(self.key(), Some(self.version))
    }

    /// A step that expects it to be as it was read.
    pub(crate) fn check(&self) -> Step {
        Step::check(self.key(), self.version)
    }

    fn key(&self) -> Key {
        Key::new(R::KIND, self.name.clone())
    }
}

fn row<R: Record>(name: String, entry: &Entry) -> Result<Row<R>, StoreError> {
    let record = serde_json::from_slice(&entry.value)
        // serde's own message could show a value.
        .map_err(|_| StoreError::new(format!("an entry of kind `{}` cannot be read", R::KIND)))?;
    Ok(Row { name, record, version: entry.version })
}

/// Records are plain structs of texts and numbers, which can always be written.
fn bytes<R: Record>(record: &R) -> Vec<u8> {
    serde_json::to_vec(record).unwrap_or_default()
}

async fn in_time<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(StoreError::new("no answer within 5 seconds")))
}
