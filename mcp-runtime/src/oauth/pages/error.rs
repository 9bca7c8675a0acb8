//! What a person sees when something cannot go on, and there is nobody to send them back to.

use axum::response::Response;
use http::StatusCode;

use super::message;
use crate::oauth::{
    Core,
    browser::{Dress, page, retry_after},
    error::{ErrorCode, OAuthError},
};

pub(crate) fn respond(core: &Core, status: StatusCode, title: &str, text: &str) -> Response {
    page(status, message::render(&core.name, title, text), Dress::End)
}

/// The link or the program that brought the person here is wrong.
pub(crate) fn wrong_link(core: &Core, what: &str) -> Response {
    let text =
        format!("The app that sent you here asked for something that is not possible: {what}. Nothing was allowed.");
    respond(core, StatusCode::BAD_REQUEST, "This link does not work", &text)
}

/// The form is not one of this browser's, or not one for what is being asked.
pub(crate) fn wrong_form(core: &Core) -> Response {
    let text =
        "It was not sent from a current page of this server in this browser. Go back to the app and start again.";
    respond(core, StatusCode::FORBIDDEN, "This form is not valid any more", text)
}

pub(crate) fn too_many(core: &Core, seconds: u64) -> Response {
    let text = "There were too many tries. Wait a little, then try again.";
    let mut response = respond(core, StatusCode::TOO_MANY_REQUESTS, "Too many tries", text);
    retry_after(&mut response, seconds);
    response
}

pub(crate) fn unavailable(core: &Core, seconds: u64) -> Response {
    let text = "The server cannot do this right now. Try again in a moment.";
    let mut response = respond(core, StatusCode::SERVICE_UNAVAILABLE, "Not right now", text);
    retry_after(&mut response, seconds);
    response
}

pub(crate) fn of(core: &Core, error: &OAuthError) -> Response {
    let seconds = error.retry_after.unwrap_or(5);
    match error.code {
        ErrorCode::SlowDown => too_many(core, seconds),
        ErrorCode::TemporarilyUnavailable => unavailable(core, seconds),
        _ => wrong_link(core, error.description),
    }
}
