//! Time, so that tests can move it by hand.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Where the server reads time from: the system's clocks, or in tests a clock moved by hand.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System { origin: Instant },
    Manual(ManualClock),
}

impl Clock {
    /// The machine's own clocks.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System { origin: Instant::now() })
    }

    /// Milliseconds on a clock that only quotas and waits are measured with; its zero means nothing.
    #[must_use]
    pub fn millis(&self) -> u64 {
        match &self.0 {
            // 584 million years fit.
            Source::System { origin } => u64::try_from(origin.elapsed().as_millis()).unwrap_or(u64::MAX),
            Source::Manual(clock) => clock.millis(),
        }
    }

    /// Seconds since the Unix epoch, as tokens count them (RFC 7519 §2, NumericDate).
    #[must_use]
    pub fn unix_seconds(&self) -> u64 {
        match &self.0 {
            // A clock before 1970 is broken; then nothing has yet to expire.
            Source::System { .. } => SystemTime::now().duration_since(UNIX_EPOCH).map_or(u64::MAX, |d| d.as_secs()),
            Source::Manual(clock) => clock.millis() / 1000,
        }
    }
}

impl From<ManualClock> for Clock {
    fn from(clock: ManualClock) -> Self {
        Self(Source::Manual(clock))
    }
}

/// A clock that stands still until a test moves it. Clones share the hand.
///
/// It moves tokens, quotas and caches. The timeouts of calls are tokio's: move those with
/// `#[tokio::test(start_paused = true)]`.
///
/// ```
/// use std::time::Duration;
/// use mcp_runtime::clock::ManualClock;
///
/// let clock = ManualClock::new();
/// let before = clock.millis();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.millis() - before, 60_000);
/// ```
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// Starts at 2026-01-01 00:00:00 UTC, always.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_767_225_600_000)))
    }

    /// Moves forwards.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// Moves backwards, as a clock that is set right does.
    pub fn rewind(&self, by: Duration) {
        self.0.fetch_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// What the clock shows, in milliseconds since the Unix epoch; never below zero.
    #[must_use]
    pub fn millis(&self) -> u64 {
        u64::try_from(self.0.load(Ordering::SeqCst)).unwrap_or(0)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}
