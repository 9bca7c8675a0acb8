//! Quotas: what was spent by whom, in bounded memory.
//!
//! "N per W" means: never more than N admissions in *any* stretch of length W. Each caller and limit has one small
//! [cell](window::Window); capacity returns at most W/16 late, never early. With a burst it is a
//! [token bucket](bucket::Bucket).

mod bucket;
mod cells;
mod shard;
mod table;
mod window;

#[cfg(test)]
mod bucket_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;

use std::{fmt, time::Duration};

pub(crate) use table::{Account, Accounts, QuotaTable, charge_all, test_all};

use super::{limit::Limit, rate::write_number};

/// Which limit a cell belongs to: two limits of equal numbers are counted apart, a shared one is bound once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LimitId(u32);

/// A limit with the place it is counted at; made by [`QuotaTable::bind`], and meant for that table alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BoundLimit {
    id: LimitId,
    limit: Limit,
}

impl BoundLimit {
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn limit(&self) -> Limit {
        self.limit
    }
}

/// How one caller stands with the tightest of the limits that a call must fit into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitState {
    limit: Limit,
    remaining: u32,
    wait: Duration,
}

impl LimitState {
    /// The tightest limit: of an admitted call the one with the least left, of a refused call the one that makes it
    /// wait longest.
    #[must_use]
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// How many more calls would be admitted right now; 0 if the call was refused.
    #[must_use]
    pub fn remaining(&self) -> u32 {
        self.remaining
    }

    /// How long until more capacity returns, if nothing is called meanwhile.
    ///
    /// Of a refused call this is exact for the limit it names: a millisecond earlier it would still be refused, at that time it is admitted.
    /// (Of a call refused because the table of callers is full, it is when trying again makes sense.) Of an admitted
    /// one it is when [`remaining`](Self::remaining) next grows, and zero if nothing is spent.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.wait
    }

    /// [`wait`](Self::wait) in whole seconds, rounded up: what `Retry-After` and `RateLimit`'s `t` are written in.
    #[must_use]
    pub fn wait_secs(&self) -> u64 {
        self.wait.as_secs() + u64::from(self.wait.subsec_nanos() > 0)
    }

    /// What is left, as the header `RateLimit` says it (draft-ietf-httpapi-ratelimit-headers).
    pub(crate) fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_str("\"")?;
        self.limit.write(out)?;
        out.write_str("\";r=")?;
        write_number(out, self.remaining.into())?;
        out.write_str(";t=")?;
        write_number(out, self.wait_secs())
    }

    /// The one of two limits with less left; the longer wait decides between equals.
    pub(super) fn tighter(self, other: Self) -> Self {
        let rank = |state: &Self| (state.remaining, std::cmp::Reverse(state.wait));
        if rank(&other) < rank(&self) { other } else { self }
    }
}

/// Admitted, or refused; `None` where there was no limit to fit into.
pub(crate) type Verdict = Result<Option<LimitState>, LimitState>;

/// Keeps the limit with the least left.
fn tighter(best: &mut Option<LimitState>, state: LimitState) {
    *best = Some(best.map_or(state, |best| best.tighter(state)));
}

/// Of several refusals the longest wait counts: before it has passed, that limit still refuses.
fn later(worst: &mut Option<LimitState>, state: LimitState) {
    *worst = Some(worst.filter(|worst| worst.wait >= state.wait).unwrap_or(state));
}
