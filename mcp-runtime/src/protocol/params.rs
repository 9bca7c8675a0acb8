//! The parameters of the methods we answer.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize,
    de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::message::{Text, once};

/// What a request says of itself in `_meta` (MCP 2026-07-28, "Request metadata"); only what the server reads.
#[derive(Debug, Default)]
pub(crate) struct Meta<'a> {
    pub(crate) version: Option<Cow<'a, str>>,
    pub(crate) has_capabilities: bool,
}

impl<'de: 'a, 'a> Deserialize<'de> for Meta<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MetaVisitor;

        impl<'de> Visitor<'de> for MetaVisitor {
            type Value = Meta<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Meta<'de>, M::Error> {
                const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
                const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
                let (mut version, mut capabilities) = (None, None);
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    match &*key.0 {
                        VERSION => once(&mut version, VERSION, || map.next_value::<Text<'de>>())?,
                        CAPABILITIES => once(&mut capabilities, CAPABILITIES, || map.next_value::<AnyObject>())?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(Meta { version: version.map(|text| text.0), has_capabilities: capabilities.is_some() })
            }
        }

        deserializer.deserialize_map(MetaVisitor)
    }
}

/// Any object; what is in it does not matter.
struct AnyObject;

impl<'de> Deserialize<'de> for AnyObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;

        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = AnyObject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<AnyObject, M::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(AnyObject)
            }
        }

        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// `tools/call` with arguments of type `A`.
#[derive(Debug)]
pub(crate) struct CallParams<'a, A> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) arguments: A,
    pub(crate) meta: Option<Meta<'a>>,
}

/// Reads arguments, or says what they are when none were sent.
pub(crate) trait ArgumentSeed<'de>: DeserializeSeed<'de> {
    fn absent<E: de::Error>(self) -> Result<Self::Value, E>;
}

/// Leaves arguments as they were written.
pub(crate) struct RawArguments;

impl<'de> DeserializeSeed<'de> for RawArguments {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        <&RawValue>::deserialize(deserializer).map(Some)
    }
}

impl<'de> ArgumentSeed<'de> for RawArguments {
    fn absent<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

impl<'a> CallParams<'a, Option<&'a RawValue>> {
    /// Reads the parameters and leaves the arguments as they are.
    pub(crate) fn parse(json: &'a str) -> Result<Self, serde_json::Error> {
        CallParamsSeed(RawArguments).deserialize(&mut serde_json::Deserializer::from_str(json))
    }
}

pub(crate) struct CallParamsSeed<S>(S);

impl<S> CallParamsSeed<S> {
    pub(crate) fn new(arguments: S) -> Self {
        Self(arguments)
    }
}

impl<'de, S: ArgumentSeed<'de>> DeserializeSeed<'de> for CallParamsSeed<S> {
    type Value = CallParams<'de, S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, S: ArgumentSeed<'de>> Visitor<'de> for CallParamsSeed<S> {
    type Value = CallParams<'de, S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut seed = Some(self.0);
        let (mut name, mut arguments, mut meta) = (None, None, None);
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match &*key.0 {
                "name" => once(&mut name, "name", || map.next_value::<Text<'de>>())?,
                "arguments" => {
                    let seed = seed.take().ok_or_else(|| de::Error::duplicate_field("arguments"))?;
                    arguments = Some(map.next_value_seed(seed)?);
                }
                "_meta" => once(&mut meta, "_meta", || map.next_value())?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let name = name.ok_or_else(|| de::Error::missing_field("name"))?.0;
        let arguments = match (arguments, seed) {
            (Some(arguments), _) => arguments,
            (None, Some(seed)) => seed.absent()?,
            (None, None) => return Err(de::Error::missing_field("arguments")),
        };
        Ok(CallParams { name, arguments, meta })
    }
}

/// Any method's parameters, as far as the envelope rules look at them.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PlainParams<'a> {
    #[serde(borrow, rename = "_meta")]
    pub(crate) meta: Option<Meta<'a>>,
}

/// `tools/list`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ListParams<'a> {
    #[serde(borrow)]
    pub(crate) cursor: Option<Cow<'a, str>>,
}

/// `initialize` of the older revisions.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InitializeParams<'a> {
    #[serde(borrow)]
    pub(crate) protocol_version: Cow<'a, str>,
}

/// `subscriptions/listen`.
#[derive(Debug, Deserialize)]
pub(crate) struct ListenParams<'a> {
    /// A [`SubscriptionFilter`].
    #[serde(borrow)]
    pub(crate) notifications: &'a RawValue,
}

/// Which notifications a subscriber asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SubscriptionFilter {
    #[serde(rename = "toolsListChanged")]
    _tools: Option<bool>,
    #[serde(rename = "promptsListChanged")]
    _prompts: Option<bool>,
    #[serde(rename = "resourcesListChanged")]
    _resources: Option<bool>,
    #[serde(rename = "resourceSubscriptions")]
    _uris: Option<Vec<String>>,
}
