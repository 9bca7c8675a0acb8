//! Everything the endpoints share, made once.

use std::sync::Arc;

use super::{
    AuthorizationServerBuilder, LoginProvider, StoreKey,
    clients::Clients,
    error::{ErrorCode, OAuthError},
    limits::RouteLimits,
    people::Backoff,
    seal::{Mac, Seal},
    settings::Lifetimes,
    visit::Form,
};
use crate::{
    clock::Clock,
    guard::Catalogue,
    store::{Records, Store},
};

/// The authorization server of a [`Server`](crate::Server): what the operator does with it from code. Clones are the
/// same.
#[derive(Clone)]
pub struct AuthorizationServer(pub(crate) Arc<Core>);

impl AuthorizationServer {
    /// Starts the configuration of an authorization server that keeps its state in this store.
    pub fn builder(store: impl Store, key: StoreKey) -> AuthorizationServerBuilder {
        AuthorizationServerBuilder::new(Arc::new(store), key)
    }
}

/// What every endpoint needs.
pub(crate) struct Core {
    /// The exact text of `iss`: scheme, host and port, and a prefix if there is one; no slash at its end.
    pub(crate) issuer: String,
    /// The exact text of `aud`: the one resource that tokens are for.
    pub(crate) resource: String,
    /// What the MCP server calls itself.
    pub(crate) name: String,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) default_scopes: Vec<String>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) records: Records,
    pub(crate) clock: Clock,
    pub(crate) secrets: Secrets,
    pub(crate) clients: Clients,
    pub(crate) logins: Vec<Box<dyn LoginProvider>>,
    pub(crate) limits: RouteLimits,
    /// How often somebody may try to log in.
    pub(crate) backoff: Backoff,
}

/// The keys that are derived from the store's key, each for one purpose.
pub(crate) struct Secrets {
    pub(crate) refresh_tokens: Mac,
    pub(crate) forms: Mac,
    pub(crate) cookies: Mac,
    pub(crate) signing_keys: Seal,
}

// stub: tokens
impl Core {
    pub(crate) fn grantable(&self, asked: Option<&str>) -> Result<Vec<String>, OAuthError> {
        let Some(asked) = asked else { return Ok(self.default_scopes.clone()) };
        if asked.split(' ').any(|scope| !crate::auth::is_scope_token(scope)) {
            return Err(OAuthError::new(ErrorCode::InvalidScope, "not a list of scopes"));
        }
        Ok(asked.split(' ').filter(|scope| self.describe(scope).is_some()).map(Into::into).collect())
    }

    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn describe(&self, scope: &str) -> Option<String> {
        self.catalogue.lines().find_map(|line| line.strip_prefix(&format!("Scope `{scope}`: ")).map(Into::into))
    }

    #[cfg(not(any(test, feature = "testing")))]
    pub(crate) fn describe(&self, _: &str) -> Option<String> {
        None
    }

    pub(crate) fn within(&self, scopes: &[String], allowed: &Option<Vec<String>>) -> Vec<String> {
        let is_allowed = |scope: &&String| allowed.as_ref().is_none_or(|allowed| allowed.contains(scope));
        scopes.iter().filter(is_allowed).cloned().collect()
    }

    pub(crate) fn resource_of(&self, form: &Form) -> Result<String, OAuthError> {
        if form.all("resource").all(|resource| resource == self.resource) {
            return Ok(self.resource.clone());
        }
        Err(OAuthError::new(ErrorCode::InvalidTarget, "this server is not that resource"))
    }
}
