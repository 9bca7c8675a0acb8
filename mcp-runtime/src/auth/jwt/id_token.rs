//! Tokens that tell a client who logged in. They open nothing here.

use serde_json::{Map, Value};

use super::{Algorithm, Signed, header::Kind};
use crate::auth::{AuthError, BearerToken, object::UniqueObject};

/// An ID token of an issuer that signs with RS256 and names its keys. Nothing is verified yet.
pub(crate) struct IdToken<'t> {
    pub(in crate::auth) signed: Signed<'t>,
    /// Without duplicate members.
    pub(crate) claims: Map<String, Value>,
}

impl<'t> IdToken<'t> {
    /// Everything that can be said before the key is known.
    pub(crate) fn read(token: &'t BearerToken<'_>) -> Result<Self, AuthError> {
        let signed = Signed::parse(token)?;
        if *signed.header.algorithm != *Algorithm::RS256.as_str() {
            return Err(AuthError::invalid("another algorithm"));
        }
        if signed.header.key_id.as_deref().is_none_or(str::is_empty) {
            return Err(AuthError::invalid("it names no key"));
        }
        if signed.header.kind != Kind::Plain {
            return Err(AuthError::invalid("another type of token"));
        }
        let claims = UniqueObject::parse(&signed.claims()?);
        Ok(Self { claims: claims.ok_or(AuthError::invalid("the claims are not a plain JSON object"))?, signed })
    }

    /// What was signed. One signature fits it only, so it stands for the whole token.
    pub(crate) fn message(&self) -> &[u8] {
        self.signed.message
    }
}
