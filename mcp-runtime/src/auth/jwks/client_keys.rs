//! The keys of OAuth clients, and the assertions that they sign with them (RFC 7521, RFC 7523).

use std::sync::Arc;

use reqwest::Url;
use serde_json::{Map, Value};

use super::{cache::KeyCache, document, fetch::Source};
use crate::{
    auth::{
        AuthError, BearerToken,
        jwt::{Algorithm, KeySet, Kind, Signed},
        object::UniqueObject,
        outbound::Outbound,
    },
    clock::Clock,
};

/// What clients may sign with: nothing that needs a shared secret.
const ALGORITHMS: [Algorithm; 6] =
    [Algorithm::ES256, Algorithm::ES384, Algorithm::ES512, Algorithm::EdDSA, Algorithm::RS256, Algorithm::PS256];

/// A client's assertion, of which nobody knows yet who made it.
pub(crate) struct ClientAssertion<'t> {
    signed: Signed<'t>,
    /// Without duplicate members. Not verified.
    pub(crate) claims: Map<String, Value>,
}

impl<'t> ClientAssertion<'t> {
    /// Reads one. Access tokens are none: whoever got hold of one could be a client with it.
    pub(crate) fn parse(token: &'t BearerToken<'_>) -> Option<Self> {
        let signed = Signed::parse(token).ok()?;
        if signed.header.kind == Kind::AccessToken {
            return None;
        }
        let claims = UniqueObject::parse(&signed.claims().ok()?)?;
        Some(Self { signed, claims })
    }
}

/// The keys that a client wrote down when it was registered.
pub(crate) struct ClientKeys(KeySet);

impl ClientKeys {
    /// What clients may sign with, by name.
    pub(crate) fn algorithms() -> [&'static str; 6] {
        ALGORITHMS.map(Algorithm::as_str)
    }

    /// Reads a key set of which at least one key can be used; the reason why not never shows any of it.
    pub(crate) fn parse(set: &Value, client: &str) -> Result<Self, &'static str> {
        document::parse(set.to_string().as_bytes(), client, Some(&ALGORITHMS)).map(Self)
    }

    /// Whether one of these keys made the assertion.
    pub(crate) fn made(&self, assertion: &ClientAssertion<'_>) -> bool {
        self.0.made(&assertion.signed)
    }
}

/// The keys that a client publishes at a URL, fetched when they are needed: at most so often as those of an issuer.
#[derive(Clone)]
pub(crate) struct RemoteClientKeys(Arc<KeyCache>);

impl RemoteClientKeys {
    pub(crate) fn new(url: &str, outbound: Outbound) -> Option<Self> {
        let source = Source::Client(Url::parse(url).ok()?, outbound);
        KeyCache::new(url, source, Some(ALGORITHMS.into())).ok().map(|cache| Self(Arc::new(cache)))
    }

    /// Whether one of them made the assertion.
    pub(crate) async fn made(&self, assertion: &ClientAssertion<'_>, clock: &Clock) -> Result<(), AuthError> {
        self.0.check(&assertion.signed, clock).await
    }
}
