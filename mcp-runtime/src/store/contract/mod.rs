//! What every store must do, as a test that any of them can be put through.

mod atomic;
mod entries;
mod limits;
mod lists;
mod parallel;

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::time::timeout;

use super::{Commit, Entry, Key, Kind, Step, Store};

/// For what many do at once.
const PATIENCE: Duration = Duration::from_secs(60);

const THING: Kind = Kind::new("contract-thing");
const OTHER: Kind = Kind::new("contract-other");
const LIST: Kind = Kind::new("contract-list");

/// Puts a store through everything that the authorization server relies on: what the documentation of [`Store`] and
/// [`Step`] promises, with odd names, the largest values and many callers at once.
///
/// Give it a store with nothing in it that is still needed: it sweeps, with times up to an hour from now. What it leaves
/// behind has kinds that begin with `contract-`, and may be there when it is called again. Call it on a runtime of several
/// threads; it takes a few seconds on a disk.
///
/// ```
/// # #[tokio::main]
/// # async fn main() {
/// use std::sync::Arc;
/// use mcp_runtime::store::{MemoryStore, assert_contract};
///
/// assert_contract(Arc::new(MemoryStore::new())).await;
/// # }
/// ```
///
/// # Panics
/// With the sentence that does not hold.
pub async fn assert_contract(store: Arc<dyn Store>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let bench = Bench { store, now };
    bench.clear().await;
    entries::assert_all(&bench).await;
    bench.clear().await;
    limits::assert_all(&bench).await;
    bench.clear().await;
    atomic::assert_all(&bench).await;
    bench.clear().await;
    lists::assert_all(&bench).await;
    bench.clear().await;
    let parallel = timeout(PATIENCE, parallel::assert_all(&bench)).await;
    parallel.expect("many callers at once are through after a minute");
    bench.clear().await;
}

/// A store to be tried, and what time it is.
#[derive(Clone)]
struct Bench {
    store: Arc<dyn Store>,
    now: u64,
}

impl Bench {
    async fn get(&self, key: &Key) -> Option<Entry> {
        self.store.get(key).await.expect("`get` answers")
    }

    async fn value(&self, key: &Key) -> Option<Vec<u8>> {
        self.get(key).await.map(|entry| entry.value)
    }

    async fn version(&self, key: &Key) -> u64 {
        self.get(key).await.expect("what was put there is there").version
    }

    async fn commit(&self, steps: &[Step]) -> Commit {
        self.commit_at(steps, self.now).await
    }

    async fn commit_at(&self, steps: &[Step], now: u64) -> Commit {
        self.store.commit(steps, now).await.expect("`commit` answers")
    }

    async fn done(&self, steps: &[Step]) {
        assert_eq!(self.commit(steps).await, Commit::Done, "what can be done is done");
    }

    async fn list(&self, kind: Kind, prefix: &str, after: Option<&str>, limit: usize) -> Vec<(String, Entry)> {
        self.store.list(kind, prefix, after, limit).await.expect("`list` answers")
    }

    async fn names(&self, prefix: &str, after: Option<&str>, limit: usize) -> Vec<String> {
        self.list(THING, prefix, after, limit).await.into_iter().map(|(name, _)| name).collect()
    }

    async fn clear(&self) {
        for kind in [THING, OTHER, LIST] {
            loop {
                let found = self.list(kind.clone(), "", None, 50).await;
                if found.is_empty() {
                    break;
                }
                let steps = found.into_iter().map(|(name, _)| Step::delete(Key::new(kind.clone(), name), None));
                self.done(&steps.collect::<Vec<_>>()).await;
            }
        }
        while self.store.sweep(self.now + 3_600, 1_000).await.expect("`sweep` answers") > 0 {}
    }
}

fn thing(name: &str) -> Key {
    Key::new(THING, name)
}

fn put(name: &str, value: &str) -> Step {
    Step::insert(thing(name), value.into(), None)
}
