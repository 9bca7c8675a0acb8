//! Subjects: random, never reused, and linked to the accounts that they stand for.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::{TRIES, accounts, contended};
use crate::{
    caught::caught,
    oauth::{
        Account, Core, LoginError, LoginProvider,
        browser::secret,
        error::{ErrorCode, OAuthError},
        hash::digest,
    },
    store::{Commit, Kind, Record, Row, Step, StoreError, insert},
};

/// How long a provider may take to look up an account.
const PATIENCE: Duration = Duration::from_secs(10);

/// A subject and its account. Kept under both, made in one commit, never removed: a subject that is not linked any more
/// could be given out again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Link {
    subject: String,
    provider: String,
    account_id: String,
    /// Counts how often everything that it allowed was ended; only of the one under the subject.
    #[serde(default)]
    era: u64,
}

impl Record for Link {
    const KIND: Kind = Kind::new("link");

    fn expires_at(&self) -> Option<u64> {
        None
    }
}

impl Link {
    fn stands_for(&self, provider: &str, account_id: &str) -> bool {
        self.provider == provider && self.account_id == account_id
    }
}

fn by_email(address: &str) -> String {
    format!("email:{}", digest(&[address]))
}

/// Whose account at this provider had the address last.
fn by_email_at(provider: &str, address: &str) -> String {
    format!("email-at:{}", digest(&[provider, address]))
}

fn by_subject(subject: &str) -> String {
    format!("subject:{subject}")
}

fn by_account(provider: &str, account_id: &str) -> String {
    // Ids come from elsewhere and can be of any length.
    format!("account:{}", digest(&[provider, account_id]))
}

/// The subject of an account, made at its first login.
pub(crate) async fn subject_of(core: &Core, provider: &str, account_id: &str) -> Result<String, OAuthError> {
    let name = by_account(provider, account_id);
    for _ in 0..TRIES {
        if let Some(row) = core.records.get::<Link>(&name).await? {
            return Ok(row.record.subject);
        }
        let link =
            Link { subject: secret()?, provider: provider.to_owned(), account_id: account_id.to_owned(), era: 0 };
        let steps = [insert(name.clone(), &link), insert(by_subject(&link.subject), &link)];
        if core.records.commit(&steps).await? == Commit::Done {
            return Ok(link.subject);
        }
    }
    Err(contended())
}

/// The subject of somebody who came back from another provider: that of the account, else that of a verified address which
/// the operator lets accounts be linked by, else a new one. From now on it is this account that the subject stands for.
///
/// An address that another account had at the same provider has changed hands: it leads to nobody else's subject any more,
/// here and elsewhere. So has one that no account of the subject has any more, as far as their providers vouch for that.
pub(crate) async fn federated_subject_of(
    core: &Core,
    (provider, account_id): (&str, &str),
    email: Option<&str>,
) -> Result<String, OAuthError> {
    let name = by_account(provider, account_id);
    for _ in 0..TRIES {
        let known = core.records.get::<Link>(&name).await?.map(|row| row.record.subject);
        let held = match email {
            Some(email) => Some(Held::of(core, (provider, account_id), known.is_some(), email).await?),
            None => None,
        };
        let linked = held.as_ref().and_then(Held::subject);
        let subject = known.clone().map_or_else(|| linked.map_or_else(secret, |it| Ok(it.to_owned())), Ok)?;
        let link = Link { subject, provider: provider.to_owned(), account_id: account_id.to_owned(), era: 0 };
        let standing = core.records.get::<Link>(&by_subject(&link.subject)).await?;
        let mut steps = Vec::new();
        steps.extend(known.is_none().then(|| insert(name.clone(), &link)));
        steps.extend(held.into_iter().flat_map(|held| held.steps(&link)));
        match &standing {
            Some(row) if row.record.stands_for(provider, account_id) => {}
            Some(row) => steps.push(row.replace(&Link { era: row.record.era, ..link.clone() })),
            None => steps.push(insert(by_subject(&link.subject), &link)),
        }
        if steps.is_empty() || core.records.commit(&steps).await? == Commit::Done {
            return Ok(link.subject);
        }
    }
    Err(contended())
}

/// Who has an e-mail address.
struct Held {
    names: [String; 2],
    /// Whomever accounts of other providers are linked with.
    anywhere: Option<Row<Link>>,
    /// The account at this one.
    here: Option<Row<Link>>,
    has_changed_hands: bool,
    /// Expects that what this rests on lasts.
    lasts: Option<Step>,
}

impl Held {
    /// Whoever `is_known` is linked with nobody, so it does not matter whether others still have the address.
    async fn of(
        core: &Core,
        (provider, account_id): (&str, &str),
        is_known: bool,
        email: &str,
    ) -> Result<Self, OAuthError> {
        let names = [by_email(email), by_email_at(provider, email)];
        let (anywhere, here) = (core.records.get::<Link>(&names[0]).await?, core.records.get::<Link>(&names[1]).await?);
        let is_anothers = here.as_ref().is_some_and(|row| !row.record.stands_for(provider, account_id));
        let (mut is_left, mut lasts) = (false, None);
        if let Some(row) = anywhere.as_ref().filter(|_| !is_anothers && !is_known) {
            lasts = still_has(core, &row.record, email).await?;
            is_left = lasts.is_none();
        }
        Ok(Self { names, anywhere, here, has_changed_hands: is_anothers || is_left, lasts })
    }

    /// The subject that an account which has the address now is linked with.
    fn subject(&self) -> Option<&str> {
        self.anywhere.as_ref().filter(|_| !self.has_changed_hands).map(|row| &*row.record.subject)
    }

    /// Writes down that this account has it now.
    fn steps(self, link: &Link) -> Vec<Step> {
        let put = |name: String, row: &Option<Row<Link>>| match row {
            None => Some(insert(name, link)),
            Some(row) => self.has_changed_hands.then(|| row.replace(link)),
        };
        let [anywhere, here] = self.names;
        let relied_on = self.anywhere.as_ref().filter(|_| self.lasts.is_some()).map(Row::check);
        let written = [put(anywhere, &self.anywhere), put(here, &self.here)];
        written.into_iter().chain([relied_on, self.lasts]).flatten().collect()
    }
}

/// A step that expects it to last that the account which brought an address, or the one that its subject stands for by now,
/// is there and has it; `None` if neither is so. Their providers are asked where the last look is too long ago.
async fn still_has(core: &Core, link: &Link, email: &str) -> Result<Option<Step>, OAuthError> {
    let brought = (link.provider.clone(), link.account_id.clone());
    let stands_for = linked_account(core, &link.subject).await?.filter(|account| *account != brought);
    for (provider, account_id) in [Some(brought), stands_for].into_iter().flatten() {
        if present(core, &provider, &account_id).await?.is_some()
            && let Some(lasts) = accounts::has_linked_email(core, (&provider, &account_id), email).await?
        {
            return Ok(Some(lasts));
        }
    }
    Ok(None)
}

/// The subject of an account, if it has one yet.
pub(crate) async fn known_subject(core: &Core, provider: &str, account_id: &str) -> Result<Option<String>, StoreError> {
    let found = core.records.get::<Link>(&by_account(provider, account_id)).await?;
    Ok(found.map(|row| row.record.subject))
}

/// The era of a subject, and a step that expects it to last; nothing if nobody knows the subject.
pub(crate) async fn era_of(core: &Core, subject: &str) -> Result<(u64, Option<Step>), StoreError> {
    let row = core.records.get::<Link>(&by_subject(subject)).await?;
    Ok(row.map_or((0, None), |row| (row.record.era, Some(row.check()))))
}

/// Begins another era of a subject: no code of the one before becomes a grant any more.
pub(crate) async fn end_era(core: &Core, subject: &str) -> Result<(), StoreError> {
    let next = |row: &Row<Link>| row.replace(&Link { era: row.record.era.saturating_add(1), ..row.record.clone() });
    core.records.change(&by_subject(subject), |row| row.map(next)).await.map(drop)
}

/// The provider of a subject's account, and its id there, whether it is still there or not.
pub(crate) async fn linked_account(core: &Core, subject: &str) -> Result<Option<(String, String)>, StoreError> {
    // Longer than any of ours, and too long for some stores.
    if subject.len() > 64 {
        return Ok(None);
    }
    let found = core.records.get::<Link>(&by_subject(subject)).await?;
    Ok(found.map(|row| (row.record.provider, row.record.account_id)))
}

/// The account of a subject as it is now; `None` if it is gone or locked, or nobody knows the subject.
pub(crate) async fn account_of(core: &Core, subject: &str) -> Result<Option<Account>, OAuthError> {
    let Some((provider, account_id)) = linked_account(core, subject).await? else { return Ok(None) };
    present(core, &provider, &account_id).await
}

/// An account as its provider has it now.
pub(crate) async fn present(core: &Core, provider: &str, account_id: &str) -> Result<Option<Account>, OAuthError> {
    let Some(login) = core.logins.iter().find(|known| known.name() == provider) else { return Ok(None) };
    let found = match login.federated() {
        Some(federated) => accounts::present(core, provider, federated.0, account_id).await,
        None => ask(&**login, account_id).await,
    };
    // Whoever answers for one account does not answer for another.
    Ok(found?.filter(|account| account.id == account_id))
}

async fn ask(provider: &dyn LoginProvider, account_id: &str) -> Result<Option<Account>, OAuthError> {
    match timeout(PATIENCE, caught(provider.account(account_id))).await {
        Ok(Some(Ok(account))) => Ok(account),
        Ok(Some(Err(LoginError::Denied))) => Ok(None),
        Ok(Some(Err(error))) => Err(unavailable(provider, &error.to_string())),
        Ok(None) => Err(unavailable(provider, "it panicked")),
        Err(_) => Err(unavailable(provider, "no answer within 10 seconds")),
    }
}

fn unavailable(provider: &dyn LoginProvider, why: &str) -> OAuthError {
    tracing::error!(provider = provider.name(), why, "an account cannot be looked up");
    let description = "try again in a moment";
    OAuthError { code: ErrorCode::TemporarilyUnavailable, description, retry_after: Some(5) }
}
