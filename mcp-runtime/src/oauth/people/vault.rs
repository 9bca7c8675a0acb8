//! What other providers gave for people: sealed, under subject and provider.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};
use tokio::time::{Duration, Instant, sleep};

use super::{TRIES, contended};
use crate::{
    oauth::{Core, browser::secret, error::OAuthError, hash::sha256, login::federated::UpstreamTokens},
    store::{Commit, Kind, Record, Row, Step, StoreError, delete, put},
};

/// How long tokens that are being exchanged are left alone, in seconds: longer than a provider and the store may take for
/// it, and than clocks of nodes differ. If whoever does it crashes, others go on after that.
const LEASE: u64 = 45;
/// How long, and how often, it is looked whether somebody else is done with it.
const PATIENCE: Duration = Duration::from_secs(10);
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// How many are read at once.
const PAGE: usize = 100;

/// Whose tokens, and for which provider.
pub(crate) type Place<'a> = (&'a str, &'a str);

/// Tokens of one place. Sealed for it, so that an entry that is moved opens nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Sealed {
    tokens: String,
    /// When the account was connected, and when these tokens were given, in seconds since the Unix epoch.
    since: u64,
    given_at: u64,
    /// Who exchanges them just now.
    lease: Option<Lease>,
    until: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Lease {
    holder: String,
    until: u64,
}

impl Record for Sealed {
    const KIND: Kind = Kind::new("upstream");

    fn expires_at(&self) -> Option<u64> {
        Some(self.until)
    }
}

/// What is in there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Whose they are at the provider.
    pub(crate) account: String,
    pub(crate) tokens: UpstreamTokens,
    /// When they were given.
    #[serde(skip)]
    pub(crate) given_at: u64,
}

/// All of one person stand together. Subjects come from tokens and can be of any length.
fn name_of((subject, provider): Place<'_>) -> String {
    format!("{}.{provider}", sha256(subject))
}

/// What the tokens of a place are sealed for: kind of record, subject, provider and who that is, each with its length. If
/// the name goes to another issuer some day, that one is never sent the tokens of this one.
fn bound_to(core: &Core, (subject, provider): Place<'_>) -> Vec<u8> {
    let issuer = core.federated(provider).map_or("", |federated| federated.issuer());
    let mut place = Vec::new();
    for part in ["upstream tokens", subject, provider, issuer] {
        place.extend((part.len() as u64).to_be_bytes());
        place.extend(part.as_bytes());
    }
    place
}

fn seal(core: &Core, place: Place<'_>, kept: &Kept) -> Result<String, OAuthError> {
    let plain = serde_json::to_vec(kept).ok();
    let sealed = plain.and_then(|plain| core.secrets.upstream.seal(&plain, &bound_to(core, place)));
    Ok(STANDARD_NO_PAD.encode(sealed.ok_or_else(|| StoreError::new("tokens cannot be sealed"))?))
}

/// `None` for what is another's, or of another key.
fn open(core: &Core, place: Place<'_>, record: &Sealed) -> Option<Kept> {
    let sealed = STANDARD_NO_PAD.decode(&record.tokens).ok();
    let plain = sealed.and_then(|sealed| core.secrets.upstream.open(&sealed, &bound_to(core, place)));
    let kept = plain.and_then(|plain| serde_json::from_slice::<Kept>(&plain).ok());
    if kept.is_none() {
        tracing::error!(provider = place.1, "tokens of another provider are not what was stored for this person");
    }
    kept.map(|kept| Kept { given_at: record.given_at, ..kept })
}

/// What is not said of new tokens is as it was (RFC 6749 §5.1, §6).
pub(crate) fn completed(mut new: UpstreamTokens, old: &UpstreamTokens) -> UpstreamTokens {
    new.refresh_token = new.refresh_token.or_else(|| old.refresh_token.clone());
    if new.scopes.is_empty() {
        new.scopes.clone_from(&old.scopes);
    }
    new
}

/// Until when tokens are kept that are written now: as long as somebody may use what a login of today leads to.
fn until(core: &Core) -> u64 {
    core.records.now().saturating_add(core.lifetimes.grant.as_secs()).saturating_add(core.lifetimes.session.as_secs())
}

/// Puts tokens of an account at the provider in the place of those that were there.
pub(crate) async fn keep(
    core: &Core,
    place: Place<'_>,
    account: &str,
    tokens: &UpstreamTokens,
) -> Result<(), OAuthError> {
    let (name, now) = (name_of(place), core.records.now());
    for _ in 0..TRIES {
        let row = core.records.get::<Sealed>(&name).await?;
        let before = row.as_ref().and_then(|row| open(core, place, &row.record)).filter(|kept| kept.account == account);
        // Some providers give a refresh token at the first login only.
        let tokens = before.map_or_else(|| tokens.clone(), |before| completed(tokens.clone(), &before.tokens));
        let kept = Kept { account: account.to_owned(), tokens, given_at: 0 };
        let tokens = seal(core, place, &kept)?;
        let record = Sealed { tokens, since: now, given_at: now, lease: None, until: until(core) };
        if core.records.commit(&[put(&name, row.as_ref(), &record)]).await? == Commit::Done {
            return Ok(());
        }
    }
    Err(contended())
}

/// Those that are there.
pub(crate) async fn kept(core: &Core, place: Place<'_>) -> Result<Option<Kept>, OAuthError> {
    let row = core.records.get::<Sealed>(&name_of(place)).await?;
    Ok(row.and_then(|row| open(core, place, &row.record)))
}

/// Forgets them.
pub(crate) async fn forget(core: &Core, place: Place<'_>) -> Result<(), OAuthError> {
    core.records.commit(&[delete::<Sealed>(name_of(place))]).await.map(drop).map_err(Into::into)
}

/// Forgets those of one place, and says whether there were any.
pub(crate) async fn disconnect(core: &Core, place: Place<'_>) -> Result<bool, StoreError> {
    core.records.change(&name_of(place), |row: Option<&Row<Sealed>>| row.map(Row::delete)).await
}

/// The providers that somebody has tokens of, and since when.
pub(crate) async fn connections(core: &Core, subject: &str) -> Result<Vec<(String, u64)>, StoreError> {
    let prefix = name_of((subject, ""));
    let (mut after, mut found) = (None::<String>, Vec::new());
    loop {
        let rows = core.records.list::<Sealed>(&prefix, after.as_deref(), PAGE).await?;
        found.extend(rows.iter().map(|row| (row.name[prefix.len()..].to_owned(), row.record.since)));
        match rows.into_iter().nth(PAGE - 1) {
            Some(last) => after = Some(last.name),
            None => return Ok(found),
        }
    }
}

/// Forgets everything that any provider gave for somebody.
pub(crate) async fn forget_all(core: &Core, subject: &str) -> Result<(), StoreError> {
    for (provider, _) in connections(core, subject).await? {
        disconnect(core, (subject, &provider)).await?;
    }
    Ok(())
}

/// Tokens that nobody else exchanges meanwhile, on no node: one that is good once must not be used twice.
pub(crate) struct Held<'a> {
    core: &'a Core,
    place: Place<'a>,
    pub(crate) kept: Kept,
    row: Row<Sealed>,
}

/// What became of wanting to exchange tokens.
pub(crate) enum Hold<'a> {
    /// There are none.
    Nothing,
    /// They need not be exchanged.
    Fresh(Kept),
    Mine(Box<Held<'a>>),
    /// Somebody else does it, and is not done.
    Busy,
}

/// Keeps others from exchanging the tokens of a place, unless they are good as they are. Waits for those who do.
pub(crate) async fn hold<'a>(
    core: &'a Core,
    place: Place<'a>,
    is_fresh: impl Fn(&Kept) -> bool,
) -> Result<Hold<'a>, OAuthError> {
    let (name, start) = (name_of(place), Instant::now());
    loop {
        let Some(row) = core.records.get::<Sealed>(&name).await? else { return Ok(Hold::Nothing) };
        let Some(kept) = open(core, place, &row.record) else { return Ok(Hold::Nothing) };
        if is_fresh(&kept) {
            return Ok(Hold::Fresh(kept));
        }
        let now = core.records.now();
        if row.record.lease.as_ref().is_none_or(|lease| lease.until <= now) {
            let lease = Some(Lease { holder: secret()?, until: now.saturating_add(LEASE) });
            let record = Sealed { lease, ..row.record.clone() };
            if core.records.commit(&[row.replace(&record)]).await? == Commit::Done {
                let row = core.records.get::<Sealed>(&name).await?.filter(|row| row.record.lease == record.lease);
                return Ok(row.map_or(Hold::Busy, |row| Hold::Mine(Box::new(Held { core, place, kept, row }))));
            }
        }
        if start.elapsed() >= PATIENCE {
            return Ok(Hold::Busy);
        }
        sleep(BETWEEN_LOOKS).await;
    }
}

impl Held<'_> {
    /// Puts what they were exchanged for in their place. Says no if there are others since: those of another login, or none
    /// because somebody had them forgotten.
    pub(crate) async fn put(&self, tokens: &UpstreamTokens) -> Result<bool, OAuthError> {
        let core = self.core;
        let kept = Kept { tokens: completed(tokens.clone(), &self.kept.tokens), ..self.kept.clone() };
        let (tokens, now) = (seal(core, self.place, &kept)?, core.records.now());
        let record = Sealed { tokens, since: self.row.record.since, given_at: now, lease: None, until: until(core) };
        self.end(|row| Some(row.replace(&record))).await
    }

    /// Forgets them, because they are good for nothing any more.
    pub(crate) async fn forget(&self) -> Result<(), OAuthError> {
        self.end(|row| self.is_mine(row).then(|| row.delete())).await.map(drop)
    }

    /// Leaves them as they are, to whoever comes next.
    pub(crate) async fn release(&self) -> Result<(), OAuthError> {
        let record = Sealed { lease: None, ..self.row.record.clone() };
        self.end(|row| self.is_mine(row).then(|| row.replace(&record))).await.map(drop)
    }

    /// Not if it took so long that somebody else has begun, who may have been given other tokens for them.
    fn is_mine(&self, row: &Row<Sealed>) -> bool {
        row.record.lease == self.row.record.lease
    }

    /// Does this to the entry, as long as these tokens are in it.
    async fn end(&self, step: impl Fn(&Row<Sealed>) -> Option<Step>) -> Result<bool, OAuthError> {
        // What is sealed is never the same twice.
        let is_there = |row: &&Row<Sealed>| row.record.tokens == self.row.record.tokens;
        let done = self.core.records.change(&self.row.name, |row| row.filter(is_there).and_then(&step)).await?;
        Ok(done)
    }
}
