//! Cells by caller and limit.

use std::fmt;

use super::BoundLimit;
use crate::auth::CallerKey;

/// Whose cell of which limit. Kept in 32-bit parts: a `u128` would pad it from 20 bytes to 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    caller: [u32; 4],
    limit: u32,
}

impl Key {
    /// Of no limit: there are never so many.
    const NOBODY: Self = Self { caller: [0; 4], limit: u32::MAX };

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
    /// [`Key::NOBODY`] where there is nothing yet.
    key: Key,
    value: V,
}

/// The places of a table that has its first cell.
const FIRST_PLACES: usize = 8;

/// Cells of one kind: a hash table in which the cell itself says whose it is, so that a look-up touches one line of memory
/// and no table beside it. A cell stands at its hash, or in the next free place after it; none is ever removed but by
/// [`sweep`](Self::sweep), which makes the table anew, so no place has to remember that there was something.
pub(super) struct Cells<V, Place> {
    /// Empty, or a power of two of them, an eighth of which is free.
    places: Vec<Cell<V, Place>>,
    len: usize,
}

impl<V: Copy + Default, Place: Copy> Cells<V, Place> {
    /// What one cell takes in the table.
    #[cfg(test)]
    pub(super) const BYTES: usize = size_of::<Cell<V, Place>>();

    fn with_places(places: usize) -> Self {
        Self { places: vec![Cell { _place: [], key: Key::NOBODY, value: V::default() }; places], len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, key: &Key) -> Option<&V> {
        self.find(key).ok().map(|at| &self.places[at].value)
    }

    pub(super) fn get_mut(&mut self, key: &Key) -> Option<&mut V> {
        self.find(key).ok().map(|at| &mut self.places[at].value)
    }

    /// The cell of this key, made if there is none; and whether it was.
    pub(super) fn get_or_insert(&mut self, key: Key, make: impl FnOnce() -> V) -> (&mut V, bool) {
        match self.find(&key) {
            Ok(at) => (&mut self.places[at].value, false),
            Err(_) => {
                let at = self.insert(key, make());
                (&mut self.places[at].value, true)
            }
        }
    }

    /// Keeps what still counts at this time, and says when the next cell will be empty.
    pub(super) fn sweep(&mut self, now_ms: u64, empty_at: impl Fn(&Key, &V) -> u64) -> u64 {
        let kept = self.iter().filter(|cell| empty_at(&cell.key, &cell.value) > now_ms).count();
        let mut table = Self::with_places(places_for(kept));
        let mut earliest = u64::MAX;
        for cell in self.iter() {
            let empty_at = empty_at(&cell.key, &cell.value);
            if empty_at > now_ms {
                earliest = earliest.min(empty_at);
                table.insert(cell.key, cell.value);
            }
        }
        *self = table;
        earliest
    }

    /// Where the cell of this key is, or the free place where it would be; `Err(0)` if there is no place at all.
    fn find(&self, key: &Key) -> Result<usize, usize> {
        let Some(mask) = self.places.len().checked_sub(1) else { return Err(0) };
        let mut at = key.hash() as usize & mask;
        // Ends: there is always a free place.
        loop {
            match &self.places[at].key {
                found if found == key => return Ok(at),
                found if *found == Key::NOBODY => return Err(at),
                _ => at = (at + 1) & mask,
            }
        }
    }

    /// Adds a cell whose key is not there, and says where it is.
    fn insert(&mut self, key: Key, value: V) -> usize {
        let places = places_for(self.len + 1);
        if places > self.places.len() {
            let mut larger = Self::with_places(places);
            for cell in self.iter() {
                larger.insert(cell.key, cell.value);
            }
            *self = larger;
        }
        let (Ok(at) | Err(at)) = self.find(&key);
        self.places[at] = Cell { _place: [], key, value };
        self.len += 1;
        at
    }

    fn iter(&self) -> impl Iterator<Item = &Cell<V, Place>> {
        self.places.iter().filter(|cell| cell.key != Key::NOBODY)
    }
}

/// How many places so many cells need, if an eighth is to stay free.
fn places_for(cells: usize) -> usize {
    match cells {
        0 => 0,
        some => (some + some.div_ceil(7)).next_power_of_two().max(FIRST_PLACES),
    }
}

impl<V, Place> Default for Cells<V, Place> {
    fn default() -> Self {
        Self { places: Vec::new(), len: 0 }
    }
}

impl<V, Place> fmt::Debug for Cells<V, Place> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cells({})", self.len)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn key(number: u32) -> Key {
        // Few hashes, so that cells get into each other's way.
        Key { caller: [number % 5, 0, number, 0], limit: 0 }
    }

    #[test]
    fn an_eighth_stays_free() {
        for cells in (1..3_000).chain([14_336, 14_337, 28_672]) {
            let places = places_for(cells);
            assert!(places.is_power_of_two() && cells * 8 <= places * 7, "{cells} in {places}");
            assert!(places == FIRST_PLACES || cells * 8 > places / 2 * 7, "{cells} in {places}");
        }
        assert_eq!((places_for(0), places_for(14_336)), (0, 16_384));
    }

    #[test]
    fn it_is_a_map() {
        let (mut cells, mut map) = (Cells::<u64, Dense>::default(), HashMap::new());
        for number in 0..500 {
            let key = key(number * 7 % 300);
            let made = !map.contains_key(&key.caller);
            let (value, new) = cells.get_or_insert(key, || u64::from(number));
            assert_eq!((*map.entry(key.caller).or_insert(u64::from(number)), made), (*value, new));
            assert_eq!(cells.len(), map.len());
        }
        assert!(cells.get(&key(1_000)).is_none() && cells.get_mut(&key(1_001)).is_none());
        // Half of them end.
        assert_eq!(cells.sweep(100, |_, value| *value), map.values().copied().filter(|end| *end > 100).min().unwrap());
        map.retain(|_, value| *value > 100);
        assert_eq!(cells.len(), map.len());
        for number in 0..300 {
            let key = key(number);
            assert_eq!(cells.get(&key).copied(), map.get(&key.caller).copied());
        }
        cells.sweep(u64::MAX, |_, value| *value);
        assert_eq!((cells.len(), cells.places.len()), (0, 0));
        assert!(cells.get(&key(1)).is_none());
    }
}
