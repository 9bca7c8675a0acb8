//! What a token says about its bearer, itself or through its issuer.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Map, Value};

#[cfg(feature = "jwt")]
use super::object::UniqueObject;
use super::{AuthError, Identity, Principal, scope_claim::ScopeClaims, static_tokens::is_subject};

/// How far `nbf` and `iat` may lie in the future: clocks differ. Expiry has no such grace.
const LEEWAY_SECONDS: f64 = 30.0;

/// What OpenID Connect puts into ID and logout tokens, and nobody into access tokens.
#[cfg(feature = "jwt")]
const OF_OTHER_TOKENS: [&str; 5] = ["nonce", "at_hash", "c_hash", "s_hash", "events"];

/// What ID tokens often say, and access tokens sometimes.
#[cfg(feature = "jwt")]
const HINTS_AT_ID_TOKENS: [&str; 5] = ["auth_time", "sid", "email", "amr", "acr"];

/// What access tokens say, in the words of one provider or another, and ID tokens never.
#[cfg(feature = "jwt")]
const GRANTS: [&str; 3] = ["scope", "scp", "permissions"];

/// What providers write into the claims themselves to say which kind a token is (Keycloak; Cognito, Hydra).
const KINDS: [(&str, &[&str]); 2] =
    [("typ", &["Bearer", "at+jwt", "access"]), ("token_use", &["access", "access_token"])];

/// What the claims are compared with.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: &'a str,
    /// Seconds since the Unix epoch.
    pub(super) now: u64,
    pub(super) scopes: &'a ScopeClaims,
    pub(super) dialect: &'a Dialect,
}

/// How an issuer writes access tokens, where issuers differ.
pub(super) struct Dialect {
    /// The claims that may name the client: the first that is there does.
    pub(super) client: &'static [&'static str],
    /// Whether its tokens may say nothing about whom they are for.
    pub(super) may_lack_audience: bool,
    /// Whether a token stands for a program, beside those whose subject is their client.
    pub(super) is_program: fn(&Map<String, Value>) -> bool,
}

impl Dialect {
    /// RFC 9068, and OpenID Connect's word for the client.
    pub(super) const STANDARD: Self =
        Self { client: &["client_id", "azp"], may_lack_audience: false, is_program: |_| false };
}

/// Checks every claim of a signed token and makes the identity. The signature must have been verified. The claims of
/// some kinds of token are all that tells them from an ID token.
#[cfg(feature = "jwt")]
pub(super) fn signed(payload: &[u8], expected: &Expected<'_>, may_be_id_token: bool) -> Result<Identity, AuthError> {
    let claims = UniqueObject::parse(payload).ok_or(AuthError::invalid("the claims are not a plain JSON object"))?;
    if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
        return Err(AuthError::invalid("another issuer"));
    }
    check_audience(&claims, expected)?;
    let expires_at = check_times(&claims, expected.now)?.ok_or(AuthError::invalid("no expiry"))?;
    let is_id_token =
        has_claims_of_others(&claims) || is_other_kind(&claims) || is_for_its_client(&claims, expected.audience);
    if may_be_id_token && is_id_token {
        return Err(AuthError::invalid("not an access token"));
    }
    identity(claims, expected, Some(expires_at))
}

/// Checks what an issuer says about a token (RFC 7662 §2.2) and makes the identity.
#[cfg(feature = "introspection")]
pub(super) fn introspected(claims: Map<String, Value>, expected: &Expected<'_>) -> Result<Identity, AuthError> {
    if claims.get("active") != Some(&Value::Bool(true)) {
        return Err(AuthError::invalid("not active"));
    }
    if claims.get("iss").is_some_and(|issuer| issuer != expected.issuer) {
        return Err(AuthError::invalid("another issuer"));
    }
    let is_bearer = |kind: &Value| kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("Bearer"));
    if claims.get("token_type").is_some_and(|kind| !is_bearer(kind)) {
        return Err(AuthError::invalid("not a bearer token"));
    }
    // Many issuers call a refresh token active as well.
    if is_other_kind(&claims) {
        return Err(AuthError::invalid("not an access token"));
    }
    check_audience(&claims, expected)?;
    let expires_at = check_times(&claims, expected.now)?;
    identity(claims, expected, expires_at)
}

/// Makes the identity of claims that were checked.
fn identity(
    claims: Map<String, Value>,
    expected: &Expected<'_>,
    expires_at: Option<u64>,
) -> Result<Identity, AuthError> {
    if claims.contains_key("cnf") {
        return Err(AuthError::invalid("bound to a key of its holder (`cnf`), whose proof is not checked here"));
    }
    let subject = name(&claims, "sub")?.ok_or(AuthError::invalid("no subject"))?;
    let named = expected.dialect.client.iter().find(|claim| claims.contains_key(**claim));
    let client = named.map_or(Ok(None), |claim| name(&claims, claim))?;
    let is_program = client == Some(subject) || (expected.dialect.is_program)(&claims);
    let principal = if is_program { Principal::Service } else { Principal::User };
    let mut identity =
        Identity::new(expected.issuer, subject).principal(principal).scopes(expected.scopes.granted(&claims));
    if let Some(client) = client {
        identity = identity.client(client);
    }
    if let Some(expires_at) = expires_at {
        identity = identity.expires_at(expires_at);
    }
    Ok(identity.claims(claims).build())
}

#[cfg(feature = "jwt")]
fn has_claims_of_others(claims: &Map<String, Value>) -> bool {
    OF_OTHER_TOKENS.iter().any(|name| claims.contains_key(*name))
}

/// Whether this is most likely an ID token for a client whose name was taken for an audience. Access tokens that an
/// application gets for itself name it twice as well, but say what they grant, or of which kind they are.
#[cfg(feature = "jwt")]
fn is_for_its_client(claims: &Map<String, Value>, audience: &str) -> bool {
    let has = |names: &[&str]| names.iter().any(|name| claims.contains_key(*name));
    let is_client = |name: &str| claims.get(name).and_then(Value::as_str) == Some(audience);
    let says_kind = KINDS.iter().any(|(name, _)| claims.contains_key(*name));
    (is_client("azp") || is_client("client_id")) && has(&HINTS_AT_ID_TOKENS) && !has(&GRANTS) && !says_kind
}

/// Whether the claims say that this is an ID, refresh or logout token.
fn is_other_kind(claims: &Map<String, Value>) -> bool {
    KINDS.iter().any(|(name, access)| {
        claims.get(*name).is_some_and(|kind| !kind.as_str().is_some_and(|kind| access.contains(&kind)))
    })
}

/// One string or a list of nothing but strings, one of which is us, byte for byte.
fn check_audience(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), AuthError> {
    let audience = expected.audience;
    let ours = match claims.get("aud") {
        None => expected.dialect.may_lack_audience,
        Some(Value::String(only)) => *only == *audience,
        Some(Value::Array(list)) => {
            list.iter().all(Value::is_string) && list.iter().any(|one| one.as_str() == Some(audience))
        }
        _ => false,
    };
    if ours {
        Ok(())
    } else {
        Err(AuthError::invalid("meant for someone else: its `aud` is not the audience of this server"))
    }
}

/// Returns the last whole second before the token ends, if it says when.
fn check_times(claims: &Map<String, Value>, now: u64) -> Result<Option<u64>, AuthError> {
    // `as` saturates, and cuts off a fraction: early rather than late.
    let end = date(claims, "exp")?.map(|end| end as u64);
    if end.is_some_and(|end| end <= now) {
        return Err(AuthError::Expired);
    }
    let latest = now as f64 + LEEWAY_SECONDS;
    for name in ["nbf", "iat"] {
        if date(claims, name)?.is_some_and(|date| date > latest) {
            return Err(AuthError::invalid("not valid yet"));
        }
    }
    Ok(end)
}

/// A NumericDate (RFC 7519 §2): a number, and after 1970.
fn date(claims: &Map<String, Value>, name: &str) -> Result<Option<f64>, AuthError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let date = value.as_f64().filter(|date| date.is_finite() && !date.is_sign_negative());
    date.map(Some).ok_or(AuthError::invalid("a date is not a number"))
}

/// A claim that names somebody.
fn name<'a>(claims: &'a Map<String, Value>, claim: &str) -> Result<Option<&'a str>, AuthError> {
    let Some(value) = claims.get(claim) else { return Ok(None) };
    let name = value.as_str().filter(|name| is_subject(name));
    name.map(Some).ok_or(AuthError::invalid("a name is empty, too long or not text"))
}

/// Strict: no padding, no white space, no bits left over, so that one content has one spelling.
pub(super) fn decode(part: &str) -> Result<Vec<u8>, AuthError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| AuthError::invalid("a part is not base64url"))
}

/// A token of the shape of a signed one that names this issuer, to see who claims it. Nobody accepts it.
pub(super) fn unsigned(issuer: &str) -> String {
    format!("e30.{}.AA", URL_SAFE_NO_PAD.encode(serde_json::json!({ "iss": issuer }).to_string()))
}

/// Whether these claims, which nobody has verified, name this issuer. Its size is bounded by the token's.
pub(super) fn says_issuer(payload: &str, issuer: &str) -> bool {
    #[derive(Deserialize)]
    struct OnlyIssuer<'a> {
        #[serde(borrow)]
        iss: Cow<'a, str>,
    }
    let Ok(json) = decode(payload) else { return false };
    serde_json::from_slice::<OnlyIssuer<'_>>(&json).is_ok_and(|claims| claims.iss == issuer)
}
