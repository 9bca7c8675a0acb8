//! The cells of some callers, under one lock.

use std::{
    sync::{PoisonError, RwLock},
    time::Duration,
};

use super::{
    BoundLimit, LimitState,
    bucket::{Bucket, Refill},
    cells::{Cells, Dense, Key, OnLine},
    later, tighter,
    window::{Counter, Grid, Window},
};
use crate::{auth::CallerKey, guard::limit::Limit};

/// How long a full shard rests between two sweeps, and the least that a stranger is told to wait: a flood of new
/// callers costs one pass over the shard per second, not one per request.
const REST_MS: u64 = 1_000;

/// The bound limits by their numbers: a sweep finds only the number in a key.
pub(super) type Bound = RwLock<Vec<Limit>>;

/// All cells of the callers that fall into this shard.
///
/// Cells are only ever removed by [`sweep`](Self::sweep), and only once everything in them has been forgotten.
#[derive(Debug, Default)]
pub(super) struct Shard {
    /// Limits of up to 65,535: two bytes per slot.
    small: Cells<Window<u16>, OnLine>,
    /// Larger ones: four bytes per slot.
    large: Cells<Window<u32>, Dense>,
    /// Those with a burst.
    buckets: Cells<Bucket, Dense>,
    /// No cell is empty before this time; usually a little too early, never too late.
    earliest_empty: u64,
    /// Before this time there is no other sweep.
    rest_until: u64,
    /// When a sweep last dropped cells. The shard's time never falls behind it: a clock that was set back must not
    /// find the forgotten cells of a time that it now says has not come yet.
    swept_at: u64,
}

impl Shard {
    /// How many cells there are.
    pub(super) fn len(&self) -> usize {
        self.small.len() + self.large.len() + self.buckets.len()
    }

    /// Whether one more call would fit into all limits; changes nothing.
    pub(super) fn test(
        &self,
        caller: CallerKey,
        limits: &[BoundLimit],
        now_ms: u64,
        capacity: usize,
    ) -> Result<(), LimitState> {
        let (mut refused, mut missing, mut stranger) = (None, 0, None);
        for limit in distinct(limits) {
            match self.has_room(caller, limit, now_ms) {
                Some(Ok(())) => {}
                Some(Err(state)) => later(&mut refused, state),
                None => {
                    missing += 1;
                    stranger.get_or_insert(limit);
                }
            }
        }
        if let Some(limit) = stranger
            && self.len() + missing > capacity
            && now_ms < self.next_sweep()
        {
            later(&mut refused, self.full(limit, now_ms));
        }
        refused.map_or(Ok(()), Err)
    }

    /// How the caller stands with the tightest of these limits; changes nothing.
    #[cfg(test)]
    pub(super) fn tightest(&self, caller: CallerKey, limits: &[BoundLimit], now_ms: u64) -> Option<LimitState> {
        let mut tightest = None;
        for limit in distinct(limits) {
            let (key, floor) = (Key::new(caller, limit), self.swept_at);
            let grid = Grid::of(limit.limit.rate());
            let slot = grid.slot(now_ms.max(floor));
            let state = match Kind::of(limit) {
                Kind::Small => self.small.get(&key).map(|window| read(&window.at(slot), grid, limit, now_ms)),
                Kind::Large => self.large.get(&key).map(|window| read(&window.at(slot), grid, limit, now_ms)),
                Kind::Bucket(refill) => self.buckets.get(&key).map(|bucket| {
                    let mut bucket = *bucket;
                    bucket.advance(refill, now_ms.max(floor));
                    bucket_state(bucket, refill, limit, now_ms)
                }),
            };
            let untouched = LimitState { limit: limit.limit, remaining: limit.limit.most(), wait: Duration::ZERO };
            tighter(&mut tightest, state.unwrap_or(untouched));
        }
        tightest
    }

    /// Tests all limits and makes room, so that [`spend_all`](Self::spend_all) is sure to succeed under the same lock.
    pub(super) fn prepare(
        &mut self,
        caller: CallerKey,
        limits: &[BoundLimit],
        now_ms: u64,
        capacity: usize,
        bound: &Bound,
    ) -> Result<(), LimitState> {
        self.test(caller, limits, now_ms, capacity)?;
        if let Some(limit) = self.lacks_room(caller, limits, capacity) {
            // The test let this pass because a sweep is due; what it frees must still suffice.
            self.sweep(now_ms, bound);
            if self.lacks_room(caller, limits, capacity).is_some() {
                return Err(self.full(limit, now_ms));
            }
        }
        Ok(())
    }

    /// Spends one of each limit.
    pub(super) fn spend_all(&mut self, caller: CallerKey, limits: &[BoundLimit], now_ms: u64) -> Option<LimitState> {
        let mut tightest = None;
        for limit in distinct(limits) {
            let state = self.spend(caller, limit, now_ms);
            tighter(&mut tightest, state);
        }
        tightest
    }

    /// Takes back what was spent at `spent_at_ms`, as far as it still counts.
    pub(super) fn give_back(&mut self, caller: CallerKey, limits: &[BoundLimit], spent_at_ms: u64) {
        for limit in distinct(limits) {
            let key = Key::new(caller, limit);
            let slot = Grid::of(limit.limit.rate()).slot(spent_at_ms);
            match Kind::of(limit) {
                Kind::Small => self.small.get_mut(&key).into_iter().for_each(|window| window.give_back(slot)),
                Kind::Large => self.large.get_mut(&key).into_iter().for_each(|window| window.give_back(slot)),
                Kind::Bucket(refill) => {
                    self.buckets.get_mut(&key).into_iter().for_each(|bucket| bucket.give_back(refill));
                }
            }
        }
    }

    /// The first limit that would need a new cell, if there is no room for all the new cells.
    fn lacks_room<'a>(&self, caller: CallerKey, limits: &'a [BoundLimit], capacity: usize) -> Option<&'a BoundLimit> {
        // Most of the time there is room for anything, and nothing needs looking up.
        if self.len() + limits.len() <= capacity {
            return None;
        }
        let mut missing = distinct(limits).filter(|limit| !self.knows(caller, limit));
        let first = missing.next()?;
        (self.len() + 1 + missing.count() > capacity).then_some(first)
    }

    pub(super) fn knows(&self, caller: CallerKey, limit: &BoundLimit) -> bool {
        let key = Key::new(caller, limit);
        match Kind::of(limit) {
            Kind::Small => self.small.get(&key).is_some(),
            Kind::Large => self.large.get(&key).is_some(),
            Kind::Bucket(_) => self.buckets.get(&key).is_some(),
        }
    }

    /// Whether one more call fits into a limit, or how the caller stands; `None` if it has no cell.
    fn has_room(&self, caller: CallerKey, limit: &BoundLimit, now_ms: u64) -> Option<Result<(), LimitState>> {
        let (key, floor) = (Key::new(caller, limit), self.swept_at);
        let state = match Kind::of(limit) {
            Kind::Small => exhausted(self.small.get(&key)?, limit, now_ms, floor),
            Kind::Large => exhausted(self.large.get(&key)?, limit, now_ms, floor),
            Kind::Bucket(refill) => {
                let mut bucket = *self.buckets.get(&key)?;
                bucket.advance(refill, now_ms.max(floor));
                (bucket.remaining(refill) == 0).then(|| bucket_state(bucket, refill, limit, now_ms))
            }
        };
        Some(state.map_or(Ok(()), Err))
    }

    fn spend(&mut self, caller: CallerKey, limit: &BoundLimit, now_ms: u64) -> LimitState {
        let (key, floor) = (Key::new(caller, limit), self.swept_at);
        let (state, new_cell_empty_at) = match Kind::of(limit) {
            Kind::Small => spend_window(&mut self.small, key, limit, now_ms, floor),
            Kind::Large => spend_window(&mut self.large, key, limit, now_ms, floor),
            Kind::Bucket(refill) => {
                let now = now_ms.max(floor);
                let (bucket, made) = self.buckets.get_or_insert(key, || Bucket::new(now));
                bucket.advance(refill, now);
                bucket.spend(refill);
                (bucket_state(*bucket, refill, limit, now_ms), made.then(|| bucket.full_at(refill)))
            }
        };
        if let Some(empty_at) = new_cell_empty_at {
            let first = self.len() == 1;
            self.earliest_empty = if first { empty_at } else { self.earliest_empty.min(empty_at) };
        }
        state
    }

    /// When the next sweep may happen and can free something.
    fn next_sweep(&self) -> u64 {
        self.earliest_empty.max(self.rest_until)
    }

    /// What a caller without a cell is told when there is no room for one.
    fn full(&self, limit: &BoundLimit, now_ms: u64) -> LimitState {
        let wait = self.next_sweep().saturating_sub(now_ms).max(REST_MS);
        LimitState { limit: limit.limit, remaining: 0, wait: Duration::from_millis(wait) }
    }

    /// Drops every cell in which nothing counts any more.
    fn sweep(&mut self, now_ms: u64, bound: &Bound) {
        let before = self.len();
        let bound = bound.read().unwrap_or_else(PoisonError::into_inner);
        // A limit bound to another table is a mistake; its cells then stay for good, and forget nothing early.
        let grid = |key: &Key| bound.get(key.limit()).map(|limit| Grid::of(limit.rate()));
        let refill = |key: &Key| bound.get(key.limit()).copied().and_then(Refill::of);
        let small =
            self.small.sweep(now_ms, |key, window| grid(key).map_or(u64::MAX, |grid| grid.begins(window.empty_from())));
        let large =
            self.large.sweep(now_ms, |key, window| grid(key).map_or(u64::MAX, |grid| grid.begins(window.empty_from())));
        let buckets =
            self.buckets.sweep(now_ms, |key, bucket| refill(key).map_or(u64::MAX, |refill| bucket.full_at(refill)));
        self.earliest_empty = small.min(large).min(buckets);
        self.rest_until = now_ms.saturating_add(REST_MS);
        if self.len() < before {
            self.swept_at = self.swept_at.max(now_ms);
        }
    }
}

/// Where a limit's cells are.
enum Kind {
    Small,
    Large,
    Bucket(Refill),
}

impl Kind {
    fn of(limit: &BoundLimit) -> Self {
        match Refill::of(limit.limit) {
            Some(refill) => Self::Bucket(refill),
            None if limit.limit.most() <= u32::from(u16::MAX) => Self::Small,
            None => Self::Large,
        }
    }
}

fn bucket_state(bucket: Bucket, refill: Refill, limit: &BoundLimit, now_ms: u64) -> LimitState {
    let wait = Duration::from_millis(bucket.wait(refill, now_ms));
    LimitState { limit: limit.limit, remaining: bucket.remaining(refill), wait }
}

/// What a window says that has nothing left.
fn exhausted<C: Counter>(window: &Window<C>, limit: &BoundLimit, now_ms: u64, floor: u64) -> Option<LimitState> {
    let most = u64::from(limit.limit.most());
    // What was spent in the past only gets less: most windows need no further look.
    if window.spent() < most {
        return None;
    }
    let grid = Grid::of(limit.limit.rate());
    let window = window.at(grid.slot(now_ms.max(floor)));
    (window.spent() >= most).then(|| read(&window, grid, limit, now_ms))
}

/// Spends one; also says when a cell that had to be made will be empty.
fn spend_window<C: Counter, Place: Copy>(
    cells: &mut Cells<Window<C>, Place>,
    key: Key,
    limit: &BoundLimit,
    now_ms: u64,
    floor: u64,
) -> (LimitState, Option<u64>) {
    let grid = Grid::of(limit.limit.rate());
    let slot = grid.slot(now_ms.max(floor));
    let (window, made) = cells.get_or_insert(key, || Window::new(slot));
    window.advance(slot);
    window.spend();
    (read(window, grid, limit, now_ms), made.then(|| grid.begins(window.empty_from())))
}

/// What a window that was moved to now says about its limit. Waits are counted from what the clock shows, even where
/// it was set back.
fn read<C: Counter>(window: &Window<C>, grid: Grid, limit: &BoundLimit, now_ms: u64) -> LimitState {
    let spent = u32::try_from(window.spent()).unwrap_or(u32::MAX);
    let wait = window.next_return().map_or(0, |slot| grid.begins(slot).saturating_sub(now_ms));
    let remaining = limit.limit.most().saturating_sub(spent);
    LimitState { limit: limit.limit, remaining, wait: Duration::from_millis(wait) }
}

/// Each limit once, however often it is listed: two charges after one test could exceed it.
fn distinct(limits: &[BoundLimit]) -> impl Iterator<Item = &BoundLimit> {
    limits.iter().enumerate().filter(|(i, limit)| limits[..*i].iter().all(|seen| seen.id != limit.id)).map(|(_, l)| l)
}

/// What one cell of each kind takes.
#[cfg(test)]
pub(super) const fn cell_bytes() -> (usize, usize, usize) {
    (Cells::<Window<u16>, OnLine>::BYTES, Cells::<Window<u32>, Dense>::BYTES, Cells::<Bucket, Dense>::BYTES)
}
