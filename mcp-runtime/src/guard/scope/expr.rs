//! Which scopes a call needs, as the author wrote them.

use std::fmt;

/// Which scopes a call needs (RFC 6749 §3.3), as the author wrote them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScopeExpr {
    /// One scope.
    Scope(&'static str),
    /// A space-separated list from a constant: all of them.
    List(ScopeList),
    /// One scope with the values of arguments in it: `project:{project}:write`.
    Template(&'static [ScopePart]),
    /// Every one of these. `All(&[])` asks for nothing.
    All(&'static [ScopeExpr]),
    /// At least one of these. `Any(&[])` can be met by nobody.
    Any(&'static [ScopeExpr]),
}

/// A piece of a scope with arguments in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScopePart {
    /// Stands as it is.
    Text(&'static str),
    /// The value of an argument, by the name that models send and its position in
    /// [`Protected::Args`](crate::guard::Protected::Args).
    Argument(&'static str, usize),
}

impl ScopePart {
    pub(super) fn argument(&self) -> Option<(&'static str, usize)> {
        match *self {
            Self::Text(_) => None,
            Self::Argument(name, at) => Some((name, at)),
        }
    }
}

/// A space-separated list of scopes (RFC 6749 §3.3) that was checked when it was compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeList(&'static str);

impl ScopeList {
    /// Checks the list.
    ///
    /// # Panics
    /// If it is not scopes separated by single spaces. In a `const` that is a compile error.
    #[must_use]
    pub const fn new(list: &'static str) -> Self {
        let bytes = list.as_bytes();
        let (mut at, mut length) = (0, 0);
        while at < bytes.len() {
            match bytes[at] {
                b' ' => {
                    assert!(length > 0, "scopes are separated by single spaces, without any around them");
                    length = 0;
                }
                b'{' | b'}' => panic!("a constant cannot hold a `{{argument}}`: write such a scope in the attribute"),
                0x21 | 0x23..=0x5B | 0x5D..=0x7E => length += 1,
                _ => panic!("a scope is visible ASCII without quotes and backslashes (RFC 6749 section 3.3)"),
            }
            assert!(length <= 128, "a scope has at most 128 characters");
            at += 1;
        }
        assert!(length > 0, "a constant with scopes names at least one, and does not end with a space");
        Self(list)
    }

    /// The scopes, in the order written.
    pub fn iter(self) -> impl Iterator<Item = &'static str> {
        self.0.split(' ')
    }
}

impl ScopeExpr {
    /// Whether everybody has what is asked for.
    #[cfg(feature = "oauth")]
    pub(crate) fn asks_for_nothing(&self) -> bool {
        match self {
            Self::Scope(_) | Self::List(_) | Self::Template(_) => false,
            Self::All(parts) => parts.iter().all(Self::asks_for_nothing),
            Self::Any(parts) => parts.iter().any(Self::asks_for_nothing),
        }
    }

    /// A list from a constant; see [`ScopeList::new`].
    #[must_use]
    pub const fn list(list: &'static str) -> Self {
        Self::List(ScopeList::new(list))
    }
}

/// Whether a value may stand in a scope: `[A-Za-z0-9_.~-]{1,64}`. None of these separates the parts of a scope, so no value
/// can end its part and begin another.
pub(crate) fn is_scope_value(value: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'~' | b'-');
    (1..=64).contains(&value.len()) && value.bytes().all(allowed)
}

/// Writes a template as the author did: `project:{project}:write`.
pub(crate) fn template_text(parts: &[ScopePart]) -> String {
    let piece = |part: &ScopePart| match part {
        ScopePart::Text(text) => (*text).to_owned(),
        ScopePart::Argument(name, _) => format!("{{{name}}}"),
    };
    parts.iter().map(piece).collect()
}

impl fmt::Display for ScopeExpr {
    /// Reads as it is written in the attribute: `a b`, `any(a, all(b, c))`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(parts) if parts.iter().all(|part| !matches!(part, Self::All(_) | Self::Any(_))) => {
                separated(f, parts, " ")
            }
            other => nested(f, other),
        }
    }
}

fn nested(f: &mut fmt::Formatter<'_>, expr: &ScopeExpr) -> fmt::Result {
    match expr {
        ScopeExpr::Scope(scope) => f.write_str(scope),
        ScopeExpr::List(list) => f.write_str(list.0),
        ScopeExpr::Template(parts) => f.write_str(&template_text(parts)),
        ScopeExpr::All(parts) => list(f, "all", parts),
        ScopeExpr::Any(parts) => list(f, "any", parts),
    }
}

fn list(f: &mut fmt::Formatter<'_>, name: &str, parts: &[ScopeExpr]) -> fmt::Result {
    write!(f, "{name}(")?;
    separated(f, parts, ", ")?;
    f.write_str(")")
}

fn separated(f: &mut fmt::Formatter<'_>, parts: &[ScopeExpr], separator: &str) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            f.write_str(separator)?;
        }
        nested(f, part)?;
    }
    Ok(())
}
