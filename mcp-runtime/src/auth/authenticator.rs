//! The seam between credentials and identities.

use std::{borrow::Cow, fmt, time::Duration};

use super::{ClientAddress, Identity};
use crate::clock::Clock;

/// The longest bearer token that is looked at, in bytes. Longer ones are refused unread.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Turns a bearer token (RFC 6750) into an [`Identity`], or says why not.
///
/// Shipped: [`StaticTokens`](super::StaticTokens) and, with the features of these names, `Jwt` and `Introspection`. A
/// server may have several: each token is shown only to the one that [`claims`](Self::claims) it, so an issuer never sees another
/// issuer's tokens.
///
/// ```
/// use mcp_runtime::auth::{AuthError, Authenticator, BearerToken, Identity, Verify};
///
/// /// Accepts one token that changes every day.
/// struct Rota;
///
/// #[mcp_runtime::async_trait]
/// impl Authenticator for Rota {
///     fn claims(&self, token: &BearerToken<'_>) -> bool {
///         token.expose().starts_with("rota-")
///     }
///
///     async fn authenticate(&self, token: &BearerToken<'_>, _: &Verify<'_>) -> Result<Identity, AuthError> {
///         # fn lookup(_: &str) -> Option<String> { None }
///         let subject = lookup(token.expose()).ok_or(AuthError::invalid("not on duty"))?;
///         Ok(Identity::new("rota", subject).build())
///     }
/// }
/// ```
#[async_trait::async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// Whether this token says that it is this authenticator's to judge. The first that says yes gets it, alone; those
    /// that say yes to any opaque token are asked last, so that none is shown to them which another one knows.
    fn claims(&self, token: &BearerToken<'_>) -> bool;

    /// Verifies the token completely, including that its bearer is admitted here.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] for anything wrong with the token, [`AuthError::Expired`] for one that was good,
    /// [`AuthError::Unavailable`] when that cannot be told.
    async fn authenticate(&self, token: &BearerToken<'_>, verify: &Verify<'_>) -> Result<Identity, AuthError>;

    /// The one issuer whose identities this authenticator makes. A server refuses to start with two for the same: the
    /// second would never be asked.
    fn issuer(&self) -> Option<&str> {
        None
    }

    /// Whom it admits, in words for whoever reviews the server.
    fn admission(&self) -> Option<String> {
        None
    }

    /// The authorization server that hands out such tokens (RFC 9728 §2, `authorization_servers`), if clients can
    /// ask it for one.
    fn authorization_server(&self) -> Option<&str> {
        None
    }

    /// How long the token that this identity was made of may be remembered without asking again; its own expiry always
    /// wins.
    fn cache_for(&self, identity: &Identity) -> Duration {
        let _ = identity;
        Duration::from_secs(300)
    }

    /// A number that changes whenever something happens to identities that were verified before; `None` while that cannot
    /// be told. Asked at every request, so it must be as good as free.
    #[doc(hidden)]
    fn epoch(&self, millis: u64) -> Option<u64> {
        let _ = millis;
        Some(0)
    }

    /// Whether an identity that was found good at this epoch is so now. `false` has its token verified again.
    #[doc(hidden)]
    fn still_good(&self, identity: &Identity, epoch: u64) -> bool {
        let _ = (identity, epoch);
        true
    }

    /// What is wrong with this configuration, in sentences that say what to do. Asked once, when
    /// the server is built. `resource` is the server's own identifier, if it has one.
    fn problems(&self, resource: Option<&str>) -> Vec<String> {
        let _ = resource;
        Vec::new()
    }
}

/// What an authenticator may rely on when it verifies a token.
#[derive(Debug)]
#[non_exhaustive]
pub struct Verify<'a> {
    /// This server's own identifier: the audience a token must name (RFC 8707, RFC 9728 `resource`).
    pub resource: Option<&'a str>,
    /// What time it is.
    pub clock: &'a Clock,
    /// Who asks, as far as places are shared out by it.
    #[cfg_attr(not(feature = "introspection"), allow(dead_code))]
    pub(crate) asker: Asker,
}

impl<'a> Verify<'a> {
    pub(crate) fn new(resource: Option<&'a str>, clock: &'a Clock, asker: Asker) -> Self {
        Self { resource, clock, asker }
    }
}

/// Where a token came from.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "introspection"), allow(dead_code))]
pub(crate) struct Asker {
    pub(crate) address: ClientAddress,
    /// Whether that address has failed so often that it has no failure left.
    pub(crate) has_failed_often: bool,
}

impl Asker {
    /// This process, or a transport without addresses.
    pub(crate) const LOCAL: Self = Self { address: ClientAddress::LOCAL, has_failed_often: false };
}

/// A bearer token as it was sent. Its `Debug` shows nothing.
pub struct BearerToken<'a>(Cow<'a, str>);

impl<'a> BearerToken<'a> {
    /// Accepts RFC 6750's `b64token` characters, 1 to [`MAX_TOKEN_BYTES`] of them; `None` otherwise.
    #[must_use]
    pub fn new(token: impl Into<Cow<'a, str>>) -> Option<Self> {
        let token = token.into();
        let fits = (1..=MAX_TOKEN_BYTES).contains(&token.len());
        // Without a way out in the middle the compiler looks at many bytes at once; this runs on every request.
        (fits && token.bytes().fold(true, |plain, b| plain & is_b64token(b))).then_some(Self(token))
    }

    /// The secret itself: never log it, never send it on.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The three parts of what has the shape of a signed JWT (RFC 7515 §7.1); says nothing about what is in them.
    #[cfg(any(test, feature = "jwt", feature = "introspection"))]
    pub(crate) fn jwt_parts(&self) -> Option<[&str; 3]> {
        let mut parts = self.0.split('.');
        let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
        let whole = parts.next().is_none() && ![header, payload, signature].contains(&"");
        whole.then_some([header, payload, signature])
    }
}

/// A character of RFC 6750's `b64token`: letters, digits, `-` `.` `_` `~` `+` `/` and `=`.
const fn is_b64token(b: u8) -> bool {
    let letter = (b | 0x20).wrapping_sub(b'a') < 26;
    let dot_slash_digit = b.wrapping_sub(b'-') < 13; // `-./` and the digits stand in a row.
    letter | dot_slash_digit | (b == b'_') | (b == b'~') | (b == b'+') | (b == b'=')
}

impl fmt::Debug for BearerToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(..)")
    }
}

/// Why there is no identity.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthError {
    /// The token is bad, expired, meant for someone else, or its bearer is not admitted. Answered with 401. The
    /// reason goes to the log only: told to a stranger it would be a manual for forging a better one.
    #[non_exhaustive]
    Invalid {
        /// For the operator. Never contains the token or any of its claims.
        reason: &'static str,
    },
    /// The token was good and has ended. Answered with 401, also where an address has failed too often: its holder must
    /// learn that it is time for a new one.
    Expired,
    /// Nobody can tell right now: keys or a store are unreachable. Answered with 503.
    #[non_exhaustive]
    Unavailable {
        /// When to ask again.
        retry_after: Duration,
    },
    /// Its address has as many tokens looked at as it may have at once. Answered with 503, and counted as a failure of
    /// that address; with 429 once it has failed too often.
    #[non_exhaustive]
    Crowded {
        /// When to ask again.
        retry_after: Duration,
    },
}

impl AuthError {
    /// A token that must not be accepted.
    #[must_use]
    pub const fn invalid(reason: &'static str) -> Self {
        Self::Invalid { reason }
    }

    /// A token that cannot be judged now.
    #[must_use]
    pub const fn unavailable(retry_after: Duration) -> Self {
        Self::Unavailable { retry_after }
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { reason } => write!(f, "the token was refused: {reason}"),
            Self::Expired => f.write_str("the token has expired"),
            Self::Unavailable { .. } => f.write_str("the token cannot be verified right now"),
            Self::Crowded { .. } => f.write_str("too many tokens of one address are being verified"),
        }
    }
}

impl std::error::Error for AuthError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_characters_are_those_of_the_grammar() {
        for b in 0..=u8::MAX {
            assert_eq!(is_b64token(b), b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b), "{b:#x}");
        }
        assert!(BearerToken::new("").is_none() && BearerToken::new("a b").is_none());
        assert!(BearerToken::new("a".repeat(MAX_TOKEN_BYTES)).is_some());
        assert!(BearerToken::new("a".repeat(MAX_TOKEN_BYTES + 1)).is_none());
    }
}
