//! What a request says of itself in headers, read strictly.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, COOKIE, Entry, PROXY_AUTHORIZATION},
};

use crate::{
    http::single,
    protocol::{ErrorCode, Revision, RpcError},
    server::{Announced, ParamHeaders},
};

pub(super) const METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(super) const NAME: HeaderName = HeaderName::from_static("mcp-name");
pub(super) const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// What comes before a token (RFC 6750 §2.1).
const SCHEME: &[u8] = b"Bearer ";

/// Which rules a request plays by.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Era {
    /// The header names a revision we speak.
    Known(Revision),
    /// There is no header: before 2025-06-18 there was none, and an `initialize` never has one.
    Unsaid,
    /// The header names something else.
    Unsupported(String),
    /// There are two headers, or one that is not text.
    Malformed,
}

pub(super) fn era(headers: &HeaderMap) -> Era {
    match single(headers, &VERSION) {
        None => Era::Unsaid,
        Some(None) => Era::Malformed,
        Some(Some(value)) => match value.to_str() {
            Ok(date) => Revision::parse(date).map_or_else(|| Era::Unsupported(date.to_owned()), Era::Known),
            Err(_) => Era::Malformed,
        },
    }
}

/// What a request brought to say who sends it, taken out of the request: nothing behind this point can see it.
pub(super) struct Credentials {
    authorization: Option<HeaderValue>,
    several: bool,
}

/// What `Authorization` holds.
pub(super) enum Presented<'c> {
    Nothing,
    /// What was sent as a bearer token; whether it can be one, nobody has looked yet.
    Bearer(&'c [u8]),
    /// Something was sent, and it cannot be a bearer token: another scheme, or two headers.
    Unusable,
}

impl Credentials {
    /// Removes every header that carries credentials.
    pub(super) fn take(headers: &mut HeaderMap) -> Self {
        for name in [COOKIE, PROXY_AUTHORIZATION] {
            headers.remove(name);
        }
        let Entry::Occupied(entry) = headers.entry(AUTHORIZATION) else {
            return Self { authorization: None, several: false };
        };
        let (_, mut values) = entry.remove_entry_mult();
        Self { authorization: values.next(), several: values.next().is_some() }
    }

    /// Reads a bearer token (RFC 6750 §2.1); never from the query or the body.
    pub(super) fn presented(&self) -> Presented<'_> {
        let Some(value) = &self.authorization else { return Presented::Nothing };
        let token = value
            .as_bytes()
            .split_at_checked(SCHEME.len())
            .filter(|(scheme, _)| !self.several && scheme.eq_ignore_ascii_case(SCHEME));
        let token = token.map(|(_, token)| &token[token.iter().take_while(|byte| **byte == b' ').count()..]);
        token.map_or(Presented::Unusable, Presented::Bearer)
    }
}

/// Method and name of a stateless request (MCP 2026-07-28, "Standard request headers").
pub(super) fn announced(headers: &HeaderMap) -> Result<Announced<'_>, RpcError> {
    let method = required(headers, &METHOD)?.ok_or_else(|| bad("Mcp-Method is missing"))?;
    let method = method.to_str().map_err(|_| bad("Mcp-Method is not plain text"))?;
    let name = match required(headers, &NAME)? {
        Some(value) => Some(decoded(value)?),
        None if matches!(method, "tools/call" | "prompts/get" | "resources/read") => {
            return Err(bad("Mcp-Name is missing"));
        }
        None => None,
    };
    Ok(Announced { method, name, params: None })
}

/// The `Mcp-Param-…` headers of a request.
pub(super) struct Params<'h>(pub(super) &'h HeaderMap);

impl ParamHeaders for Params<'_> {
    fn get(&self, name: &str) -> Result<Option<Cow<'_, str>>, RpcError> {
        // Names were checked when the tool was compiled; one that is no header's name was not sent.
        let Ok(name) = HeaderName::try_from(format!("mcp-param-{name}")) else { return Ok(None) };
        required(self.0, &name)?.map(decoded).transpose()
    }
}

fn required<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h HeaderValue>, RpcError> {
    match single(headers, name) {
        None => Ok(None),
        Some(Some(value)) => Ok(Some(value)),
        Some(None) => Err(RpcError::new(ErrorCode::HeaderMismatch, format!("{name} was sent more than once"))),
    }
}

/// Decodes `=?base64?…?=`; anything without exactly this frame stands for itself.
fn decoded(value: &HeaderValue) -> Result<Cow<'_, str>, RpcError> {
    let text = value.to_str().map_err(|_| bad("a header is not plain text"))?;
    let Some(encoded) = text.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) else {
        return Ok(Cow::Borrowed(text));
    };
    let bytes = STANDARD.decode(encoded).map_err(|_| bad("a header is not valid base64"))?;
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| bad("a header is not UTF-8"))
}

fn bad(message: &'static str) -> RpcError {
    RpcError::new(ErrorCode::HeaderMismatch, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn names_are_decoded_only_in_their_exact_frame() {
        for (sent, meant) in [
            ("plain", "plain"),
            ("=?base64?Y2Fmw6k=?=", "café"),
            ("=?BASE64?Y2Fmw6k=?=", "=?BASE64?Y2Fmw6k=?="),
            ("=?base64?Y2Fmw6k=", "=?base64?Y2Fmw6k="),
            ("=?base64??=", ""),
        ] {
            let headers = headers(&[("mcp-method", "tools/call"), ("mcp-name", sent)]);
            assert_eq!(announced(&headers).unwrap().name.unwrap(), meant);
        }
        for bad in ["=?base64?Y2Fmw6k?=", "=?base64?!!!?=", "=?base64?/w==?="] {
            let headers = headers(&[("mcp-method", "tools/call"), ("mcp-name", bad)]);
            assert_eq!(announced(&headers).unwrap_err().code, ErrorCode::HeaderMismatch, "{bad}");
        }
    }

    #[test]
    fn what_is_missing_or_doubled_is_refused() {
        for pairs in [
            &[][..],
            &[("mcp-name", "a")],
            &[("mcp-method", "tools/call")],
            &[("mcp-method", "tools/list"), ("mcp-method", "tools/list")],
            &[("mcp-method", "tools/call"), ("mcp-name", "a"), ("mcp-name", "a")],
        ] {
            assert!(announced(&headers(pairs)).is_err(), "{pairs:?}");
        }
        assert!(announced(&headers(&[("mcp-method", "tools/list")])).unwrap().name.is_none());
    }

    #[test]
    fn only_one_bearer_token_is_a_bearer_token() {
        let kind = |pairs: &[(&'static str, &str)]| {
            let mut headers = headers(pairs);
            let credentials = Credentials::take(&mut headers);
            assert!(headers.is_empty(), "credentials stay in {headers:?}");
            match credentials.presented() {
                Presented::Nothing => "none",
                Presented::Bearer(_) => "bearer",
                Presented::Unusable => "unusable",
            }
        };
        assert_eq!(kind(&[]), "none");
        assert_eq!(kind(&[("authorization", "Bearer abc")]), "bearer");
        assert_eq!(kind(&[("authorization", "bearer  abc")]), "bearer");
        for bad in ["Basic YTpi", "Bearer", "Bearerabc", "DPoP abc", ""] {
            assert_eq!(kind(&[("authorization", bad)]), "unusable", "{bad}");
        }
        assert_eq!(kind(&[("authorization", "Bearer a"), ("authorization", "Bearer a")]), "unusable");
    }
}
