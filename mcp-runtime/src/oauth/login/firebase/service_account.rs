//! How this server proves to Google that it may look accounts up (RFC 7523).

use std::{fmt, time::Duration};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
use serde::Deserialize;
use serde_json::json;

use super::{Firebase, kept::Kept};
use crate::{auth::Outbound, clock::Clock};

/// What the access token is for. What it may be used for is said by the roles of the account.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// How long an assertion is good, in seconds; the longest that Google takes.
const LIFETIME: u64 = 3_600;

/// How long before its end an access token is not used any more.
const MARGIN: Duration = Duration::from_secs(60);

const MAX_ANSWER: usize = 16 * 1024;

pub(super) struct ServiceAccount {
    email: String,
    /// `None` if it cannot be read.
    key: Option<RsaKeyPair>,
    token: Kept<HeaderValue>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
}

impl ServiceAccount {
    pub(super) fn new(email: String, pem: &str) -> Self {
        Self { email, key: read(pem), token: Kept::default() }
    }

    pub(super) fn problem(&self) -> Option<&'static str> {
        if !self.email.contains('@') || self.email.contains(char::is_whitespace) {
            return Some(
                "the first argument of `.service_account(…)` is its e-mail address, `client_email` in its file",
            );
        }
        self.key.is_none().then_some(
            "the key of its service account cannot be read: it must be `private_key` of its file, from `-----BEGIN \
             PRIVATE KEY-----` to the end, an RSA key",
        )
    }

    /// `Authorization` for requests in its name.
    pub(super) async fn authorization(
        &self,
        endpoint: &str,
        outbound: &Outbound,
        clock: &Clock,
    ) -> Option<HeaderValue> {
        self.token.get(clock, self.ask(endpoint, outbound, clock)).await
    }

    /// Google does not take the last one any more.
    pub(super) async fn forget(&self) {
        self.token.forget().await;
    }

    async fn ask(&self, endpoint: &str, outbound: &Outbound, clock: &Clock) -> Result<(HeaderValue, Duration), String> {
        let assertion = self.assertion(endpoint, clock.unix_seconds()).ok_or("the assertion could not be signed")?;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
            .append_pair("assertion", &assertion)
            .finish();
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind)]);
        let answer = outbound.post_body_at(endpoint, headers, form, MAX_ANSWER).await.and_then(|answer| answer.ok());
        let answer = answer.map_err(|failure| format!("no access token for the service account: {failure}"))?;
        let granted: Granted =
            serde_json::from_slice(&answer.body).map_err(|_| "the answer of the token endpoint cannot be read")?;
        let mut header = HeaderValue::from_str(&format!("Bearer {}", granted.access_token))
            .map_err(|_| "the access token is none")?;
        header.set_sensitive(true);
        let lifetime = Duration::from_secs(granted.expires_in.min(LIFETIME));
        Ok((header, lifetime.saturating_sub(MARGIN)))
    }

    fn assertion(&self, endpoint: &str, now: u64) -> Option<String> {
        let key = self.key.as_ref()?;
        let header = json!({ "alg": "RS256", "typ": "JWT" });
        let claims = json!({
            "iss": self.email, "scope": SCOPE, "aud": endpoint, "iat": now, "exp": now.saturating_add(LIFETIME),
        });
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let message = format!("{header}.{claims}");
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).ok()?;
        Some(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Variables often hold the key in one line, and sometimes in quotes.
impl Firebase {
    /// Whether a service account can have this key.
    pub(crate) fn can_sign_with(pem: &str) -> bool {
        read(pem).is_some()
    }
}

fn read(pem: &str) -> Option<RsaKeyPair> {
    let pem = pem.trim().trim_matches('"').replace("\\r", "").replace("\\n", "\n");
    let block = pem::parse(pem).ok()?;
    match block.tag() {
        "PRIVATE KEY" => RsaKeyPair::from_pkcs8(block.contents()).ok(),
        "RSA PRIVATE KEY" => RsaKeyPair::from_der(block.contents()).ok(),
        _ => None,
    }
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount").field("email", &self.email).finish_non_exhaustive()
    }
}
