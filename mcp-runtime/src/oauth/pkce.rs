//! Proof Key for Code Exchange (RFC 7636), method S256, for clients and tests of your own. `plain` is not spoken here.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;

use super::{hash::sha256, seal::random};

/// A verifier that only its maker knows, and the challenge that goes with the authorization request.
///
/// ```
/// use mcp_runtime::oauth::pkce::{Pkce, challenge_of};
///
/// let pkce = Pkce::generate().ok_or("no randomness")?;
/// assert_eq!(pkce.challenge(), challenge_of(pkce.verifier()));
/// # Ok::<(), &str>(())
/// ```
pub struct Pkce {
    verifier: String,
    challenge: String,
}

impl Pkce {
    /// A new random one, of 256 bits; `None` if the system has no randomness.
    #[must_use]
    pub fn generate() -> Option<Self> {
        let verifier = URL_SAFE_NO_PAD.encode(random::<32>()?);
        Some(Self { challenge: challenge_of(&verifier), verifier })
    }

    /// That of a verifier which was made elsewhere.
    pub(crate) fn with_verifier(verifier: String) -> Self {
        Self { challenge: challenge_of(&verifier), verifier }
    }

    /// The secret, for the token request: `code_verifier`.
    #[must_use]
    pub fn verifier(&self) -> &str {
        &self.verifier
    }

    /// For the authorization request: `code_challenge`, with `code_challenge_method=S256`.
    #[must_use]
    pub fn challenge(&self) -> &str {
        &self.challenge
    }
}

impl fmt::Debug for Pkce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pkce").field("challenge", &self.challenge).finish_non_exhaustive()
    }
}

/// The challenge of a verifier (RFC 7636 §4.2): its SHA-256 in base64url.
#[must_use]
pub fn challenge_of(verifier: &str) -> String {
    sha256(verifier)
}

/// Whether this is a challenge that some verifier can answer: a SHA-256 in base64url.
pub(crate) fn is_challenge(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|digest| digest.len() == 32)
}

/// Whether the verifier is one (RFC 7636 §4.1) and answers the challenge; takes the same time for any other of its length.
pub(crate) fn answers(verifier: &str, challenge: &str) -> bool {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let in_order = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
    in_order & bool::from(challenge_of(verifier).as_bytes().ct_eq(challenge.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard() {
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_eq!(challenge_of(verifier), challenge);
        assert!(is_challenge(challenge) && answers(verifier, challenge));
        // As `plain` would have it.
        assert!(!answers(challenge, challenge));
        for wrong in ["", "short", &verifier[1..], &"a".repeat(129), &format!("{verifier}+")] {
            assert!(!answers(wrong, &challenge_of(wrong)) || wrong.len() == 43, "{wrong}");
            assert!(!answers(wrong, challenge), "{wrong}");
        }
        for wrong in ["", "x", &challenge[1..], &format!("{challenge}="), verifier.trim_end_matches('k')] {
            assert!(!is_challenge(wrong), "{wrong}");
        }
    }
}
