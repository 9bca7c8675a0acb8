//! A token in its parts, of which nobody knows yet who made it.

use super::header::Header;
use crate::auth::{AuthError, BearerToken, claims::decode};

/// A signed JWT (RFC 7515 §7.1), its header read.
#[derive(Debug)]
pub(in crate::auth) struct Signed<'t> {
    pub(in crate::auth) header: Header,
    pub(super) message: &'t [u8],
    pub(super) signature: &'t str,
    payload: &'t str,
}

impl<'t> Signed<'t> {
    pub(in crate::auth) fn parse(token: &'t BearerToken<'_>) -> Result<Self, AuthError> {
        let [header, payload, signature] = token.jwt_parts().ok_or(AuthError::invalid("not three parts"))?;
        let message = token.expose().get(..header.len() + 1 + payload.len()).unwrap_or_default().as_bytes();
        Ok(Self { header: Header::parse(&decode(header)?)?, message, signature, payload })
    }

    /// The claims, as they were written.
    pub(in crate::auth) fn claims(&self) -> Result<Vec<u8>, AuthError> {
        decode(self.payload)
    }
}
