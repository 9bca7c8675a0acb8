//! Cross-origin requests of web pages that may ask (Fetch standard, "HTTP extensions").

use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, VARY,
    },
};

/// Tells the browser that the page may read the answer.
pub(crate) fn add_cors(headers: &mut HeaderMap, origin: &HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.append(VARY, HeaderValue::from_static("Origin"));
    let exposed = "WWW-Authenticate, Mcp-Session-Id, Retry-After, RateLimit, RateLimit-Policy";
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(exposed));
}

/// Answers a preflight. Header names are reflected: a wildcard would cover neither `Authorization` nor the
/// `Mcp-Param-*` family.
pub(crate) fn preflight<B: Default>(request: &HeaderMap) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST, OPTIONS"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    let harmless = |b: &u8| b.is_ascii_alphanumeric() || b"-_, ".contains(b);
    if let Some(names) = request.get(ACCESS_CONTROL_REQUEST_HEADERS)
        && names.len() <= 1024
        && names.as_bytes().iter().all(harmless)
    {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    response
}

/// Lets any page read the answer, without what the browser knows of its user: for endpoints that go by what is in the
/// request alone.
#[cfg(feature = "oauth")]
pub(crate) fn add_open_cors(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("WWW-Authenticate, Retry-After"));
}

/// Answers a preflight for such an endpoint. `Authorization` is named, because the wildcard does not cover it.
#[cfg(feature = "oauth")]
pub(crate) fn open_preflight<B: Default>(methods: &'static str) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let allowed = "Authorization, Content-Type, Accept, MCP-Protocol-Version";
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(allowed));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}
