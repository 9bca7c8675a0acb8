//! The envelope of a message, read in one pass straight into its parameters.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Serialize,
    de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// One JSON-RPC message from a client.
#[derive(Debug)]
pub(crate) struct Message<'a, P> {
    /// Absent on notifications.
    pub(crate) id: Option<Id<'a>>,
    /// Absent on responses.
    pub(crate) method: Option<Cow<'a, str>>,
    pub(crate) params: Option<P>,
    /// Whether it has a `result` or an `error`: an answer to something.
    pub(crate) is_response: bool,
}

/// A request id, kept as it was written, so that it is echoed to the letter (JSON-RPC 2.0 §4: string or integer).
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(transparent)]
pub(crate) struct Id<'a>(&'a RawValue);

impl<'a> Id<'a> {
    /// The id as it was written.
    pub(crate) fn as_str(self) -> &'a str {
        self.0.get()
    }

    /// The id as it was written, at most 64 characters of it.
    pub(crate) fn brief(&self) -> String {
        self.0.get().chars().take(64).collect()
    }
}

/// Ids are echoed, so they are bounded; nobody's is near this.
const MAX_ID_BYTES: usize = 512;

impl<'de: 'a, 'a> Deserialize<'de> for Id<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        let integer = || {
            let digits = text.strip_prefix('-').unwrap_or(text);
            !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
        };
        // A raw string may hold escapes that stand for nothing, such as half a surrogate pair.
        let string = || text.starts_with('"') && serde_json::from_str::<Cow<'_, str>>(text).is_ok();
        if text.len() <= MAX_ID_BYTES && (integer() || string()) {
            Ok(Self(raw))
        } else {
            Err(de::Error::custom("`id` must be a string or an integer of at most 512 bytes"))
        }
    }
}

/// Reads a [`Message`] whose `params` are read by `P`.
pub(crate) struct MessageSeed<P>(P);

impl<P> MessageSeed<P> {
    pub(crate) fn new(params: P) -> Self {
        Self(params)
    }
}

impl<'a> Message<'a, &'a RawValue> {
    /// Reads the envelope and leaves the parameters as they are.
    pub(crate) fn parse(json: &'a str) -> Result<Self, serde_json::Error> {
        Self::parse_with(json, PhantomData)
    }
}

impl<'a, P> Message<'a, P> {
    pub(crate) fn parse_with<S: DeserializeSeed<'a, Value = P>>(
        json: &'a str,
        params: S,
    ) -> Result<Self, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let message = MessageSeed(params).deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(message)
    }
}

impl<'de, P: DeserializeSeed<'de>> DeserializeSeed<'de> for MessageSeed<P> {
    type Value = Message<'de, P::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, P: DeserializeSeed<'de>> Visitor<'de> for MessageSeed<P> {
    type Value = Message<'de, P::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON-RPC message object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut seed = Some(self.0);
        let mut message = Message { id: None, method: None, params: None, is_response: false };
        let mut version = None;
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match &*key.0 {
                "jsonrpc" => once(&mut version, "jsonrpc", || map.next_value::<Text<'de>>())?,
                "id" => once(&mut message.id, "id", || map.next_value())?,
                "method" => once(&mut message.method, "method", || map.next_value::<Text<'de>>().map(|text| text.0))?,
                "params" => {
                    let seed = seed.take().ok_or_else(|| de::Error::duplicate_field("params"))?;
                    message.params = Some(map.next_value_seed(seed)?);
                }
                other => {
                    message.is_response |= other == "result" || other == "error";
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        match version {
            Some(version) if version.0 == "2.0" => Ok(message),
            _ => Err(de::Error::custom("`jsonrpc` must be \"2.0\"")),
        }
    }
}

/// Sets a member that may stand once only: of two copies, a gateway could read one and the server the other.
pub(super) fn once<T, E: de::Error>(
    slot: &mut Option<T>,
    name: &'static str,
    read: impl FnOnce() -> Result<T, E>,
) -> Result<(), E> {
    if slot.is_some() {
        return Err(de::Error::duplicate_field(name));
    }
    *slot = Some(read()?);
    Ok(())
}

/// A string that borrows from the message wherever it has no escapes.
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;

        impl<'de> Visitor<'de> for Borrow {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Borrow)
    }
}

/// A parse error without its position, and without more of the sender's own text than helps.
pub(crate) fn brief(error: &serde_json::Error) -> String {
    let full = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let text = full.strip_suffix(&position).unwrap_or(&full);
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
