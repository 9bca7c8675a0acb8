//! 2026-07-28: every request stands for itself, and its headers say what it asks for.

use std::sync::Arc;

use axum::response::Response;
use http::request::Parts;

use super::{
    body::Unread,
    endpoint::{denied, explain, respond, text, unread},
    headers,
    router::App,
};
use crate::{auth::Caller, guard::Denial, protocol::Revision, server::Arrival};

/// Answers a request whose caller is known.
pub(super) async fn answer(app: &Arc<App>, parts: &Parts, body: &mut Unread, caller: &Caller) -> Response {
    let core = app.server.core();
    let announced = match headers::announced(&parts.headers) {
        Ok(announced) => announced,
        Err(_) if matches!(caller, Caller::Anonymous(_)) && !core.open_to_anonymous => {
            return denied(app, &Denial::Unauthenticated { scopes: Vec::new(), token_sent: false }, None);
        }
        Err(error) => return explain(app, body, error).await,
    };
    if let Err(denial) = core.deny_early(&announced, caller) {
        return denied(app, &denial, None);
    }
    let bytes = match body.read(&app.server.settings().http).await {
        Ok(bytes) => bytes,
        Err(error) => return unread(error),
    };
    let body = match text(&bytes) {
        Ok(body) => body,
        Err(response) => return response,
    };
    let revision = Revision::V2026_07_28;
    let arrival = Arrival { revision, caller, announced: Some(&announced), http: Some(parts) };
    respond(app, core.answer(body, arrival).await, revision, caller)
}
