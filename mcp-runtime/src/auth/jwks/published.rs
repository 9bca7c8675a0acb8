//! Keys that are published twice, as a key set and as certificates: Google does that.

use std::sync::Arc;

use reqwest::Url;

use super::{cache::KeyCache, fetch::Source};
use crate::{
    auth::{
        AuthError,
        jwt::{Algorithm, IdToken},
        outbound::Outbound,
    },
    clock::Clock,
};

/// The RS256 keys of an issuer of ID tokens.
#[derive(Debug)]
pub(crate) struct PublishedKeys(Arc<KeyCache>);

impl PublishedKeys {
    pub(crate) fn new(issuer: &str, keys: &str, certificates: &str, outbound: Outbound) -> Result<Self, String> {
        let url = |text: &str| Url::parse(text).map_err(|_| format!("{text:?} is not a URL"));
        let source = Source::Either { keys: url(keys)?, certificates: url(certificates)?, outbound };
        KeyCache::new(issuer, source, Some([Algorithm::RS256].into())).map(|cache| Self(Arc::new(cache)))
    }

    /// Whether one of them made the token; asks the issuer where that is needed and allowed.
    pub(crate) async fn check(&self, token: &IdToken<'_>, clock: &Clock) -> Result<(), AuthError> {
        self.0.check(&token.signed, clock).await
    }
}
