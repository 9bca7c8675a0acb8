//! What a token says about itself: read strictly, and believed in nothing.

use crate::auth::{AuthError, object::UniqueObject};

/// Members that change how a token is to be read or that bring keys along. A pinned key needs none of them, and each
/// has been an attack: extensions that must be understood (`crit`, `b64`), keys of the sender's choice, decompression.
const REFUSED: [&str; 8] = ["crit", "b64", "zip", "enc", "jwk", "jku", "x5u", "x5c"];

/// The header of a signed token, as far as it is looked at.
#[derive(Debug)]
pub(in crate::auth) struct Header {
    pub(super) algorithm: Box<str>,
    pub(super) key_id: Option<Box<str>>,
    pub(in crate::auth) kind: Kind,
}

/// What `typ` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::auth) enum Kind {
    /// An access token by RFC 9068.
    AccessToken,
    /// Any JWT, or it does not say.
    Plain,
    /// A client's proof of who it is, by the successor of RFC 7523.
    ClientAuthentication,
}

impl Header {
    pub(super) fn parse(json: &[u8]) -> Result<Self, AuthError> {
        let members = UniqueObject::parse(json).ok_or(AuthError::invalid("the header is not a plain JSON object"))?;
        if REFUSED.iter().any(|name| members.contains_key(*name)) {
            return Err(AuthError::invalid("the header asks for something that is never done"));
        }
        let text = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or(AuthError::invalid("a header member is not text")),
        };
        let algorithm = text("alg")?.ok_or(AuthError::invalid("no algorithm"))?.into();
        Ok(Self { algorithm, key_id: text("kid")?.map(Into::into), kind: Kind::of(text("typ")?)? })
    }
}

impl Kind {
    /// Media types are case-insensitive, and `application/` may be left out (RFC 7515 §4.1.9).
    fn of(typ: Option<&str>) -> Result<Self, AuthError> {
        let is = |name: &str| typ.is_some_and(|typ| typ.eq_ignore_ascii_case(name));
        if is("at+jwt") || is("application/at+jwt") {
            Ok(Self::AccessToken)
        } else if typ.is_none() || is("JWT") {
            Ok(Self::Plain)
        } else if is("client-authentication+jwt") {
            Ok(Self::ClientAuthentication)
        } else {
            Err(AuthError::invalid("another type of token"))
        }
    }
}
