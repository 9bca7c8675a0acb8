//! One request to the authorization server, and the forms that come with it.

use std::time::Duration;

use axum::body::Body;
use http::{HeaderMap, request::Parts};
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;

use super::error::{ErrorCode, OAuthError};
use crate::{
    auth::ClientAddress,
    http::{Peer, media_type},
};

/// The largest form, in bytes, and how long it may take to arrive.
const MAX_FORM: usize = 64 * 1024;
const FORM_TIME: Duration = Duration::from_secs(10);
/// The most parameters of one request.
const MAX_PARAMETERS: usize = 128;
/// What may be said more than once (RFC 8707 §2).
const REPEATABLE: [&str; 1] = ["resource"];

/// One request.
pub(crate) struct Visit {
    pub(crate) parts: Parts,
    pub(crate) body: Body,
    /// Whom it is counted for.
    pub(crate) address: ClientAddress,
    // Only `AutoApprove` asks for these two.
    #[cfg_attr(not(feature = "dev-login"), allow(dead_code))]
    pub(crate) peer: Peer,
    /// Whether it says that it was made for somebody else.
    #[cfg_attr(not(feature = "dev-login"), allow(dead_code))]
    pub(crate) is_forwarded: bool,
}

impl Visit {
    /// The parameters in the body, which is read by this.
    pub(crate) async fn form(&mut self) -> Result<Form, OAuthError> {
        let wrong = |what| OAuthError::new(ErrorCode::InvalidRequest, what);
        if !is_form(&self.parts.headers) {
            return Err(wrong("the body must be application/x-www-form-urlencoded"));
        }
        let body = Limited::new(std::mem::take(&mut self.body), MAX_FORM).collect();
        let body = timeout(FORM_TIME, body).await.map_err(|_| wrong("the body took too long to arrive"))?;
        let bytes = body.map_err(|_| wrong("the body is too large, or did not arrive whole"))?.to_bytes();
        Form::parse(std::str::from_utf8(&bytes).map_err(|_| wrong("the body is not UTF-8"))?)
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    media_type(headers).eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Parameters as OAuth reads them: each once (RFC 6749 §3.1, §3.2), and one without a value is not there.
pub(crate) struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    /// Reads `a=1&b=2`.
    pub(crate) fn parse(raw: &str) -> Result<Self, OAuthError> {
        let wrong = |what| Err(OAuthError::new(ErrorCode::InvalidRequest, what));
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
            if fields.len() == MAX_PARAMETERS {
                return wrong("too many parameters");
            }
            // What a decoder puts in the place of bytes that are no text.
            if name.contains('\u{fffd}') || value.contains('\u{fffd}') {
                return wrong("a parameter is not UTF-8");
            }
            if !REPEATABLE.contains(&&*name) && fields.iter().any(|(other, _)| *other == name) {
                return wrong("a parameter was sent twice");
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self { fields })
    }

    /// The value of the parameter; `None` if it is absent or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(other, value)| other == name && !value.is_empty()).map(|(_, value)| &**value)
    }

    /// All values of a parameter that may be repeated.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(other, value)| other == name && !value.is_empty()).map(|(_, value)| &**value)
    }

    /// All parameters, in their order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (&**name, &**value))
    }
}

impl std::fmt::Debug for Form {
    /// Names only: values are codes, verifiers, passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.fields.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;

    use super::*;

    #[test]
    fn what_was_sent_twice_is_refused_and_what_is_empty_is_absent() {
        let form = Form::parse("a=1&b=&resource=x&resource=y&c=%20%C3%A4+z").unwrap();
        assert_eq!((form.get("a"), form.get("b"), form.get("c")), (Some("1"), None, Some(" ä z")));
        assert_eq!(form.all("resource").collect::<Vec<_>>(), ["x", "y"]);
        for bad in ["a=1&a=1", "a=&a=1", "state=%ff", "%ff=1", &"x&".repeat(200)] {
            assert!(Form::parse(bad).is_err(), "{bad}");
        }
    }

    fn visit(kind: &str, body: Vec<u8>) -> Visit {
        let request = http::Request::post("/token?x=1").header(CONTENT_TYPE, kind).body(Body::from(body)).unwrap();
        let (parts, body) = request.into_parts();
        Visit { parts, body, address: ClientAddress::LOCAL, peer: Peer::Unknown, is_forwarded: false }
    }

    #[tokio::test]
    async fn forms_are_bounded_and_typed() {
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        assert_eq!(visit(form, b"a=1".to_vec()).form().await.unwrap().get("a"), Some("1"));
        assert_eq!(visit(form, Vec::new()).form().await.unwrap().get("x"), None);
        assert!(visit("application/json", b"a=1".to_vec()).form().await.is_err());
        assert!(visit(form, vec![b'a'; MAX_FORM + 1]).form().await.is_err());
        assert!(visit(form, vec![b'a', b'=', 0xff]).form().await.is_err());
    }
}
