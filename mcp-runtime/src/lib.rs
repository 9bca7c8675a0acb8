//! Protected MCP tools.

pub mod auth;
pub mod clock;
pub mod guard;
#[cfg(feature = "http")]
mod http;
mod protocol;
mod server;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tool;
#[cfg(feature = "http")]
mod transport;

#[cfg(feature = "http")]
pub use self::http::HttpSettings;
pub use async_trait::async_trait;
pub use auth::Identity;
pub use mcp_macros::{tool, tools, toolset};
pub use protocol::Revision;
pub use schemars;
pub use server::{BuildError, Policies, PolicyRow, Server, ServerBuilder};
#[cfg(feature = "http")]
pub use tool::HttpRequest;
/// What the macros' expansions call. Not public API: it may change in any release.
#[doc(hidden)]
pub use tool::private as __private;
pub use tool::{
    Annotations, CallContext, CallToolResult, Content, Context, Inject, IntoToolError, IntoToolOutput, Json, Location,
    Requirements, State, Tool, ToolError, ToolInfo, ToolSet, Tools,
};
#[cfg(feature = "http")]
pub use transport::{ServeError, stop_signal};
