//! Entries as the types they are made of.

use std::{sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use tokio::time::timeout;

use super::{Commit, Entry, Key, Kind, Step, Store, StoreError};
use crate::clock::Clock;

/// How long a store may take for one thing.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a change is tried that meets others.
const TRIES: usize = 8;

/// The most entries that are read at once.
const PAGE: usize = 500;

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

    /// The record of this name, if there is one that has not expired.
    pub(crate) async fn get<R: Record>(&self, name: &str) -> Result<Option<Row<R>>, StoreError> {
        let key = Key::new(R::KIND, name);
        let entry = in_time(self.store.get(&key)).await?;
        entry.filter(|entry| !self.is_over(entry)).map(|entry| row(key.name, &entry)).transpose()
    }

    /// Records whose names begin with `prefix` and come after `after`, at most `limit`. There are no more if there are
    /// fewer than that; otherwise go on after the last one.
    pub(crate) async fn list<R: Record>(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row<R>>, StoreError> {
        in_time(self.list_current(prefix, after, limit)).await
    }

    /// Page after page, since there may be many that have expired and were not swept yet.
    async fn list_current<R: Record>(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row<R>>, StoreError> {
        let (mut rows, mut after) = (Vec::new(), after.map(str::to_owned));
        while rows.len() < limit {
            let size = PAGE.min(limit - rows.len());
            let page = self.store.list(R::KIND, prefix, after.as_deref(), size).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            let is_last = page.len() < size;
            for (name, entry) in page.into_iter().filter(|(_, entry)| !self.is_over(entry)) {
                rows.push(row(name, &entry)?);
            }
            if is_last {
                break;
            }
        }
        Ok(rows)
    }

    /// See [`Store::commit`]. An error leaves open whether the steps were done.
    pub(crate) async fn commit(&self, steps: &[Step]) -> Result<Commit, StoreError> {
        in_time(self.store.commit(steps, self.now())).await
    }

    /// Does to one record what `step` says of it as it is now, again and again while others change it too; nothing if it
    /// says `None`. Whether it was done.
    pub(crate) async fn change<R: Record>(
        &self,
        name: &str,
        step: impl Fn(Option<&Row<R>>) -> Option<Step>,
    ) -> Result<bool, StoreError> {
        for _ in 0..TRIES {
            let row = self.get::<R>(name).await?;
            let Some(step) = step(row.as_ref()) else { return Ok(false) };
            if self.commit(&[step]).await? == Commit::Done {
                return Ok(true);
            }
        }
        Err(StoreError::new(format!("an entry of kind `{}` keeps changing", R::KIND)))
    }

    /// Puts a record where there is another one, or none.
    pub(crate) async fn put<R: Record>(&self, name: &str, record: &R) -> Result<(), StoreError> {
        self.change(name, |row| Some(put(name, row, record))).await.map(drop)
    }

    /// Removes at most `limit` entries that have expired, of all kinds, and says how many; there may be more if it is that
    /// many.
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

/// A step that puts a record in the place of what was read, or adds it if that was nothing.
pub(crate) fn put<R: Record>(name: &str, before: Option<&Row<R>>, record: &R) -> Step {
    before.map_or_else(|| insert(name, record), |row| row.replace(record))
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
    let bytes = serde_json::to_vec(record);
    debug_assert!(bytes.is_ok(), "a record of kind `{}` cannot be written", R::KIND);
    bytes.unwrap_or_default()
}

async fn in_time<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(StoreError::new("no answer within 5 seconds")))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde::Deserialize;

    use super::*;
    use crate::{clock::ManualClock, store::MemoryStore};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Guest {
        secret: String,
        until: Option<u64>,
    }

    impl Record for Guest {
        const KIND: Kind = Kind::new("guest");

        fn expires_at(&self) -> Option<u64> {
            self.until
        }
    }

    fn guest(secret: &str, until: Option<u64>) -> Guest {
        Guest { secret: secret.to_owned(), until }
    }

    fn records() -> (Records, ManualClock, Arc<MemoryStore>) {
        let (clock, store) = (ManualClock::new(), Arc::new(MemoryStore::new()));
        (Records::new(store.clone(), Clock::from(clock.clone())), clock, store)
    }

    #[tokio::test]
    async fn a_record_is_put_changed_checked_and_deleted_as_it_was_read() {
        let (records, ..) = records();
        assert_eq!(records.commit(&[insert("a", &guest("one", None))]).await.unwrap(), Commit::Done);
        assert_eq!(records.commit(&[insert("a", &guest("two", None))]).await.unwrap(), Commit::Conflict);
        let old = records.get::<Guest>("a").await.unwrap().unwrap();
        assert_eq!((&*old.name, &*old.record.secret), ("a", "one"));
        assert_eq!(records.commit(&[old.check(), insert("b", &guest("b", None))]).await.unwrap(), Commit::Done);
        assert_eq!(records.commit(&[old.replace(&guest("two", None))]).await.unwrap(), Commit::Done);
        for step in [old.check(), old.replace(&guest("three", None)), old.delete()] {
            assert_eq!(records.commit(&[step, delete::<Guest>("b")]).await.unwrap(), Commit::Conflict);
        }
        let new = records.get::<Guest>("a").await.unwrap().unwrap();
        assert_eq!(new.record, guest("two", None));
        assert!(records.get::<Guest>("b").await.unwrap().is_some());
        assert_eq!(records.commit(&[new.delete(), delete::<Guest>("b")]).await.unwrap(), Commit::Done);
        assert!(records.list::<Guest>("", None, 10).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_has_expired_is_out_of_sight_and_then_swept() {
        let (records, clock, store) = records();
        let end = records.now() + 10;
        assert_eq!(records.commit(&[insert("a", &guest("a", Some(end)))]).await.unwrap(), Commit::Done);
        let row = records.get::<Guest>("a").await.unwrap().unwrap();
        clock.advance(Duration::from_secs(9));
        assert_eq!(records.commit(&[row.check()]).await.unwrap(), Commit::Done);
        assert_eq!(records.sweep(10).await.unwrap(), 0);
        clock.advance(Duration::from_secs(1));
        assert!(records.get::<Guest>("a").await.unwrap().is_none());
        assert!(records.list::<Guest>("", None, 10).await.unwrap().is_empty());
        for step in [row.check(), row.replace(&guest("b", None)), row.delete()] {
            assert_eq!(records.commit(&[step]).await.unwrap(), Commit::Conflict);
        }
        assert!(store.get(&Key::new(Guest::KIND, "a")).await.unwrap().is_some());
        assert_eq!(records.sweep(10).await.unwrap(), 1);
        assert_eq!(store.get(&Key::new(Guest::KIND, "a")).await.unwrap(), None);
    }

    #[tokio::test]
    async fn listing_goes_on_behind_what_has_expired() {
        let (records, clock, _) = records();
        let end = records.now() + 10;
        for start in [0, 1_000] {
            let gone = guest("gone", Some(end));
            let steps: Vec<Step> = (start..start + 1_000).map(|n| insert(format!("g:{n:04}"), &gone)).collect();
            assert_eq!(records.commit(&steps).await.unwrap(), Commit::Done);
        }
        let stays: Vec<String> = ["g:0000a", "g:0700a", "g:1999a", "g:1999b"].map(str::to_owned).to_vec();
        let steps: Vec<Step> = stays.iter().map(|name| insert(name, &guest(name, None))).collect();
        assert_eq!(records.commit(&steps).await.unwrap(), Commit::Done);
        let names = async |after: Option<&str>, limit| {
            let rows = records.list::<Guest>("g:", after, limit).await.unwrap();
            rows.into_iter().map(|row| row.name).collect::<Vec<_>>()
        };
        assert_eq!(names(None, 5_000).await.len(), 2_004);
        clock.advance(Duration::from_secs(10));
        assert_eq!(names(None, 10).await, stays);
        assert_eq!(names(None, 4).await, stays);
        assert_eq!(names(None, 3).await, stays[..3]);
        assert_eq!(names(Some("g:0700a"), 10).await, stays[2..]);
        assert_eq!(names(None, 0).await, [""; 0]);
    }

    #[tokio::test]
    async fn lists_are_read_to_their_end() {
        let (records, ..) = records();
        for n in 0..3 {
            assert_eq!(records.commit(&[append(&guest(&n.to_string(), None))]).await.unwrap(), Commit::Done);
        }
        let first = records.list::<Guest>("", None, 2).await.unwrap();
        let rest = records.list::<Guest>("", Some(&first[1].name), 2).await.unwrap();
        let seen: Vec<&str> = first.iter().chain(&rest).map(|row| &*row.record.secret).collect();
        assert_eq!(seen, ["0", "1", "2"]);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_an_error_that_shows_nothing_of_it() {
        let (records, _, store) = records();
        let value = br#"{"secret":"hunter2","until":"tomorrow"}"#.to_vec();
        let step = Step::insert(Key::new(Guest::KIND, "a"), value, None);
        assert_eq!(store.commit(&[step], 0).await.unwrap(), Commit::Done);
        let error = records.get::<Guest>("a").await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("kind `guest`") && !shown.contains("hunter2") && !shown.contains("tomorrow"), "{shown}");
        assert!(records.list::<Guest>("", None, 10).await.is_err());
    }

    /// Never answers, but notes that it was asked.
    #[derive(Default)]
    struct Silent(Mutex<usize>);

    #[async_trait::async_trait]
    impl Store for Arc<Silent> {
        async fn get(&self, _: &Key) -> Result<Option<Entry>, StoreError> {
            *self.0.lock().unwrap() += 1;
            std::future::pending().await
        }

        async fn commit(&self, _: &[Step], _: u64) -> Result<Commit, StoreError> {
            *self.0.lock().unwrap() += 1;
            std::future::pending().await
        }

        async fn list(&self, _: Kind, _: &str, _: Option<&str>, _: usize) -> Result<Vec<(String, Entry)>, StoreError> {
            *self.0.lock().unwrap() += 1;
            std::future::pending().await
        }

        async fn sweep(&self, _: u64, _: usize) -> Result<usize, StoreError> {
            *self.0.lock().unwrap() += 1;
            std::future::pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_five_seconds() {
        let silent = Arc::new(Silent::default());
        let records = Records::new(Arc::new(silent.clone()), Clock::from(ManualClock::new()));
        let start = tokio::time::Instant::now();
        let (get, commit, list, sweep) = tokio::join!(
            records.get::<Guest>("a"),
            records.commit(&[]),
            records.list::<Guest>("", None, 10),
            records.sweep(10)
        );
        assert_eq!(start.elapsed(), PATIENCE);
        assert!(get.is_err() && commit.is_err() && list.is_err() && sweep.is_err());
        assert_eq!(*silent.0.lock().unwrap(), 4);
    }
}
