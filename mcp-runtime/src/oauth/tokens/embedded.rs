//! The resource side: our own tokens, verified in memory.

use std::{sync::Arc, time::Duration};

use super::access::GRANT;
use crate::{
    auth::{AuthError, Authenticator, BearerToken, Identity, OwnToken, Verify},
    oauth::Core,
    store::StoreError,
};

/// Knows callers by the tokens of the authorization server in the same process.
pub(crate) struct Embedded(Arc<Core>);

impl Embedded {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self(core)
    }
}

#[async_trait::async_trait]
impl Authenticator for Embedded {
    fn claims(&self, token: &BearerToken<'_>) -> bool {
        OwnToken::is_of(token, &self.0.issuer)
    }

    async fn authenticate(&self, token: &BearerToken<'_>, _: &Verify<'_>) -> Result<Identity, AuthError> {
        self.0.wake();
        self.0.verify(token).await
    }

    fn issuer(&self) -> Option<&str> {
        Some(&self.0.issuer)
    }

    fn admission(&self) -> Option<String> {
        Some("whoever may log in here, and clients of the operator".to_owned())
    }

    fn authorization_server(&self) -> Option<&str> {
        Some(&self.0.issuer)
    }

    fn epoch(&self, millis: u64) -> Option<u64> {
        self.0.news.epoch(millis)
    }

    fn still_good(&self, identity: &Identity, epoch: u64) -> bool {
        let news = &self.0.news;
        let grant = identity.claims().get(GRANT).and_then(|grant| grant.as_str());
        grant.is_some_and(|grant| !news.has_ended(grant)) && !news.key_gone_since(epoch)
    }
}

impl Core {
    /// The identity of an access token of ours. Asks the store only if there were no news for long, or if no key here is
    /// the one that the token names.
    pub(crate) async fn verify(&self, token: &BearerToken<'_>) -> Result<Identity, AuthError> {
        let own = OwnToken::read(token)?;
        self.news.be_fresh(self).await.map_err(unavailable)?;
        let now = self.records.now();
        let key = match self.keys.verifying(own.kid(), now) {
            Some(key) => key,
            None => {
                let found = self.keys.look_for(self, own.kid()).await.map_err(unavailable)?;
                found.ok_or(AuthError::invalid("no key of ours has this name"))?
            }
        };
        let mut identity = own.verify(&key, &self.issuer, &self.resource, now)?;
        if identity.client().is_some_and(|client| self.clients.has_of_operator(client)) {
            identity.vouch_for_client();
        }
        let grant = identity.claims().get(GRANT).and_then(|grant| grant.as_str());
        match grant {
            Some(grant) if !self.news.has_ended(grant) => Ok(identity),
            Some(_) => Err(AuthError::invalid("its grant has ended")),
            None => Err(AuthError::invalid("it names no grant")),
        }
    }
}

fn unavailable(error: StoreError) -> AuthError {
    tracing::warn!(%error, "tokens cannot be verified");
    AuthError::unavailable(Duration::from_secs(1))
}
