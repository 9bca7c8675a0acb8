//! The store that needs nothing installed: one SQLite file.

mod cause;
mod file;
mod lock;
mod queue;
mod reader;
mod schema;
mod transaction;
mod writer;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use self::{cause::Cause, queue::Queue, reader::Read, writer::Write};
use super::{Commit, Entry, Key, Kind, MAX_NAME, Step, Store, StoreError, check_limits};

/// How many reads run at once. They are short, and never wait for a commit.
const READERS: usize = 2;

/// Keeps everything in one SQLite file.
///
/// What is acknowledged is on the disk, and stays when the process is killed or the machine loses power. Several
/// processes on one machine can have the same file open. SQLite is compiled in.
///
/// ```no_run
/// # async fn run() -> Result<(), mcp_runtime::store::StoreError> {
/// use mcp_runtime::store::SqliteStore;
///
/// // Folder and file are made if they are not there, for this user alone.
/// let store = SqliteStore::open("/var/lib/accounts/oauth.db").await?;
/// # Ok(()) }
/// ```
///
/// # For operators
/// * **Files.** Beside `oauth.db` there are `oauth.db-wal` and `oauth.db-shm` while it is open, and after a crash. They
///   belong together: never delete, move or copy one without the others. Only the owner can read and write them (mode
///   0600). Opening fails if others can write to a file or to the folder, or can read a file (its group may, if you allow
///   that); if the file is a symbolic link or has a second name; or if it belongs to another program.
/// * **Disk.** A local one. On network file systems (NFS, SMB) locks do not work, and the file breaks sooner or later.
/// * **Backup.** While it is in use: `sqlite3 oauth.db "VACUUM INTO '/backup/oauth.db'"`, with SQLite 3.37 or newer.
///   Or stop all processes that have it open and copy it with `oauth.db-wal`, if that is there. A copy of the file alone,
///   made while it is in use, misses the last commits or cannot be read.
/// * **Restoring.** Stop all processes, put the copy in its place with mode 0600, and remove what is left of `-wal` and
///   `-shm`. Everything is as it was at the time of the backup: whatever was revoked since then is valid again until you
///   revoke it again, so rotate the signing keys.
/// * **Upgrades.** A new version brings the file up to date when it opens it. An older version then refuses the file; to
///   go back, restore the backup from before.
/// * **A damaged file** is refused with a message that says so. Files larger than 256 MiB are not read through at the
///   start: check them with `sqlite3 oauth.db "PRAGMA integrity_check"`.
/// * **Waiting.** Another process that holds the file's lock for more than 4.5 seconds makes commits fail, with nothing
///   changed, until it lets go. So does a full disk.
pub struct SqliteStore {
    path: PathBuf,
    reads: Queue<Read>,
    writes: Queue<Write>,
}

impl SqliteStore {
    /// Opens the file, or makes it; a folder that is not there is made too, with mode 0700. Needs a tokio runtime.
    ///
    /// # Errors
    /// If it cannot be used safely: see [above](Self#for-operators). The message says what to do.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let opening = tokio::task::spawn_blocking(move || Self::open_here(&path));
        opening.await.unwrap_or_else(|_| Err(StoreError::new("the file could not be opened")))
    }

    /// The same, and waits for it: when a server starts, before anybody is kept waiting.
    pub(crate) fn open_here(path: &Path) -> Result<Self, StoreError> {
        let path = file::prepare(path)?;
        let cause = Cause::new(&path);
        let writing = schema::open(&path, &cause)?;
        let (reads, jobs) = Queue::new();
        let mut readers = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let reading = schema::open_to_read(&path).map_err(|error| cause.of(&error))?;
            let (cause, jobs) = (cause.clone(), jobs.clone());
            readers.push(queue::start("store-read", move || reader::run(&reading, &cause, &jobs))?);
        }
        let (writes, jobs) = Queue::new();
        queue::start("store-write", move || {
            writer::run(&writing, &cause, &jobs);
            drop(jobs);
            // Whoever closes the file last, and alone, brings everything into it and takes away what is beside it.
            readers.into_iter().for_each(|reader| drop(reader.join()));
        })?;
        Ok(Self { path, reads, writes })
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl Store for SqliteStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        // It may be what a stranger sent: no reason to look.
        if key.name.len() > MAX_NAME {
            return Ok(None);
        }
        let key = key.clone();
        self.reads.ask(|reply| Read::Get { key, reply }).await
    }

    async fn commit(&self, steps: &[Step], now: u64) -> Result<Commit, StoreError> {
        check_limits(steps)?;
        let steps = steps.to_vec();
        self.writes.ask(|reply| Write::Commit { steps, now, reply }).await
    }

    async fn list(
        &self,
        kind: Kind,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Entry)>, StoreError> {
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        self.reads.ask(|reply| Read::List { kind, prefix, after, limit, reply }).await
    }

    async fn sweep(&self, now: u64, limit: usize) -> Result<usize, StoreError> {
        self.writes.ask(|reply| Write::Sweep { now, limit, reply }).await
    }
}

/// SQLite's integers have a sign; times and versions stay below its limit for as long as it matters.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
