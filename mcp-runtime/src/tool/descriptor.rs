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
    /// Pictures for people, from revision 2025-11-25 on.
    pub icons: &'static [Icon],
    /// What the protocol has no word for (`_meta`), as the text of a JSON object; from revision 2025-06-18 on.
    pub meta: Option<&'static str>,
    /// Where it is defined, for error messages to its author.
    pub location: Location,
}

/// A picture that clients may show beside a tool (MCP `Icon`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Icon {
    /// An `https:` or `data:` URL; clients take no other, and PNG is what all of them can show.
    pub src: &'static str,
    /// The kind of picture, if it should not be told from the URL: `image/png`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<&'static str>,
    /// The sizes it is good for, as `48x48`, or `any`.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub sizes: &'static [&'static str],
    /// The background it is made for, `light` or `dark`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<&'static str>,
}

impl Icon {
    /// The picture at this URL.
    #[must_use]
    pub const fn new(src: &'static str) -> Self {
        Self { src, mime_type: None, sizes: &[], theme: None }
    }

    /// Sets the kind of picture.
    #[must_use]
    pub const fn mime_type(mut self, mime_type: &'static str) -> Self {
        self.mime_type = Some(mime_type);
        self
    }

    /// Sets the sizes it is good for.
    #[must_use]
    pub const fn sizes(mut self, sizes: &'static [&'static str]) -> Self {
        self.sizes = sizes;
        self
    }

    /// Sets the background it is made for.
    #[must_use]
    pub const fn theme(mut self, theme: &'static str) -> Self {
        self.theme = Some(theme);
        self
    }
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
            icons: &[],
            meta: None,
            location: Location { file, line },
        }
    }

    /// Sets the name for people.
    #[must_use]
    pub const fn title(mut self, title: &'static str) -> Self {
        self.title = Some(title);
        self
    }

    /// Sets the pictures.
    #[must_use]
    pub const fn icons(mut self, icons: &'static [Icon]) -> Self {
        self.icons = icons;
        self
    }

    /// Sets `_meta`, the text of a JSON object. A server with any other text cannot be built.
    #[must_use]
    pub const fn meta(mut self, json: &'static str) -> Self {
        self.meta = Some(json);
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
