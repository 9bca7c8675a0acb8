//! Access tokens that the built-in authorization server signed.

use super::{Signed, VerifyingKey, header::Kind};
use crate::auth::{
    AuthError, BearerToken, Identity,
    claims::{self, Dialect, Expected, says_issuer},
    scope_claim::ScopeClaims,
};

/// A token that says it is one of ours, and which key signed it. Nothing is verified yet.
pub(crate) struct OwnToken<'t>(Signed<'t>);

impl<'t> OwnToken<'t> {
    /// Whether it names this issuer.
    pub(crate) fn is_of(token: &BearerToken<'_>, issuer: &str) -> bool {
        token.jwt_parts().is_some_and(|[_, payload, _]| says_issuer(payload, issuer))
    }

    /// Everything that can be said before the key is known.
    pub(crate) fn read(token: &'t BearerToken<'_>) -> Result<Self, AuthError> {
        let signed = Signed::parse(token)?;
        if signed.header.kind != Kind::AccessToken {
            return Err(AuthError::invalid("not typed as an access token (at+jwt)"));
        }
        Ok(Self(signed))
    }

    /// The name of its key; empty if it names none.
    pub(crate) fn kid(&self) -> &str {
        self.0.header.key_id.as_deref().unwrap_or_default()
    }

    /// The whole verification, with the key of that name.
    pub(crate) fn verify(
        &self,
        key: &VerifyingKey,
        issuer: &str,
        audience: &str,
        now: u64,
    ) -> Result<Identity, AuthError> {
        let signed = &self.0;
        if *signed.header.algorithm != *key.algorithm().as_str() || !key.verifies(signed.message, signed.signature) {
            return Err(AuthError::invalid(super::NO_KEY_MADE_THIS));
        }
        let scopes = ScopeClaims::default();
        let expected = Expected { issuer, audience, now, scopes: &scopes, dialect: &Dialect::STANDARD };
        claims::signed(&signed.claims()?, &expected, false)
    }
}
