//! The keys that access tokens are signed with: sealed in the store, the same on every node.
//!
//! A new key is published first and signs only when everybody who keeps a copy of the key set has it; the one before it
//! verifies until its last token has ended. A key that is revoked is gone at once, and its tokens with it.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{sync::Mutex, time::sleep};

use super::news::Revocation;
use crate::{
    auth::{SigningKey, VerifyingKey},
    oauth::{Core, SigningKeyState, hash::sha256, seal::Opened},
    store::{Commit, Kind, Record, Row, StoreError, append, insert},
};

/// How long copies of the key set may be kept, in seconds.
pub(crate) const KEY_SET_MAX_AGE: u64 = 300;
/// Between publishing a key and signing with it, in seconds.
const PUBLISHED_BEFORE_USE: u64 = KEY_SET_MAX_AGE + 30;
/// The longest life of any access token, in seconds: so long a key verifies after it has signed its last.
pub(crate) const LONGEST_TOKEN: u64 = 24 * 3600;
/// Clocks of nodes differ by so many seconds at most.
const SKEW: u64 = 60;
/// How often a change is tried that another node was faster with.
const TRIES: usize = 8;
const RING: &str = "ring";
/// Between two looks for unknown keys.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// All keys, in the order in which they sign. One record, so that every change is one step.
#[derive(Clone, Serialize, Deserialize)]
struct Ring {
    keys: Vec<StoredKey>,
}

#[derive(Clone, Serialize, Deserialize)]
struct StoredKey {
    kid: String,
    /// PKCS#8, sealed under the kid, in base64url.
    sealed: String,
    /// When it begins to sign, in seconds since the Unix epoch; it ends with the beginning of the next.
    from: u64,
}

impl Record for Ring {
    const KIND: Kind = Kind::new("signing_keys");

    fn expires_at(&self) -> Option<u64> {
        None
    }
}

/// One key, ready.
pub(crate) struct Key {
    pub(crate) kid: String,
    signing: SigningKey,
    verifying: VerifyingKey,
    from: u64,
    /// When it verifies no more; `None` while none comes after it.
    until: Option<u64>,
}

impl Key {
    /// Signs an access token.
    pub(crate) fn sign(&self, claims: &serde_json::Value) -> Option<String> {
        let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": self.kid});
        self.signing.sign_parts(header.to_string().as_bytes(), claims.to_string().as_bytes()).ok()
    }
}

/// What is in memory.
#[derive(Default)]
struct Loaded {
    keys: Vec<Arc<Key>>,
    /// The public halves (RFC 7517).
    document: Arc<str>,
}

/// The keys of this node.
pub(crate) struct Keys {
    /// How long one signs, in seconds.
    lifetime: u64,
    loaded: RwLock<Arc<Loaded>>,
    /// One load at a time.
    loading: Mutex<()>,
    looking: Mutex<Look>,
    /// How many looks for unknown keys have begun.
    looks: AtomicU64,
}

/// The last look for an unknown key.
#[derive(Default)]
struct Look {
    /// When it began, in milliseconds.
    at: Option<u64>,
    failed: bool,
}

impl Keys {
    pub(crate) fn new(lifetime: Duration) -> Self {
        let (loaded, loading, looking) = (RwLock::default(), Mutex::default(), Mutex::default());
        Self { lifetime: lifetime.as_secs(), loaded, loading, looking, looks: AtomicU64::new(0) }
    }

    fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The key that signs now; loads them if there is none yet.
    pub(crate) async fn signer(&self, core: &Core) -> Result<Arc<Key>, StoreError> {
        if let Some(key) = self.signer_at(core.records.now()) {
            return Ok(key);
        }
        self.load(core).await?;
        self.signer_at(core.records.now()).ok_or_else(|| StoreError::new("there is no key to sign with"))
    }

    fn signer_at(&self, now: u64) -> Option<Arc<Key>> {
        self.loaded().keys.iter().rev().find(|key| key.from <= now).cloned()
    }

    /// The key of this name, while it verifies.
    pub(crate) fn verifying(&self, kid: &str, now: u64) -> Option<VerifyingKey> {
        let loaded = self.loaded();
        let key = loaded.keys.iter().find(|key| key.kid == kid)?;
        key.until.is_none_or(|until| now < until).then(|| key.verifying.clone())
    }

    /// The key set as it is published.
    pub(crate) async fn document(&self, core: &Core) -> Result<Arc<str>, StoreError> {
        if self.loaded().keys.is_empty() {
            self.load(core).await?;
        }
        Ok(Arc::clone(&self.loaded().document))
    }

    /// Looks for a key that nobody here knows. However many tokens name such keys, the store is asked ten times in a second
    /// at most: those that come in between wait for the next look together. One that began before they came says nothing,
    /// as another node may have made the key since.
    pub(crate) async fn look_for(&self, core: &Core, kid: &str) -> Result<Option<VerifyingKey>, StoreError> {
        let before = self.looks.load(Ordering::Acquire);
        let mut last = self.looking.lock().await;
        let known = |core: &Core| self.verifying(kid, core.records.now());
        if let Some(key) = known(core) {
            return Ok(Some(key));
        }
        if self.looks.load(Ordering::Acquire) > before {
            return if last.failed { Err(StoreError::new("the keys could not be read just now")) } else { Ok(None) };
        }
        let since = last.at.map(|at| Duration::from_millis(core.clock.millis().abs_diff(at)));
        if let Some(rest) = since.and_then(|since| BETWEEN_LOOKS.checked_sub(since)) {
            sleep(rest).await;
        }
        self.looks.fetch_add(1, Ordering::AcqRel);
        *last = Look { at: Some(core.clock.millis()), failed: true };
        self.load(core).await?;
        last.failed = false;
        Ok(known(core))
    }

    /// Reads all keys, and makes the first one where there is none.
    pub(crate) async fn load(&self, core: &Core) -> Result<(), StoreError> {
        let _alone = self.loading.lock().await;
        self.load_alone(core).await
    }

    async fn load_alone(&self, core: &Core) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            if let Some(row) = core.records.get::<Ring>(RING).await? {
                // Once in a process, so that two whose keys are in another order do not keep doing it in turns.
                let is_first = self.loaded().keys.is_empty();
                return match is_first.then(|| resealed(core, &row.record)).transpose()?.flatten() {
                    None => self.take(core, &row.record),
                    Some(ring) if core.records.commit(&[row.replace(&ring)]).await? == Commit::Done => {
                        self.take(core, &ring)
                    }
                    Some(_) => continue,
                };
            }
            // The very first signs at once: nobody can have a copy of a set without it.
            let ring = Ring { keys: vec![new_key(core, core.records.now())?] };
            // Whether it was ours or another node's is seen when it is read.
            let _ = core.records.commit(&[insert(RING, &ring)]).await?;
        }
        Err(contended())
    }

    /// Makes the keys of a record those in memory.
    fn take(&self, core: &Core, ring: &Ring) -> Result<(), StoreError> {
        let before = self.loaded();
        let now = core.records.now();
        let mut keys = Vec::new();
        for (at, stored) in ring.keys.iter().enumerate() {
            let until = ring.keys.get(at + 1).map(|next| next.from.saturating_add(LONGEST_TOKEN + SKEW));
            if until.is_none_or(|until| now < until) {
                keys.push(Arc::new(open(core, stored, until)?));
            }
        }
        let gone = before
            .keys
            .iter()
            .any(|old| old.until.is_none_or(|until| now < until) && !keys.iter().any(|key| key.kid == old.kid));
        let document = document(&keys);
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Loaded { keys, document });
        if gone {
            core.news.a_key_is_gone();
        }
        Ok(())
    }

    /// Has a new key take over when the last one has signed long enough.
    pub(crate) async fn rotate_if_due(&self, core: &Core) -> Result<(), StoreError> {
        let due =
            |ring: &Ring, now: u64| ring.keys.last().is_none_or(|last| last.from.saturating_add(self.lifetime) <= now);
        let last = self.loaded().keys.last().map(|key| key.from);
        if last.is_some_and(|from| from.saturating_add(self.lifetime) > core.records.now()) {
            return Ok(());
        }
        self.change(core, |ring, now| due(ring, now).then(|| with_next(core, ring, now)).transpose()).await.map(drop)
    }

    /// The name of each key, what it does, and since when it signs; in the order in which they do.
    pub(crate) async fn list(&self, core: &Core) -> Result<Vec<(String, SigningKeyState, u64)>, StoreError> {
        self.load(core).await?;
        let (loaded, now) = (self.loaded(), core.records.now());
        let signing = loaded.keys.iter().rposition(|key| key.from <= now);
        let state = |at: usize| match signing {
            Some(signing) if at < signing => SigningKeyState::Retired,
            Some(signing) if at == signing => SigningKeyState::Signing,
            _ => SigningKeyState::Waiting,
        };
        Ok(loaded.keys.iter().enumerate().map(|(at, key)| (key.kid.clone(), state(at), key.from)).collect())
    }

    /// Publishes a new key, which takes over when everybody knows it; or names the one that already waits to.
    pub(crate) async fn rotate(&self, core: &Core) -> Result<String, StoreError> {
        let ring = self
            .change(core, |ring, now| {
                let waits = ring.keys.last().is_some_and(|last| last.from > now);
                (!waits).then(|| with_next(core, ring, now)).transpose()
            })
            .await?;
        ring.keys.last().map(|key| key.kid.clone()).ok_or_else(contended)
    }

    /// Takes a key away, and has another sign at once if it was the one that signs. Says whether there was such a key.
    pub(crate) async fn revoke(&self, core: &Core, kid: &str) -> Result<bool, StoreError> {
        let mut found = false;
        self.change(core, |ring, now| {
            let Some(at) = ring.keys.iter().position(|key| key.kid == kid) else { return Ok(None) };
            found = true;
            let signs = |at: usize| ring.keys.get(at).is_some_and(|key| key.from <= now);
            let was_signing = signs(at) && !signs(at + 1);
            let mut ring = ring.clone();
            ring.keys.remove(at);
            // One that has been retired must not sign again.
            if was_signing {
                match ring.keys.get_mut(at) {
                    Some(next) => next.from = now,
                    None => ring.keys.push(new_key(core, now)?),
                }
            }
            Ok(Some(ring))
        })
        .await?;
        Ok(found)
    }

    /// Replaces the record by what `to` makes of it, if anything, and tells all nodes.
    async fn change(
        &self,
        core: &Core,
        mut to: impl FnMut(&Ring, u64) -> Result<Option<Ring>, StoreError>,
    ) -> Result<Ring, StoreError> {
        // There may be none yet.
        self.load(core).await?;
        for _ in 0..TRIES {
            let row: Row<Ring> = core.records.get(RING).await?.ok_or_else(contended)?;
            let now = core.records.now();
            let Some(ring) = to(&row.record, now)? else {
                self.load(core).await?;
                return Ok(row.record);
            };
            let steps = [row.replace(&ring), append(&Revocation::keys(now))];
            if core.records.commit(&steps).await? == Commit::Done {
                self.load(core).await?;
                return Ok(ring);
            }
        }
        Err(contended())
    }

    /// The names of all keys, in the order in which they sign.
    #[cfg(test)]
    pub(crate) fn kids(&self) -> Vec<String> {
        self.loaded().keys.iter().map(|key| key.kid.clone()).collect()
    }
}

fn contended() -> StoreError {
    StoreError::new("other nodes keep changing the signing keys")
}

/// The ring with one more key, and without those whose last tokens have ended.
fn with_next(core: &Core, ring: &Ring, now: u64) -> Result<Ring, StoreError> {
    let over =
        |at: usize| ring.keys.get(at + 1).is_some_and(|next| next.from.saturating_add(LONGEST_TOKEN + SKEW) <= now);
    let kept = ring.keys.iter().enumerate().filter(|(at, _)| !over(*at)).map(|(_, key)| key.clone());
    let mut keys: Vec<_> = kept.collect();
    keys.push(new_key(core, now.saturating_add(PUBLISHED_BEFORE_USE))?);
    Ok(Ring { keys })
}

fn new_key(core: &Core, from: u64) -> Result<StoredKey, StoreError> {
    let failed = || StoreError::new("a signing key cannot be made");
    let key = SigningKey::generate().map_err(|_| failed())?;
    let kid = thumbprint(&key).ok_or_else(failed)?;
    let plain = key.to_pkcs8().map_err(|_| failed())?;
    let sealed = seal(core, &plain, &kid)?;
    Ok(StoredKey { kid, sealed, from })
}

/// The same keys sealed anew, if one of them was sealed with a store key that is on its way out.
fn resealed(core: &Core, ring: &Ring) -> Result<Option<Ring>, StoreError> {
    let mut keys = ring.keys.clone();
    let mut is_another = false;
    for key in &mut keys {
        let opened = unseal(core, key)?;
        if opened.is_of_previous {
            key.sealed = seal(core, &opened.plain, &key.kid)?;
            is_another = true;
        }
    }
    Ok(is_another.then_some(Ring { keys }))
}

fn seal(core: &Core, plain: &[u8], kid: &str) -> Result<String, StoreError> {
    let sealed = core.secrets.signing_keys.seal(plain, kid.as_bytes());
    Ok(URL_SAFE_NO_PAD.encode(sealed.ok_or_else(|| StoreError::new("a signing key cannot be sealed"))?))
}

fn unseal(core: &Core, stored: &StoredKey) -> Result<Opened, StoreError> {
    let sealed = URL_SAFE_NO_PAD.decode(&stored.sealed).ok();
    let opened = sealed.and_then(|sealed| core.secrets.signing_keys.open_any(&sealed, stored.kid.as_bytes()));
    opened.ok_or_else(sealed_otherwise)
}

fn sealed_otherwise() -> StoreError {
    StoreError::new("its signing keys were sealed with another store key")
}

fn open(core: &Core, stored: &StoredKey, until: Option<u64>) -> Result<Key, StoreError> {
    let signing = SigningKey::from_pkcs8(&unseal(core, stored)?.plain).map_err(|_| sealed_otherwise())?;
    let verifying = signing.verifying_key().map_err(StoreError::new)?.with_kid(&*stored.kid);
    Ok(Key { kid: stored.kid.clone(), signing, verifying, from: stored.from, until })
}

/// RFC 7638.
fn thumbprint(key: &SigningKey) -> Option<String> {
    let [x, y] = key.coordinates()?;
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    Some(sha256(members))
}

fn document(keys: &[Arc<Key>]) -> Arc<str> {
    let jwks: Vec<_> = keys
        .iter()
        .filter_map(|key| {
            let [x, y] = key.signing.coordinates()?;
            Some(json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256", "kid": key.kid}))
        })
        .collect();
    json!({ "keys": jwks }).to_string().into()
}
