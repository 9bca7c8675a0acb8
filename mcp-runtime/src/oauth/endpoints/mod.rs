//! The endpoints, one file each, and where they are.

mod authorize;
mod callback;
mod connect;
mod consent;
mod introspect;
mod jwks;
mod login;
mod logout;
mod metadata;
mod register;
#[cfg(test)]
mod register_tests;
mod revoke;
mod token;

use std::sync::Arc;

use axum::{body::Body, response::Response};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, PRAGMA},
};

pub(crate) use self::metadata::Documents;
#[cfg(test)]
pub(super) use self::{introspect::tell, revoke::give_back};
use super::{Core, Visit};
use crate::http::{add_open_cors, open_preflight};

/// What is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// RFC 8414.
    Metadata,
    /// The same with what OpenID Connect Discovery demands, for clients that look nowhere else.
    OpenIdMetadata,
    Jwks,
    Authorize,
    Login,
    Consent,
    /// Where tools send people who are to connect an account at another provider.
    Connect,
    /// Where other providers send people back to; the last part of the path is the provider.
    Callback,
    Logout,
    Token,
    Register,
    Revoke,
    Introspect,
}

/// Where everything is, for an issuer with this path (empty, or `/prefix`). Absolute: documents have fixed places on a
/// host (RFC 8414 §3, OpenID Connect Discovery §4).
pub(crate) fn paths(prefix: &str) -> impl Iterator<Item = (String, Endpoint)> {
    use Endpoint::{
        Authorize, Callback, Connect, Consent, Introspect, Jwks, Login, Logout, Metadata, OpenIdMetadata, Register,
        Revoke, Token,
    };
    let below = [
        ("/authorize", Authorize),
        ("/login", Login),
        ("/consent", Consent),
        ("/callback/{provider}", Callback),
        ("/connect", Connect),
        ("/logout", Logout),
        ("/token", Token),
        ("/register", Register),
        ("/revoke", Revoke),
        ("/introspect", Introspect),
        ("/jwks", Jwks),
        ("/.well-known/openid-configuration", OpenIdMetadata),
    ];
    let inserted =
        [("/.well-known/oauth-authorization-server", Metadata), ("/.well-known/openid-configuration", OpenIdMetadata)];
    let below = below.map(|(path, endpoint)| (format!("{prefix}{path}"), endpoint));
    // Without a prefix both forms of the second are one.
    let inserted = inserted.into_iter().filter(move |(_, it)| !prefix.is_empty() || *it != OpenIdMetadata);
    below.into_iter().chain(inserted.map(move |(path, endpoint)| (format!("{path}{prefix}"), endpoint)))
}

impl Endpoint {
    /// What is answered there, for `Allow`.
    fn methods(self) -> &'static str {
        match self {
            Self::Metadata | Self::OpenIdMetadata | Self::Jwks => "GET, HEAD, OPTIONS",
            // What asks here is about to show a page, or to make a code.
            Self::Authorize => "GET",
            Self::Login | Self::Callback | Self::Connect | Self::Logout => "GET, POST",
            // Pages of others may not ask here, so there is nothing to say in advance.
            Self::Consent | Self::Introspect => "POST",
            Self::Token | Self::Register | Self::Revoke => "POST, OPTIONS",
        }
    }

    fn takes(self, method: &Method) -> bool {
        *method != Method::OPTIONS && self.methods().split(", ").any(|one| one == method.as_str())
    }

    /// Whether pages of any origin may ask, and read the answer. Never where cookies count, nor where resource servers ask.
    fn is_open_to_pages(self) -> bool {
        matches!(self, Self::Metadata | Self::OpenIdMetadata | Self::Jwks | Self::Token | Self::Register | Self::Revoke)
    }
}

/// Answers one request to one endpoint.
pub(crate) async fn answer(core: Arc<Core>, endpoint: Endpoint, visit: Visit) -> Response {
    core.wake();
    let mut response = match &visit.parts.method {
        method if endpoint.takes(method) => dispatch(core, endpoint, visit).await,
        &Method::OPTIONS if endpoint.is_open_to_pages() => open_preflight(endpoint.methods()),
        _ => not_allowed(endpoint),
    };
    let headers = response.headers_mut();
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    if endpoint.is_open_to_pages() {
        add_open_cors(headers);
    }
    response
}

async fn dispatch(core: Arc<Core>, endpoint: Endpoint, visit: Visit) -> Response {
    match endpoint {
        Endpoint::Metadata => metadata::handle(core, visit).await,
        Endpoint::OpenIdMetadata => metadata::handle_openid(core, visit).await,
        Endpoint::Jwks => jwks::handle(core, visit).await,
        // In boxes, so that no request takes the place of the largest of them.
        Endpoint::Authorize => Box::pin(authorize::handle(core, visit)).await,
        Endpoint::Login => Box::pin(login::handle(core, visit)).await,
        Endpoint::Connect => Box::pin(connect::handle(core, visit)).await,
        Endpoint::Callback => Box::pin(callback::handle(core, visit)).await,
        Endpoint::Consent => Box::pin(consent::handle(core, visit)).await,
        Endpoint::Logout => Box::pin(logout::handle(core, visit)).await,
        Endpoint::Token => Box::pin(token::handle(core, visit)).await,
        Endpoint::Register => Box::pin(register::handle(core, visit)).await,
        Endpoint::Revoke => Box::pin(revoke::handle(core, visit)).await,
        Endpoint::Introspect => Box::pin(introspect::handle(core, visit)).await,
    }
}

fn not_allowed(endpoint: Endpoint) -> Response {
    let mut response = Response::new(Body::from("not with this method\n"));
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(endpoint.methods()));
    response
}

/// A document that may be kept for a while.
fn document(json: Arc<str>, max_age: &'static str) -> Response {
    let mut response = Response::new(Body::from(json.as_bytes().to_vec()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(max_age));
    response
}

/// An answer that nothing may keep (RFC 6749 §5.1).
fn secret_json(value: &serde_json::Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    no_store(headers);
    response
}

fn no_store(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
}
