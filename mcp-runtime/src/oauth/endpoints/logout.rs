//! `/logout`: ends the session of this browser.

use std::sync::Arc;

use axum::response::Response;
use http::{Method, StatusCode};

use super::authorize::framed;
use crate::oauth::{
    Core,
    browser::{Bound, Cookie, Dress, Purpose, is_framed, is_from_own_page, page},
    error::OAuthError,
    limits::Route,
    pages::{self, logout, message},
    people::Session,
    request::{Sent, for_another, go_on, own_url},
    visit::Visit,
};

pub(crate) async fn handle(core: Arc<Core>, mut visit: Visit) -> Response {
    if let Err(error) = core.limits.charge(Route::Consent, visit.address) {
        return pages::error::of(&core, &error);
    }
    match visit.parts.method {
        Method::POST => end(&core, &mut visit).await.unwrap_or_else(|error| pages::error::of(&core, &error)),
        _ => show(&core, Sent::of(&visit.parts, visit.address)),
    }
}

/// A link that logs people out could be put anywhere: only the form does it.
fn show(core: &Core, sent: Sent<'_>) -> Response {
    if is_framed(sent.headers) {
        return framed(core);
    }
    let Some(id) = Session::id(core, sent.headers) else { return gone(core) };
    let query = sent.query;
    let token = form_of(&id, query).token(core);
    let html = logout::render(&core.name, &own_url(core, "/logout", query), &token);
    page(StatusCode::OK, html, Dress::Onward)
}

fn form_of<'a>(holder: &'a str, query: &'a str) -> Bound<'a> {
    Bound { purpose: Purpose::Logout, holder, query, shown: "" }
}

async fn end(core: &Core, visit: &mut Visit) -> Result<Response, OAuthError> {
    if !is_from_own_page(core, &visit.parts.headers) {
        return Ok(pages::error::wrong_form(core));
    }
    let form = visit.form().await?;
    let Sent { query, headers, .. } = Sent::of(&visit.parts, visit.address);
    let Some(id) = Session::id(core, headers) else { return Ok(gone(core)) };
    if !form_of(&id, query).is_token(core, form.get("token")) {
        return Ok(pages::error::wrong_form(core));
    }
    Session::end(core, &id).await?;
    // From a consent page: somebody else wants to go on with the request.
    let mut response = if query.is_empty() { gone(core) } else { go_on(core, "/authorize", &for_another(query)) };
    Cookie::Session.clear(core, &mut response);
    Ok(response)
}

fn gone(core: &Core) -> Response {
    page(StatusCode::OK, message::render(&core.name, "Logged out", "Nobody is logged in here."), Dress::End)
}
