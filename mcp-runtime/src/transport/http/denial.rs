//! The one place that turns a denial into status, headers and words.

use std::time::Duration;

use crate::{
    guard::{Denial, LimitState},
    protocol::{ErrorCode, Id, Reply, RpcError},
    server::{challenge, denial_error},
};
use axum::{body::Body, response::Response};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde_json::json;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Answers a denial. `metadata` is where clients find the authorization server, if there is one (RFC 9728 §5.1).
pub(super) fn respond(denial: &Denial, id: Option<Id<'_>>, metadata: Option<&str>) -> Response {
    let mut response = json_response(status(denial), Reply::error(id, &denial_error(denial)));
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(challenge) = challenge(denial, metadata).and_then(|text| HeaderValue::try_from(text).ok()) {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    match denial {
        Denial::RateLimited { limit } => {
            headers.insert(RETRY_AFTER, HeaderValue::from(limit.wait_secs().max(1)));
            add_rate_limit(headers, limit);
            if let Ok(policy) = HeaderValue::try_from(policy(limit)) {
                headers.insert(RATE_LIMIT_POLICY, policy);
            }
        }
        Denial::Unavailable { retry_after } | Denial::Busy { retry_after, .. } => {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1)));
        }
        _ => {}
    }
    response
}

/// Answers what has no place left: a limit like any other, but none that is counted over time.
pub(super) fn no_place(id: Id<'_>, message: &'static str, retry_after: Duration) -> Response {
    let wait = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX);
    let data = json!({"reason": "rate_limited", "retryAfterMs": wait});
    let error = RpcError::new(ErrorCode::RateLimited, message).with_data(data);
    let mut response = json_response(StatusCode::TOO_MANY_REQUESTS, Reply::error(Some(id), &error));
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1)));
    response
}

/// Says what the caller has left (draft-ietf-httpapi-ratelimit-headers).
pub(super) fn add_rate_limit(headers: &mut HeaderMap, limit: &LimitState) {
    let mut value = String::with_capacity(64);
    // Writing to a string cannot fail.
    let _ = limit.write(&mut value);
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(RATE_LIMIT, value);
    }
}

/// One JSON body.
pub(super) fn json_response(status: StatusCode, reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.into_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn status(denial: &Denial) -> StatusCode {
    match denial {
        Denial::Unauthenticated { .. } => StatusCode::UNAUTHORIZED,
        Denial::MissingScopes { .. } | Denial::Refused { .. } => StatusCode::FORBIDDEN,
        Denial::RateLimited { .. } | Denial::Busy { .. } => StatusCode::TOO_MANY_REQUESTS,
        Denial::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn policy(limit: &LimitState) -> String {
    let limit = limit.limit();
    format!("\"{limit}\";q={};w={}", limit.rate().count(), limit.rate().window().as_secs())
}
