//! Who we are to the issuer.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use form_urlencoded::{Serializer, byte_serialize};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use crate::auth::BearerToken;

/// A client of the issuer. Its `Debug` shows the name only.
#[derive(Clone)]
pub(super) struct Credentials {
    client_id: Box<str>,
    secret: Box<str>,
    in_body: bool,
}

impl Credentials {
    pub(super) fn new(client_id: Box<str>, secret: Box<str>) -> Self {
        Self { client_id, secret, in_body: false }
    }

    pub(super) fn in_body(&mut self) {
        self.in_body = true;
    }

    pub(super) fn problem(&self) -> Option<&'static str> {
        (self.client_id.is_empty() || self.secret.is_empty()).then_some(
            "its client id or secret is empty: an endpoint that anybody may ask tells strangers whose tokens they found",
        )
    }

    /// The headers of a question: both parts form-encoded before they are joined (RFC 6749 §2.3.1), else a colon in the
    /// name would move the border.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.in_body {
            return headers;
        }
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encoded(&self.client_id), encoded(&self.secret));
        if let Ok(mut value) = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair))) {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        headers
    }

    /// The question itself (RFC 7662 §2.1).
    pub(super) fn form(&self, token: &BearerToken<'_>) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("token", token.expose()).append_pair("token_type_hint", "access_token");
        if self.in_body {
            form.append_pair("client_id", &self.client_id).append_pair("client_secret", &self.secret);
        }
        form.finish()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}
