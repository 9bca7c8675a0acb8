//! What goes wrong inside a tool, and who gets to read it.

use std::{borrow::Cow, error::Error, fmt};

/// Why a tool's body failed.
///
/// It deliberately is not a [`std::error::Error`], so that `?` can turn every error that is one into a *masked*
/// failure: the model reads "internal error" and a reference, the log has the cause. What the model may read is said
/// on purpose, with [`visible`](Self::visible) or [`invalid`](Self::invalid).
///
/// ```
/// use mcp_runtime::ToolError;
///
/// fn load(path: &str) -> Result<String, ToolError> {
///     if path.contains("..") {
///         return Err(ToolError::invalid("path", "must not leave the workspace"));
///     }
///     Ok(std::fs::read_to_string(path)?) // an io::Error names files of the server: masked
/// }
/// # assert!(load("../x").is_err());
/// ```
pub struct ToolError(ErrorKind);

pub(crate) enum ErrorKind {
    Visible(Cow<'static, str>),
    Internal(Box<dyn Error + Send + Sync>),
}

impl ToolError {
    /// A failure whose text the model reads, so that it can do better.
    #[must_use]
    pub fn visible(text: impl Into<Cow<'static, str>>) -> Self {
        Self(ErrorKind::Visible(text.into()))
    }

    /// An argument that is well formed but wrong, in the same form as the framework's own argument errors.
    #[must_use]
    pub fn invalid(argument: &str, expectation: impl fmt::Display) -> Self {
        Self::visible(format!("invalid argument `{argument}`: {expectation}"))
    }

    /// A failure that only the log may describe; the same as `?` on any error.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(ErrorKind::Internal(cause.into()))
    }

    pub(crate) fn into_kind(self) -> ErrorKind {
        self.0
    }
}

impl fmt::Debug for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ErrorKind::Visible(text) => f.debug_tuple("Visible").field(text).finish(),
            ErrorKind::Internal(cause) => f.debug_tuple("Internal").field(cause).finish(),
        }
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for ToolError {
    fn from(error: E) -> Self {
        Self::internal(error)
    }
}

/// Error types that a tool may return. Implement it to say how your own error looks to a model.
///
/// ```
/// use mcp_runtime::{IntoToolError, ToolError};
///
/// enum AccountError { Locked, Database(std::io::Error) }
///
/// impl IntoToolError for AccountError {
///     fn into_tool_error(self) -> ToolError {
///         match self {
///             Self::Locked => ToolError::visible("the account is locked; unlock it first"),
///             Self::Database(cause) => ToolError::internal(cause),
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what a model may read of it",
    label = "not an error type for tools",
    note = "return `Result<_, ToolError>`: `?` turns any error into a masked one, `ToolError::visible(..)` is what models read",
    note = "or implement `IntoToolError` for `{Self}`"
)]
pub trait IntoToolError {
    /// Decides what is visible.
    fn into_tool_error(self) -> ToolError;
}

impl IntoToolError for ToolError {
    fn into_tool_error(self) -> ToolError {
        self
    }
}

impl IntoToolError for std::convert::Infallible {
    fn into_tool_error(self) -> ToolError {
        match self {}
    }
}
