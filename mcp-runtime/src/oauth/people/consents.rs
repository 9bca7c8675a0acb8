//! What somebody allowed a client before.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Eras, TRIES, contended};
use crate::{
    oauth::{
        Core,
        clients::{Client, redirect},
        error::OAuthError,
        hash::digest,
    },
    store::{Commit, Kind, Record, StoreError, delete, put},
};

/// How long it is remembered, in seconds: a year after it was last given.
const LIFETIME: u64 = 365 * 24 * 3600;
/// How many are read at once.
const PAGE: usize = 100;

/// What a person allowed a client that sends people back to one place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Consent {
    client_id: String,
    redirect_origin: String,
    pub(crate) scopes: BTreeSet<String>,
    /// What the client said about itself then.
    metadata_hash: String,
    /// Those in which it was allowed: it counts in no others.
    #[serde(default)]
    eras: Eras,
    end: u64,
}

impl Record for Consent {
    const KIND: Kind = Kind::new("consent");

    fn expires_at(&self) -> Option<u64> {
        Some(self.end)
    }
}

impl Consent {
    /// What was allowed, unless the client has become another one since.
    pub(crate) async fn given(
        core: &Core,
        subject: &str,
        client: &Client,
        redirect_uri: &str,
        eras: Eras,
    ) -> Result<Option<Self>, OAuthError> {
        let row = core.records.get::<Self>(&name(subject, &client.id, &place(redirect_uri))).await?;
        Ok(row.map(|row| row.record).filter(|consent| consent.counts(client, eras)))
    }

    fn counts(&self, client: &Client, eras: Eras) -> bool {
        self.metadata_hash == client.metadata_hash && self.eras == eras
    }

    /// Forgets what somebody allowed this client, or every client. What is written meanwhile is of an era that has ended.
    pub(crate) async fn forget(core: &Core, subject: &str, client_id: Option<&str>) -> Result<(), StoreError> {
        let (prefix, mut after) = (format!("{subject}:"), None::<String>);
        loop {
            let rows = core.records.list::<Self>(&prefix, after.as_deref(), PAGE).await?;
            for row in &rows {
                if client_id.is_none_or(|id| id == row.record.client_id) {
                    // A removal that expects nothing meets no conflict.
                    let _ = core.records.commit(&[delete::<Self>(&*row.name)]).await?;
                }
            }
            match rows.into_iter().nth(PAGE - 1) {
                Some(last) => after = Some(last.name),
                None => return Ok(()),
            }
        }
    }

    /// Remembers what was allowed of `asked`. What was not asked for this time stays as it was.
    pub(crate) async fn remember(
        core: &Core,
        subject: &str,
        client: &Client,
        redirect_uri: &str,
        (asked, allowed): (&[String], &[String]),
        eras: Eras,
    ) -> Result<(), OAuthError> {
        let redirect_origin = place(redirect_uri);
        let name = name(subject, &client.id, &redirect_origin);
        for _ in 0..TRIES {
            let row = core.records.get::<Self>(&name).await?;
            let earlier = row.as_ref().filter(|row| row.record.counts(client, eras));
            let kept = earlier.into_iter().flat_map(|row| row.record.scopes.iter()).filter(|it| !asked.contains(it));
            let scopes: BTreeSet<_> = kept.chain(allowed).cloned().collect();
            if scopes.is_empty() && !asked.is_empty() {
                // Nothing is left of it.
                let _ = core.records.commit(&[delete::<Self>(&*name)]).await?;
                return Ok(());
            }
            let consent = Self {
                client_id: client.id.clone(),
                redirect_origin: redirect_origin.clone(),
                scopes,
                metadata_hash: client.metadata_hash.clone(),
                eras,
                end: core.records.now().saturating_add(LIFETIME),
            };
            if core.records.commit(&[put(&name, row.as_ref(), &consent)]).await? == Commit::Done {
                return Ok(());
            }
        }
        Err(contended())
    }
}

/// All of one person stand together.
fn name(subject: &str, client_id: &str, redirect_origin: &str) -> String {
    format!("{subject}:{}", digest(&[client_id, redirect_origin]))
}

/// The origin that a redirect leads to; of a program on this machine without its port, which is another each time, and of
/// one with a scheme of its own that scheme.
fn place(redirect_uri: &str) -> String {
    if redirect::is_loopback(redirect_uri) {
        return "loopback".to_owned();
    }
    let scheme = || redirect_uri.split_once(':').map_or(redirect_uri, |(scheme, _)| scheme);
    redirect::origin_of(redirect_uri).unwrap_or_else(scheme).to_owned()
}
