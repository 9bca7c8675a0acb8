//! All callers' cells, spread over shards.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{
    BoundLimit, LimitId, Verdict,
    shard::{Grids, Shard},
    window::Grid,
};
use crate::{auth::CallerKey, guard::rate::RateLimit};

/// At most this many locks; callers rarely meet at one.
const MAX_SHARDS: usize = 64;

/// Fewer cells than this are not worth a lock of their own.
const MIN_SHARD_CELLS: usize = 256;

/// The smallest table: room for one caller under any sensible number of limits.
const MIN_CAPACITY: usize = 16;

/// What all callers have spent of all limits, in memory that is bounded however many callers come.
///
/// # Memory
///
/// There is one cell per caller and limit, 65 bytes each (44 of them the counters), or 97 where a limit's count is
/// above 65,535; nothing else is allocated. Cells are kept in hash maps that grow by doubling, so
/// [`DEFAULT_CAPACITY`](Self::DEFAULT_CAPACITY) is chosen to fill them: 917,504 cells take 65 MiB, and at worst, with
/// many limits of both kinds, 130 MiB. An unused table takes a few kilobytes.
///
/// # When it is full
///
/// Cells in which nothing counts any more are dropped, at most once a second per shard. If that makes no room, a caller
/// *without* a cell is refused until it does; who has one keeps it, with what is spent. Nothing ever forgets what
/// somebody has spent before its time. A shard can be full while others have a little room left.
///
/// A full table keeps strangers out, so whoever can invent callers can do that: give callers without credentials a
/// table of their own.
#[derive(Debug)]
pub(crate) struct QuotaTable {
    shards: Box<[Padded]>,
    shard_capacity: usize,
    grids: Grids,
}

/// Two locks in one cache line would be fought over like one.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Padded(Mutex<Shard>);

impl QuotaTable {
    /// 64 shards of 14,336 cells: what a hash map of 16,384 places holds before it doubles.
    pub(crate) const DEFAULT_CAPACITY: usize = 64 * 14_336;

    /// An empty table for at most `capacity` cells (at least 16), rounded down to what divides evenly over its shards.
    pub(crate) fn new(capacity: usize) -> Self {
        let capacity = capacity.max(MIN_CAPACITY);
        let shards = (capacity / MIN_SHARD_CELLS).clamp(1, MAX_SHARDS);
        let shards = 1 << shards.ilog2();
        Self {
            shards: std::iter::repeat_with(Padded::default).take(shards).collect(),
            shard_capacity: capacity / shards,
            grids: Grids::default(),
        }
    }

    /// Gives a limit its own place to be counted at. A limit that several tools share is bound once.
    pub(crate) fn bind(&self, limit: RateLimit) -> BoundLimit {
        let mut grids = self.grids.write().unwrap_or_else(PoisonError::into_inner);
        let id = u32::try_from(grids.len()).expect("limits are written by hand: there are no four billion of them");
        grids.push(Grid::of(limit));
        BoundLimit { id: LimitId(id), limit }
    }

    /// Whether one more call of `caller` would fit into all `limits` now. Spends nothing and keeps nothing.
    ///
    /// Where the table is full but a sweep is due, a caller without a cell gets the benefit of the doubt:
    /// [`charge`](Self::charge) decides.
    pub(crate) fn test(&self, caller: CallerKey, limits: &[BoundLimit], now_ms: u64) -> Verdict {
        self.shard(caller).test(caller, limits, now_ms, self.shard_capacity)
    }

    /// Spends one call of each of `limits`, or nothing at all if one of them is used up.
    pub(crate) fn charge(&self, caller: CallerKey, limits: &[BoundLimit], now_ms: u64) -> Verdict {
        self.shard(caller).charge(caller, limits, now_ms, self.shard_capacity, &self.grids)
    }

    /// How many cells are kept.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(&shard.0).len()).sum()
    }

    /// The caller alone chooses the shard: all its limits are tested and charged under one lock.
    fn shard(&self, caller: CallerKey) -> MutexGuard<'_, Shard> {
        // The number of shards is a power of two; the lower bits place the cell within its map.
        let upper = (caller.bits() >> 64) as usize;
        lock(&self.shards[upper & (self.shards.len() - 1)].0)
    }
}

/// A panic while counting would leave no half-written cell behind (a sweep swaps in a finished map), so a poisoned
/// lock is no reason to stop counting.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
