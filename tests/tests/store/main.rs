//! The shipped stores, from outside: what users' own stores are put through too, and one file under several processes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[cfg(unix)]
mod child;
#[cfg(unix)]
mod disk;
#[cfg(unix)]
mod kill;
mod measure;
#[cfg(unix)]
mod processes;

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use mcp_runtime::store::{
    Commit, Entry, Key, Kind, MemoryStore, SqliteStore, Step, Store, StoreError, assert_contract,
};
use rusqlite::Connection;

const THING: Kind = Kind::new("thing");
const LIST: Kind = Kind::new("list");

/// A folder that goes with the test.
struct Room(PathBuf);

impl Room {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mcp-stores-{}-{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("oauth.db")
    }

    async fn open(&self) -> SqliteStore {
        SqliteStore::open(self.file()).await.unwrap()
    }

    fn assert_sound(&self) {
        let connection = Connection::open(self.file()).unwrap();
        let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(found, "ok");
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn thing(name: &str) -> Key {
    Key::new(THING, name)
}

fn put(name: &str, value: &str) -> Step {
    Step::insert(thing(name), value.into(), None)
}

async fn number(store: &dyn Store, name: &str) -> u64 {
    let entry = store.get(&thing(name)).await.unwrap();
    entry.map_or(0, |entry| String::from_utf8(entry.value).unwrap().parse().unwrap())
}

/// Two that have the same file open, asked in turns: as two processes have it.
struct Turns([SqliteStore; 2], AtomicUsize);

impl Turns {
    fn next(&self) -> &SqliteStore {
        &self.0[self.1.fetch_add(1, Ordering::Relaxed) % 2]
    }
}

#[mcp_runtime::async_trait]
impl Store for Turns {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.next().get(key).await
    }

    async fn commit(&self, steps: &[Step], now: u64) -> Result<Commit, StoreError> {
        self.next().commit(steps, now).await
    }

    async fn list(
        &self,
        kind: Kind,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Entry)>, StoreError> {
        self.next().list(kind, prefix, after, limit).await
    }

    async fn sweep(&self, now: u64, limit: usize) -> Result<usize, StoreError> {
        self.next().sweep(now, limit).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_keeps_the_contract() {
    let store = Arc::new(MemoryStore::new());
    assert_contract(store.clone()).await;
    // And leaves nothing behind that would be in the way of the next time.
    assert_contract(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_share_a_file_keep_the_contract() {
    let room = Room::new("turns");
    let both = [room.open().await, room.open().await];
    assert_contract(Arc::new(Turns(both, AtomicUsize::new(0)))).await;
    room.assert_sound();
}

/// A store that forgets what one step expects, one at a time: the contract must notice each.
struct Forgetful(MemoryStore, fn(&Step) -> bool);

#[mcp_runtime::async_trait]
impl Store for Forgetful {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.0.get(key).await
    }

    async fn commit(&self, steps: &[Step], now: u64) -> Result<Commit, StoreError> {
        let kept: Vec<Step> = steps.iter().filter(|step| !(self.1)(step)).cloned().collect();
        self.0.commit(&kept, now).await
    }

    async fn list(
        &self,
        kind: Kind,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Entry)>, StoreError> {
        self.0.list(kind, prefix, after, limit).await
    }

    async fn sweep(&self, now: u64, limit: usize) -> Result<usize, StoreError> {
        self.0.sweep(now, limit).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_forgets_something_is_found_out() {
    let forgets: [fn(&Step) -> bool; 4] = [
        |step| matches!(step, Step::Check { .. }),
        |step| matches!(step, Step::Append { .. }),
        |step| matches!(step, Step::Delete { version: Some(_), .. }),
        |step| matches!(step, Step::Replace { .. }),
    ];
    for forget in forgets {
        let contract = tokio::spawn(assert_contract(Arc::new(Forgetful(MemoryStore::new(), forget))));
        assert!(contract.await.unwrap_err().is_panic());
    }
}
