//! Authorization codes: bound to everything of the request that led to them, and good once.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::{
    access::random_id,
    answer::Answer,
    grants::{Grant, Refresh, TRIES, insert_steps},
};
use crate::{
    oauth::{
        Core,
        clients::{Client, GrantType},
        error::{ErrorCode, OAuthError},
        hash::sha256,
        people::{self, Eras},
        pkce,
        seal::random,
        visit::Form,
    },
    store::{Commit, Kind, Record, StoreError, insert},
};

/// How long a code that was used is known, so that a replay of it is noticed, in seconds.
const USED_CODES: u64 = 600;

/// What a code stands for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Granted {
    pub(crate) client_id: String,
    /// As it stood in the authorization request.
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) resource: String,
    pub(crate) subject: String,
    pub(crate) scopes: Vec<String>,
    /// When the subject logged in, in seconds since the Unix epoch.
    pub(crate) auth_time: u64,
}

/// A code, under its hash.
#[derive(Clone, Serialize, Deserialize)]
struct Code {
    granted: Granted,
    /// The grant that it was exchanged for.
    bought: Option<String>,
    until: u64,
    /// Those in which it was allowed: it is good in no others.
    #[serde(default)]
    eras: Eras,
}

impl Record for Code {
    const KIND: Kind = Kind::new("code");

    fn expires_at(&self) -> Option<u64> {
        Some(self.until)
    }
}

/// Makes a code for what somebody has granted in these eras: those from before they were asked, or it was looked up.
pub(crate) async fn issue(core: &Core, granted: Granted, eras: Eras) -> Result<String, OAuthError> {
    let secret: [u8; 32] = random().ok_or_else(|| StoreError::new("the system has no randomness"))?;
    let code = URL_SAFE_NO_PAD.encode(secret);
    let until = core.records.now().saturating_add(core.lifetimes.code.as_secs());
    let record = Code { granted, bought: None, until, eras };
    match core.records.commit(&[insert(sha256(&code), &record)]).await? {
        Commit::Done => Ok(code),
        Commit::Conflict => Err(StoreError::new("a random code was there already").into()),
    }
}

/// Exchanges a code for tokens (RFC 6749 §4.1.3). Whatever is wrong is one and the same error, and changes nothing; only
/// whoever could have exchanged a code, and tries that again, ends what it bought.
pub(crate) async fn redeem(core: &Core, client: &Client, form: &Form) -> Result<Answer, OAuthError> {
    let missing = |what| OAuthError::new(ErrorCode::InvalidRequest, what);
    let code = form.get("code").ok_or(missing("`code` is missing"))?;
    let verifier = form.get("code_verifier").ok_or(missing("`code_verifier` is missing"))?;
    let resource = core.resource_of(form)?;
    let name = sha256(code);
    for _ in 0..TRIES {
        let row = core.records.get::<Code>(&name).await?.ok_or(no_such_code())?;
        let granted = &row.record.granted;
        // OAuth 2.1 has clients leave `redirect_uri` out here, as PKCE says more; whoever sends it must send the same.
        let same_redirect = form.get("redirect_uri").is_none_or(|uri| uri == granted.redirect_uri);
        let theirs = granted.client_id == client.id && same_redirect && granted.resource == resource;
        if !pkce::answers(verifier, &granted.challenge) || !theirs {
            return Err(no_such_code());
        }
        if let Some(bought) = &row.record.bought {
            tracing::warn!(client = client.id, grant = bought, "an authorization code was used twice");
            core.end_grant(bought).await?;
            return Err(no_such_code());
        }
        let (eras, lasts) = Eras::now(core, &granted.subject, &client.id).await?;
        if eras != row.record.eras {
            return Err(no_such_code());
        }
        let account = people::account_of(core, &granted.subject).await?.ok_or(no_such_code())?;
        let scopes = core.within(&core.within(&granted.scopes, &account.scopes), &client.scopes);
        if scopes.is_empty() && !granted.scopes.is_empty() {
            return Err(no_such_code());
        }
        let id = random_id()?;
        let grant = new_grant(core, client, granted, scopes);
        core.make_room(&grant.subject, &grant.client_id).await?;
        let used = Code {
            bought: Some(id.clone()),
            until: core.records.now().saturating_add(USED_CODES),
            ..row.record.clone()
        };
        let mut steps = vec![row.replace(&used)];
        steps.extend(insert_steps(&id, &grant));
        // Else all grants could end between this and the last look, and this one begin.
        steps.extend(lasts);
        if core.records.commit(&steps).await? == Commit::Done {
            // Whoever ends the grants of a client may have listed them before this one was there.
            if Eras::now(core, &granted.subject, &client.id).await?.0 != eras {
                core.end_grant(&id).await?;
                return Err(no_such_code());
            }
            return Answer::of(core, &id, &grant, &grant.scopes).await;
        }
    }
    Err(StoreError::new("a code keeps changing").into())
}

fn new_grant(core: &Core, client: &Client, granted: &Granted, scopes: Vec<String>) -> Grant {
    let now = core.records.now();
    let idle_until = now.saturating_add(core.lifetimes.refresh_idle.as_secs());
    let refreshes = client.grant_types.contains(&GrantType::RefreshToken);
    Grant {
        client_id: granted.client_id.clone(),
        subject: granted.subject.clone(),
        resource: granted.resource.clone(),
        scopes,
        auth_time: granted.auth_time,
        created_at: now,
        ends_at: now.saturating_add(core.lifetimes.grant.as_secs()),
        access_until: core.access_until(),
        refresh: refreshes.then_some(Refresh { number: 0, rotated_at: None, idle_until }),
    }
}

/// For whatever is wrong: the difference would help whoever found a code.
fn no_such_code() -> OAuthError {
    OAuthError::new(ErrorCode::InvalidGrant, "the code is unknown, used, expired, or not for this request")
}
