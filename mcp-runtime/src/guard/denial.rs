//! Why not: a refusal as data. Transports decide how it looks on the wire.

use std::{borrow::Cow, time::Duration};

use super::LimitState;

/// Why the gate did not let a call through.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Denial {
    /// Nobody is logged in, or the token was bad.
    #[non_exhaustive]
    Unauthenticated {
        /// The scopes this very call needs, so that a login asks for no more.
        scopes: Vec<String>,
        /// Whether a token was sent at all.
        token_sent: bool,
    },
    /// The token does not grant enough.
    #[non_exhaustive]
    MissingScopes {
        /// All scopes this call needs.
        required: Vec<String>,
    },
    /// Too many calls.
    #[non_exhaustive]
    RateLimited {
        /// Which limit, and when it admits again.
        limit: LimitState,
    },
    /// As many calls run as may at once, or half of them are this caller's.
    #[non_exhaustive]
    Busy {
        /// How many calls of the tool run at once.
        concurrency: u32,
        /// When to ask again.
        retry_after: Duration,
    },
    /// A rule of the server's author said no.
    #[non_exhaustive]
    Refused {
        /// For the caller to read.
        message: Cow<'static, str>,
    },
    /// It cannot be decided now.
    #[non_exhaustive]
    Unavailable {
        /// When to ask again.
        retry_after: Duration,
    },
}

impl Denial {
    /// Nobody is logged in, and it does not matter what for.
    pub(crate) const fn stranger() -> Self {
        Self::Unauthenticated { scopes: Vec::new(), token_sent: false }
    }

    /// The stable word for the reason, as it stands in `error.data.reason`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unauthenticated { .. } => "unauthenticated",
            Self::MissingScopes { .. } => "insufficient_scope",
            Self::RateLimited { .. } | Self::Busy { .. } => "rate_limited",
            Self::Refused { .. } => "refused",
            Self::Unavailable { .. } => "unavailable",
        }
    }
}
