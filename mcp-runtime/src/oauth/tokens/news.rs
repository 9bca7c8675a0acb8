//! What every node must learn within a second: which grants have ended, and that keys have changed. Nothing is accepted by
//! a node that has had no news for five.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    sync::Mutex,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    oauth::Core,
    store::{Kind, Record, StoreError},
};

/// How often news are read.
const EVERY: Duration = Duration::from_millis(500);
/// How old they may be, in milliseconds.
const STALE: u64 = 5_000;
/// How long after a failed attempt the next is made, in milliseconds.
const PAUSE: u64 = 500;
/// How long a request waits for news that are missing. A store that hangs must not keep all callers waiting.
const BRIEFLY: Duration = Duration::from_secs(1);
/// After so many readings the house is kept: what has expired is removed, and keys are changed.
const READINGS_PER_SWEEP: u32 = 120;
/// How many entries are read at once.
const PAGE: usize = 256;
/// How many entries are removed at once, and how often in a row. If more are left it goes on after the next reading, which
/// must not wait for long.
const SWEPT: usize = 500;
const SWEEPS: usize = 4;

/// Something that all nodes must know, kept until no token is left that it is about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Revocation {
    what: What,
    until: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    /// This grant has ended, and its access tokens with it.
    Grant(String),
    /// The signing keys are others now.
    Keys,
}

impl Revocation {
    /// A grant whose last access token ends at `until`.
    pub(crate) fn grant(id: &str, until: u64) -> Self {
        // Clocks differ.
        Self { what: What::Grant(id.to_owned()), until: until.saturating_add(120) }
    }

    pub(crate) fn keys(now: u64) -> Self {
        Self { what: What::Keys, until: now.saturating_add(3600) }
    }
}

impl Record for Revocation {
    const KIND: Kind = Kind::new("revocation");

    fn expires_at(&self) -> Option<u64> {
        Some(self.until)
    }
}

/// What this node has learnt.
pub(crate) struct News {
    /// When they were last read, in milliseconds, plus one; zero: never.
    read_at: AtomicU64,
    /// Counts what happened. Starts at one.
    epoch: AtomicU64,
    /// At which epoch a key was last revoked.
    key_gone_at: AtomicU64,
    /// The grants that have ended, and until when that matters.
    ended: RwLock<HashMap<Box<str>, u64>>,
    reader: Mutex<Reader>,
    /// Whether somebody reads regularly.
    is_running: AtomicBool,
}

#[derive(Default)]
struct Reader {
    /// The last entry that was read.
    last: Option<String>,
    failed_at: Option<u64>,
}

impl Default for News {
    fn default() -> Self {
        Self {
            read_at: AtomicU64::new(0),
            epoch: AtomicU64::new(1),
            key_gone_at: AtomicU64::new(0),
            ended: RwLock::default(),
            reader: Mutex::default(),
            is_running: AtomicBool::new(false),
        }
    }
}

impl News {
    /// The number of what happened so far; `None` if it may be more. Takes a few nanoseconds.
    pub(crate) fn epoch(&self, millis: u64) -> Option<u64> {
        // This order: an epoch read after it is not older than the news.
        let read_at = self.read_at.load(Ordering::Acquire);
        let fresh = read_at != 0 && millis.saturating_sub(read_at - 1) < STALE;
        fresh.then(|| self.epoch.load(Ordering::Acquire))
    }

    /// Whether something was vouched for at this epoch with a key that may be gone.
    pub(crate) fn key_gone_since(&self, epoch: u64) -> bool {
        self.key_gone_at.load(Ordering::Acquire) > epoch
    }

    pub(crate) fn has_ended(&self, grant: &str) -> bool {
        self.ended.read().unwrap_or_else(PoisonError::into_inner).contains_key(grant)
    }

    /// This node ended a grant itself: it must not wait for the news of it.
    pub(crate) fn end(&self, grant: &str, until: u64) {
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        if ended.insert(grant.into(), until).is_none() {
            self.epoch.fetch_add(1, Ordering::AcqRel);
        }
    }

    pub(super) fn a_key_is_gone(&self) {
        // As with grants: who sees the new epoch waits here until it is known what happened.
        let _ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        let epoch = self.epoch.fetch_add(1, Ordering::AcqRel) + 1;
        self.key_gone_at.fetch_max(epoch, Ordering::AcqRel);
    }

    /// Makes sure that there are news, here and now if they are missing.
    pub(crate) async fn be_fresh(&self, core: &Core) -> Result<(), StoreError> {
        if self.epoch(core.clock.millis()).is_some() {
            return Ok(());
        }
        let too_long = |_| Err(StoreError::new("there were no news within a second"));
        timeout(BRIEFLY, self.catch_up(core)).await.unwrap_or_else(too_long)
    }

    async fn catch_up(&self, core: &Core) -> Result<(), StoreError> {
        let mut reader = self.reader.lock().await;
        let now = core.clock.millis();
        if self.epoch(now).is_some() {
            return Ok(());
        }
        if reader.failed_at.is_some_and(|at| now.abs_diff(at) < PAUSE) {
            return Err(StoreError::new("there were no news a moment ago"));
        }
        self.read_alone(core, &mut reader).await
    }

    /// Reads what is new.
    pub(crate) async fn read(&self, core: &Core) -> Result<(), StoreError> {
        let mut reader = self.reader.lock().await;
        self.read_alone(core, &mut reader).await
    }

    async fn read_alone(&self, core: &Core, reader: &mut Reader) -> Result<(), StoreError> {
        let started = core.clock.millis();
        let was_behind = self.epoch(started).is_none();
        let done = self.read_pages(core, reader, was_behind).await;
        match &done {
            Ok(()) => {
                reader.failed_at = None;
                self.read_at.store(started.saturating_add(1), Ordering::Release);
            }
            Err(_) => reader.failed_at = Some(core.clock.millis()),
        }
        done
    }

    async fn read_pages(&self, core: &Core, reader: &mut Reader, was_behind: bool) -> Result<(), StoreError> {
        let mut after = reader.last.clone();
        // News end, and that of a key before all that was signed with it.
        let mut keys_changed = was_behind;
        loop {
            let rows = core.records.list::<Revocation>("", after.as_deref(), PAGE).await?;
            let is_last = rows.len() < PAGE;
            for row in rows {
                match row.record.what {
                    What::Grant(id) => self.end(&id, row.record.until),
                    What::Keys => keys_changed = true,
                }
                after = Some(row.name);
            }
            if is_last {
                break;
            }
        }
        // Keys that cannot be loaded are no news: the entries are read again.
        if keys_changed {
            core.keys.load(core).await?;
        }
        reader.last = after;
        Ok(())
    }

    /// Forgets grants of which no token is left.
    fn forget(&self, now: u64) {
        self.ended.write().unwrap_or_else(PoisonError::into_inner).retain(|_, until| *until > now);
    }
}

impl Core {
    /// Starts what goes on beside requests, unless it is running. It ends with the server, or its runtime.
    pub(crate) fn wake(self: &Arc<Self>) {
        let running = &self.news.is_running;
        if running.load(Ordering::Relaxed) || running.swap(true, Ordering::AcqRel) {
            return;
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(keep(Arc::downgrade(self), Running(Arc::downgrade(self))))),
            Err(_) => running.store(false, Ordering::Release),
        }
    }
}

/// Says so when it stops, however it stops.
struct Running(Weak<Core>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(core) = self.0.upgrade() {
            core.news.is_running.store(false, Ordering::Release);
        }
    }
}

async fn keep(core: Weak<Core>, _running: Running) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut readings, mut is_swept) = (0_u32, true);
    loop {
        ticks.tick().await;
        let Some(core) = core.upgrade() else { return };
        if let Err(error) = core.news.read(&core).await {
            tracing::warn!(%error, "no news of revocations; after five seconds without, tokens are refused with 503");
        } else if readings.is_multiple_of(READINGS_PER_SWEEP) || !is_swept {
            let kept = if is_swept { keep_house(&core).await } else { sweep(&core).await };
            is_swept = kept.unwrap_or_else(|error| {
                tracing::warn!(%error, "expired entries and old keys are still there");
                true
            });
        }
        readings = readings.wrapping_add(1);
    }
}

async fn keep_house(core: &Core) -> Result<bool, StoreError> {
    core.news.forget(core.records.now());
    core.keys.load(core).await?;
    core.keys.rotate_if_due(core).await?;
    sweep(core).await
}

/// Removes what has expired, and says whether that was all.
async fn sweep(core: &Core) -> Result<bool, StoreError> {
    for _ in 0..SWEEPS {
        if core.records.sweep(SWEPT).await? < SWEPT {
            return Ok(true);
        }
    }
    Ok(false)
}
