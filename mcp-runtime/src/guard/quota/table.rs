//! All callers' cells, spread over shards.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{
    BoundLimit, LimitId, LimitState, Verdict, later,
    shard::{Bound, Shard},
    tighter,
};
use crate::{auth::CallerKey, guard::limit::Limit};

/// At most this many locks; callers rarely meet at one.
const MAX_SHARDS: usize = 64;

/// Fewer cells than this are not worth a lock of their own.
const MIN_SHARD_CELLS: usize = 256;

/// As many cells as a table for a few may have: nobody writes down so many limits.
const SMALL_CAPACITY: usize = 4_096;

/// The smallest table: room for one caller under any sensible number of limits.
const MIN_CAPACITY: usize = 16;

/// What all callers have spent of all limits, in memory that is bounded however many callers come.
///
/// # Memory
///
/// There is one cell per caller and limit, 64 bytes each (44 of them the counters), 96 where a limit's count is above
/// 65,535, 36 where it has a burst; nothing else is allocated. Cells are kept in hash maps that grow by doubling, so
/// [`DEFAULT_CAPACITY`](Self::DEFAULT_CAPACITY) is chosen to fill them: 917,504 cells take 64 MiB, and at worst, with
/// many limits of both kinds, 128 MiB. An unused table takes a few kilobytes.
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
    bound: Bound,
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
            bound: Bound::default(),
        }
    }

    /// An empty table for a few cells that are asked for by everybody, under one lock.
    pub(crate) fn small() -> Self {
        Self { shards: Box::new([Padded::default()]), shard_capacity: SMALL_CAPACITY, bound: Bound::default() }
    }

    /// Gives a limit its own place to be counted at. A limit that several tools share is bound once.
    pub(crate) fn bind(&self, limit: impl Into<Limit>) -> BoundLimit {
        let limit = limit.into();
        let mut bound = self.bound.write().unwrap_or_else(PoisonError::into_inner);
        let id = u32::try_from(bound.len()).expect("limits are written by hand: there are no four billion of them");
        bound.push(limit);
        BoundLimit { id: LimitId(id), limit }
    }

    /// Whether one more call of `caller` would fit into all `limits` now. Spends nothing and keeps nothing.
    ///
    /// Where the table is full but a sweep is due, a caller without a cell gets the benefit of the doubt:
    /// [`charge`](Self::charge) decides.
    pub(crate) fn test(&self, caller: CallerKey, limits: &[BoundLimit], now_ms: u64) -> Result<(), LimitState> {
        self.lock(caller).test(caller, limits, now_ms, self.shard_capacity)
    }

    /// As [`test`](Self::test), and how the caller stands.
    #[cfg(test)]
    pub(crate) fn look(&self, caller: CallerKey, limits: &[BoundLimit], now_ms: u64) -> Verdict {
        self.test(caller, limits, now_ms)?;
        Ok(self.lock(caller).tightest(caller, limits, now_ms))
    }

    /// Spends one call of each of `limits`, or nothing at all if one of them is used up.
    pub(crate) fn charge(&self, caller: CallerKey, limits: &[BoundLimit], now_ms: u64) -> Verdict {
        let mut shard = self.lock(caller);
        shard.prepare(caller, limits, now_ms, self.shard_capacity, &self.bound)?;
        Ok(shard.spend_all(caller, limits, now_ms))
    }

    /// Takes back what was charged at `charged_at_ms`, as far as it still counts.
    pub(crate) fn give_back(&self, caller: CallerKey, limits: &[BoundLimit], charged_at_ms: u64) {
        self.lock(caller).give_back(caller, limits, charged_at_ms);
    }

    /// Whether the caller has a cell for this limit. Who has none and is refused was refused because the table is full.
    #[cfg(feature = "oauth")]
    pub(crate) fn knows(&self, caller: CallerKey, limit: &BoundLimit) -> bool {
        self.lock(caller).knows(caller, limit)
    }

    /// How many cells are kept.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(&shard.0).len()).sum()
    }

    /// The caller alone chooses the shard: all its limits are tested and charged under one lock.
    fn shard(&self, caller: CallerKey) -> usize {
        // The number of shards is a power of two; the lower bits place the cell within its map.
        let upper = (caller.bits() >> 64) as usize;
        upper & (self.shards.len() - 1)
    }

    fn lock(&self, caller: CallerKey) -> MutexGuard<'_, Shard> {
        lock(&self.shards[self.shard(caller)].0)
    }
}

/// Whose limits of which table one call must fit into. A call has several where it is also counted for its client, for
/// its address or for everybody.
#[derive(Clone, Copy)]
pub(crate) struct Account<'t> {
    pub(crate) table: &'t QuotaTable,
    pub(crate) key: CallerKey,
    pub(crate) limits: &'t [BoundLimit],
}

/// The accounts of one call. Most are empty: there is one for each way in which limits are counted.
pub(crate) type Accounts<'t> = [Option<Account<'t>>; 4];

impl Account<'_> {
    /// Which lock it is under: the shard, and where its table is in memory.
    fn place(&self) -> Place {
        (std::ptr::from_ref(self.table).addr(), self.table.shard(self.key))
    }

    fn prepare(&self, shard: &mut Shard, now_ms: u64) -> Result<(), LimitState> {
        shard.prepare(self.key, self.limits, now_ms, self.table.shard_capacity, &self.table.bound)
    }
}

/// Which shard of which table.
type Place = (usize, usize);

/// Tests every limit of every account, one account after the other: what is found may have changed by the time of the
/// charge. Of several refusals the one counts that makes wait longest.
pub(crate) fn test_all(accounts: &Accounts<'_>, now_ms: u64) -> Result<(), LimitState> {
    let tests = accounts.iter().flatten().map(|account| account.table.test(account.key, account.limits, now_ms));
    longest(tests)
}

/// Spends one call of each limit of each account, or nothing at all if one of them is used up.
pub(crate) fn charge_all(accounts: &Accounts<'_>, now_ms: u64) -> Verdict {
    let mut some = accounts.iter().flatten();
    match (some.next(), some.next()) {
        (None, _) => Ok(None),
        (Some(only), None) => only.table.charge(only.key, only.limits, now_ms),
        _ => charge_several(accounts, now_ms),
    }
}

fn charge_several(accounts: &Accounts<'_>, now_ms: u64) -> Verdict {
    let places = accounts.each_ref().map(|account| account.as_ref().map(Account::place));
    let mut locked = lock_each_once(accounts, places);
    // Accounts of one place share the lock of the first.
    let lock_of = places.map(|place| places.iter().position(|other| *other == place));
    longest(
        accounts
            .iter()
            .zip(lock_of)
            .filter_map(|(account, lock)| Some(account.as_ref()?.prepare(locked[lock?].as_deref_mut()?, now_ms))),
    )?;
    let mut tightest = None;
    for (account, lock) in accounts.iter().zip(lock_of) {
        let (Some(account), Some(lock)) = (account, lock) else { continue };
        let shard = locked[lock].as_deref_mut();
        let spent = shard.and_then(|shard| shard.spend_all(account.key, account.limits, now_ms));
        spent.into_iter().for_each(|state| tighter(&mut tightest, state));
    }
    Ok(tightest)
}

/// Two calls that meet at several locks take them in the same order, that of their places in memory.
fn lock_each_once<'t>(accounts: &Accounts<'t>, places: [Option<Place>; 4]) -> [Option<MutexGuard<'t, Shard>>; 4] {
    let mut order = [0, 1, 2, 3];
    order.sort_by_key(|at| places[*at]);
    let mut locked = [None, None, None, None];
    for at in order {
        let is_first = places.iter().position(|place| *place == places[at]) == Some(at);
        if let Some(account) = accounts[at].as_ref().filter(|_| is_first) {
            locked[at] = Some(account.table.lock(account.key));
        }
    }
    locked
}

/// Of several refusals the one that makes wait longest.
fn longest(verdicts: impl Iterator<Item = Result<(), LimitState>>) -> Result<(), LimitState> {
    let mut refused = None;
    verdicts.filter_map(Result::err).for_each(|state| later(&mut refused, state));
    refused.map_or(Ok(()), Err)
}

/// A panic while counting would leave no half-written cell behind (a sweep swaps in a finished map), so a poisoned
/// lock is no reason to stop counting.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
