//! `Args<T>`: one struct as all the arguments of a tool.

use std::{borrow::Cow, cell::Cell, collections::HashSet, fmt, marker::PhantomData, ops::Deref};

use schemars::{JsonSchema, Schema, SchemaGenerator, transform::Transform};
use serde::{
    Deserialize,
    de::{
        self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor,
        value::{BorrowedStrDeserializer, MapDeserializer, StringDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::{Value, json};

use super::{
    argument::ArgRules,
    arguments::{Arguments, read_arguments, read_message, unknown},
    schema::{FlattenOption, HEADER_IN_TYPE, InputSchema, mentions_header},
};
use crate::protocol::{ArgumentSeed, Text};

/// All arguments of a tool as one struct, whose fields are what models send.
///
/// It is as strict as arguments that are written one by one: nothing but an object is read, no name may stand twice,
/// and a name that is not a field is refused. A struct that collects what it does not know, with
/// `#[serde(flatten)]` on a map, gets it. What a field may be is for its type to say: `#[schemars(range(max = 10))]` on
/// a field tells models and checks nothing, while a type with `#[serde(try_from = "u8")]` refuses what it does not take.
///
/// ```
/// use mcp_runtime::{Args, schemars::{self, JsonSchema}, tool};
///
/// #[derive(serde::Deserialize, JsonSchema)]
/// struct NewUser {
///     /// How others see the user.
///     name: String,
///     /// Where the first letter goes.
///     email: Option<String>,
/// }
///
/// /// Adds a user.
/// #[tool]
/// async fn add_user(Args(new): Args<NewUser>) -> String {
///     format!("{} {:?}", new.name, new.email)
/// }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Args<T>(pub T);

impl<T> Deref for Args<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// What can be the arguments of a tool as a whole.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the arguments of a tool",
    label = "not readable as arguments",
    note = "derive `serde::Deserialize` and `schemars::JsonSchema` for the struct in it, with `use mcp_runtime::schemars;` in scope",
    note = "if this `Args` is a type of your own, write `#[arg]` before the parameter"
)]
pub trait WholeArgs: Sized + 'static {
    /// The struct.
    type Fields: DeserializeOwned + JsonSchema;

    /// Wraps it.
    fn of(fields: Self::Fields) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + JsonSchema + 'static> WholeArgs for Args<T> {
    type Fields = T;

    fn of(fields: T) -> Self {
        Self(fields)
    }
}

/// Made by the macros, once per tool that takes [`Args`].
#[doc(hidden)]
#[must_use]
pub const fn whole<A: WholeArgs>() -> Arguments<(A,)> {
    Arguments {
        specs: &[],
        rules: (ArgRules::new(),),
        parse_message: |body, _| read_message(body, WholeSeed(PhantomData)),
        parse_arguments: |json, _| {
            let Reads::Struct(fields) = reads::<A::Fields>() else {
                return read_arguments(json, WholeSeed(PhantomData), |_| true);
            };
            read_arguments(json, WholeSeed(PhantomData), |path| fields.iter().any(|field| path.starts_with(field)))
        },
        describe: |generator, _| describe::<A::Fields>(generator),
        mirrored: |_, _, _| {},
    }
}

struct WholeSeed<A>(PhantomData<A>);

impl<'de, A: WholeArgs> DeserializeSeed<'de> for WholeSeed<A> {
    type Value = (A,);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(A,), D::Error> {
        Ok((A::of(A::Fields::deserialize(ObjectOnly(deserializer))?),))
    }
}

impl<'de, A: WholeArgs> ArgumentSeed<'de> for WholeSeed<A> {
    fn absent<E: de::Error>(self) -> Result<(A,), E> {
        self.deserialize(MapDeserializer::new(std::iter::empty::<(&str, ())>()))
    }
}

/// Lets a type read an object and nothing else.
struct ObjectOnly<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for ObjectOnly<D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(ObjectVisitor { visitor, names: Names::Fields { fields, seen: 0 } })
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(ObjectVisitor { visitor, names: Names::Any(HashSet::new()) })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        option seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct ObjectVisitor<'de, V> {
    visitor: V,
    names: Names<'de>,
}

/// Which names may come, and which have come.
enum Names<'de> {
    /// A struct's fields. Of one with more than 128 it refuses the rest of what stands twice itself.
    Fields { fields: &'static [&'static str], seen: u128 },
    /// Any names, each once.
    Any(HashSet<Cow<'de, str>>),
}

impl<'de> Names<'de> {
    fn add<E: de::Error>(&mut self, Text(name): &Text<'de>) -> Result<(), E> {
        let is_new = match self {
            Self::Fields { fields, seen } => {
                let Some(index) = fields.iter().position(|field| *field == &**name) else {
                    return Err(unknown(name, fields.iter().copied()));
                };
                let bit = u32::try_from(index).ok().and_then(|index| 1_u128.checked_shl(index)).unwrap_or(0);
                let is_new = *seen & bit == 0;
                *seen |= bit;
                is_new
            }
            Self::Any(seen) => seen.insert(name.clone()),
        };
        if is_new { Ok(()) } else { Err(E::custom(format_args!("`{}` was sent twice", brief_name(name)))) }
    }
}

fn brief_name(name: &str) -> String {
    name.chars().take(64).collect()
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ObjectVisitor<'de, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the arguments by name")
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<V::Value, M::Error> {
        self.visitor.visit_map(NamedOnce { map, names: self.names })
    }
}

/// The entries of an object, each name checked before its value is read.
struct NamedOnce<'de, M> {
    map: M,
    names: Names<'de>,
}

impl<'de, M: MapAccess<'de>> MapAccess<'de> for NamedOnce<'de, M> {
    type Error = M::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, M::Error> {
        let Some(name) = self.map.next_key::<Text<'de>>()? else { return Ok(None) };
        self.names.add(&name)?;
        match name.0 {
            Cow::Borrowed(name) => seed.deserialize(BorrowedStrDeserializer::new(name)),
            Cow::Owned(name) => seed.deserialize(StringDeserializer::new(name)),
        }
        .map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, M::Error> {
        self.map.next_value_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.map.size_hint()
    }
}

/// What a type asks its deserializer for, first of all.
#[derive(Clone, Copy)]
enum Reads {
    /// A struct of these fields, and no others are let through.
    Struct(&'static [&'static str]),
    /// An object of any names.
    Object,
    /// Something that an object is not.
    Other,
}

fn reads<T: DeserializeOwned>() -> Reads {
    let reads = Cell::new(Reads::Other);
    let _ = T::deserialize(Ask(&reads));
    reads.get()
}

struct Ask<'a>(&'a Cell<Reads>);

impl<'de> Deserializer<'de> for Ask<'_> {
    type Error = de::value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.set(Reads::Struct(fields));
        Err(de::Error::custom(""))
    }

    fn deserialize_map<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        self.0.set(Reads::Object);
        Err(de::Error::custom(""))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom(""))
    }

    fn deserialize_option<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom(""))
    }

    // What reads a text or a number has a schema that says so.
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct identifier ignored_any
    }
}

fn describe<T: DeserializeOwned + JsonSchema>(generator: &mut SchemaGenerator) -> InputSchema {
    let mut schema = generator.subschema_for::<T>();
    FlattenOption.transform(&mut schema);
    let (mut problems, reads) = (Vec::new(), reads::<T>());
    if mentions_header(schema.as_value()) {
        problems.push(HEADER_IN_TYPE.to_owned());
    }
    let mut root = match resolved(schema.to_value(), generator) {
        Value::Object(root) => root,
        _ => serde_json::Map::new(),
    };
    // Alternatives that are all objects are an object; clients look for the word itself.
    let kind = root.entry("type").or_insert_with(|| json!("object"));
    if kind != "object" || matches!(reads, Reads::Other) {
        problems.push(format!(
            "`Args<{}>` does not read an object; take a struct, or a plain argument",
            std::any::type_name::<T>()
        ));
    }
    root.remove("title");
    root.entry("properties").or_insert_with(|| json!({}));
    if let Reads::Struct(_) = reads {
        root.insert("additionalProperties".into(), json!(false));
    }
    InputSchema { root, problems }
}

/// A type that contains itself is a reference to its definition; the root has to be the definition itself.
fn resolved(schema: Value, generator: &SchemaGenerator) -> Value {
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/$defs/"));
    let definition = name.and_then(|name| generator.definitions().get(name)).cloned();
    let Some(mut definition) = definition else { return schema };
    if let Ok(schema) = <&mut Schema>::try_from(&mut definition) {
        FlattenOption.transform(schema);
    }
    definition
}
