//! The keys that our tokens are verified with (RFC 7517), for resource servers other than this one.

use std::sync::Arc;

use axum::response::Response;

use super::document;
use crate::{
    auth::ClientAddress,
    oauth::{Core, Visit, error::OAuthError, limits::Route},
};

/// As long as a new key is published before it signs, less half a minute.
const MAX_AGE: &str = "public, max-age=300";

pub(crate) async fn handle(core: Arc<Core>, visit: Visit) -> Response {
    match keys(&core, visit.address).await {
        Ok(keys) => document(keys, MAX_AGE),
        Err(error) => error.into_response(),
    }
}

async fn keys(core: &Core, address: ClientAddress) -> Result<Arc<str>, OAuthError> {
    core.limits.charge(Route::Metadata, address)?;
    Ok(core.keys.document(core).await?)
}
