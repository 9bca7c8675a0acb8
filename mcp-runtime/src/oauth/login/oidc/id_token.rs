//! Whether an ID token is the provider's, for us, about this login (OpenID Connect Core 1.0 §3.1.3.7).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::{
    AccessToken, AccessTokenHash, ClaimsVerificationError as Wrong, ClientId, IssuerUrl, Nonce,
    SignatureVerificationError as BadSignature,
    core::{CoreIdToken, CoreIdTokenVerifier},
};
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::discovery::Provider;
use crate::{auth::UniqueObject, oauth::login::federated::Claims};

/// How far the provider's clock may be ahead, in seconds.
const SKEW: u64 = 60;

/// What it must say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    /// `tid`, of Entra.
    pub(super) tenant: Option<&'a str>,
    /// Of a login; at a refresh it may say none.
    pub(super) nonce: Option<&'a str>,
    /// The person entered credentials at this moment or later.
    pub(super) authenticated_since: Option<u64>,
    pub(super) access_token: &'a str,
    pub(super) now: u64,
}

/// Why it is not accepted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No key that is known here made it; perhaps one that is not.
    Key,
    Wrong(&'static str),
}

/// All its claims, if everything is right.
pub(super) fn check(token: &CoreIdToken, provider: &Provider, expected: &Expected<'_>) -> Result<Claims, Refusal> {
    let issuer = IssuerUrl::new(expected.issuer.to_owned()).map_err(|_| Refusal::Wrong("another issuer"))?;
    // A verifier without the client's secret: nothing that is signed with a shared one passes.
    let now = UNIX_EPOCH.checked_add(Duration::from_secs(expected.now)).unwrap_or_else(SystemTime::now);
    let client_id = ClientId::new(expected.client_id.to_owned());
    let verifier = CoreIdTokenVerifier::new_public_client(client_id, issuer, provider.keys.clone())
        .set_allowed_algs(provider.metadata.algorithms.iter().cloned())
        .set_time_fn(move || now.into())
        // Others may be meant too if the provider says that it gave the token to us, see `azp`.
        .set_other_audience_verifier_fn(|_| true);
    token
        .claims(&verifier, |nonce: Option<&Nonce>| same_nonce(nonce, expected.nonce))
        .map_err(|wrong| reason(&wrong))?;
    let claims = read(token).ok_or(Refusal::Wrong("not a plain JSON object"))?;
    authorized_party(&claims, expected.client_id)?;
    dates(&claims, expected)?;
    subject(&claims).ok_or(Refusal::Wrong("its `sub` is not 1 to 255 ASCII characters"))?;
    if expected.tenant.is_some_and(|tenant| claims.get("tid").and_then(Value::as_str) != Some(tenant)) {
        return Err(Refusal::Wrong("of another tenant"));
    }
    access_token_hash(token, &verifier, &claims, expected.access_token)?;
    Ok(claims)
}

/// Who it is about.
pub(super) fn subject(claims: &Claims) -> Option<&str> {
    let sub = claims.get("sub")?.as_str()?;
    ((1..=255).contains(&sub.len()) && sub.bytes().all(|b| b.is_ascii_graphic() || b == b' ')).then_some(sub)
}

fn same_nonce(said: Option<&Nonce>, expected: Option<&str>) -> Result<(), String> {
    let Some(expected) = expected else { return Ok(()) };
    let same = said.is_some_and(|said| said.secret().as_bytes().ct_eq(expected.as_bytes()).into());
    if same { Ok(()) } else { Err(String::new()) }
}

/// All claims as they were written, and none of them twice.
fn read(token: &CoreIdToken) -> Option<Claims> {
    let token = token.to_string();
    let payload = token.split('.').nth(1)?;
    UniqueObject::parse(&URL_SAFE_NO_PAD.decode(payload).ok()?)
}

/// One audience, or one of several if the token was given to us.
fn authorized_party(claims: &Claims, client_id: &str) -> Result<(), Refusal> {
    let several = claims.get("aud").and_then(Value::as_array).is_some_and(|all| all.len() > 1);
    match claims.get("azp") {
        None if !several => Ok(()),
        Some(azp) if azp.as_str() == Some(client_id) => Ok(()),
        _ => Err(Refusal::Wrong("given to another client")),
    }
}

fn dates(claims: &Claims, expected: &Expected<'_>) -> Result<(), Refusal> {
    let date = |name: &str| claims.get(name).and_then(seconds);
    // No grace for `exp`, which is checked already; this one is only for clocks that are not quite right.
    if date("iat").is_none_or(|iat| iat > expected.now.saturating_add(SKEW)) {
        return Err(Refusal::Wrong("from the future"));
    }
    if claims.contains_key("nbf") && date("nbf").is_none_or(|nbf| nbf > expected.now.saturating_add(SKEW)) {
        return Err(Refusal::Wrong("not valid yet"));
    }
    let Some(since) = expected.authenticated_since else { return Ok(()) };
    let since = since.saturating_sub(SKEW);
    match date("auth_time") {
        Some(time) if time >= since && time <= expected.now.saturating_add(SKEW) => Ok(()),
        Some(_) => Err(Refusal::Wrong("the person did not log in again, as was asked")),
        None => Err(Refusal::Wrong("it does not say when the person logged in (`auth_time`), as was asked")),
    }
}

/// A date, which may have a fraction.
fn seconds(value: &Value) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    value.as_u64().or_else(|| value.as_f64().filter(|date| *date >= 0.0).map(|date| date as u64))
}

/// A token that says with which access token it came must have come with it (§3.1.3.8).
fn access_token_hash(
    token: &CoreIdToken,
    verifier: &CoreIdTokenVerifier<'_>,
    claims: &Claims,
    access_token: &str,
) -> Result<(), Refusal> {
    let Some(said) = claims.get("at_hash") else { return Ok(()) };
    let access_token = AccessToken::new(access_token.to_owned());
    let (Ok(algorithm), Ok(key)) = (token.signing_alg(), token.signing_key(verifier)) else { return Err(Refusal::Key) };
    let is = AccessTokenHash::from_token(&access_token, algorithm, key).ok();
    let same = is.is_some_and(|is| said.as_str().is_some_and(|said| said.as_bytes().ct_eq(is.as_bytes()).into()));
    if same { Ok(()) } else { Err(Refusal::Wrong("it came with another access token")) }
}

/// In words of our own: theirs quote the token.
fn reason(wrong: &Wrong) -> Refusal {
    Refusal::Wrong(match wrong {
        Wrong::Expired(_) => "expired",
        Wrong::InvalidAudience(_) => "for another client",
        Wrong::InvalidIssuer(_) => "of another issuer",
        Wrong::InvalidNonce(_) => "its nonce is not that of this login",
        Wrong::Unsupported(_) => "its header asks for something that is never done",
        Wrong::SignatureVerification(signature) => match signature {
            BadSignature::NoSignature => "not signed",
            BadSignature::DisallowedAlg(_) | BadSignature::UnsupportedAlg(_) => {
                "signed with an algorithm that is not accepted"
            }
            _ => return Refusal::Key,
        },
        _ => "not accepted",
    })
}
