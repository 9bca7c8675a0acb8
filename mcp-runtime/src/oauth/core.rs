//! Everything the endpoints share, made once.

use std::sync::Arc;

use super::{
    AuthorizationServerBuilder, LoginProvider, StoreKey,
    clients::Clients,
    limits::RouteLimits,
    seal::{Mac, Seal},
    settings::Lifetimes,
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
}

/// The keys that are derived from the store's key, each for one purpose.
pub(crate) struct Secrets {
    pub(crate) refresh_tokens: Mac,
    pub(crate) forms: Mac,
    pub(crate) cookies: Mac,
    pub(crate) signing_keys: Seal,
}
