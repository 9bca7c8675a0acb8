//! What clients are shown of a tool.

use serde::Serialize;

/// Names, texts and hints of one tool, fixed at compile time.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ToolInfo {
    /// A name for people (`title`).
    pub title: Option<&'static str>,
    /// What the tool does, for the model: the function's doc comment. Empty if it has none.
    pub description: &'static str,
    /// Hints about its effects.
    pub annotations: Annotations,
    /// Where it is defined, for error messages to its author.
    pub location: Location,
}

/// Hints about a tool's effects (MCP `ToolAnnotations`). Clients may show them; nothing here enforces anything.
///
/// What is not stated is not sent, and clients then assume the worst: destructive, not idempotent, open world.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Annotations {
    /// It changes nothing. Clients assume `false`.
    #[serde(rename = "readOnlyHint", skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// What it changes may be lost. Clients assume `true`.
    #[serde(rename = "destructiveHint", skip_serializing_if = "Option::is_none")]
    pub destructive: Option<bool>,
    /// Calling it twice does no more than calling it once. Clients assume `false`.
    #[serde(rename = "idempotentHint", skip_serializing_if = "Option::is_none")]
    pub idempotent: Option<bool>,
    /// It reaches things outside the server's own world. Clients assume `true`.
    #[serde(rename = "openWorldHint", skip_serializing_if = "Option::is_none")]
    pub open_world: Option<bool>,
}

/// A place in the author's source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Location {
    /// The source file, as the compiler names it.
    pub file: &'static str,
    /// The line of the function's name.
    pub line: u32,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl ToolInfo {
    /// A tool defined at `file`:`line`.
    #[must_use]
    pub const fn new(description: &'static str, file: &'static str, line: u32) -> Self {
        Self {
            title: None,
            description,
            annotations: Annotations { read_only: None, destructive: None, idempotent: None, open_world: None },
            location: Location { file, line },
        }
    }

    /// Sets the name for people.
    #[must_use]
    pub const fn title(mut self, title: &'static str) -> Self {
        self.title = Some(title);
        self
    }

    /// States whether it changes nothing.
    #[must_use]
    pub const fn read_only(mut self, hint: bool) -> Self {
        self.annotations.read_only = Some(hint);
        self
    }

    /// States whether what it changes may be lost.
    #[must_use]
    pub const fn destructive(mut self, hint: bool) -> Self {
        self.annotations.destructive = Some(hint);
        self
    }

    /// States whether repeating it changes nothing more.
    #[must_use]
    pub const fn idempotent(mut self, hint: bool) -> Self {
        self.annotations.idempotent = Some(hint);
        self
    }

    /// States whether it reaches outside the server's own world.
    #[must_use]
    pub const fn open_world(mut self, hint: bool) -> Self {
        self.annotations.open_world = Some(hint);
        self
    }
}
