//! What GitHub's API says, read strictly and no further than needed.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, RETRY_AFTER},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{GitHub, LoginError, unavailable};
use crate::auth::UniqueObject;

/// The largest answer, in bytes: a person with a hundred addresses, an organisation with a long description.
const MAX_ANSWER: usize = 64 * 1024;

/// The revision that github.com and the servers in use know.
const REVISION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-github-api-version"), HeaderValue::from_static("2022-11-28"));

/// What an answer means, before it is read.
pub(super) enum Answered {
    Found(Vec<u8>),
    /// The token is not good, or not any more.
    Unauthorized,
    /// The token is good, but not for this.
    Forbidden,
    Missing,
}

impl GitHub {
    /// Asks the API with somebody's token. `what` is for the log.
    pub(super) async fn ask(&self, token: &str, path: &str, what: &str) -> Result<Answered, LoginError> {
        let failed = |reason: &str| unavailable(what, reason);
        let outbound = self.outbound().map_err(|reason| failed(&reason))?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| failed("the token is none"))?;
        bearer.set_sensitive(true);
        let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer), REVISION]);
        let url = format!("{}{path}", self.site.api);
        let answer =
            outbound.get_with(&url, headers, MAX_ANSWER).await.map_err(|failure| failed(&failure.to_string()))?;
        match answer.status {
            200 => Ok(Answered::Found(answer.body)),
            401 => Ok(Answered::Unauthorized),
            403 if is_a_limit(&answer.headers, &answer.body) => Err(failed("too many questions for now")),
            403 => Ok(Answered::Forbidden),
            404 => Ok(Answered::Missing),
            429 => Err(failed("too many questions for now")),
            status => Err(failed(&format!("the answer has status {status}"))),
        }
    }
}

/// GitHub says 403 for too many questions too. Of its secondary limits nothing may tell but the message.
fn is_a_limit(headers: &HeaderMap, body: &[u8]) -> bool {
    let says = |message: &Value| message.as_str().is_some_and(|text| text.to_ascii_lowercase().contains("rate limit"));
    headers.contains_key(RETRY_AFTER)
        || headers.get("x-ratelimit-remaining").is_some_and(|left| left == "0")
        || UniqueObject::parse(body).is_some_and(|body| body.get("message").is_some_and(says))
}

/// Somebody, as `/user` shows them.
pub(super) struct User {
    pub(super) id: u64,
    pub(super) login: String,
    pub(super) name: Option<String>,
    /// On servers of one's own.
    pub(super) is_suspended: bool,
}

impl User {
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let user = UniqueObject::parse(body)?;
        let id = user.get("id")?.as_u64().filter(|id| *id > 0)?;
        let login = user.get("login")?.as_str().filter(|login| is_name(login))?.to_owned();
        let name = user.get("name").and_then(Value::as_str).filter(|name| !name.is_empty() && name.len() <= 256);
        let is_suspended = user.get("suspended_at").is_some_and(|at| !at.is_null());
        Some(Self { id, login, name: name.map(str::to_owned), is_suspended })
    }
}

#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

/// The primary address among those of `/user/emails`, if it is verified; `None` in place of all of it if that is no list of
/// addresses.
pub(super) fn primary_address(body: &[u8]) -> Option<Option<String>> {
    let addresses: Vec<Address> = serde_json::from_slice(body).ok()?;
    let mut primary = addresses.into_iter().filter(|address| address.primary);
    let first = primary.next();
    if primary.next().is_some() {
        return None;
    }
    Some(first.filter(|address| address.verified && address.email.len() <= 254).map(|address| address.email))
}

/// Whether this is an active membership, and not one that somebody was only invited to. `of` reads whose and in what it is.
pub(super) fn is_active(body: &[u8], of: impl FnOnce(&Map<String, Value>) -> Option<bool>) -> Option<bool> {
    let membership = UniqueObject::parse(body)?;
    let state = membership.get("state")?.as_str()?;
    Some(of(&membership)? && state == "active")
}

/// Whether this is the name of somebody, or of an organisation: it becomes a part of a path.
pub(super) fn is_name(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

/// Whether this is the name of a team, as URLs have it.
pub(super) fn is_slug(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    (1..=255).contains(&text.len()) && text.bytes().all(plain) && text.bytes().any(|b| b != b'.')
}
