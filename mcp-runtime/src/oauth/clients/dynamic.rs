//! Clients that registered themselves (RFC 7591): anybody could, so they end soon unless somebody consents to them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::{
    Authentication, Client, Origin, SecretMethod,
    metadata::{Metadata, Method},
};
use crate::{
    oauth::{
        error::{ErrorCode, OAuthError},
        hash::sha256,
        seal::random,
    },
    store::{Commit, Kind, Record, Records, Row, insert},
};

/// What their ids begin with, and no others.
const PREFIX: &str = "dcr_";

/// Until somebody consents, in seconds.
const UNUSED: u64 = 3_600;

/// After that, since it was last used.
const KEPT: u64 = 90 * 24 * 3_600;

/// How often a use is written down at most.
const EVERY: u64 = 24 * 3_600;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DynamicClient {
    pub(crate) client: Client,
    /// All in seconds since the Unix epoch.
    pub(crate) registered_at: u64,
    /// When somebody first consented, or a later use was written down.
    kept_at: Option<u64>,
    ends_at: u64,
}

impl Record for DynamicClient {
    const KIND: Kind = Kind::new("dynamic-client");

    fn expires_at(&self) -> Option<u64> {
        Some(self.ends_at)
    }
}

/// A client that was just registered: the only moment at which its secret is known.
pub(crate) struct Registered {
    pub(crate) client: Client,
    pub(crate) registered_at: u64,
    pub(crate) secret: Option<String>,
}

pub(crate) fn is_dynamic_id(id: &str) -> bool {
    id.starts_with(PREFIX)
}

/// Registers a client that says this about itself.
pub(crate) async fn register(records: &Records, said: Metadata) -> Result<Registered, OAuthError> {
    let id = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random_bytes::<16>()?));
    let (authentication, secret) = authentication(said.method)?;
    let mut client = Client {
        name: said.name.unwrap_or_else(|| "Unnamed client".to_owned()),
        id,
        origin: Origin::Dynamic,
        redirect_uris: said.redirect_uris,
        authentication,
        grant_types: said.grant_types,
        scopes: None,
        may_introspect: false,
        metadata_hash: String::new(),
    };
    client.hash_metadata();
    let now = records.now();
    let record = DynamicClient { client, registered_at: now, kept_at: None, ends_at: now.saturating_add(UNUSED) };
    match records.commit(&[insert(record.client.id.clone(), &record)]).await? {
        Commit::Done => Ok(Registered { client: record.client, registered_at: now, secret }),
        // Of 128 random bits: it does not happen.
        Commit::Conflict => Err(unavailable()),
    }
}

fn authentication(method: Method) -> Result<(Authentication, Option<String>), OAuthError> {
    let kind = match method {
        Method::None => return Ok((Authentication::None, None)),
        Method::PrivateKey { jwks, jwks_uri } => return Ok((Authentication::PrivateKey { jwks, jwks_uri }, None)),
        Method::Basic => SecretMethod::Basic,
        Method::Post => SecretMethod::Post,
        Method::Unsaid => SecretMethod::Either,
    };
    let secret = URL_SAFE_NO_PAD.encode(random_bytes::<32>()?);
    let sha256 = sha256(&secret);
    Ok((Authentication::Secret { sha256, method: kind }, Some(secret)))
}

/// Somebody consented to it.
pub(super) async fn keep(records: &Records, id: &str) -> Result<(), OAuthError> {
    let now = records.now();
    let is_news = |row: &&Row<DynamicClient>| row.record.kept_at.is_none() || is_due(&row.record, now);
    // It may have ended while somebody read the page: then so does what they agreed to, at its next step.
    records.change(id, |row| row.filter(is_news).map(|row| row.replace(&kept(&row.record, now)))).await?;
    Ok(())
}

/// It was used, and authenticated if it can. What nobody consented to ends all the same. If another node wrote meanwhile,
/// it wrote this.
pub(super) async fn used(records: &Records, row: &Row<DynamicClient>) -> Result<(), OAuthError> {
    if is_due(&row.record, records.now()) {
        let _another_node_did_it = records.commit(&[row.replace(&kept(&row.record, records.now()))]).await?;
    }
    Ok(())
}

fn is_due(record: &DynamicClient, now: u64) -> bool {
    record.kept_at.is_some_and(|kept| now.saturating_sub(kept) >= EVERY)
}

fn kept(record: &DynamicClient, now: u64) -> DynamicClient {
    DynamicClient { kept_at: Some(now), ends_at: now.saturating_add(KEPT), ..record.clone() }
}

fn random_bytes<const N: usize>() -> Result<[u8; N], OAuthError> {
    random().ok_or_else(unavailable)
}

fn unavailable() -> OAuthError {
    OAuthError { retry_after: Some(1), ..OAuthError::new(ErrorCode::TemporarilyUnavailable, "try again in a moment") }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{clock::ManualClock, oauth::clients::GrantType, store::MemoryStore};

    fn records(clock: &ManualClock) -> Records {
        Records::new(Arc::new(MemoryStore::new()), clock.clone().into())
    }

    fn said(method: Method) -> Metadata {
        let redirect_uris = vec!["http://127.0.0.1/callback".to_owned()];
        Metadata { name: None, redirect_uris, method, grant_types: vec![GrantType::AuthorizationCode] }
    }

    async fn lives(records: &Records, id: &str) -> bool {
        records.get::<DynamicClient>(id).await.unwrap().is_some()
    }

    #[tokio::test]
    async fn what_nobody_consents_to_ends_within_the_hour() {
        let clock = ManualClock::new();
        let records = records(&clock);
        let id = register(&records, said(Method::None)).await.unwrap().client.id;
        clock.advance(Duration::from_secs(1_800));
        let row = records.get::<DynamicClient>(&id).await.unwrap().unwrap();
        used(&records, &row).await.unwrap();
        clock.advance(Duration::from_secs(1_799));
        assert!(lives(&records, &id).await);
        clock.advance(Duration::from_secs(1));
        assert!(!lives(&records, &id).await);
        // Too late.
        keep(&records, &id).await.unwrap();
        assert!(!lives(&records, &id).await);
    }

    #[tokio::test]
    async fn what_is_used_lives_on() {
        let clock = ManualClock::new();
        let records = records(&clock);
        let id = register(&records, said(Method::None)).await.unwrap().client.id;
        keep(&records, &id).await.unwrap();
        clock.advance(Duration::from_secs(KEPT - 1));
        let row = records.get::<DynamicClient>(&id).await.unwrap().unwrap();
        used(&records, &row).await.unwrap();
        clock.advance(Duration::from_secs(KEPT - 1));
        assert!(lives(&records, &id).await);
        clock.advance(Duration::from_secs(1));
        assert!(!lives(&records, &id).await);
    }

    #[tokio::test]
    async fn a_use_is_written_once_a_day() {
        let clock = ManualClock::new();
        let records = records(&clock);
        let id = register(&records, said(Method::None)).await.unwrap().client.id;
        keep(&records, &id).await.unwrap();
        let row = records.get::<DynamicClient>(&id).await.unwrap().unwrap();
        clock.advance(Duration::from_secs(EVERY - 1));
        used(&records, &row).await.unwrap();
        keep(&records, &id).await.unwrap();
        assert_eq!(records.commit(&[row.check()]).await.unwrap(), Commit::Done);
        clock.advance(Duration::from_secs(1));
        used(&records, &row).await.unwrap();
        assert_eq!(records.commit(&[row.check()]).await.unwrap(), Commit::Conflict);
    }

    #[tokio::test]
    async fn secrets_are_kept_as_hashes() {
        let records = records(&ManualClock::new());
        for (method, has_secret) in
            [(Method::None, false), (Method::Basic, true), (Method::Post, true), (Method::Unsaid, true)]
        {
            let registered = register(&records, said(method)).await.unwrap();
            assert_eq!(registered.secret.is_some(), has_secret);
            let row = records.get::<DynamicClient>(&registered.client.id).await.unwrap().unwrap();
            let kept = serde_json::to_string(&row.record).unwrap();
            assert!(registered.secret.is_none_or(|secret| secret.len() == 43 && !kept.contains(&secret)), "{kept}");
        }
    }
}
