//! `min`, `max`, `min_len`, `max_len`: written once, checked on every call and shown in the schema.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    fmt::{self, Display},
    sync::Arc,
};

use schemars::Schema;
use serde::{Serialize, de};

/// A type with a smallest and a largest value: what `#[arg(min = …, max = …)]` can be written on.
///
/// Numbers have it, and `Option`s of them, where only a value that is there is compared. A number of your own:
///
/// ```
/// use mcp_runtime::{Bounded, schemars::{self, JsonSchema}, tool};
///
/// #[derive(serde::Deserialize, JsonSchema)]
/// struct Percent(u8);
///
/// impl Bounded for Percent {
///     type Bound = u8;
///
///     fn bounded(&self) -> Option<u8> { Some(self.0) }
/// }
///
/// /// Dims the lights.
/// #[tool]
/// async fn dim(#[arg(min = 10, max = 100)] to: Percent) -> String { format!("{} %", to.0) }
/// ```
pub trait Bounded {
    /// What a limit is written in: the number itself.
    type Bound: PartialOrd + Display + Serialize;

    /// The number, or `None` if there is none to compare.
    fn bounded(&self) -> Option<Self::Bound>;
}

/// A type with a length: what `#[arg(min_len = …, max_len = …)]` can be written on.
///
/// Texts have it, counted in Unicode scalar values as JSON Schema counts; lists, sets and maps; and `Option`s of them.
/// A text of your own:
///
/// ```
/// use mcp_runtime::{Length, Measured, schemars::{self, JsonSchema}, tool};
///
/// #[derive(serde::Deserialize, JsonSchema)]
/// struct Name(String);
///
/// impl Measured for Name {
///     const UNIT: Length = Length::Characters;
///
///     fn measured(&self) -> Option<usize> { self.0.measured() }
/// }
///
/// /// Greets.
/// #[tool]
/// async fn greet(#[arg(min_len = 1, max_len = 50)] name: Name) -> String { name.0 }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no length",
    label = "not a text or list",
    note = "`min_len` and `max_len` measure texts, lists, sets and maps; numbers are limited by `min` and `max`",
    note = "implement `mcp_runtime::Measured` for a type of your own"
)]
pub trait Measured {
    /// What the length counts, which decides how the schema says it.
    const UNIT: Length;

    /// The length, or `None` if there is nothing to measure.
    fn measured(&self) -> Option<usize>;
}

/// What a length counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Length {
    /// Unicode scalar values of a text (`minLength`, `maxLength`).
    Characters,
    /// Items of a list or set (`minItems`, `maxItems`).
    Items,
    /// Entries of a map (`minProperties`, `maxProperties`).
    Entries,
}

macro_rules! bounded {
    ($($number:ty)*) => {
        $(impl Bounded for $number {
            type Bound = Self;

            fn bounded(&self) -> Option<Self> {
                Some(*self)
            }
        })*
    };
}

bounded!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64);

macro_rules! bounded_nonzero {
    ($($name:ident $number:ty)*) => {
        $(impl Bounded for std::num::$name {
            type Bound = $number;

            fn bounded(&self) -> Option<$number> {
                Some(self.get())
            }
        })*
    };
}

bounded_nonzero!(NonZeroU8 u8 NonZeroU16 u16 NonZeroU32 u32 NonZeroU64 u64 NonZeroUsize usize);
bounded_nonzero!(NonZeroI8 i8 NonZeroI16 i16 NonZeroI32 i32 NonZeroI64 i64 NonZeroIsize isize);

impl<T: Bounded> Bounded for Option<T> {
    type Bound = T::Bound;

    fn bounded(&self) -> Option<T::Bound> {
        self.as_ref().and_then(Bounded::bounded)
    }
}

impl Measured for str {
    const UNIT: Length = Length::Characters;

    fn measured(&self) -> Option<usize> {
        Some(self.chars().count())
    }
}

impl Measured for String {
    const UNIT: Length = Length::Characters;

    fn measured(&self) -> Option<usize> {
        self.as_str().measured()
    }
}

macro_rules! measured {
    ($($unit:ident [$($generics:tt)*] $type:ty),* $(,)?) => {
        $(impl<$($generics)*> Measured for $type {
            const UNIT: Length = Length::$unit;

            fn measured(&self) -> Option<usize> {
                Some(self.len())
            }
        })*
    };
}

measured!(
    Items[T][T],
    Items[T] Vec<T>,
    Items[T] VecDeque<T>,
    Items[T] BTreeSet<T>,
    Items[T, S] HashSet<T, S>,
    Entries[K, V] BTreeMap<K, V>,
    Entries[K, V, S] HashMap<K, V, S>,
    Entries[] serde_json::Map<String, serde_json::Value>,
);

macro_rules! measured_inside {
    ($($pointer:ty),*) => {
        $(impl<T: Measured + ?Sized> Measured for $pointer {
            const UNIT: Length = T::UNIT;

            fn measured(&self) -> Option<usize> {
                (**self).measured()
            }
        })*
    };
}

measured_inside!(Box<T>, Arc<T>);

impl<T: Measured + ToOwned + ?Sized> Measured for Cow<'_, T> {
    const UNIT: Length = T::UNIT;

    fn measured(&self) -> Option<usize> {
        (**self).measured()
    }
}

impl<T: Measured> Measured for Option<T> {
    const UNIT: Length = T::UNIT;

    fn measured(&self) -> Option<usize> {
        self.as_ref().and_then(Measured::measured)
    }
}

/// Where the limits of one argument are asked for: they are written once, for calls and for the schema.
#[doc(hidden)]
pub enum Limits<'v, T> {
    /// Compare this value.
    Value(&'v T),
    /// Describe the limits here.
    Schema(&'v mut Schema),
}

/// A value outside of a limit, in words for the model. Of texts only the length is told.
#[doc(hidden)]
#[derive(Debug)]
pub struct Violation {
    got: Got,
    expected: String,
}

#[derive(Debug)]
enum Got {
    Number(String),
    Length(usize),
}

impl Violation {
    pub(crate) fn number(got: impl Display, expected: impl Display) -> Self {
        Self { got: Got::Number(got.to_string()), expected: expected.to_string() }
    }

    /// The same form as that of a value of the wrong type.
    pub(crate) fn into_error<E: de::Error>(self) -> E {
        match &self.got {
            Got::Number(number) => E::invalid_value(de::Unexpected::Other(number), &self.expected.as_str()),
            Got::Length(length) => E::invalid_length(*length, &self.expected.as_str()),
        }
    }
}

/// [`Bounded`] by its bound, so that a type without one is one error and not one for each place that names the bound.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no smallest or largest value",
    label = "not a number",
    note = "`min` and `max` compare numbers; the length of a text or list is limited by `min_len` and `max_len`",
    note = "implement `mcp_runtime::Bounded` for a number of your own"
)]
pub trait BoundedBy<B> {
    /// The number, or `None` if there is none to compare.
    fn bounded_by(&self) -> Option<B>;
}

#[diagnostic::do_not_recommend]
impl<T: Bounded> BoundedBy<T::Bound> for T {
    fn bounded_by(&self) -> Option<T::Bound> {
        self.bounded()
    }
}

/// `min = …`, called by the macros.
#[doc(hidden)]
pub fn min<T: BoundedBy<B>, B: PartialOrd + Display + Serialize>(
    limits: &mut Limits<'_, T>,
    least: B,
) -> Result<(), Violation> {
    // Asked this way round, what cannot be compared is refused.
    bound(limits, "minimum", &least, |value| *value >= least, "at least")
}

/// `max = …`, called by the macros.
#[doc(hidden)]
pub fn max<T: BoundedBy<B>, B: PartialOrd + Display + Serialize>(
    limits: &mut Limits<'_, T>,
    most: B,
) -> Result<(), Violation> {
    bound(limits, "maximum", &most, |value| *value <= most, "at most")
}

/// `min_len = …`, called by the macros.
#[doc(hidden)]
pub fn min_len<T: Measured>(limits: &mut Limits<'_, T>, least: usize) -> Result<(), Violation> {
    length(limits, ["minLength", "minItems", "minProperties"], least, |length| length >= least, "at least")
}

/// `max_len = …`, called by the macros.
#[doc(hidden)]
pub fn max_len<T: Measured>(limits: &mut Limits<'_, T>, most: usize) -> Result<(), Violation> {
    length(limits, ["maxLength", "maxItems", "maxProperties"], most, |length| length <= most, "at most")
}

fn bound<T: BoundedBy<B>, B: Display + Serialize>(
    limits: &mut Limits<'_, T>,
    keyword: &str,
    limit: &B,
    fits: impl Fn(&B) -> bool,
    word: &str,
) -> Result<(), Violation> {
    match limits {
        Limits::Value(value) => match value.bounded_by() {
            Some(number) if !fits(&number) => Err(Violation::number(number, format_args!("{word} {limit}"))),
            _ => Ok(()),
        },
        Limits::Schema(schema) => {
            // Numbers beyond 64 bits have no place in a schema here; they are checked all the same.
            if let Ok(limit) = serde_json::to_value(limit) {
                schema.insert(keyword.to_owned(), limit);
            }
            Ok(())
        }
    }
}

fn length<T: Measured>(
    limits: &mut Limits<'_, T>,
    [characters, items, entries]: [&str; 3],
    limit: usize,
    fits: impl Fn(usize) -> bool,
    word: &str,
) -> Result<(), Violation> {
    match limits {
        Limits::Value(value) => match value.measured() {
            Some(length) if !fits(length) => {
                let expected = format!("{word} {limit} {}", Counted(T::UNIT, limit));
                Err(Violation { got: Got::Length(length), expected })
            }
            _ => Ok(()),
        },
        Limits::Schema(schema) => {
            let keyword = match T::UNIT {
                Length::Characters => characters,
                Length::Items => items,
                Length::Entries => entries,
            };
            schema.insert(keyword.to_owned(), limit.into());
            Ok(())
        }
    }
}

/// The unit's word for so many.
struct Counted(Length, usize);

impl Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.0, self.1) {
            (Length::Characters, 1) => "character",
            (Length::Characters, _) => "characters",
            (Length::Items, 1) => "item",
            (Length::Items, _) => "items",
            (Length::Entries, 1) => "entry",
            (Length::Entries, _) => "entries",
        })
    }
}
