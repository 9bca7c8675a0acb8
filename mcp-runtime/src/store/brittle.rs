//! A store for tests of what uses one.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use super::{Commit, Entry, Key, Kind, MemoryStore, Step, Store, StoreError};

/// A store that lets others go first as those do that are elsewhere, that can be made to fail, and that counts how often it
/// was asked.
#[derive(Default)]
pub(crate) struct Brittle {
    pub(crate) inner: Arc<MemoryStore>,
    pub(crate) is_broken: AtomicBool,
    pub(crate) asked: AtomicUsize,
}

impl Brittle {
    fn ask(&self) -> Result<&MemoryStore, StoreError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.is_broken.load(Ordering::SeqCst) { Err(StoreError::new("broken by the test")) } else { Ok(&self.inner) }
    }
}

#[async_trait::async_trait]
impl Store for Brittle {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        tokio::task::yield_now().await;
        self.ask()?.get(key).await
    }

    async fn commit(&self, steps: &[Step], now: u64) -> Result<Commit, StoreError> {
        tokio::task::yield_now().await;
        self.ask()?.commit(steps, now).await
    }

    async fn list(
        &self,
        kind: Kind,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Entry)>, StoreError> {
        self.ask()?.list(kind, prefix, after, limit).await
    }

    async fn sweep(&self, now: u64, limit: usize) -> Result<usize, StoreError> {
        self.ask()?.sweep(now, limit).await
    }
}
