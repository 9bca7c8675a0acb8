//! Cells by caller and limit.

use std::fmt;

use hashbrown::{HashTable, hash_table::Entry};

use super::BoundLimit;
use crate::auth::CallerKey;

/// Whose cell of which limit. Kept in 32-bit parts: a `u128` would pad it from 20 bytes to 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    caller: [u32; 4],
    limit: u32,
}

impl Key {
    pub(super) fn new(caller: CallerKey, limit: &BoundLimit) -> Self {
        let bits = caller.bits();
        Self { caller: [bits as u32, (bits >> 32) as u32, (bits >> 64) as u32, (bits >> 96) as u32], limit: limit.id.0 }
    }

    /// The number of the limit.
    pub(super) fn limit(&self) -> usize {
        self.limit as usize
    }

    /// The caller's bits are a secret-keyed hash already; the limit is spread over all 64 bits so that the limits of one
    /// caller do not lie side by side. (The shard was chosen by the upper half.)
    fn hash(&self) -> u64 {
        let caller = u64::from(self.caller[1]) << 32 | u64::from(self.caller[0]);
        caller ^ u64::from(self.limit).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

/// Where a cell begins: on a line of memory. A busy server has more cells than its caches hold, and pays for each line that
/// it touches.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct OnLine;

/// Where a cell begins: where the last one ends.
#[derive(Clone, Copy)]
#[repr(align(4))]
pub(super) struct Dense;

#[derive(Clone, Copy)]
struct Cell<V, Place> {
    /// Nothing but an alignment.
    _place: [Place; 0],
    key: Key,
    value: V,
}

/// Cells of one kind.
pub(super) struct Cells<V, Place>(HashTable<Cell<V, Place>>);

impl<V: Copy, Place: Copy> Cells<V, Place> {
    /// What one cell takes in the table, with its byte of control data.
    #[cfg(test)]
    pub(super) const BYTES: usize = size_of::<Cell<V, Place>>() + 1;

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get(&self, key: &Key) -> Option<&V> {
        self.0.find(key.hash(), |cell| cell.key == *key).map(|cell| &cell.value)
    }

    pub(super) fn get_mut(&mut self, key: &Key) -> Option<&mut V> {
        self.0.find_mut(key.hash(), |cell| cell.key == *key).map(|cell| &mut cell.value)
    }

    /// The cell of this key, made if there is none; and whether it was.
    pub(super) fn get_or_insert(&mut self, key: Key, make: impl FnOnce() -> V) -> (&mut V, bool) {
        match self.0.entry(key.hash(), |cell| cell.key == key, |cell| cell.key.hash()) {
            Entry::Occupied(cell) => (&mut cell.into_mut().value, false),
            Entry::Vacant(place) => {
                let cell = place.insert(Cell { _place: [], key, value: make() });
                (&mut cell.into_mut().value, true)
            }
        }
    }

    /// Keeps what still counts at this time, and says when the next cell will be empty.
    ///
    /// The table is built anew: deleted entries leave marks behind that make a full one grow to twice its size.
    pub(super) fn sweep(&mut self, now_ms: u64, empty_at: impl Fn(&Key, &V) -> u64) -> u64 {
        let kept = self.0.iter().filter(|cell| empty_at(&cell.key, &cell.value) > now_ms).count();
        let mut table = HashTable::with_capacity(kept);
        let mut earliest = u64::MAX;
        for cell in &self.0 {
            let empty_at = empty_at(&cell.key, &cell.value);
            if empty_at > now_ms {
                earliest = earliest.min(empty_at);
                table.insert_unique(cell.key.hash(), *cell, |cell| cell.key.hash());
            }
        }
        self.0 = table;
        earliest
    }
}

impl<V, Place> Default for Cells<V, Place> {
    fn default() -> Self {
        Self(HashTable::new())
    }
}

impl<V, Place> fmt::Debug for Cells<V, Place> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cells({})", self.0.len())
    }
}
