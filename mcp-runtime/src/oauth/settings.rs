//! How an authorization server is configured, and what is wrong with that.

use std::{sync::Arc, time::Duration};

use super::{LoginProvider, StoreKey, clients::ClientSettings};
use crate::store::Store;

/// How long things last. Everything that a stolen copy could be used for is short.
#[derive(Debug, Clone)]
pub(crate) struct Lifetimes {
    /// Of an access token.
    pub(crate) access_token: Duration,
    /// Of an authorization code.
    pub(crate) code: Duration,
    /// Of a grant that nobody refreshes.
    pub(crate) refresh_idle: Duration,
    /// Of a grant, whatever happens.
    pub(crate) grant: Duration,
    /// How long a refresh token still works after it was rotated, if its successor was not used before.
    pub(crate) refresh_grace: Duration,
    /// Of a login that nobody uses.
    pub(crate) session_idle: Duration,
    /// Of a login.
    pub(crate) session: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            access_token: Duration::from_secs(15 * 60),
            code: Duration::from_secs(60),
            refresh_idle: Duration::from_secs(14 * 24 * 3600),
            grant: Duration::from_secs(30 * 24 * 3600),
            refresh_grace: Duration::from_secs(60),
            session_idle: Duration::from_secs(12 * 3600),
            session: Duration::from_secs(7 * 24 * 3600),
        }
    }
}

/// Configures the built-in authorization server; made by [`AuthorizationServer::builder`](super::AuthorizationServer::builder)
/// and given to [`ServerBuilder::authorization_server`](crate::ServerBuilder).
#[must_use = "a builder does nothing until a server is built with it"]
pub struct AuthorizationServerBuilder {
    pub(super) store: Arc<dyn Store>,
    pub(super) key: StoreKey,
    pub(super) issuer: Option<String>,
    pub(super) logins: Vec<Box<dyn LoginProvider>>,
    /// Granted where a client asks for nothing in particular.
    pub(super) default_scopes: Vec<String>,
    pub(super) lifetimes: Lifetimes,
    pub(super) clients: ClientSettings,
}

impl AuthorizationServerBuilder {
    pub(super) fn new(store: Arc<dyn Store>, key: StoreKey) -> Self {
        let (issuer, logins, default_scopes) = (None, Vec::new(), Vec::new());
        Self {
            store,
            key,
            issuer,
            logins,
            default_scopes,
            lifetimes: Lifetimes::default(),
            clients: ClientSettings::default(),
        }
    }
}
