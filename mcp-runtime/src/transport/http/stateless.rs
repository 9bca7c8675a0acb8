//! 2026-07-28: every request stands for itself, and its headers say what it asks for.

use std::sync::Arc;

use axum::response::Response;
use http::request::Parts;

use super::{
    body::Unread,
    endpoint::{denied, explain, identify, respond, text, unread},
    headers,
    router::App,
};
use crate::{
    auth::{Caller, ClientAddress},
    guard::Denial,
    protocol::Revision,
    server::{Arrival, Outcome},
};

/// Answers a request with the headers of this revision.
pub(super) async fn answer(app: &Arc<App>, parts: &Parts, body: &mut Unread, address: ClientAddress) -> Response {
    let core = app.server.core();
    let announced = headers::announced(&parts.headers);
    let is_discovery = announced.as_ref().is_ok_and(|announced| announced.method == "server/discover");
    let caller = match identify(app, &parts.headers, address, is_discovery).await {
        Ok(caller) => caller,
        Err(denial) => return denied(app, &denial, None),
    };
    let announced = match announced {
        Ok(announced) => announced,
        Err(_) if core.is_closed_to(&caller) => return denied(app, &Denial::stranger(), None),
        Err(error) => return explain(app, body, error).await,
    };
    if let Err(denial) = core.deny_early(&announced, &caller) {
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
    let arrival = Arrival { revision, caller: &caller, announced: Some(&announced), http: Some(parts) };
    let mut outcome = core.answer(body, arrival).await;
    // What only said that it was discovery pays after all.
    if let (true, Caller::Anonymous(_), Outcome::Error(id, _)) = (is_discovery, &caller, &outcome)
        && let Err(denial) = core.gate.charge_address(address)
    {
        outcome = Outcome::Denied(*id, denial);
    }
    respond(app, outcome, revision, &caller)
}
