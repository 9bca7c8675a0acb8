//! What must outlive a process: one small trait with atomic steps, and typed records on top of it.
//!
//! The authorization server keeps everything it acknowledges here: clients, users, sessions, grants, keys. Nothing in it
//! is a secret in clear; what must stay secret is hashed, or sealed with the [store's key](crate::oauth::StoreKey).
//!
//! * [`MemoryStore`]: for tests. `SqliteStore` (feature `sqlite`): one file, which several processes may share.
//! * [`Store`]: for a database of your own; [`check_limits`] is what each implementation begins with.
//!
//! ```
//! use mcp_runtime::store::{Commit, Key, Kind, MemoryStore, Step, Store};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), mcp_runtime::store::StoreError> {
//! const NOTE: Kind = Kind::new("note");
//! let (store, now) = (MemoryStore::new(), 1_700_000_000);
//!
//! let first = Step::insert(Key::new(NOTE, "milk"), b"two".to_vec(), None);
//! assert_eq!(store.commit(&[first.clone()], now).await?, Commit::Done);
//! assert_eq!(store.commit(&[first], now).await?, Commit::Conflict); // there is one already, so nothing was done
//!
//! let read = store.get(&Key::new(NOTE, "milk")).await?.expect("it was put there");
//! let change = Step::replace(Key::new(NOTE, "milk"), read.version, b"three".to_vec(), Some(now + 60));
//! assert_eq!(store.commit(&[change], now).await?, Commit::Done); // nobody changed it meanwhile
//! # Ok(()) }
//! ```
//!
//! # Testing your own
//! With the feature `testing`, `assert_contract` puts any [`Store`] through all that is relied on:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use std::sync::Arc;
//! use mcp_runtime::store::{MemoryStore, assert_contract};
//!
//! // Yours in its place, with nothing in it that is still needed.
//! assert_contract(Arc::new(MemoryStore::new())).await;
//! # }
//! ```

#[cfg(test)]
pub(crate) mod brittle;
#[cfg(any(test, feature = "testing"))]
mod contract;
mod error;
mod folder;
mod limits;
mod memory;
mod records;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::{borrow::Cow, fmt, sync::Arc};

#[cfg(any(test, feature = "testing"))]
pub use contract::assert_contract;
pub use error::StoreError;
pub(crate) use folder::make_private;
pub use limits::{MAX_NAME, MAX_STEPS, MAX_VALUE, check_limits};
pub use memory::MemoryStore;
pub(crate) use records::{Record, Records, Row, append, delete, insert, put};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;

/// Entries under keys, changed in atomic commits. Shipped: [`MemoryStore`] and, with the feature `sqlite`, `SqliteStore`;
/// write your own for a database that you run already, and have [`assert_contract`](crate::store#testing-your-own) check
/// it.
///
/// Everything that is acknowledged must survive the end of the process, and every method must be safe with several
/// processes at work on the same data. What was acknowledged is seen by every read that begins afterwards, in every
/// process. Nobody waits for a store longer than 5 seconds.
#[async_trait::async_trait]
pub trait Store: Send + Sync + 'static {
    /// The entry under this key, also one that has expired and was not swept yet. `None` if the name is longer than any
    /// can be.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be told.
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError>;

    /// Does all steps, or none of them: if what one of them expects does not hold, nothing changes and the answer is
    /// [`Commit::Conflict`]. All expectations are about what was there before the commit. Two commits never mix. `now` is
    /// in seconds since the Unix epoch; entries that expire at `now` or before count as absent.
    ///
    /// # Errors
    /// [`StoreError`] if it is unknown whether the steps were done, or if they were not. Nothing was done if
    /// [`check_limits`] refuses the steps, which an implementation begins with.
    async fn commit(&self, steps: &[Step], now: u64) -> Result<Commit, StoreError>;

    /// Entries of one kind whose names begin with `prefix` and come after `after` in the order of their bytes, at most
    /// `limit`, in that order; also expired ones.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    async fn list(
        &self,
        kind: Kind,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Entry)>, StoreError>;

    /// Removes what expired at `now` or before, at most `limit` entries, and says how many it removed.
    ///
    /// # Errors
    /// [`StoreError`] if that is not possible now.
    async fn sweep(&self, now: u64, limit: usize) -> Result<usize, StoreError>;
}

/// One store for several: the authorization server and its local users, for example.
#[async_trait::async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        (**self).get(key).await
    }

    async fn commit(&self, steps: &[Step], now: u64) -> Result<Commit, StoreError> {
        (**self).commit(steps, now).await
    }

    async fn list(
        &self,
        kind: Kind,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Entry)>, StoreError> {
        (**self).list(kind, prefix, after, limit).await
    }

    async fn sweep(&self, now: u64, limit: usize) -> Result<usize, StoreError> {
        (**self).sweep(now, limit).await
    }
}

/// What sort of thing an entry is: a short lower-case word.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind(Cow<'static, str>);

impl Kind {
    /// A kind of this name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where an entry is: its kind, and a name that is unique within it, any text of at most [`MAX_NAME`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Key {
    /// What sort of thing it is.
    pub kind: Kind,
    /// Which one.
    pub name: String,
}

impl Key {
    /// The key of this kind and name.
    #[must_use]
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

/// What is kept under a key. Its `Debug` does not show the value.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Bytes that mean nothing to the store; at most [`MAX_VALUE`].
    pub value: Vec<u8>,
    /// Changes with every write and never comes back, also not after the entry was removed and made again.
    pub version: u64,
    /// When it ends, in seconds since the Unix epoch; never, if `None`. A store may keep what is beyond [`i64::MAX`] as
    /// that.
    pub expires_at: Option<u64>,
}

impl Entry {
    /// An entry, for implementations of [`Store`].
    #[must_use]
    pub fn new(value: Vec<u8>, version: u64, expires_at: Option<u64>) -> Self {
        Self { value, version, expires_at }
    }

    /// Whether it counts as absent at this time, in seconds since the Unix epoch.
    #[must_use]
    pub fn has_expired(&self, now: u64) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("bytes", &self.value.len())
            .field("version", &self.version)
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

/// One change, and what it expects.
#[derive(Clone)]
#[non_exhaustive]
pub enum Step {
    /// Expects nothing under this key, or something that has expired, and puts this there.
    #[non_exhaustive]
    Insert {
        /// Where.
        key: Key,
        /// What.
        value: Vec<u8>,
        /// When it ends, in seconds since the Unix epoch.
        expires_at: Option<u64>,
    },
    /// Expects exactly this version, not expired, and puts something else in its place.
    #[non_exhaustive]
    Replace {
        /// Where.
        key: Key,
        /// What was read there.
        version: u64,
        /// What.
        value: Vec<u8>,
        /// When it ends, in seconds since the Unix epoch.
        expires_at: Option<u64>,
    },
    /// Removes what is there. With a version, expects exactly that one, not expired.
    #[non_exhaustive]
    Delete {
        /// Where.
        key: Key,
        /// What was read there; `None` removes whatever there is, or nothing.
        version: Option<u64>,
    },
    /// Expects exactly this version, not expired, and changes nothing.
    #[non_exhaustive]
    Check {
        /// Where.
        key: Key,
        /// What was read there.
        version: u64,
    },
    /// Adds an entry to a list. Its name is a number of 20 digits, with zeros in front, larger than that of any entry ever
    /// added to this kind, also by commits that end at the same time: whoever has read up to a number has missed nothing
    /// before it. A kind is either such a list or has names of your own, not both.
    #[non_exhaustive]
    Append {
        /// Which list.
        kind: Kind,
        /// What.
        value: Vec<u8>,
        /// When it ends, in seconds since the Unix epoch.
        expires_at: Option<u64>,
    },
}

impl Step {
    /// See [`Step::Insert`].
    #[must_use]
    pub fn insert(key: Key, value: Vec<u8>, expires_at: Option<u64>) -> Self {
        Self::Insert { key, value, expires_at }
    }

    /// See [`Step::Replace`].
    #[must_use]
    pub fn replace(key: Key, version: u64, value: Vec<u8>, expires_at: Option<u64>) -> Self {
        Self::Replace { key, version, value, expires_at }
    }

    /// See [`Step::Delete`].
    #[must_use]
    pub fn delete(key: Key, version: Option<u64>) -> Self {
        Self::Delete { key, version }
    }

    /// See [`Step::Check`].
    #[must_use]
    pub fn check(key: Key, version: u64) -> Self {
        Self::Check { key, version }
    }

    /// See [`Step::Append`].
    #[must_use]
    pub fn append(kind: Kind, value: Vec<u8>, expires_at: Option<u64>) -> Self {
        Self::Append { kind, value, expires_at }
    }
}

/// What came of the steps of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Commit {
    /// All were done, and will stay.
    Done,
    /// None was done: what one of them expects does not hold. Read again and decide anew.
    Conflict,
}
