//! Refresh tokens: not stored, but computed from the grant and a number, so that everybody who exchanges one in time gets
//! the same successor.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    answer::Answer,
    grants::{Grant, Refresh, TRIES},
};
use crate::{
    oauth::{
        Core,
        clients::{Client, GrantType},
        error::{ErrorCode, OAuthError},
        limits::Route,
        people,
        visit::Form,
    },
    store::{Commit, Row, StoreError},
};

const ID: usize = 16;
const NUMBER: usize = 4;

/// The refresh token of a grant with this number.
pub(crate) fn token(core: &Core, grant: &str, number: u32) -> Option<String> {
    let id: [u8; ID] = URL_SAFE_NO_PAD.decode(grant).ok()?.try_into().ok()?;
    let number = number.to_be_bytes();
    let code = core.secrets.refresh_tokens.of(&[&id, &number]);
    Some(URL_SAFE_NO_PAD.encode([&id[..], &number, &code].concat()))
}

/// The grant and the number in a token that we made; a forged one costs nothing but this.
pub(crate) fn read(core: &Core, token: &str) -> Option<(String, u32)> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (id, rest) = bytes.split_at_checked(ID)?;
    let (number, code) = rest.split_at_checked(NUMBER)?;
    if !core.secrets.refresh_tokens.is_of(code, &[id, number]) {
        return None;
    }
    Some((URL_SAFE_NO_PAD.encode(id), u32::from_be_bytes(number.try_into().ok()?)))
}

/// What a token is to the grant as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// The newest: it is exchanged now.
    Newest,
    /// Exchanged a moment ago, and its successor was not used yet: whoever lost the answer asks again.
    Repeated,
    /// Used when its time was over: two hold it, and nobody knows which of them is the thief.
    Reused,
    /// Of a future that this store does not know.
    Unknown,
}

fn standing(core: &Core, refresh: &Refresh, number: u32) -> Standing {
    let grace = core.lifetimes.refresh_grace.as_secs();
    let in_time = refresh.rotated_at.is_some_and(|at| core.records.now() < at.saturating_add(grace));
    match refresh.number.checked_sub(number) {
        None => Standing::Unknown,
        Some(0) => Standing::Newest,
        Some(1) if in_time => Standing::Repeated,
        Some(_) => Standing::Reused,
    }
}

/// Exchanges a refresh token (RFC 6749 §6). Scopes are judged anew, and only ever become fewer.
pub(crate) async fn redeem(core: &Core, client: &Client, form: &Form) -> Result<Answer, OAuthError> {
    let missing = OAuthError::new(ErrorCode::InvalidRequest, "`refresh_token` is missing");
    let (id, number) = read(core, form.get("refresh_token").ok_or(missing)?).ok_or(no_such_token())?;
    for attempt in 0..TRIES {
        let row = core.records.get::<Grant>(&id).await?.ok_or(no_such_token())?;
        let grant = &row.record;
        if grant.client_id != client.id {
            return Err(no_such_token());
        }
        if attempt == 0 {
            core.limits.charge_key(Route::Token, &id)?;
        }
        let refresh = living(core, grant).ok_or(no_such_token())?;
        if core.resource_of(form)? != grant.resource {
            return Err(OAuthError::new(ErrorCode::InvalidTarget, "the grant is for another resource"));
        }
        let standing = standing(core, refresh, number);
        match standing {
            Standing::Unknown => return Err(no_such_token()),
            Standing::Reused => {
                tracing::warn!(client = client.id, grant = id, "a refresh token was used again after its time");
                core.end_grant(&id).await?;
                return Err(no_such_token());
            }
            Standing::Newest | Standing::Repeated => {}
        }
        let left = scopes_left(core, client, &row).await?;
        let asked = narrowed(core, form, &left)?;
        if standing == Standing::Repeated {
            return Answer::of(core, &id, grant, &asked).await;
        }
        let next = rotated(core, grant, refresh, left).ok_or(no_such_token())?;
        if core.records.commit(&[row.replace(&next)]).await? == Commit::Done {
            return Answer::of(core, &id, &next, &asked).await;
        }
    }
    Err(StoreError::new("a grant keeps changing").into())
}

/// Where the refresh tokens of a grant stand, if any is good now.
fn living<'g>(core: &Core, grant: &'g Grant) -> Option<&'g Refresh> {
    let now = core.records.now();
    grant.refresh.as_ref().filter(|refresh| now < refresh.idle_until && now < grant.ends_at)
}

/// What the grant still allows, now that its subject and its client may be allowed less.
async fn scopes_left(core: &Core, client: &Client, row: &Row<Grant>) -> Result<Vec<String>, OAuthError> {
    if !client.grant_types.contains(&GrantType::RefreshToken) {
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, "the client may not use refresh tokens"));
    }
    let grant = &row.record;
    let Some(account) = people::account_of(core, &grant.subject).await? else {
        core.end_grant(&row.name).await?;
        return Err(no_such_token());
    };
    let left = core.within(&core.within(&grant.scopes, &account.scopes), &client.scopes);
    // A token without any scope would look to the client like one with all.
    if left.is_empty() && !grant.scopes.is_empty() { Err(no_such_token()) } else { Ok(left) }
}

/// The scopes for the access token: those that are asked for, all of which must be left.
fn narrowed(core: &Core, form: &Form, left: &[String]) -> Result<Vec<String>, OAuthError> {
    let Some(asked) = form.get("scope") else { return Ok(left.to_vec()) };
    let asked = core.grantable(Some(asked))?;
    let allowed = Some(left.to_vec());
    if asked.is_empty() || core.within(&asked, &allowed).len() < asked.len() {
        return Err(OAuthError::new(ErrorCode::InvalidScope, "a scope was asked for that is not granted"));
    }
    Ok(asked)
}

/// The grant after its newest refresh token was exchanged.
fn rotated(core: &Core, grant: &Grant, refresh: &Refresh, scopes: Vec<String>) -> Option<Grant> {
    let now = core.records.now();
    let next = Refresh {
        number: refresh.number.checked_add(1)?,
        rotated_at: Some(now),
        idle_until: now.saturating_add(core.lifetimes.refresh_idle.as_secs()),
    };
    // Those who repeat the exchange get access tokens too, and nothing is written then.
    let access_until = core.access_until().saturating_add(core.lifetimes.refresh_grace.as_secs());
    Some(Grant { scopes, access_until: access_until.max(grant.access_until), refresh: Some(next), ..grant.clone() })
}

/// For whatever is wrong: the difference would help whoever found a token.
fn no_such_token() -> OAuthError {
    OAuthError::new(ErrorCode::InvalidGrant, "the refresh token is unknown, used, expired, or not for this client")
}
