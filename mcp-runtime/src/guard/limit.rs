//! `"20/s", burst = 50, per = client`: how often, at once, and counted for whom.

use std::{fmt, num::NonZeroU32};

use super::rate::{RateLimit, write_number};

/// A rate limit as it is written on a tool: how often something may happen, and for whom that is counted.
///
/// Without [`burst`](Self::burst) it is a rolling window: never more than `count` in *any* stretch of the window. With
/// it, a token bucket: so many at once, refilled at the rate.
///
/// ```
/// use mcp_runtime::guard::{Limit, Per, RateLimit};
///
/// const LIMIT: Limit = Limit::new(RateLimit::new(20, 1)).burst(50).per(Per::Client);
/// assert_eq!(LIMIT.to_string(), "20/s burst 50 per client");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limit {
    rate: RateLimit,
    burst: Option<NonZeroU32>,
    per: Per,
}

/// Who shares one count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Per {
    /// Each subject of each issuer; without credentials, each network address.
    #[default]
    Subject,
    /// Each client that the operator registered, whoever uses it. A client that nobody vouches for is counted as its
    /// subject: by inventing clients one can neither spend the quota of others nor get more of one's own.
    Client,
    /// Each network address (an IPv6 /64), with credentials or without.
    Address,
    /// All callers together. One of them may spend half of it (rounded up), so that something is left for the others.
    Global,
}

impl Limit {
    /// A rolling window for each subject.
    #[must_use]
    pub const fn new(rate: RateLimit) -> Self {
        Self { rate, burst: None, per: Per::Subject }
    }

    /// Makes it a token bucket that holds `burst` calls and is refilled at the rate.
    ///
    /// # Panics
    /// If `burst` is zero. In a `const` that is a compile error; the attribute never gets that far.
    #[must_use]
    pub const fn burst(mut self, burst: u32) -> Self {
        match NonZeroU32::new(burst) {
            Some(burst) => self.burst = Some(burst),
            None => panic!("`burst` needs at least one call at once"),
        }
        self
    }

    /// Says for whom it is counted.
    #[must_use]
    pub const fn per(mut self, per: Per) -> Self {
        self.per = per;
        self
    }

    /// How often.
    #[must_use]
    pub const fn rate(self) -> RateLimit {
        self.rate
    }

    /// How many at once, if it is a token bucket.
    #[must_use]
    pub const fn burst_size(self) -> Option<u32> {
        match self.burst {
            Some(burst) => Some(burst.get()),
            None => None,
        }
    }

    /// For whom it is counted.
    #[must_use]
    pub const fn counted_per(self) -> Per {
        self.per
    }

    /// How many calls fit in at once: the burst, or else the count of the window.
    #[must_use]
    pub const fn most(self) -> u32 {
        match self.burst {
            Some(burst) => burst.get(),
            None => self.rate.count(),
        }
    }

    /// As it is written: `20/s burst 50 per client`.
    pub(crate) fn write(self, out: &mut impl fmt::Write) -> fmt::Result {
        self.rate.write(out)?;
        if let Some(burst) = self.burst {
            out.write_str(" burst ")?;
            write_number(out, burst.get().into())?;
        }
        if self.per == Per::Subject {
            return Ok(());
        }
        out.write_str(" per ")?;
        out.write_str(self.per.as_str())
    }

    /// What one caller may spend of a global limit: half, rounded up.
    pub(crate) fn share(self) -> Self {
        let half = |count: u32| count.div_ceil(2);
        let rate = RateLimit::new(half(self.rate.count()), u32::try_from(self.rate.window().as_secs()).unwrap_or(1));
        Self { rate, burst: self.burst.and_then(|burst| NonZeroU32::new(half(burst.get()))), per: Per::Subject }
    }
}

impl From<RateLimit> for Limit {
    fn from(rate: RateLimit) -> Self {
        Self::new(rate)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

impl Per {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Client => "client",
            Self::Address => "address",
            Self::Global => "global",
        }
    }
}

impl fmt::Display for Per {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
