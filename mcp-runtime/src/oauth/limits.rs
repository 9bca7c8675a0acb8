//! How often one address may use each route.
// stub: clients

use super::error::OAuthError;
use crate::{auth::ClientAddress, clock::Clock};

/// The limits of all routes.
pub(crate) struct RouteLimits;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Metadata,
    Authorize,
    Login,
    Consent,
    Token,
    TokenFailed,
    Register,
    Revoke,
    Introspect,
}

impl RouteLimits {
    pub(crate) fn new(_: Clock) -> Self {
        Self
    }

    pub(crate) fn charge(&self, _: Route, _: ClientAddress) -> Result<(), OAuthError> {
        Ok(())
    }

    pub(crate) fn charge_key(&self, _: Route, _: &str) -> Result<(), OAuthError> {
        Ok(())
    }
}
