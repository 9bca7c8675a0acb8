//! The arithmetic of one token bucket (GCRA without its division): how far it is from full, in exact units.

use crate::guard::limit::Limit;

/// How a limit fills its bucket. A call takes `cost`; each millisecond gives `refill` back; `room` is a full bucket.
///
/// With units of a call divided by the window's milliseconds nothing is ever rounded: `refill` is the count of the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refill {
    cost: u64,
    refill: u64,
    room: u64,
}

impl Refill {
    /// `None` if the limit is a window and no bucket.
    pub(super) fn of(limit: Limit) -> Option<Self> {
        let burst = u64::from(limit.burst_size()?);
        let cost = limit.rate().window().as_secs() * 1000;
        // At most 2^32 calls of 2^32 units: that just fits.
        Some(Self { cost, refill: u64::from(limit.rate().count()), room: cost.saturating_mul(burst) })
    }

    /// How long until so much has flowed back, in whole milliseconds.
    fn time(self, units: u64) -> u64 {
        units.div_ceil(self.refill)
    }
}

/// What is missing from a full bucket, and when that was so. In 32-bit halves, so that nothing is padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Bucket {
    missing: [u32; 2],
    at: [u32; 2],
}

impl Bucket {
    /// Full.
    pub(super) fn new(now_ms: u64) -> Self {
        Self { missing: [0; 2], at: super::window::halves(now_ms) }
    }

    fn missing(self) -> u64 {
        super::window::whole(self.missing)
    }

    fn at(self) -> u64 {
        super::window::whole(self.at)
    }

    /// Lets flow back what has by now. To a clock that was set back, time stands still until it has caught up.
    pub(super) fn advance(&mut self, refill: Refill, now_ms: u64) {
        let back = now_ms.saturating_sub(self.at()).saturating_mul(refill.refill);
        self.missing = super::window::halves(self.missing().saturating_sub(back));
        self.at = super::window::halves(self.at().max(now_ms));
    }

    /// Takes one call out.
    pub(super) fn spend(&mut self, refill: Refill) {
        self.missing = super::window::halves(self.missing().saturating_add(refill.cost));
    }

    /// Puts one call back.
    pub(super) fn give_back(&mut self, refill: Refill) {
        self.missing = super::window::halves(self.missing().saturating_sub(refill.cost));
    }

    /// How many whole calls are in it.
    pub(super) fn remaining(self, refill: Refill) -> u32 {
        u32::try_from(refill.room.saturating_sub(self.missing()) / refill.cost).unwrap_or(u32::MAX)
    }

    /// When the next whole call will have flowed back, counted from what the clock shows; zero if it is full.
    pub(super) fn wait(self, refill: Refill, now_ms: u64) -> u64 {
        let target = (self.missing().div_ceil(refill.cost)).saturating_sub(1) * refill.cost;
        let time = refill.time(self.missing().saturating_sub(target));
        if time == 0 { 0 } else { self.at().saturating_add(time).saturating_sub(now_ms) }
    }

    /// When it is full again.
    pub(super) fn full_at(self, refill: Refill) -> u64 {
        self.at().saturating_add(refill.time(self.missing()))
    }
}
