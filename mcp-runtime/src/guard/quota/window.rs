//! The arithmetic of one rolling window: slots of time, and 17 counters.

use super::super::rate::RateLimit;

/// Into how many slots a window is cut. More would return capacity sooner and make every cell bigger.
const SLOTS_PER_WINDOW: u64 = 16;

/// How many slots are counted: the 16 that fill a window, and the current one, which has only begun.
///
/// An admission at `t` and the slot it falls into are looked at from any later `now`: everything after
/// `now - window` lies in the last 17 slots, so their sum is never less than what the window really holds.
pub(super) const COUNTED_SLOTS: usize = 17;

/// How one limit cuts time into slots. Slot `s` begins at `s * window / 16`, which need not be a whole millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    window_ms: u64,
}

impl Grid {
    /// The grid of `limit`'s window.
    pub(super) fn of(limit: RateLimit) -> Self {
        Self { window_ms: limit.window().as_secs() * 1000 }
    }

    /// The slot that `now_ms` lies in.
    pub(super) fn slot(self, now_ms: u64) -> u64 {
        match now_ms.checked_mul(SLOTS_PER_WINDOW) {
            Some(scaled) => scaled / self.window_ms,
            // A window is at least 1000 ms, so the quotient is smaller than `now_ms` and fits.
            None => narrow(u128::from(now_ms) * u128::from(SLOTS_PER_WINDOW) / u128::from(self.window_ms)),
        }
    }

    /// The first millisecond that lies in `slot` or later; the end of time if that cannot be written down.
    pub(super) fn begins(self, slot: u64) -> u64 {
        narrow((u128::from(slot) * u128::from(self.window_ms)).div_ceil(u128::from(SLOTS_PER_WINDOW)))
    }
}

fn narrow(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// What a slot is counted with: as narrow as the limit's count allows.
pub(super) trait Counter: Copy + Default + Into<u32> {
    /// One less; nothing is never less than nothing.
    fn decrement(&mut self);
    /// One more. Never beyond the limit's count, which fits; saturating, so that a mistake could only refuse.
    fn increment(&mut self);
}

impl Counter for u16 {
    fn decrement(&mut self) {
        *self = self.saturating_sub(1);
    }

    fn increment(&mut self) {
        *self = self.saturating_add(1);
    }
}

impl Counter for u32 {
    fn decrement(&mut self) {
        *self = self.saturating_sub(1);
    }

    fn increment(&mut self) {
        *self = self.saturating_add(1);
    }
}

/// What one caller has spent of one limit: a ring of counters, and the newest slot that was ever spent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Window<C> {
    head: [u32; 2],
    counts: [C; COUNTED_SLOTS],
}

impl<C: Counter> Window<C> {
    /// Nothing spent yet.
    pub(super) fn new(slot: u64) -> Self {
        Self { head: halves(slot), counts: [C::default(); COUNTED_SLOTS] }
    }

    /// The newest slot this window was moved to.
    pub(super) fn head(&self) -> u64 {
        whole(self.head)
    }

    /// Moves to `slot` and forgets what is too old by then. A slot of the past changes nothing: to a clock that was
    /// set back, time stands still until it has caught up.
    pub(super) fn advance(&mut self, slot: u64) {
        let head = self.head();
        let steps = slot.saturating_sub(head);
        if steps >= COUNTED_SLOTS as u64 {
            self.counts = [C::default(); COUNTED_SLOTS];
        } else {
            (1..=steps).for_each(|step| self.counts[ring(head, step)] = C::default());
        }
        self.head = halves(head.max(slot));
    }

    /// What it will be in `slot`, if nothing is spent until then.
    pub(super) fn at(mut self, slot: u64) -> Self {
        self.advance(slot);
        self
    }

    /// Counts one admission in the newest slot.
    pub(super) fn spend(&mut self) {
        let at = ring(self.head(), 0);
        self.counts[at].increment();
    }

    /// Takes back one admission that was counted in `slot`, if that is still counted.
    pub(super) fn give_back(&mut self, slot: u64) {
        let head = self.head();
        if slot <= head && head - slot < COUNTED_SLOTS as u64 {
            self.counts[ring(slot, 0)].decrement();
        }
    }

    /// How many admissions the counted slots hold.
    pub(super) fn spent(&self) -> u64 {
        self.counts.iter().map(|&count| u64::from(count.into())).sum()
    }

    /// The slot in which the oldest admission is forgotten; `None` if there is none.
    pub(super) fn next_return(&self) -> Option<u64> {
        let head = self.head();
        // The ring's place for the slot after the head is still held by the oldest one.
        let (newer, older) = self.counts.split_at(ring(head, 1));
        let oldest = older.iter().chain(newer).position(|&count| count.into() > 0)?;
        Some(head + 1 + oldest as u64)
    }

    /// The slot from which on nothing here counts any more.
    pub(super) fn empty_from(&self) -> u64 {
        self.head() + COUNTED_SLOTS as u64
    }
}

/// Where the ring keeps the slot `step` after `head`.
fn ring(head: u64, step: u64) -> usize {
    ((head + step) % COUNTED_SLOTS as u64) as usize
}

/// A number in halves, because a `u64` would align, and so pad, every cell to eight bytes.
pub(super) fn halves(number: u64) -> [u32; 2] {
    [(number >> 32) as u32, number as u32]
}

pub(super) fn whole([high, low]: [u32; 2]) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_begin_where_the_division_says() {
        for window_secs in [1, 3, 7, 60, 3600, 31 * 86_400] {
            let grid = Grid::of(RateLimit::new(1, window_secs));
            for slot in (0..200).chain([1 << 30, (1 << 30) + 1]) {
                let begins = grid.begins(slot);
                assert_eq!(grid.slot(begins), slot, "window {window_secs} s");
                assert!(begins == 0 || grid.slot(begins - 1) == slot - 1, "window {window_secs} s, slot {slot}");
            }
        }
    }

    #[test]
    fn the_end_of_time_is_no_panic() {
        let grid = Grid::of(RateLimit::new(1, 1));
        let slot = grid.slot(u64::MAX);
        assert_eq!(u128::from(slot), u128::from(u64::MAX) * 16 / 1000);
        let mut window = Window::<u16>::new(0);
        window.advance(slot);
        window.spend();
        assert_eq!(grid.begins(window.empty_from()), u64::MAX);
        assert_eq!(window.spent(), 1);
    }

    #[test]
    fn a_big_jump_clears_and_a_step_back_does_not() {
        let mut window = Window::<u16>::new(100);
        window.spend();
        window.advance(50);
        assert_eq!((window.head(), window.spent()), (100, 1));
        window.advance(116);
        assert_eq!(window.spent(), 1);
        assert_eq!(window.next_return(), Some(117));
        let mut later = window;
        later.advance(117);
        assert_eq!(later.spent(), 0);
        window.advance(u64::MAX / 1000);
        assert_eq!((window.spent(), window.next_return()), (0, None));
    }

    #[test]
    fn a_cell_stays_small() {
        assert_eq!(size_of::<Window<u16>>(), 44);
        assert_eq!(size_of::<Window<u32>>(), 76);
    }
}
