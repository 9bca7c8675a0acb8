//! The MCP endpoint: the order in which a request is judged. Everything that can be decided from the headers is
//! decided before a byte of the body is read.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::Request,
    response::Response,
};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode, Version,
    header::{ALLOW, CONTENT_TYPE},
    request::Parts,
};

use super::{
    body::{BodyError, Unread},
    denial,
    headers::{self, Credentials, Era, Presented},
    legacy, listen, peer,
    router::App,
    stateless,
};
use crate::{
    auth::{Asker, AuthError, Caller, ClientAddress},
    guard::Denial,
    http::{Forbidden, Peer, add_cors, media_type, preflight},
    protocol::{ErrorCode, Id, Message, Reply, Revision, RpcError},
    server::{Announced, Outcome, unreadable, unsupported_version},
};

const FOR_ITSELF: &str = "this server has no authentication and answers its own machine only";
const UNKNOWN_PEER: &str = "this server has no authentication, and cannot tell who asks; \
    serve its router with `into_make_service_with_connect_info::<SocketAddr>()`";

/// Answers one HTTP request to the endpoint.
pub(super) async fn handle(app: Arc<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut body = Unread::new(body, &parts.headers);
    let origin = match app.access.check(parts.version, &parts.uri, &parts.headers) {
        Ok(origin) => origin.cloned(),
        Err(forbidden) => return finish(&app, body, None, refuse(forbidden)),
    };
    let response = match parts.method {
        Method::POST => post(&app, parts, &mut body).await,
        Method::OPTIONS => preflight(&parts.headers),
        _ => not_allowed(),
    };
    finish(&app, body, origin, response)
}

/// The last things every answer needs.
fn finish(app: &App, body: Unread, origin: Option<HeaderValue>, mut response: Response) -> Response {
    body.dispose(&app.drains, response.headers_mut());
    if let Some(origin) = origin {
        add_cors(response.headers_mut(), &origin);
    }
    response
}

async fn post(app: &Arc<App>, mut parts: Parts, body: &mut Unread) -> Response {
    if !is_json(&parts.headers) {
        return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/json");
    }
    let peer = peer::of(&parts.extensions);
    if app.server.settings().no_auth && !is_own_machine(peer, &parts) {
        return plain(StatusCode::FORBIDDEN, if peer == Peer::Unknown { UNKNOWN_PEER } else { FOR_ITSELF });
    }
    let address = peer::client_address(app, peer, &parts.headers);
    let sender = Sender { credentials: Credentials::take(&mut parts.headers), address };
    match headers::era(&parts.headers) {
        Era::Known(Revision::V2026_07_28) => stateless::answer(app, &parts, body, &sender).await,
        // In boxes of their own, so that the place every request takes is not as large as the largest of them.
        Era::Known(revision) => Box::pin(legacy::answer(app, parts, body, &sender, Some(revision))).await,
        Era::Unsaid => Box::pin(legacy::answer(app, parts, body, &sender, None)).await,
        Era::Unsupported(version) => {
            Box::pin(wrong_era(app, &parts, body, &sender, unsupported_version(&version))).await
        }
        Era::Malformed => {
            let error = RpcError::new(ErrorCode::HeaderMismatch, "MCP-Protocol-Version must be sent once, as a date");
            Box::pin(wrong_era(app, &parts, body, &sender, error)).await
        }
    }
}

/// Answers a request of no revision that we know.
async fn wrong_era(app: &App, parts: &Parts, body: &mut Unread, sender: &Sender, error: RpcError) -> Response {
    match identify(app, &parts.headers, sender).await {
        Ok(caller) => refuse_headers(app, body, &caller, error).await,
        Err(denial) => observed(app, None, &sender.stranger(), &denial),
    }
}

/// Refuses headers that are wrong in themselves, and counts it for who sent them.
pub(super) async fn refuse_headers(app: &App, body: &mut Unread, caller: &Caller, error: RpcError) -> Response {
    match charge_stranger(app, caller).and_then(|()| app.server.core().gate.charge_other(caller)) {
        Ok(()) => explain(app, body, error).await,
        Err(denial) => denied(app, &denial, None),
    }
}

/// What proxies add to requests.
const ADDED_BY_PROXIES: [&str; 10] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
    "cf-connecting-ip",
    "true-client-ip",
];

/// Whether a request comes from this machine as far as can be known: not from an unknown peer, nor through a proxy that
/// can be told. HTTP/1.0 is what nginx speaks unless it is told otherwise, and no client of MCP does.
fn is_own_machine(peer: Peer, parts: &Parts) -> bool {
    peer.is_local()
        && parts.version >= Version::HTTP_11
        && !ADDED_BY_PROXIES.iter().any(|name| parts.headers.contains_key(*name))
}

/// Where a request came from, and what it brought to say who sent it.
pub(super) struct Sender {
    credentials: Credentials,
    pub(super) address: ClientAddress,
}

impl Sender {
    /// Somebody of whom nothing is known but where the request came from.
    pub(super) fn stranger(&self) -> Caller {
        Caller::Anonymous(self.address)
    }
}

/// Who calls. A token that was sent and is bad is a 401 whatever is asked for, until its address has failed too often;
/// an expired one always is, as its holder must learn that it is time for a new one. Good tokens are never refused for
/// what else comes from their address, unless their issuer must be asked: the questions are shared out by address.
pub(super) async fn identify(app: &App, headers: &HeaderMap, sender: &Sender) -> Result<Caller, Denial> {
    let core = app.server.core();
    let challenge = || {
        let params = headers::Params(headers);
        let announced = headers::announced(headers).ok();
        let scopes = announced
            .map_or_else(Vec::new, |announced| core.scopes_of(&Announced { params: Some(&params), ..announced }));
        Denial::Unauthenticated { scopes, token_sent: true }
    };
    let failed = |reason: &'static str| {
        tracing::debug!(reason, "a request was not authenticated");
        core.gate.charge_address(sender.address).err().unwrap_or_else(challenge)
    };
    let token = match sender.credentials.presented() {
        Presented::Nothing => return Ok(Caller::Anonymous(sender.address)),
        Presented::Bearer(token) => token,
        Presented::Unusable => return Err(failed("not one bearer token")),
    };
    let asker = || Asker { address: sender.address, has_failed_often: core.gate.has_failed_often(sender.address) };
    match core.verifier.authenticate_from(token, asker).await {
        Ok(identity) => Ok(Caller::Identified(identity, sender.address)),
        Err(AuthError::Invalid { reason }) => Err(failed(reason)),
        Err(AuthError::Expired) => {
            tracing::debug!(reason = "expired", "a request was not authenticated");
            Err(challenge())
        }
        Err(AuthError::Unavailable { retry_after }) => Err(Denial::Unavailable { retry_after }),
        Err(AuthError::Crowded { retry_after }) => {
            Err(core.gate.charge_address(sender.address).err().unwrap_or(Denial::Unavailable { retry_after }))
        }
    }
}

/// A caller without credentials pays with the bucket of its address for whatever it is not refused.
pub(super) fn charge_stranger(app: &App, caller: &Caller) -> Result<(), Denial> {
    match caller {
        Caller::Anonymous(address) => app.server.core().gate.charge_address(*address),
        Caller::Identified(..) => Ok(()),
    }
}

/// Answers a header that is wrong in itself. The body is read only to answer under its id.
async fn explain(app: &App, body: &mut Unread, error: RpcError) -> Response {
    let bytes = match body.read(&app.server.settings().http, true).await {
        Ok(bytes) => bytes,
        Err(error) => return unread(error),
    };
    let text = match text(&bytes) {
        Ok(text) => text,
        Err(response) => return response,
    };
    match Message::parse(text) {
        Ok(Message { id: None, method: Some(_), .. }) => accepted(),
        Ok(message) => rpc_error(Revision::V2026_07_28, message.id, &error),
        Err(error) => rpc_error(Revision::V2026_07_28, None, &unreadable(&error)),
    }
}

/// Puts an outcome on the wire.
pub(super) fn respond(app: &Arc<App>, outcome: Outcome<'_>, revision: Revision, caller: &Caller) -> Response {
    match outcome {
        Outcome::Reply(reply, limit) => {
            let mut response = denial::json_response(StatusCode::OK, reply);
            if let Some(limit) = limit {
                denial::add_rate_limit(response.headers_mut(), &limit);
            }
            response
        }
        Outcome::Error(id, error) => rpc_error(revision, id, &error),
        Outcome::Denied(id, denial) => denied(app, &denial, id),
        Outcome::Accepted => accepted(),
        Outcome::Listen(id) => listen::respond(app, id, caller),
    }
}

pub(super) fn denied(app: &App, denial: &Denial, id: Option<Id<'_>>) -> Response {
    denial::respond(denial, id, app.server.core().metadata_url.as_deref())
}

/// Refuses a request before its body is read.
pub(super) fn observed(app: &App, tool: Option<&'static str>, caller: &Caller, denial: &Denial) -> Response {
    app.server.core().observer.denied(tool, caller, denial);
    denied(app, denial, None)
}

/// A JSON-RPC error with the HTTP status its revision gives it.
pub(super) fn rpc_error(revision: Revision, id: Option<Id<'_>>, error: &RpcError) -> Response {
    let status = match error.code {
        ErrorCode::Parse
        | ErrorCode::InvalidRequest
        | ErrorCode::HeaderMismatch
        | ErrorCode::UnsupportedProtocolVersion => StatusCode::BAD_REQUEST,
        // In older revisions 404 means that a session has ended, and anything but 200 that the connection is bad.
        ErrorCode::MethodNotFound if revision.is_stateless() => StatusCode::NOT_FOUND,
        ErrorCode::InvalidParams if revision.is_stateless() && error.is_missing_meta() => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    denial::json_response(status, Reply::error(id, error))
}

pub(super) fn unread(error: BodyError) -> Response {
    let (code, message) = match error {
        BodyError::TooLarge => (ErrorCode::InvalidRequest, "the body is too large"),
        BodyError::TooSlow => (ErrorCode::InvalidRequest, "the body took too long to arrive"),
        BodyError::Broken => (ErrorCode::InvalidRequest, "the body did not arrive whole"),
    };
    let mut response = denial::json_response(error.status(), Reply::error(None, &RpcError::new(code, message)));
    response.headers_mut().insert(http::header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// JSON is UTF-8 (RFC 8259 §8.1).
#[expect(clippy::result_large_err, reason = "the error is the answer")]
pub(super) fn text(bytes: &Bytes) -> Result<&str, Response> {
    std::str::from_utf8(bytes).map_err(|_| {
        let error = RpcError::new(ErrorCode::Parse, "the body is not UTF-8");
        rpc_error(Revision::V2026_07_28, None, &error)
    })
}

pub(super) fn accepted() -> Response {
    empty(StatusCode::ACCEPTED)
}

fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers).eq_ignore_ascii_case("application/json")
}

fn refuse(forbidden: Forbidden) -> Response {
    match forbidden {
        Forbidden::Host => plain(StatusCode::FORBIDDEN, "this server does not answer for this host"),
        Forbidden::Origin => plain(StatusCode::FORBIDDEN, "this server does not answer pages of this origin"),
    }
}

fn not_allowed() -> Response {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "send JSON-RPC messages with POST");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST, OPTIONS"));
    response
}

fn plain(status: StatusCode, message: &'static str) -> Response {
    let mut response = Response::new(Body::from(message));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
