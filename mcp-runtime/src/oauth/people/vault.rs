//! What other providers gave for people: sealed, under subject and provider.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};

use super::{TRIES, contended};
use crate::{
    oauth::{Core, error::OAuthError, hash::digest, login::federated::UpstreamTokens},
    store::{Commit, Kind, Record, delete, insert},
};

/// Tokens, under a hash of subject and provider. Sealed for that very place, so that an entry that is moved opens nothing.
#[derive(Serialize, Deserialize)]
struct Sealed {
    tokens: String,
    until: u64,
}

impl Record for Sealed {
    const KIND: Kind = Kind::new("upstream");

    fn expires_at(&self) -> Option<u64> {
        Some(self.until)
    }
}

fn name_of(subject: &str, provider: &str) -> String {
    digest(&[subject, provider])
}

/// Puts tokens in the place of those that were there, for as long as a grant may last.
pub(crate) async fn keep(
    core: &Core,
    (subject, provider): (&str, &str),
    tokens: &UpstreamTokens,
) -> Result<(), OAuthError> {
    let name = name_of(subject, provider);
    let sealed = serde_json::to_vec(tokens).ok().and_then(|plain| core.secrets.upstream.seal(&plain, name.as_bytes()));
    let until = core.records.now().saturating_add(core.lifetimes.grant.as_secs());
    let record = Sealed { tokens: STANDARD_NO_PAD.encode(sealed.ok_or(contended())?), until };
    for _ in 0..TRIES {
        let step = match core.records.get::<Sealed>(&name).await? {
            Some(row) => row.replace(&record),
            None => insert(name.clone(), &record),
        };
        if core.records.commit(&[step]).await? == Commit::Done {
            return Ok(());
        }
    }
    Err(contended())
}

/// Those that are there; nothing if they cannot be opened, because they are another's or of another key.
pub(crate) async fn kept(core: &Core, (subject, provider): (&str, &str)) -> Result<Option<UpstreamTokens>, OAuthError> {
    let name = name_of(subject, provider);
    let Some(row) = core.records.get::<Sealed>(&name).await? else { return Ok(None) };
    let sealed = STANDARD_NO_PAD.decode(&row.record.tokens).ok();
    let plain = sealed.and_then(|sealed| core.secrets.upstream.open(&sealed, name.as_bytes()));
    let tokens = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
    if tokens.is_none() {
        tracing::error!(provider, "tokens of another provider are not what was stored for this person");
    }
    Ok(tokens)
}

/// Forgets them.
pub(crate) async fn forget(core: &Core, (subject, provider): (&str, &str)) -> Result<(), OAuthError> {
    core.records.commit(&[delete::<Sealed>(name_of(subject, provider))]).await.map(drop).map_err(Into::into)
}
