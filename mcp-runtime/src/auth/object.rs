//! A JSON object whose members are what they seem.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

/// A JSON object without duplicate members. With duplicates, two readers of one token may see different values
/// (RFC 7515 §4 and RFC 7519 §4 allow refusing them); serde_json would silently take the last.
#[derive(Debug)]
pub(crate) struct UniqueObject(pub(super) Map<String, Value>);

impl UniqueObject {
    /// Reads the whole of `json`; depth is bounded by serde_json.
    pub(crate) fn parse(json: &[u8]) -> Option<Map<String, Value>> {
        serde_json::from_slice::<Self>(json).ok().map(|object| object.0)
    }
}

impl<'de> Deserialize<'de> for UniqueObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = UniqueObject;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<UniqueObject, A::Error> {
        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            if members.insert(name, access.next_value()?).is_some() {
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(UniqueObject(members))
    }
}
