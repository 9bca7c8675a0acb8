//! Grants: what somebody let a client do. Tokens come and go; when the grant ends, all of them end.

use serde::{Deserialize, Serialize};

use super::news::Revocation;
use crate::{
    oauth::{Core, hash::sha256, people::vault},
    store::{Commit, Kind, Record, Row, Step, StoreError, append, delete, insert},
};

/// How often a change is tried that somebody else was faster with.
pub(super) const TRIES: usize = 8;
/// How many index entries are read at once.
const PAGE: usize = 100;
/// How many grants of one subject a client has at most: as many as there are of it that log in on their own.
pub(super) const MOST: usize = 100;

/// What somebody let a client do, under its random id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) client_id: String,
    pub(crate) subject: String,
    pub(crate) resource: String,
    pub(crate) scopes: Vec<String>,
    /// When its subject logged in.
    pub(crate) auth_time: u64,
    pub(crate) created_at: u64,
    /// When it ends, whatever happens.
    pub(crate) ends_at: u64,
    /// Until when access tokens may be in use.
    pub(crate) access_until: u64,
    /// `None`: the client gets no refresh tokens.
    pub(crate) refresh: Option<Refresh>,
}

/// Where the refresh tokens of a grant stand.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Refresh {
    /// The number of the newest one.
    pub(crate) number: u32,
    /// When the one before it was exchanged for it.
    pub(crate) rotated_at: Option<u64>,
    /// When the grant ends unless it is used.
    pub(crate) idle_until: u64,
}

impl Record for Grant {
    const KIND: Kind = Kind::new("grant");

    fn expires_at(&self) -> Option<u64> {
        let refreshable = self.refresh.as_ref().map_or(0, |refresh| refresh.idle_until.min(self.ends_at));
        Some(refreshable.max(self.access_until))
    }
}

/// Says that somebody, or some client, has a grant.
#[derive(Serialize, Deserialize)]
struct Of {
    until: u64,
}

impl Record for Of {
    const KIND: Kind = Kind::new("grant_of");

    fn expires_at(&self) -> Option<u64> {
        Some(self.until)
    }
}

/// By whom grants are found.
#[derive(Clone, Copy)]
pub(crate) enum Holder<'a> {
    Subject(&'a str),
    Client(&'a str),
}

impl Holder<'_> {
    /// What the names of its entries begin with. Hashed, as a client's id may be a long URL.
    fn prefix(self) -> String {
        let (kind, id) = match self {
            Self::Subject(id) => ("subject", id),
            Self::Client(id) => ("client", id),
        };
        format!("{kind}.{}.", sha256(id))
    }
}

/// What the entries of a subject begin with that are about one client.
fn pair_prefix(subject: &str, client: &str) -> String {
    format!("{}{}.", Holder::Subject(subject).prefix(), sha256(client))
}

/// The steps that write down a new grant.
pub(crate) fn insert_steps(id: &str, grant: &Grant) -> [Step; 3] {
    let of = Of { until: grant.ends_at.max(grant.access_until) };
    let [subject, client] = index_names(id, &grant.subject, &grant.client_id).map(|name| insert(name, &of));
    [insert(id, grant), subject, client]
}

/// The entries that lead to a grant, whose id they end with.
fn index_names(id: &str, subject: &str, client: &str) -> [String; 2] {
    [pair_prefix(subject, client) + id, Holder::Client(client).prefix() + id]
}

impl Core {
    /// Ends a grant: none of its tokens is good any more, here at once, elsewhere within a second. Says whether it was
    /// there.
    pub(crate) async fn end_grant(&self, id: &str) -> Result<bool, StoreError> {
        for _ in 0..TRIES {
            let Some(row) = self.records.get::<Grant>(id).await? else { return Ok(false) };
            let until = row.record.access_until;
            let names = index_names(id, &row.record.subject, &row.record.client_id);
            let [subject, client] = names.map(delete::<Of>);
            let steps = [row.delete(), subject, client, append(&Revocation::grant(id, until))];
            if self.records.commit(&steps).await? == Commit::Done {
                self.news.end(id, until);
                tracing::info!(grant = id, "a grant has ended");
                self.forget_unused_tokens(&row.record.subject).await;
                return Ok(true);
            }
        }
        Err(StoreError::new("a grant that is to end keeps changing"))
    }

    /// Forgets what other providers gave for somebody who lets no client do anything any more. If it cannot be, the grant has
    /// ended all the same, and the tokens end later.
    async fn forget_unused_tokens(&self, subject: &str) {
        let forgotten = async {
            if self.records.list::<Of>(&Holder::Subject(subject).prefix(), None, 1).await?.is_empty() {
                vault::forget_all(self, subject).await?;
            }
            Ok::<(), StoreError>(())
        };
        if let Err(error) = forgotten.await {
            tracing::warn!(%error, "what other providers gave for somebody is kept although their last grant has ended");
        }
    }

    /// Ends access tokens that belong to no record: those of clients that act for themselves.
    pub(crate) async fn end_token(&self, grant: &str, until: u64) -> Result<(), StoreError> {
        // With nothing to expect there is no conflict.
        let _ = self.records.commit(&[append(&Revocation::grant(grant, until))]).await?;
        self.news.end(grant, until);
        Ok(())
    }

    /// Ends the oldest grants that a client has of a subject, so that there is room for another. As this is not one commit
    /// with the new one, there may be a few too many for a moment.
    pub(super) async fn make_room(&self, subject: &str, client: &str) -> Result<(), StoreError> {
        let prefix = pair_prefix(subject, client);
        if !self.limits.are_on() || self.records.list::<Of>(&prefix, None, MOST).await?.len() < MOST {
            return Ok(());
        }
        let (mut living, mut gone) = (Vec::new(), Vec::new());
        for (id, row) in self.indexed(&prefix).await? {
            match row {
                Some(row) => living.push(row),
                None => gone.extend(index_names(&id, subject, client).map(delete::<Of>)),
            }
        }
        for steps in gone.chunks(PAGE) {
            // With nothing to expect there is no conflict.
            let _ = self.records.commit(steps).await?;
        }
        living.sort_by_key(|row| row.record.created_at);
        let surplus = (living.len() + 1).saturating_sub(MOST);
        for row in living.into_iter().take(surplus) {
            self.end_grant(&row.name).await?;
        }
        Ok(())
    }

    /// All grants of somebody.
    pub(crate) async fn grants_of(&self, holder: Holder<'_>) -> Result<Vec<Row<Grant>>, StoreError> {
        Ok(self.indexed(&holder.prefix()).await?.into_iter().filter_map(|(_, row)| row).collect())
    }

    /// What the entries that begin with this lead to.
    async fn indexed(&self, prefix: &str) -> Result<Vec<(String, Option<Row<Grant>>)>, StoreError> {
        let (mut after, mut found) = (None::<String>, Vec::new());
        loop {
            let rows = self.records.list::<Of>(prefix, after.as_deref(), PAGE).await?;
            let is_last = rows.len() < PAGE;
            for row in rows {
                let id = row.name.rsplit('.').next().unwrap_or_default();
                // One that nobody has refreshed for too long has ended before its entry.
                found.push((id.to_owned(), self.records.get::<Grant>(id).await?));
                after = Some(row.name);
            }
            if is_last {
                return Ok(found);
            }
        }
    }

    /// Ends all grants of somebody, and says how many there were.
    pub(crate) async fn end_all(&self, holder: Holder<'_>) -> Result<usize, StoreError> {
        let mut ended = 0;
        for row in self.grants_of(holder).await? {
            ended += usize::from(self.end_grant(&row.name).await?);
        }
        Ok(ended)
    }
}
