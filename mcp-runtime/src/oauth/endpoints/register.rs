//! `POST /register`: a client registers itself (RFC 7591 §3).

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    response::Response,
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ORIGIN},
};
use serde_json::{Value, json};

use crate::{
    auth::{UniqueObject, WebUrl},
    http::{media_type, single},
    oauth::{
        Core,
        clients::{
            Authentication,
            dynamic::{Registered, register},
            metadata::read,
        },
        error::{ErrorCode, OAuthError},
        limits::Route,
        visit::Visit,
    },
};

/// The largest request, in bytes.
const MAX_BODY: usize = 16 * 1024;

/// How long it may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn handle(core: Arc<Core>, request: Visit) -> Response {
    match answer(&core, request).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn answer(core: &Core, request: Visit) -> Result<Response, OAuthError> {
    if !core.clients.registers() {
        return Err(OAuthError::new(ErrorCode::AccessDenied, "clients are registered by the operator of this server"));
    }
    if !core.has_logins() {
        return Err(OAuthError::new(
            ErrorCode::AccessDenied,
            "nobody can log in here, so only the operator's clients get tokens",
        ));
    }
    // Also what is refused costs something, and nobody registers that often.
    let route = route_of(core, &request.parts.headers);
    core.limits.charge_address(route, request.address)?;
    let said = body(&request.parts.headers, request.body).await?;
    let said =
        UniqueObject::parse(&said).ok_or(malformed("the body is not a JSON object without duplicate members"))?;
    let metadata = read(&said, &core.clients.rules(false))?;
    let method = metadata.method.as_str();
    // Only what is about to be written: with anything less, a few could use up what everybody has in common.
    core.limits.charge_everybody(route)?;
    let registered = register(&core.records, metadata).await?;
    tracing::info!(client = registered.client.id, name = registered.client.name, "a client registered itself");
    Ok(created(&registered, method))
}

/// Pages of others can have their visitors register something; programs are counted apart from that.
fn route_of(core: &Core, headers: &HeaderMap) -> Route {
    let own = WebUrl::split(&core.issuer).map(|url| url.origin);
    let is_own = |origin: Option<&HeaderValue>| origin.and_then(|origin| origin.to_str().ok()) == own;
    // Programs name none; two are nobody's.
    if single(headers, &ORIGIN).is_none_or(is_own) { Route::Register } else { Route::RegisterFromPage }
}

const fn malformed(why: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClientMetadata, why)
}

async fn body(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, OAuthError> {
    if !media_type(headers).eq_ignore_ascii_case("application/json") {
        return Err(malformed("the content type is not application/json"));
    }
    match tokio::time::timeout(PATIENCE, to_bytes(body, MAX_BODY)).await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(_)) => Err(malformed("the body broke off, or is larger than 16 KiB")),
        Err(_) => Err(malformed("the body did not arrive within 10 seconds")),
    }
}

/// Everything that was registered, and nothing that was only said (RFC 7591 §3.2.1).
fn created(registered: &Registered, method: &str) -> Response {
    let client = &registered.client;
    let grant_types: Vec<&str> = client.grant_types.iter().map(|grant| grant.as_str()).collect();
    let mut body = json!({
        "client_id": client.id,
        "client_id_issued_at": registered.registered_at,
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "grant_types": grant_types,
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
    });
    if let Some(secret) = &registered.secret {
        body["client_secret"] = Value::from(secret.as_str());
        // It does not end before the client does.
        body["client_secret_expires_at"] = Value::from(0);
    }
    if let Authentication::PrivateKey { jwks, jwks_uri } = &client.authentication {
        jwks.iter().for_each(|set| body["jwks"] = set.clone());
        jwks_uri.iter().for_each(|uri| body["jwks_uri"] = Value::from(uri.as_str()));
    }
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::CREATED;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
