//! The cells of some callers, under one lock.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasherDefault, Hash, Hasher},
    sync::{PoisonError, RwLock},
    time::Duration,
};

use super::{
    BoundLimit, LimitState, Verdict,
    bucket::{Bucket, Refill},
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
    small: Cells<u16>,
    /// Larger ones: four bytes per slot.
    large: Cells<u32>,
    /// Those with a burst.
    buckets: Buckets,
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
        self.small.0.len() + self.large.0.len() + self.buckets.0.len()
    }

    /// Whether one more call would fit into all limits; changes nothing.
    pub(super) fn test(&self, caller: CallerKey, limits: &[BoundLimit], now_ms: u64, capacity: usize) -> Verdict {
        let (mut tightest, mut refused, mut missing, mut stranger) = (None, None, 0, None);
        for limit in distinct(limits) {
            let known = self.state(caller, limit, now_ms);
            if known.is_none() {
                missing += 1;
                stranger.get_or_insert(limit);
            }
            let state = known.unwrap_or_else(|| untouched(limit));
            if state.remaining == 0 { later(&mut refused, state) } else { tighter(&mut tightest, state) }
        }
        if let Some(limit) = stranger
            && self.len() + missing > capacity
            && now_ms < self.next_sweep()
        {
            later(&mut refused, self.full(limit, now_ms));
        }
        refused.map_or(Ok(tightest), Err)
    }

    /// Tests all limits and makes room, so that [`spend_all`](Self::spend_all) is sure to succeed under the same lock.
    pub(super) fn prepare(
        &mut self,
        caller: CallerKey,
        limits: &[BoundLimit],
        now_ms: u64,
        capacity: usize,
        bound: &Bound,
    ) -> Verdict {
        let tightest = self.test(caller, limits, now_ms, capacity)?;
        if let Some(limit) = self.lacks_room(caller, limits, capacity) {
            // The test let this pass because a sweep is due; what it frees must still suffice.
            self.sweep(now_ms, bound);
            if self.lacks_room(caller, limits, capacity).is_some() {
                return Err(self.full(limit, now_ms));
            }
        }
        Ok(tightest)
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

    fn knows(&self, caller: CallerKey, limit: &BoundLimit) -> bool {
        let key = Key::new(caller, limit);
        match Kind::of(limit) {
            Kind::Small => self.small.0.contains_key(&key),
            Kind::Large => self.large.0.contains_key(&key),
            Kind::Bucket(_) => self.buckets.0.contains_key(&key),
        }
    }

    /// How the caller stands, if it has a cell.
    fn state(&self, caller: CallerKey, limit: &BoundLimit, now_ms: u64) -> Option<LimitState> {
        let (key, floor) = (Key::new(caller, limit), self.swept_at);
        match Kind::of(limit) {
            Kind::Small => self.small.state(&key, limit, now_ms, floor),
            Kind::Large => self.large.state(&key, limit, now_ms, floor),
            Kind::Bucket(refill) => self.buckets.state(&key, limit, refill, now_ms, floor),
        }
    }

    fn spend(&mut self, caller: CallerKey, limit: &BoundLimit, now_ms: u64) -> LimitState {
        let (key, floor) = (Key::new(caller, limit), self.swept_at);
        let (state, new_cell_empty_at) = match Kind::of(limit) {
            Kind::Small => self.small.spend(key, limit, now_ms, floor),
            Kind::Large => self.large.spend(key, limit, now_ms, floor),
            Kind::Bucket(refill) => self.buckets.spend(key, limit, refill, now_ms, floor),
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
        let grid = |key: &Key| bound.get(key.limit as usize).map(|limit| Grid::of(limit.rate()));
        let refill = |key: &Key| bound.get(key.limit as usize).copied().and_then(Refill::of);
        let small = sweep(&mut self.small.0, now_ms, |key, window| {
            grid(key).map_or(u64::MAX, |grid| grid.begins(window.empty_from()))
        });
        let large = sweep(&mut self.large.0, now_ms, |key, window| {
            grid(key).map_or(u64::MAX, |grid| grid.begins(window.empty_from()))
        });
        let buckets = sweep(&mut self.buckets.0, now_ms, |key, bucket| {
            refill(key).map_or(u64::MAX, |refill| bucket.full_at(refill))
        });
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

type Map<V> = HashMap<Key, V, BuildHasherDefault<KeyHasher>>;

/// Keeps what still counts, and says when the next cell will be empty.
///
/// The map is built anew: deleted entries leave marks behind that make a full map grow to twice its size.
fn sweep<V: Copy>(map: &mut Map<V>, now_ms: u64, empty_at: impl Fn(&Key, &V) -> u64) -> u64 {
    let kept = map.iter().filter(|(key, cell)| empty_at(key, cell) > now_ms).count();
    let mut new = HashMap::with_capacity_and_hasher(kept, BuildHasherDefault::default());
    let mut earliest = u64::MAX;
    for (key, cell) in &*map {
        let empty_at = empty_at(key, cell);
        if empty_at > now_ms {
            earliest = earliest.min(empty_at);
            new.insert(*key, *cell);
        }
    }
    *map = new;
    earliest
}

/// Token buckets.
#[derive(Debug, Default)]
struct Buckets(Map<Bucket>);

impl Buckets {
    fn state(&self, key: &Key, limit: &BoundLimit, refill: Refill, now_ms: u64, floor: u64) -> Option<LimitState> {
        let mut bucket = *self.0.get(key)?;
        bucket.advance(refill, now_ms.max(floor));
        Some(bucket_state(bucket, refill, limit, now_ms))
    }

    /// Spends one; also says when a bucket that had to be made will be full again.
    fn spend(
        &mut self,
        key: Key,
        limit: &BoundLimit,
        refill: Refill,
        now_ms: u64,
        floor: u64,
    ) -> (LimitState, Option<u64>) {
        let now = now_ms.max(floor);
        let (bucket, made) = match self.0.entry(key) {
            Entry::Occupied(cell) => (cell.into_mut(), false),
            Entry::Vacant(place) => (place.insert(Bucket::new(now)), true),
        };
        bucket.advance(refill, now);
        bucket.spend(refill);
        (bucket_state(*bucket, refill, limit, now_ms), made.then(|| bucket.full_at(refill)))
    }
}

fn bucket_state(bucket: Bucket, refill: Refill, limit: &BoundLimit, now_ms: u64) -> LimitState {
    let wait = Duration::from_millis(bucket.wait(refill, now_ms));
    LimitState { limit: limit.limit, remaining: bucket.remaining(refill), wait }
}

/// Cells with one width of counter.
#[derive(Debug)]
struct Cells<C>(Map<Window<C>>);

impl<C> Default for Cells<C> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<C: Counter> Cells<C> {
    fn state(&self, key: &Key, limit: &BoundLimit, now_ms: u64, floor: u64) -> Option<LimitState> {
        let grid = Grid::of(limit.limit.rate());
        let mut window = *self.0.get(key)?;
        window.advance(grid.slot(now_ms.max(floor)));
        Some(read(&window, grid, limit, now_ms))
    }

    /// Spends one; also says when a cell that had to be made will be empty.
    fn spend(&mut self, key: Key, limit: &BoundLimit, now_ms: u64, floor: u64) -> (LimitState, Option<u64>) {
        let grid = Grid::of(limit.limit.rate());
        let slot = grid.slot(now_ms.max(floor));
        let (window, made) = match self.0.entry(key) {
            Entry::Occupied(cell) => (cell.into_mut(), false),
            Entry::Vacant(place) => (place.insert(Window::new(slot)), true),
        };
        window.advance(slot);
        window.spend();
        (read(window, grid, limit, now_ms), made.then(|| grid.begins(window.empty_from())))
    }
}

/// What a window that was moved to now says about its limit. Waits are counted from what the clock shows, even where
/// it was set back.
fn read<C: Counter>(window: &Window<C>, grid: Grid, limit: &BoundLimit, now_ms: u64) -> LimitState {
    let spent = u32::try_from(window.spent()).unwrap_or(u32::MAX);
    let wait = window.next_return().map_or(0, |slot| grid.begins(slot).saturating_sub(now_ms));
    let remaining = limit.limit.most().saturating_sub(spent);
    LimitState { limit: limit.limit, remaining, wait: Duration::from_millis(wait) }
}

fn untouched(limit: &BoundLimit) -> LimitState {
    LimitState { limit: limit.limit, remaining: limit.limit.most(), wait: Duration::ZERO }
}

/// Each limit once, however often it is listed: two charges after one test could exceed it.
fn distinct(limits: &[BoundLimit]) -> impl Iterator<Item = &BoundLimit> {
    limits.iter().enumerate().filter(|(i, limit)| limits[..*i].iter().all(|seen| seen.id != limit.id)).map(|(_, l)| l)
}

/// Whose cell of which limit. Kept in 32-bit parts: a `u128` would pad it from 20 bytes to 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    caller: [u32; 4],
    limit: u32,
}

impl Key {
    fn new(caller: CallerKey, limit: &BoundLimit) -> Self {
        let bits = caller.bits();
        Self { caller: [bits as u32, (bits >> 32) as u32, (bits >> 64) as u32, (bits >> 96) as u32], limit: limit.id.0 }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The caller's bits are a secret-keyed hash already; the limit is spread over all 64 bits so that the limits
        // of one caller do not lie side by side. (The shard was chosen by the upper half.)
        let caller = u64::from(self.caller[1]) << 32 | u64::from(self.caller[0]);
        state.write_u64(caller ^ u64::from(self.limit).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    }
}

/// Hands on the one number that a [`Key`] writes.
#[derive(Debug, Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    fn write(&mut self, bytes: &[u8]) {
        // Not reached by `Key`; correct all the same.
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What one cell takes in the map, with its byte of control data.
#[cfg(test)]
pub(super) const fn cell_bytes() -> (usize, usize, usize) {
    (size_of::<(Key, Window<u16>)>() + 1, size_of::<(Key, Window<u32>)>() + 1, size_of::<(Key, Bucket)>() + 1)
}
