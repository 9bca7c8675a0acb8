//! Arguments as parts of a scope: `scopes = "project:{project}:write"`.

use std::{borrow::Cow, sync::Arc};

/// A type whose values can fill a `{…}` in a scope: texts and integers.
///
/// What a value may contain is checked where it is filled in; here it is only turned into text, and in one way only.
/// A text of your own:
///
/// ```
/// use std::borrow::Cow;
///
/// use mcp_runtime::TemplateValue;
///
/// struct ProjectId(String);
///
/// impl TemplateValue for ProjectId {
///     fn template_text(&self) -> Cow<'_, str> { Cow::Borrowed(&self.0) }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot fill a `{{…}}` in a scope",
    label = "neither a text nor an integer",
    note = "take a `String` or an integer, and not an `Option`: what was not sent names nothing",
    note = "implement `mcp_runtime::TemplateValue` for an id of your own"
)]
pub trait TemplateValue {
    /// The text that is filled in.
    fn template_text(&self) -> Cow<'_, str>;
}

macro_rules! text {
    ($($text:ty)*) => {
        $(impl TemplateValue for $text {
            fn template_text(&self) -> Cow<'_, str> {
                Cow::Borrowed(self)
            }
        })*
    };
}

text!(str String Box<str> Arc<str> Cow<'_, str>);

macro_rules! number {
    ($($number:ty)*) => {
        $(impl TemplateValue for $number {
            fn template_text(&self) -> Cow<'_, str> {
                Cow::Owned(self.to_string())
            }
        })*
    };
}

number!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);
