//! What an argument is when it is not sent.

use std::marker::PhantomData;

use serde::de::{self, Deserializer, Visitor};

use super::arguments::ToolArg;

/// Asks a type what it becomes when nothing was sent: `None` for an option, an error for most others. Exact also
/// for aliases and wrappers of `Option`, which a look at the type's name would miss.
struct Missing<E> {
    name: &'static str,
    error: PhantomData<E>,
}

impl<'de, E: de::Error> Deserializer<'de> for Missing<E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, E> {
        Err(E::custom(format_args!("`{}` is missing", self.name)))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_none()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

pub(super) fn value_or_default<T: ToolArg, E: de::Error>(
    sent: Option<T>,
    default: Option<fn() -> T>,
    name: &'static str,
) -> Result<T, E> {
    match (sent, default) {
        (Some(value), _) => Ok(value),
        (None, Some(default)) => Ok(default()),
        (None, None) => T::read(Missing { name, error: PhantomData::<E> }),
    }
}

/// Whether a type must be sent: it has nothing to be when it is missing.
pub(super) fn is_required<T: ToolArg>() -> bool {
    T::read(Missing { name: "", error: PhantomData::<de::value::Error> }).is_err()
}
