//! `/authorize`.
// stub: browser

use std::sync::Arc;

use axum::response::Response;

use crate::oauth::{
    Core, Visit,
    error::{ErrorCode, OAuthError},
};

pub(crate) async fn handle(_: Arc<Core>, _: Visit) -> Response {
    OAuthError::new(ErrorCode::TemporarilyUnavailable, "not there yet").into_response()
}
