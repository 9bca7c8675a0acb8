//! Accounts of other providers' people: what was said of them when they came back, and whether that still holds.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};

use super::{
    TRIES, contended, known_subject,
    vault::{self, Hold},
};
use crate::{
    caught::caught,
    in_time::in_time,
    oauth::{
        Account, Core, LoginError,
        error::{ErrorCode, OAuthError},
        hash::digest,
        login::federated::{Arrived, Claims, FederatedLogin, NotAdmitted, Rechecked},
    },
    store::{Commit, Kind, Record, Row, Step, StoreError},
};

/// How long a provider may take to look somebody up again.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long after one look, whether it is under way or has failed, nobody tries another, in seconds.
const BETWEEN_LOOKS: u64 = 30;
/// How far the clocks of two nodes may be apart, in seconds.
const SKEW: u64 = 60;

/// What a provider said of somebody, under a hash of the provider's name and the account's id. Sealed for that very place.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Known {
    said: String,
    /// When the provider last said so, in seconds since the Unix epoch.
    checked_at: u64,
    /// When it was last asked.
    tried_at: u64,
    /// When nothing can be left that was allowed by it.
    until: u64,
}

impl Known {
    /// Without moments that have not come yet, which a clock put there that was wrong: such a look counts as one that is
    /// too long ago, or nobody would be looked at until then. One that is older stays so.
    fn by_now(&self, now: u64, recheck_every: u64) -> Self {
        let is_wrong = self.checked_at > now.saturating_add(SKEW) || self.tried_at > now.saturating_add(SKEW);
        let due = self.checked_at.min(now.saturating_sub(recheck_every));
        if is_wrong { Self { checked_at: due, tried_at: due, ..self.clone() } } else { self.clone() }
    }
}

impl Record for Known {
    const KIND: Kind = Kind::new("federated");

    fn expires_at(&self) -> Option<u64> {
        Some(self.until)
    }
}

/// What is in there.
#[derive(Clone, Serialize, Deserialize)]
struct Said {
    /// Their id at the provider.
    id: String,
    claims: Claims,
    /// As it was stored. It is never the same twice, so it tells whether somebody has logged in since.
    #[serde(skip)]
    sealed: String,
}

impl Said {
    fn seal(&self, core: &Core, name: &str) -> Option<String> {
        let sealed = core.secrets.accounts.seal(&serde_json::to_vec(self).ok()?, name.as_bytes())?;
        Some(STANDARD_NO_PAD.encode(sealed))
    }

    fn open(core: &Core, row: &Row<Known>) -> Option<Self> {
        let sealed = STANDARD_NO_PAD.decode(&row.record.said).ok()?;
        let said = serde_json::from_slice(&core.secrets.accounts.open(&sealed, row.name.as_bytes())?).ok();
        said.map(|said| Self { sealed: row.record.said.clone(), ..said })
    }

    /// What is stored, if it is still this.
    fn unless_newer<'r>(&self, row: Option<&'r Row<Known>>) -> Option<&'r Row<Known>> {
        row.filter(|row| row.record.said == self.sealed)
    }
}

fn name_of(provider: &str, account_id: &str) -> String {
    digest(&[provider, account_id])
}

/// Writes down what a provider said of somebody who has just come back.
pub(crate) async fn remember(
    core: &Core,
    provider: &str,
    account_id: &str,
    arrived: &Arrived,
) -> Result<(), OAuthError> {
    let name = name_of(provider, account_id);
    let said = Said { id: arrived.id.clone(), claims: arrived.claims.clone(), sealed: String::new() };
    let now = core.records.now();
    let longest = core.lifetimes.grant.max(core.lifetimes.session).as_secs();
    let known = Known {
        said: said.seal(core, &name).ok_or(contended())?,
        checked_at: now,
        tried_at: now,
        until: now.saturating_add(longest),
    };
    core.records.put(&name, &known).await.map_err(Into::into)
}

/// The account as it is now, by what the provider said last and the rules of today. Looks again if that is too long ago.
pub(crate) async fn present(
    core: &Core,
    provider: &str,
    federated: &dyn FederatedLogin,
    account_id: &str,
) -> Result<Option<Account>, OAuthError> {
    let name = name_of(provider, account_id);
    for _ in 0..TRIES {
        let Some(row) = core.records.get::<Known>(&name).await? else { return Ok(None) };
        let Some(said) = Said::open(core, &row) else {
            tracing::error!(provider, "what is stored of an account is not what was stored for it");
            return Ok(None);
        };
        let (now, patience) = (core.records.now(), federated.patience());
        let known = row.record.by_now(now, patience.recheck_every.as_secs());
        let age = now.saturating_sub(known.checked_at);
        if age < patience.recheck_every.as_secs() {
            return Ok(judge(provider, federated, &said));
        }
        let is_bearable = age < patience.recheck_every.saturating_add(patience.grace).as_secs();
        if now.saturating_sub(known.tried_at) < BETWEEN_LOOKS && known.tried_at > known.checked_at {
            // Somebody is looking, or has not been answered a moment ago.
            return if is_bearable { Ok(judge(provider, federated, &said)) } else { Err(not_now()) };
        }
        let trying = Known { tried_at: now, ..known };
        if core.records.commit(&[row.replace(&trying)]).await? == Commit::Conflict {
            continue;
        }
        return match look_again(core, provider, account_id, said.clone()).await {
            Ok(claims) => Ok(claims.and_then(|claims| judge(provider, federated, &Said { claims, ..said }))),
            Err(error) if !is_bearable => Err(error),
            Err(_) => Ok(judge(provider, federated, &said)),
        };
    }
    Err(contended())
}

/// Whether others may be linked with an account by this address, as its provider said last: a step that expects this to
/// last.
pub(super) async fn has_linked_email(
    core: &Core,
    (provider, account_id): (&str, &str),
    email: &str,
) -> Result<Option<Step>, StoreError> {
    let Some(federated) = core.federated(provider) else { return Ok(None) };
    let Some(row) = core.records.get::<Known>(&name_of(provider, account_id)).await? else { return Ok(None) };
    let has = Said::open(core, &row).and_then(|said| federated.linked_email(&said.claims));
    Ok(has.is_some_and(|has| has == email).then(|| row.check()))
}

fn judge(provider: &str, federated: &dyn FederatedLogin, said: &Said) -> Option<Account> {
    let judged = federated.judge(&said.id, &said.claims);
    if let Err(NotAdmitted { rule, why }) = &judged {
        tracing::info!(provider, rule, why, "an account is not admitted any more");
    }
    judged.ok()
}

/// What the provider says now; `None` if the account is gone. Goes on if whoever asked for it goes away: the provider may
/// have exchanged tokens for it.
async fn look_again(core: &Core, provider: &str, account_id: &str, said: Said) -> Result<Option<Claims>, OAuthError> {
    let Some(core) = core.arc() else { return Err(not_now()) };
    let (provider, account_id) = (provider.to_owned(), account_id.to_owned());
    let looking = tokio::spawn(async move { ask(&core, &provider, &account_id, &said).await });
    looking.await.unwrap_or_else(|_| Err(not_now()))
}

async fn ask(core: &Arc<Core>, provider: &str, account_id: &str, said: &Said) -> Result<Option<Claims>, OAuthError> {
    let id = &*said.id;
    let Some(federated) = core.federated(provider) else { return Ok(None) };
    let Some(subject) = known_subject(core, provider, account_id).await? else { return Ok(None) };
    // Nobody else uses them meanwhile: the provider may exchange them to look.
    let held = match vault::hold(core, (&subject, provider), |_| false).await? {
        Hold::Mine(held) => Some(held),
        Hold::Busy => return Err(not_now()),
        Hold::Nothing | Hold::Fresh(_) => None,
    };
    let held = held.as_deref();
    let tokens = held.map(|held| &held.kept).filter(|kept| kept.account == id).map(|kept| &kept.tokens);
    let asked = in_time(PATIENCE, caught(federated.recheck(id, &said.claims, tokens))).await;
    // First: an exchanged token is lost if it is not stored, an old look is only repeated.
    match (held, &asked) {
        (Some(held), Some(Some(Ok(Rechecked { tokens: Some(tokens), .. })))) => drop(held.put(tokens).await?),
        (Some(held), Some(Some(Err(LoginError::Denied)))) if held.kept.account == id => held.forget().await?,
        (Some(held), _) => held.release().await?,
        (None, _) => {}
    }
    match asked {
        Some(Some(Ok(rechecked))) => still_there(core, (provider, account_id), said, rechecked).await.map(Some),
        Some(Some(Err(LoginError::Denied))) => {
            tracing::info!(provider, subject, "a provider does not vouch for an account any more");
            gone(core, provider, account_id, said).await?;
            Ok(None)
        }
        Some(Some(Err(LoginError::Unavailable))) => {
            tracing::warn!(provider, "a provider cannot say whether an account is still there");
            Err(not_now())
        }
        Some(None) => {
            tracing::error!(provider, "looking up an account panicked");
            Err(not_now())
        }
        None => {
            tracing::warn!(provider, "a provider did not say in time whether an account is still there");
            Err(not_now())
        }
    }
}

async fn still_there(
    core: &Core,
    (provider, account_id): (&str, &str),
    before: &Said,
    rechecked: Rechecked,
) -> Result<Claims, OAuthError> {
    let name = name_of(provider, account_id);
    let said = Said { claims: rechecked.claims, ..before.clone() };
    let (sealed, now) = (said.seal(core, &name).ok_or(contended())?, core.records.now());
    let anew = |row: &Row<Known>| {
        row.replace(&Known { said: sealed.clone(), checked_at: now, tried_at: now, until: row.record.until })
    };
    if !core.records.change(&name, |row| before.unless_newer(row).map(anew)).await?
        && let Some(row) = core.records.get::<Known>(&name).await?
    {
        // What was said to somebody who has logged in since is newer.
        return Said::open(core, &row).map(|newer| newer.claims).ok_or_else(not_now);
    }
    Ok(said.claims)
}

/// Forgets an account: whoever it was logs in anew, unless they have done so since.
async fn gone(core: &Core, provider: &str, account_id: &str, before: &Said) -> Result<(), OAuthError> {
    let name = name_of(provider, account_id);
    core.records.change(&name, |row| before.unless_newer(row).map(Row::delete)).await?;
    Ok(())
}

fn not_now() -> OAuthError {
    let description = "the provider of the account cannot be asked right now";
    OAuthError { code: ErrorCode::TemporarilyUnavailable, description, retry_after: Some(30) }
}
