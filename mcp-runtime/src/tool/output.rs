//! What a tool gives back.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Serialize,
    ser::{SerializeMap, Serializer},
};
use serde_json::value::RawValue;

use super::{IntoToolError, ToolError};

/// A value that is sent as structured content, with an output schema made from its type.
///
/// The same JSON is mirrored as text, for clients that read only that.
///
/// ```
/// use mcp_runtime::{Json, schemars};
///
/// #[derive(serde::Serialize, schemars::JsonSchema)]
/// struct Weather { celsius: f64 }
///
/// async fn weather() -> Json<Weather> { Json(Weather { celsius: 21.5 }) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// The result of one call (MCP `CallToolResult`).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CallToolResult {
    /// What the model reads. Structured content is mirrored as a block of text before these.
    pub content: Vec<Content>,
    /// The same as data: JSON text that conforms to the tool's output schema.
    pub(crate) structured: Option<Box<RawValue>>,
    /// Whether the call failed in a way that the model should know of.
    pub is_error: bool,
}

/// One block of a result's content (MCP `ContentBlock`).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Content {
    /// Plain text.
    Text(String),
    /// An image: base64 and its MIME type.
    #[non_exhaustive]
    Image {
        /// The bytes, base64 encoded.
        data: String,
        /// For example `image/png`.
        mime_type: String,
    },
    /// A sound: base64 and its MIME type.
    #[non_exhaustive]
    Audio {
        /// The bytes, base64 encoded.
        data: String,
        /// For example `audio/wav`.
        mime_type: String,
    },
    /// A link to a resource that the client can read on its own.
    #[non_exhaustive]
    ResourceLink {
        /// Where it is.
        uri: String,
        /// Its name.
        name: String,
    },
}

impl Content {
    /// Plain text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// An image, its bytes base64 encoded.
    #[must_use]
    pub fn image(data: impl Into<String>, mime_type: impl Into<String>) -> Self {
        Self::Image { data: data.into(), mime_type: mime_type.into() }
    }

    /// A sound, its bytes base64 encoded.
    #[must_use]
    pub fn audio(data: impl Into<String>, mime_type: impl Into<String>) -> Self {
        Self::Audio { data: data.into(), mime_type: mime_type.into() }
    }

    /// A link to a resource.
    #[must_use]
    pub fn resource_link(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self::ResourceLink { uri: uri.into(), name: name.into() }
    }
}

impl CallToolResult {
    /// One block of text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { content: vec![Content::text(text)], ..Self::default() }
    }

    /// These blocks.
    #[must_use]
    pub fn content(content: Vec<Content>) -> Self {
        Self { content, ..Self::default() }
    }

    /// A failure that the model reads.
    #[must_use]
    pub fn error(text: impl Into<String>) -> Self {
        Self { is_error: true, ..Self::text(text) }
    }

    /// Data and its mirror as text.
    ///
    /// # Errors
    /// If the value does not serialize; the cause is masked.
    pub fn json(value: &impl Serialize) -> Result<Self, ToolError> {
        let structured = serde_json::value::to_raw_value(value)?;
        Ok(Self { content: Vec::new(), structured: Some(structured), is_error: false })
    }

    /// The blocks as they go on the wire; without `links` those become text.
    pub(crate) fn blocks(&self, links: bool) -> impl Serialize + '_ {
        Blocks { mirror: self.structured.as_deref().map(RawValue::get), blocks: &self.content, links }
    }
}

struct Blocks<'a> {
    mirror: Option<&'a str>,
    blocks: &'a [Content],
    links: bool,
}

impl Serialize for Blocks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let blocks = self.blocks.iter().map(|content| Block::Content { content, links: self.links });
        serializer.collect_seq(self.mirror.map(Block::Mirror).into_iter().chain(blocks))
    }
}

enum Block<'a> {
    /// The structured content once more, as text.
    Mirror(&'a str),
    Content {
        content: &'a Content,
        links: bool,
    },
}

impl Serialize for Block<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut put =
            |entries: &[(&str, &str)]| entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value));
        match self {
            Self::Mirror(text) => put(&[("type", "text"), ("text", text)]),
            Self::Content { content, links } => match content {
                Content::Text(text) => put(&[("type", "text"), ("text", text)]),
                Content::Image { data, mime_type } => {
                    put(&[("type", "image"), ("data", data), ("mimeType", mime_type)])
                }
                Content::Audio { data, mime_type } => {
                    put(&[("type", "audio"), ("data", data), ("mimeType", mime_type)])
                }
                Content::ResourceLink { uri, name } if *links => {
                    put(&[("type", "resource_link"), ("uri", uri), ("name", name)])
                }
                Content::ResourceLink { uri, name } => put(&[("type", "text"), ("text", &format!("{name}: {uri}"))]),
            },
        }?;
        map.end()
    }
}

/// What a tool may return: `()`, text, [`Json`], content blocks, a whole [`CallToolResult`], or a `Result` of those.
#[diagnostic::on_unimplemented(
    message = "a tool cannot return `{Self}`",
    label = "not a tool output",
    note = "return text (`String`), `Json<T>` where `T: Serialize + JsonSchema`, `Vec<Content>`, `CallToolResult` or `()`",
    note = "derive `serde::Serialize` and `schemars::JsonSchema` for `T`, with `use mcp_runtime::schemars;` in scope",
    note = "or return a `Result` of one of these with `ToolError`, into which `?` turns other errors"
)]
pub trait IntoToolOutput {
    /// Turns the value into a result.
    ///
    /// # Errors
    /// What the tool failed with.
    fn into_tool_output(self) -> Result<CallToolResult, ToolError>;

    /// The schema of the structured content, if there is any.
    fn output_schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        let _ = generator;
        None
    }
}

impl IntoToolOutput for CallToolResult {
    fn into_tool_output(self) -> Result<CallToolResult, ToolError> {
        Ok(self)
    }
}

impl IntoToolOutput for () {
    fn into_tool_output(self) -> Result<CallToolResult, ToolError> {
        Ok(CallToolResult::default())
    }
}

impl IntoToolOutput for Vec<Content> {
    fn into_tool_output(self) -> Result<CallToolResult, ToolError> {
        Ok(CallToolResult::content(self))
    }
}

impl IntoToolOutput for Content {
    fn into_tool_output(self) -> Result<CallToolResult, ToolError> {
        Ok(CallToolResult::content(vec![self]))
    }
}

impl IntoToolOutput for String {
    fn into_tool_output(self) -> Result<CallToolResult, ToolError> {
        Ok(CallToolResult::text(self))
    }
}

impl IntoToolOutput for &'static str {
    fn into_tool_output(self) -> Result<CallToolResult, ToolError> {
        Ok(CallToolResult::text(self))
    }
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + JsonSchema> IntoToolOutput for Json<T> {
    fn into_tool_output(self) -> Result<CallToolResult, ToolError> {
        CallToolResult::json(&self.0)
    }

    fn output_schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<T>())
    }
}

#[diagnostic::do_not_recommend]
impl<T: IntoToolOutput, E: IntoToolError> IntoToolOutput for Result<T, E> {
    fn into_tool_output(self) -> Result<CallToolResult, ToolError> {
        match self {
            Ok(output) => output.into_tool_output(),
            Err(error) => Err(error.into_tool_error()),
        }
    }

    fn output_schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        T::output_schema(generator)
    }
}

/// How one return type becomes a result: made by [`output`], the one place that asks the type for its trait.
#[doc(hidden)]
pub struct OutputOf<T> {
    convert: fn(T) -> Result<CallToolResult, ToolError>,
    pub(crate) schema: fn(&mut SchemaGenerator) -> Option<Schema>,
}

/// Made by the macros, once per tool.
#[doc(hidden)]
#[must_use]
pub const fn output<T: IntoToolOutput>() -> OutputOf<T> {
    OutputOf { convert: T::into_tool_output, schema: T::output_schema }
}

impl<T> OutputOf<T> {
    pub(crate) fn convert(&self, value: T) -> Result<CallToolResult, ToolError> {
        (self.convert)(value)
    }
}
