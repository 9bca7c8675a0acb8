//! A key set as its issuer publishes it (RFC 7517 §5).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::jwk::{self, Skip};
use crate::auth::{
    jwt::{Algorithm, KeySet, MAX_KEYS},
    object::UniqueObject,
};

/// How many entries of a set are looked at.
const MAX_ENTRIES: usize = 64;

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

/// Reads a key set, and passes over what cannot be used (RFC 7517 §5 wants that).
pub(super) fn parse(json: &[u8], issuer: &str, allowed: Option<&[Algorithm]>) -> Result<KeySet, &'static str> {
    let document: Document<'_> = serde_json::from_slice(json).map_err(|_| "not a key set")?;
    if document.keys.len() > MAX_ENTRIES {
        tracing::warn!(issuer, entries = document.keys.len(), "a key set has more than {MAX_ENTRIES} entries");
    }
    let mut usable = Vec::new();
    for entry in document.keys.iter().take(MAX_ENTRIES) {
        let keys = match UniqueObject::parse(entry.get().as_bytes()) {
            Some(jwk) => jwk::keys(&jwk, allowed),
            None => Err(Skip::Broken("not a plain JSON object")),
        };
        match keys {
            Ok(_) if usable.len() == MAX_KEYS => {
                tracing::warn!(issuer, "a key set has more than {MAX_KEYS} keys that can be used: the others are not");
                break;
            }
            Ok(keys) => usable.push(keys),
            Err(Skip::NotForUs(why)) => tracing::debug!(issuer, why, "an entry of a key set is not used"),
            Err(Skip::Broken(why)) => tracing::warn!(issuer, why, "an entry of a key set cannot be used"),
        }
    }
    if usable.is_empty() {
        Err("the key set has no key that can be used")
    } else {
        Ok(KeySet::published(usable.concat()))
    }
}
