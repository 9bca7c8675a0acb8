//! `private_key_jwt` (RFC 7523 §2.2): a client proves who it is with a signature, and each proof works once.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{Authentication, Client, redirect};
use crate::{
    auth::{AuthError, ClientAddress, ClientAssertion, ClientKeys, Outbound, RemoteClientKeys},
    oauth::{
        Core,
        error::{ErrorCode, OAuthError},
        limits::Route,
        people::once::MARGIN,
    },
    store::{Commit, Kind, Record, insert},
};

/// How long an assertion may be good for, in seconds: each is remembered until it ends.
const LONGEST: f64 = 300.0;

/// How far clocks may differ, in seconds. What has expired has no such grace.
const LEEWAY: f64 = 30.0;

const MAX_JTI_BYTES: usize = 256;

/// How many key sets of clients are remembered.
const MAX_KEY_SETS: usize = 256;

/// An assertion that was used, under the hash of its client and its `jti`.
#[derive(Serialize, Deserialize)]
pub(crate) struct UsedAssertion {
    ends_at: u64,
}

impl Record for UsedAssertion {
    const KIND: Kind = Kind::new("used-assertion");

    fn expires_at(&self) -> Option<u64> {
        Some(self.ends_at.saturating_add(MARGIN))
    }
}

/// The keys that clients publish, by URL.
pub(super) struct RemoteKeys {
    outbound: Option<Outbound>,
    known: Cache<String, RemoteClientKeys>,
}

impl RemoteKeys {
    pub(super) fn new(outbound: Option<Outbound>) -> Self {
        Self { outbound, known: Cache::new(MAX_KEY_SETS) }
    }

    /// New ones send us elsewhere, so that is counted.
    fn at(&self, core: &Core, url: &str, address: ClientAddress) -> Result<RemoteClientKeys, OAuthError> {
        if let Some(keys) = self.known.get(url) {
            return Ok(keys);
        }
        core.limits.charge(Route::Document, address)?;
        core.limits.charge_key(Route::Document, redirect::host_of(url).unwrap_or_default())?;
        let keys =
            self.outbound.clone().and_then(|outbound| RemoteClientKeys::new(url, outbound)).ok_or(UNAVAILABLE)?;
        self.known.insert(url.to_owned(), keys.clone());
        Ok(keys)
    }
}

const UNAVAILABLE: OAuthError = OAuthError {
    code: ErrorCode::TemporarilyUnavailable,
    description: "the keys of the client cannot be fetched right now",
    retry_after: Some(5),
};

/// Whether this client made the assertion, for us, just now, and for the first time.
pub(super) async fn is_of(
    core: &Core,
    client: &Client,
    assertion: &ClientAssertion<'_>,
    address: ClientAddress,
) -> Result<bool, OAuthError> {
    let Some((jti, ends_at)) = check_claims(core, &client.id, &assertion.claims) else { return Ok(false) };
    if !is_signed_by(core, client, assertion, address).await? {
        return Ok(false);
    }
    // Last of all: nobody else can use up a `jti`.
    let name =
        Sha256::new().chain_update(client.id.as_bytes()).chain_update([0]).chain_update(jti.as_bytes()).finalize();
    let used = insert(URL_SAFE_NO_PAD.encode(name), &UsedAssertion { ends_at });
    Ok(core.records.commit(&[used]).await? == Commit::Done)
}

async fn is_signed_by(
    core: &Core,
    client: &Client,
    assertion: &ClientAssertion<'_>,
    address: ClientAddress,
) -> Result<bool, OAuthError> {
    match &client.authentication {
        Authentication::PrivateKey { jwks: Some(set), .. } => {
            Ok(ClientKeys::parse(set, &client.id).is_ok_and(|keys| keys.made(assertion)))
        }
        Authentication::PrivateKey { jwks_uri: Some(url), .. } => {
            let keys = core.clients.keys.at(core, url, address)?;
            match keys.made(assertion, &core.clock).await {
                Ok(()) => Ok(true),
                Err(AuthError::Unavailable { .. }) => Err(UNAVAILABLE),
                Err(_) => Ok(false),
            }
        }
        _ => Ok(false),
    }
}

/// The `jti`, and when it may be forgotten; `None` if a claim is not as it must be (RFC 7523 §3).
fn check_claims<'c>(core: &Core, id: &str, claims: &'c Map<String, Value>) -> Option<(&'c str, u64)> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(id) || text("sub") != Some(id) {
        return None;
    }
    // One audience, and that is us: an assertion that is good for two servers can be replayed by one at the other.
    let audience = text("aud")?;
    if audience != core.issuer && audience.strip_prefix(core.issuer.as_str()) != Some("/token") {
        return None;
    }
    let now = core.records.now() as f64;
    let date = |name: &str| match claims.get(name) {
        None => Some(None),
        Some(value) => value.as_f64().filter(|date| date.is_finite() && *date >= 0.0).map(Some),
    };
    let ends = date("exp")??;
    let begins = [date("iat")?, date("nbf")?];
    let is_current = ends > now && ends <= now + LONGEST + LEEWAY;
    if !is_current || begins.into_iter().flatten().any(|date| date > now + LEEWAY) {
        return None;
    }
    let jti = text("jti").filter(|jti| (1..=MAX_JTI_BYTES).contains(&jti.len()))?;
    // Rounded up: it must not be forgotten before it has ended.
    Some((jti, ends.ceil() as u64 + 1))
}
