//! The store that needs nothing installed: one SQLite file.

use super::{Commit, Entry, Key, Kind, Step, Store, StoreError};

/// Keeps everything in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore(());

#[async_trait::async_trait]
impl Store for SqliteStore {
    async fn get(&self, _: &Key) -> Result<Option<Entry>, StoreError> {
        Err(StoreError::new("not there yet"))
    }

    async fn commit(&self, _: &[Step], _: u64) -> Result<Commit, StoreError> {
        Err(StoreError::new("not there yet"))
    }

    async fn list(&self, _: Kind, _: &str, _: Option<&str>, _: usize) -> Result<Vec<(String, Entry)>, StoreError> {
        Err(StoreError::new("not there yet"))
    }

    async fn sweep(&self, _: u64, _: usize) -> Result<usize, StoreError> {
        Err(StoreError::new("not there yet"))
    }
}
