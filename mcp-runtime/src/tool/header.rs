//! Arguments that clients mirror in `Mcp-Param-…` headers (MCP 2026-07-28, SEP-2243).

use std::{borrow::Cow, sync::Arc};

use schemars::Schema;

use super::limits::Violation;

/// The largest integer that every JSON reader keeps exactly, 2^53 − 1; no header mirrors a larger one.
const LARGEST: i128 = 9_007_199_254_740_991;

/// A type whose values can stand in a header: what `#[arg(header = "…")]` can be written on.
///
/// Texts, integers up to 64 bits and `bool` have it, and `Option`s of them; floating-point numbers, which are written
/// in more than one way, have not. A text of your own:
///
/// ```
/// use mcp_runtime::{HeaderValue, Mirrored, schemars::{self, JsonSchema}, tool};
///
/// #[derive(serde::Deserialize, JsonSchema)]
/// struct Region(String);
///
/// impl HeaderValue for Region {
///     fn mirrored(&self) -> Option<Mirrored<'_>> { self.0.mirrored() }
/// }
///
/// /// Restarts what runs in a region.
/// #[tool]
/// async fn restart(#[arg(header = "Region")] region: Region) -> String { region.0 }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be mirrored in a header",
    label = "not a header's value",
    note = "only texts, integers up to 64 bits and `bool`, and `Option`s of them, are written in one way only",
    note = "implement `mcp_runtime::HeaderValue` for a type of your own that is one of these in JSON"
)]
pub trait HeaderValue {
    /// What the header must say, or `None` if there must be none.
    fn mirrored(&self) -> Option<Mirrored<'_>>;
}

/// What a header must say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mirrored<'v> {
    /// This text, byte for byte.
    Text(Cow<'v, str>),
    /// This number, however it is written: `42` or `42.0`.
    Integer(i128),
    /// `true` or `false`.
    Boolean(bool),
}

impl Mirrored<'_> {
    /// Whether a header, decoded, says the same.
    #[must_use]
    pub fn is(&self, header: &str) -> bool {
        match self {
            Self::Text(text) => text == header,
            Self::Integer(number) => integer(header) == Some(*number),
            Self::Boolean(flag) => header == if *flag { "true" } else { "false" },
        }
    }
}

/// Whether a text is the only way to write what it may stand for: not a number with zeros in front or behind a point.
pub(crate) fn is_canonical(text: &str) -> bool {
    integer(text).is_none_or(|number| number.to_string() == text)
}

/// A decimal integer, with nothing but zeros behind a point.
fn integer(text: &str) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    let exact = !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0');
    (plain && exact).then(|| whole.parse().ok()).flatten()
}

impl HeaderValue for str {
    fn mirrored(&self) -> Option<Mirrored<'_>> {
        Some(Mirrored::Text(Cow::Borrowed(self)))
    }
}

macro_rules! text {
    ($($text:ty)*) => {
        $(impl HeaderValue for $text {
            fn mirrored(&self) -> Option<Mirrored<'_>> {
                Some(Mirrored::Text(Cow::Borrowed(&**self)))
            }
        })*
    };
}

text!(String Box<str> Arc<str> Cow<'_, str>);

macro_rules! number {
    ($($number:ty)*) => {
        $(impl HeaderValue for $number {
            fn mirrored(&self) -> Option<Mirrored<'_>> {
                i128::try_from(*self).ok().map(Mirrored::Integer)
            }
        })*
    };
}

number!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize);

impl HeaderValue for bool {
    fn mirrored(&self) -> Option<Mirrored<'_>> {
        Some(Mirrored::Boolean(*self))
    }
}

impl<T: HeaderValue> HeaderValue for Option<T> {
    fn mirrored(&self) -> Option<Mirrored<'_>> {
        self.as_ref().and_then(HeaderValue::mirrored)
    }
}

/// How one argument is mirrored.
#[doc(hidden)]
pub struct Mirror<T: 'static> {
    pub(crate) read: for<'v> fn(&'v T) -> Option<Mirrored<'v>>,
}

impl<T> Clone for Mirror<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Mirror<T> {}

/// Made by the macros, once per header: the one place that asks the type for [`HeaderValue`].
#[doc(hidden)]
#[must_use]
pub const fn mirror<T: HeaderValue>() -> Mirror<T> {
    Mirror { read: T::mirrored }
}

impl<T> Mirror<T> {
    /// A number that a client could not have kept exactly says something else in the header than in the body.
    pub(crate) fn check(&self, value: &T) -> Result<(), Violation> {
        match (self.read)(value) {
            Some(Mirrored::Integer(number)) if !(-LARGEST..=LARGEST).contains(&number) => {
                Err(Violation::number(number, format_args!("between -{LARGEST} and {LARGEST}")))
            }
            _ => Ok(()),
        }
    }
}

/// Marks an argument's schema, or says why clients would not take such a mark: they drop the whole tool then.
pub(crate) fn mark(schema: &mut Schema, header: &'static str) -> Result<(), String> {
    let kind = schema.get("type").and_then(|kind| kind.as_str()).unwrap_or("something else");
    if !["string", "integer", "boolean"].contains(&kind) {
        return Err(format!(
            "`header = \"{header}\"` needs a schema of type `string`, `integer` or `boolean`, and here it is {kind}"
        ));
    }
    if kind == "integer" && !is_small(schema) {
        narrow(schema, "minimum", -LARGEST, i128::max);
        narrow(schema, "maximum", LARGEST, i128::min);
    }
    schema.insert("x-mcp-header".into(), header.into());
    Ok(())
}

/// Whether the format alone keeps the number exact.
fn is_small(schema: &Schema) -> bool {
    let format = schema.get("format").and_then(|format| format.as_str());
    format.is_some_and(|format| ["int8", "int16", "int32", "uint8", "uint16", "uint32"].contains(&format))
}

fn narrow(schema: &mut Schema, keyword: &str, limit: i128, choose: fn(i128, i128) -> i128) {
    let there = schema.get(keyword).and_then(serde_json::Value::as_i64).map(i128::from);
    let limit = there.map_or(limit, |there| choose(there, limit));
    if let Ok(limit) = i64::try_from(limit) {
        schema.insert(keyword.to_owned(), limit.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_compared_as_numbers() {
        let answer = Mirrored::Integer(42);
        for same in ["42", "42.0", "42.00"] {
            assert!(answer.is(same), "{same}");
        }
        for other in
            ["", "42.", "42.5", ".0", "4 2", "+42", "42 ", "0x2a", "4.2e1", "-42", "43", "42.0.0", "042", "-042"]
        {
            assert!(!answer.is(other), "{other}");
        }
        assert!(Mirrored::Integer(-1).is("-1.0"));
        assert!(!Mirrored::Integer(-1).is("--1"));
        assert!(!Mirrored::Integer(0).is("-"));
    }

    #[test]
    fn texts_and_booleans_are_compared_byte_for_byte() {
        assert!("eu".mirrored().unwrap().is("eu"));
        assert!("".mirrored().unwrap().is(""));
        assert!(!"eu".mirrored().unwrap().is("EU"));
        assert!(true.mirrored().unwrap().is("true"));
        assert!(!true.mirrored().unwrap().is("True"));
        assert!(!false.mirrored().unwrap().is("true"));
        assert_eq!(None::<String>.mirrored(), None);
        assert_eq!(Some(Some(7_u64)).mirrored(), Some(Mirrored::Integer(7)));
    }
}
