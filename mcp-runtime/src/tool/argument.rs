//! What the macros say of one argument: as data, and as functions of its type.

use super::{
    header::Mirror,
    limits::{Limits, Violation},
};

/// Name and texts of one argument.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct ArgSpec {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    /// The default as JSON text, where the macro could write one down; only for the schema.
    pub(crate) default_json: Option<&'static str>,
    /// Whether there is a default at all.
    pub(crate) has_default: bool,
    /// Values as JSON text, for models to learn from.
    pub(crate) examples: &'static [&'static str],
    /// The part of the header's name behind `Mcp-Param-`, if clients mirror the argument there.
    pub(crate) header: Option<&'static str>,
}

impl ArgSpec {
    /// An argument that must be sent, unless its type says otherwise.
    #[must_use]
    pub const fn new(name: &'static str, description: &'static str) -> Self {
        Self { name, description, default_json: None, has_default: false, examples: &[], header: None }
    }

    /// There is a default, here as JSON text if it is a literal.
    #[must_use]
    pub const fn default_json(mut self, json: Option<&'static str>) -> Self {
        self.default_json = json;
        self.has_default = true;
        self
    }

    /// There are examples, as JSON texts.
    #[must_use]
    pub const fn examples(mut self, json: &'static [&'static str]) -> Self {
        self.examples = json;
        self
    }

    /// Clients mirror the argument in the header `Mcp-Param-{name}`.
    #[must_use]
    pub const fn header(mut self, name: &'static str) -> Self {
        self.header = Some(name);
        self
    }
}

/// What is said of an argument that only its type can make or check.
#[doc(hidden)]
pub struct ArgRules<T: 'static> {
    pub(crate) default: Option<fn() -> T>,
    pub(crate) limits: Option<Limit<T>>,
    pub(crate) mirror: Option<Mirror<T>>,
}

type Limit<T> = for<'l, 'v> fn(&'l mut Limits<'v, T>) -> Result<(), Violation>;

impl<T> Clone for ArgRules<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ArgRules<T> {}

impl<T> ArgRules<T> {
    /// Nothing but the type.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "only the macros make one, in constants")]
    pub const fn new() -> Self {
        Self { default: None, limits: None, mirror: None }
    }

    /// Makes the value of an argument that is not sent.
    #[must_use]
    pub const fn default(mut self, make: fn() -> T) -> Self {
        self.default = Some(make);
        self
    }

    /// Checks values, and describes the limits they are checked against.
    #[must_use]
    pub const fn limits(mut self, limits: Limit<T>) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Reads what a header must mirror.
    #[must_use]
    pub const fn mirror(mut self, mirror: Mirror<T>) -> Self {
        self.mirror = Some(mirror);
        self
    }

    /// Whether a value that was sent is within all limits.
    #[inline]
    pub(crate) fn check(&self, value: &T) -> Result<(), Violation> {
        if let Some(limits) = self.limits {
            limits(&mut Limits::Value(value))?;
        }
        match &self.mirror {
            Some(mirror) => mirror.check(value),
            None => Ok(()),
        }
    }
}
