//! Arguments: read straight from the message into the function's own types, in one pass.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};

use super::{
    absent::value_or_default,
    argument::{ArgRules, ArgSpec},
    header::Mirrored,
    schema::{Described, InputSchema, describe, input_object},
};
use crate::protocol::{ArgumentSeed, CallParams, CallParamsSeed, Message, MessageSeed, brief};

/// A type that a model can fill in.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a tool argument",
    label = "not an argument type",
    note = "derive `serde::Deserialize` and `schemars::JsonSchema` for it, or for the types in it, with `use mcp_runtime::schemars;` in scope",
    note = "if the server brings it and not the model, take `State<..>` of it",
    note = "what does not come from the model is told by its type's name: `Identity`, `Option<Identity>`, `Context`, `State<..>`, not an alias of them; or by `#[inject]` before it"
)]
pub trait ToolArg: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// If it does not fit the type.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;

    /// Describes the type.
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + JsonSchema> ToolArg for T {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// A tuple of argument types, whatever they can do.
#[doc(hidden)]
pub trait Tuple: Sized {
    /// [`ArgRules`] for each.
    type Rules: 'static;
}

/// A tuple of argument types that can all be read and described.
pub(crate) trait ArgList: Tuple {
    type Slots;

    fn empty() -> Self::Slots;
    fn read_next<'de, M: MapAccess<'de>>(
        slots: &mut Self::Slots,
        index: usize,
        map: &mut M,
        form: Form<'_, Self>,
    ) -> Result<bool, M::Error>;
    fn finish<E: de::Error>(slots: Self::Slots, form: Form<'_, Self>) -> Result<Self, E>;
    fn describe(generator: &mut SchemaGenerator, form: Form<'_, Self>) -> Vec<Described>;
    fn mirrored(&self, form: Form<'_, Self>, each: &mut EachMirrored<'_>);
}

/// What an argument list needs at run time beside its types.
pub(crate) struct Form<'f, A: Tuple> {
    specs: &'static [ArgSpec],
    rules: &'f A::Rules,
}

impl<A: Tuple> Clone for Form<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A: Tuple> Copy for Form<'_, A> {}

/// Called for each argument that a header mirrors: the part of the header's name behind `Mcp-Param-`, and what the
/// header must say; `None` if there must be no such header.
pub(crate) type EachMirrored<'e> = dyn FnMut(&'static str, Option<Mirrored<'_>>) + 'e;

type ParseMessage<A> =
    for<'b, 'f> fn(&'b str, Form<'f, A>) -> Result<Message<'b, CallParams<'b, A>>, serde_json::Error>;
type ParseArguments<A> = for<'f> fn(&str, Form<'f, A>) -> Result<A, ArgumentError>;

/// How one tool's arguments are read and described: the one place that asks their types for [`ToolArg`].
#[doc(hidden)]
pub struct Arguments<A: Tuple> {
    pub(super) specs: &'static [ArgSpec],
    pub(super) rules: A::Rules,
    pub(super) parse_message: ParseMessage<A>,
    pub(super) parse_arguments: ParseArguments<A>,
    pub(super) describe: for<'f> fn(&mut SchemaGenerator, Form<'f, A>) -> InputSchema,
    pub(super) mirrored: for<'f> fn(&A, Form<'f, A>, &mut EachMirrored<'_>),
}

impl<A: Tuple> Arguments<A> {
    fn form(&self) -> Form<'_, A> {
        Form { specs: self.specs, rules: &self.rules }
    }

    /// Reads a whole message in one pass.
    pub(crate) fn parse_message<'b>(&self, body: &'b str) -> Result<Message<'b, CallParams<'b, A>>, serde_json::Error> {
        (self.parse_message)(body, self.form())
    }

    /// Reads the arguments alone, and says precisely what is wrong with them. `None` means none were sent.
    pub(crate) fn parse_arguments(&self, json: Option<&str>) -> Result<A, ArgumentError> {
        (self.parse_arguments)(json.unwrap_or("{}"), self.form())
    }

    /// The header that mirrors the argument at a position.
    pub(crate) fn header_of(&self, at: usize) -> Option<&'static str> {
        self.specs.get(at)?.header
    }

    /// The headers that mirror arguments, each the part behind `Mcp-Param-`.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &'static str> {
        self.specs.iter().filter_map(|spec| spec.header)
    }

    /// Tells what each of [`headers`](Self::headers) must say for these arguments.
    pub(crate) fn mirrored(&self, arguments: &A, each: &mut EachMirrored<'_>) {
        (self.mirrored)(arguments, self.form(), each);
    }

    /// The schema of the object of arguments, and what is wrong with it.
    pub(crate) fn schema(&self, generator: &mut SchemaGenerator) -> InputSchema {
        (self.describe)(generator, self.form())
    }
}

/// Why arguments were refused, in words for the model.
#[derive(Debug)]
pub(crate) struct ArgumentError(String);

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<A: ArgList> Form<'_, A> {
    fn parse_message(self, body: &str) -> Result<Message<'_, CallParams<'_, A>>, serde_json::Error> {
        read_message(body, ArgumentsSeed(self))
    }

    fn parse_arguments(self, json: &str) -> Result<A, ArgumentError> {
        let names = |path: &str| self.specs.iter().any(|spec| path.starts_with(spec.name));
        read_arguments(json, ArgumentsSeed(self), names)
    }
}

/// Reads a message whose arguments this seed reads.
pub(super) fn read_message<'b, S: ArgumentSeed<'b>>(
    body: &'b str,
    seed: S,
) -> Result<Message<'b, CallParams<'b, S::Value>>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(body);
    let message = MessageSeed::new(CallParamsSeed::new(seed)).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(message)
}

/// Reads arguments alone, and keeps track of where a mistake is. An unknown or missing argument is named in the message
/// itself, so its path is not one of an argument.
pub(super) fn read_arguments<'b, S: ArgumentSeed<'b>>(
    json: &'b str,
    seed: S,
    names_argument: impl Fn(&str) -> bool,
) -> Result<S::Value, ArgumentError> {
    let mut track = serde_path_to_error::Track::new();
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let tracked = serde_path_to_error::Deserializer::new(&mut deserializer, &mut track);
    seed.deserialize(tracked).map_err(|error| {
        let path: String = track.path().to_string().chars().take(100).collect();
        let why = brief(&error);
        ArgumentError(if path != "." && names_argument(&path) {
            format!("invalid argument `{path}`: {why}")
        } else {
            format!("invalid arguments: {why}")
        })
    })
}

impl<A: ArgList> Form<'_, A> {
    /// A call without `arguments` is a call with none: each may still have a default.
    pub(crate) fn nothing_sent<E: de::Error>(self) -> Result<A, E> {
        A::finish(A::empty(), self)
    }
}

/// Reads an object of arguments; nothing but an object.
pub(crate) struct ArgumentsSeed<'f, A: ArgList>(Form<'f, A>);

impl<'de, A: ArgList> DeserializeSeed<'de> for ArgumentsSeed<'_, A> {
    type Value = A;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<A, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, A: ArgList> ArgumentSeed<'de> for ArgumentsSeed<'_, A> {
    fn absent<E: de::Error>(self) -> Result<A, E> {
        self.0.nothing_sent()
    }
}

impl<'de, A: ArgList> Visitor<'de> for ArgumentsSeed<'_, A> {
    type Value = A;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the arguments by name")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<A, M::Error> {
        let mut slots = A::empty();
        while let Some(index) = map.next_key_seed(NameSeed(self.0.specs))? {
            if !A::read_next(&mut slots, index, &mut map, self.0)? {
                return Err(de::Error::custom(format_args!("`{}` was sent twice", self.0.specs[index].name)));
            }
        }
        A::finish(slots, self.0)
    }
}

/// Reads the name of an argument as its position.
struct NameSeed(&'static [ArgSpec]);

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for NameSeed {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an argument")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<usize, E> {
        self.0
            .iter()
            .position(|spec| spec.name == name)
            .ok_or_else(|| unknown(name, self.0.iter().map(|spec| spec.name)))
    }
}

pub(super) fn unknown<'s, E: de::Error>(name: &str, known: impl Iterator<Item = &'s str>) -> E {
    let name: String = name.chars().take(64).collect();
    let known: Vec<_> = known.map(|name| format!("`{name}`")).collect();
    if known.is_empty() {
        E::custom(format_args!("`{name}` is not an argument of this tool, which takes none"))
    } else {
        E::custom(format_args!("`{name}` is not an argument of this tool, which takes {}", known.join(", ")))
    }
}

/// Reads one value. Returns false if there already is one.
fn fill<'de, T: ToolArg, M: MapAccess<'de>>(
    slot: &mut Option<T>,
    map: &mut M,
    rules: &ArgRules<T>,
) -> Result<bool, M::Error> {
    if slot.is_some() {
        return Ok(false);
    }
    *slot = Some(map.next_value_seed(ValueSeed(rules))?);
    Ok(true)
}

/// Reads a value and asks its rules while the place in the message is still known.
pub(super) struct ValueSeed<'r, T: 'static>(pub(super) &'r ArgRules<T>);

impl<'de, T: ToolArg> DeserializeSeed<'de> for ValueSeed<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        let value = T::read(deserializer)?;
        match self.0.check(&value) {
            Ok(()) => Ok(value),
            Err(violation) => Err(violation.into_error()),
        }
    }
}

fn mirror<T>(value: &T, spec: &ArgSpec, rules: &ArgRules<T>, each: &mut EachMirrored<'_>) {
    if let (Some(header), Some(mirror)) = (spec.header, &rules.mirror) {
        each(header, (mirror.read)(value));
    }
}

macro_rules! arg_list {
    ($name:ident $count:literal $($T:ident $i:tt)*) => {
        impl<$($T: 'static),*> Tuple for ($($T,)*) {
            type Rules = ($(ArgRules<$T>,)*);
        }

        #[allow(clippy::unused_unit, reason = "no arguments are an empty tuple")]
        impl<$($T: ToolArg + 'static),*> ArgList for ($($T,)*) {
            type Slots = ($(Option<$T>,)*);

            fn empty() -> Self::Slots {
                ($(None::<$T>,)*)
            }

            fn read_next<'de, M: MapAccess<'de>>(
                _slots: &mut Self::Slots,
                index: usize,
                _map: &mut M,
                _form: Form<'_, Self>,
            ) -> Result<bool, M::Error> {
                match index {
                    $($i => fill(&mut _slots.$i, _map, &_form.rules.$i),)*
                    _ => Err(de::Error::custom("no such argument")),
                }
            }

            fn finish<Error: de::Error>(_slots: Self::Slots, _form: Form<'_, Self>) -> Result<Self, Error> {
                Ok(($(value_or_default(_slots.$i, _form.rules.$i.default, _form.specs[$i].name)?,)*))
            }

            fn describe(_generator: &mut SchemaGenerator, _form: Form<'_, Self>) -> Vec<Described> {
                vec![$(describe::<$T>(_generator, &_form.specs[$i], &_form.rules.$i),)*]
            }

            fn mirrored(&self, _form: Form<'_, Self>, _each: &mut EachMirrored<'_>) {
                $(mirror(&self.$i, &_form.specs[$i], &_form.rules.$i, _each);)*
            }
        }

        /// Made by the macros, once per tool.
        #[doc(hidden)]
        #[must_use]
        pub const fn $name<$($T: ToolArg + 'static),*>(
            specs: &'static [ArgSpec; $count],
            rules: ($(ArgRules<$T>,)*),
        ) -> Arguments<($($T,)*)> {
            Arguments {
                specs,
                rules,
                parse_message: |body, form| form.parse_message(body),
                parse_arguments: |json, form| form.parse_arguments(json),
                describe: |generator, form| input_object(form.specs, ArgList::describe(generator, form)),
                mirrored: |arguments, form, each| arguments.mirrored(form, each),
            }
        }
    };
}

arg_list!(args0 0);
arg_list!(args1 1 A 0);
arg_list!(args2 2 A 0 B 1);
arg_list!(args3 3 A 0 B 1 C 2);
arg_list!(args4 4 A 0 B 1 C 2 D 3);
arg_list!(args5 5 A 0 B 1 C 2 D 3 E 4);
arg_list!(args6 6 A 0 B 1 C 2 D 3 E 4 F 5);
arg_list!(args7 7 A 0 B 1 C 2 D 3 E 4 F 5 G 6);
arg_list!(args8 8 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7);
arg_list!(args9 9 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8);
arg_list!(args10 10 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9);
arg_list!(args11 11 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10);
arg_list!(args12 12 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11);
arg_list!(args13 13 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 N 12);
arg_list!(args14 14 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 N 12 O 13);
arg_list!(args15 15 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 N 12 O 13 P 14);
arg_list!(args16 16 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 N 12 O 13 P 14 Q 15);
