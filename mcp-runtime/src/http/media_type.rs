//! What a body says that it is.

use http::{HeaderMap, header::CONTENT_TYPE};

/// The media type in `Content-Type` without its parameters, in whatever case it was written (RFC 9110 §8.3.1); empty if there
/// is none that can be read.
pub(crate) fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}
