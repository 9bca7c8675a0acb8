//! Logins that last: a random id in a cookie, its hash in the store.

use axum::response::Response;
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::{TRIES, contended, links::era_of, present};
use crate::{
    oauth::{
        Account, Core,
        browser::{Cookie, secret},
        error::OAuthError,
        hash::digest,
    },
    store::{Commit, Kind, Record, Row, delete, insert},
};

/// How often at most the store is told that a session is in use, in seconds.
const RENEWAL: u64 = 60;

/// How long a login counts as the one that `prompt=login` asked for, in seconds.
const FRESH: u64 = 600;

/// A login.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) subject: String,
    pub(crate) provider: String,
    pub(crate) account_id: String,
    /// When the credentials were entered, in seconds since the Unix epoch.
    pub(crate) auth_time: u64,
    /// [Those](Account::credentials) of the account then.
    #[serde(default)]
    credentials: Option<String>,
    /// The [era](era_of) of the subject then.
    #[serde(default)]
    era: u64,
    /// The authorization request that it was entered for: it has no need of another login then.
    answered: String,
    used_at: u64,
    /// When it ends if it is not used.
    idle_end: u64,
    /// When it ends, whatever happens.
    end: u64,
}

impl Record for Session {
    const KIND: Kind = Kind::new("session");

    fn expires_at(&self) -> Option<u64> {
        Some(self.idle_end.min(self.end))
    }
}

/// Somebody who is logged in, with the account as it is now.
pub(crate) struct SignedIn {
    /// The name of the session in the store: what its forms are tied to.
    pub(crate) id: String,
    pub(crate) session: Session,
    pub(crate) account: Account,
}

impl SignedIn {
    /// Whoever is logged in with this browser.
    pub(crate) async fn of(core: &Core, headers: &HeaderMap) -> Result<Option<Self>, OAuthError> {
        let Some(id) = Session::id(core, headers) else { return Ok(None) };
        let Some(row) = core.records.get::<Session>(&id).await? else { return Ok(None) };
        let session = &row.record;
        let account = present(core, &session.provider, &session.account_id).await?;
        let Some(account) = account.filter(|account| account.credentials == session.credentials) else {
            return Ok(None);
        };
        // Nobody has a password here to change, or an account to lock: it ends with everything else.
        if core.federated(&session.provider).is_some() && era_of(core, &session.subject).await?.0 != session.era {
            return Ok(None);
        }
        renew(core, &row).await?;
        Ok(Some(Self { id: row.name, session: row.record, account }))
    }

    /// Whether this login was made for this very request, just now.
    pub(crate) fn answered(&self, core: &Core, query: &str) -> bool {
        let fresh = core.records.now().saturating_sub(self.session.auth_time) <= FRESH;
        fresh && self.session.answered == digest(&[query])
    }
}

impl Session {
    /// The name in the store of the session that a browser says it has.
    pub(crate) fn id(core: &Core, headers: &HeaderMap) -> Option<String> {
        Cookie::Session.of(core, headers).map(|secret| digest(&[secret]))
    }

    /// Begins a session under an id that nobody knew before, and ends the one that this browser had.
    pub(crate) async fn begin(
        core: &Core,
        headers: &HeaderMap,
        who: (&str, &str, &Account),
        query: &str,
    ) -> Result<String, OAuthError> {
        let (subject, provider, account) = who;
        let (era, _) = era_of(core, subject).await?;
        let now = core.records.now();
        let (idle, whole) = (core.lifetimes.session_idle.as_secs(), core.lifetimes.session.as_secs());
        let session = Self {
            subject: subject.to_owned(),
            provider: provider.to_owned(),
            account_id: account.id.clone(),
            auth_time: now,
            credentials: account.credentials.clone(),
            era,
            answered: digest(&[query]),
            used_at: now,
            idle_end: now.saturating_add(idle),
            end: now.saturating_add(whole),
        };
        for _ in 0..TRIES {
            let id = secret()?;
            let mut steps = vec![insert(digest(&[&id]), &session)];
            steps.extend(Self::id(core, headers).map(delete::<Self>));
            if core.records.commit(&steps).await? == Commit::Done {
                return Ok(id);
            }
        }
        Err(contended())
    }

    pub(crate) async fn end(core: &Core, id: &str) -> Result<(), OAuthError> {
        // A removal that expects nothing meets no conflict.
        core.records.commit(&[delete::<Self>(id)]).await.map(drop).map_err(Into::into)
    }

    /// Gives the browser its id.
    pub(crate) fn hand_over(core: &Core, response: &mut Response, id: &str) {
        Cookie::Session.set(core, response, id, Some(core.lifetimes.session.as_secs()));
    }
}

async fn renew(core: &Core, row: &Row<Session>) -> Result<(), OAuthError> {
    let now = core.records.now();
    if now.saturating_sub(row.record.used_at) < RENEWAL {
        return Ok(());
    }
    let idle_end = now.saturating_add(core.lifetimes.session_idle.as_secs());
    let renewed = Session { used_at: now, idle_end, ..row.record.clone() };
    // Whoever got in the way has renewed it too, or ended it.
    core.records.commit(&[row.replace(&renewed)]).await.map(drop).map_err(Into::into)
}
