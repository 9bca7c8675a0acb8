//! 2026-07-28: every request stands for itself, and its headers say what it asks for.

use std::sync::Arc;

use axum::response::Response;
use http::request::Parts;

use super::{
    body::Unread,
    endpoint::{Sender, charge_stranger, identify, observed, refuse_headers, respond, text, unread},
    headers,
    router::App,
};
use crate::{
    guard::Denial,
    protocol::Revision,
    server::{Announced, Arrival, Outcome},
};

/// Answers a request with the headers of this revision.
pub(super) async fn answer(app: &Arc<App>, parts: &Parts, body: &mut Unread, sender: &Sender) -> Response {
    let core = app.server.core();
    let caller = match identify(app, &parts.headers, sender).await {
        Ok(caller) => caller,
        Err(denial) => {
            let tool = headers::announced(&parts.headers).ok().and_then(|announced| core.announced_name(&announced));
            return observed(app, tool, &sender.stranger(), &denial);
        }
    };
    let params = headers::Params(&parts.headers);
    let announced = match headers::announced(&parts.headers) {
        Ok(announced) => Announced { params: Some(&params), ..announced },
        Err(_) if core.is_closed_to(&caller) => return observed(app, None, &caller, &Denial::stranger()),
        Err(error) => return Box::pin(refuse_headers(app, body, &caller, error)).await,
    };
    let refuse = |denial: &Denial| observed(app, core.announced_name(&announced), &caller, denial);
    if let Err(denial) = core.deny_early(&announced, &caller) {
        return refuse(&denial);
    }
    // Clients find out with it how to talk to us; to throttle that hard would teach them the wrong revision.
    let is_discovery = announced.method == "server/discover";
    if !is_discovery && let Err(denial) = charge_stranger(app, &caller) {
        return refuse(&denial);
    }
    let caller_asked = match core.ask_early(&announced, &caller).await {
        Ok(asked) => asked,
        Err(denial) => return refuse(&denial),
    };
    let bytes = match body.read(&app.server.settings().http, is_discovery).await {
        Ok(bytes) => bytes,
        Err(error) => return unread(error),
    };
    let body = match text(&bytes) {
        Ok(body) => body,
        Err(response) => return response,
    };
    let revision = Revision::V2026_07_28;
    let caller_asked = caller_asked.as_ref();
    let arrival = Arrival { revision, caller: &caller, announced: Some(&announced), caller_asked, http: Some(parts) };
    let mut outcome = core.answer(body, arrival).await;
    // What only said that it was discovery pays after all.
    if is_discovery
        && !matches!(outcome, Outcome::Reply(..))
        && let Err(denial) = charge_stranger(app, &caller)
    {
        core.observer.denied(None, &caller, &denial);
        outcome = Outcome::Denied(None, denial);
    }
    respond(app, outcome, revision, &caller)
}
