//! How often one address may use each route.

use super::error::OAuthError;
use crate::{auth::ClientAddress, clock::Clock};

/// The limits of all routes.
pub(crate) struct RouteLimits;

// stub: clients
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Authorize,
    Login,
    Consent,
}

// stub: clients
impl RouteLimits {
    pub(crate) fn new(_: Clock) -> Self {
        Self
    }

    pub(crate) fn charge(&self, _: Route, _: ClientAddress) -> Result<(), OAuthError> {
        Ok(())
    }
}
