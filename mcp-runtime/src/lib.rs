//! Protected tools of the [Model Context Protocol](https://modelcontextprotocol.io): put one attribute on a function,
//! and scopes, quotas and OAuth stand before its body.
//!
//! ```no_run
//! use mcp_runtime::{Server, auth::StaticTokens, tool, tools};
//!
//! /// Add two numbers.
//! #[tool(scopes = "math", rate_limit = "100/m")]
//! async fn add(a: i64, b: i64) -> String { a.saturating_add(b).to_string() }
//!
//! # async fn run(secret: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::builder("calculator", "1.0.0")
//!     .tools(tools![add])
//!     .auth(StaticTokens::new().token(secret, "alice", ["math"]))
//!     .build()?;
//! # #[cfg(feature = "http")]
//! server.serve("127.0.0.1:8000").await?;
//! # Ok(()) }
//! ```
//!
//! * [`macro@tool`], [`macro@toolset`], [`tools!`]: the grammar.
//! * [`Server`] and [`ServerBuilder`]: what is served, and under which rules.
//! * [`auth`]: who is calling. [`guard`]: what is allowed.
//! * [`Json`], [`ToolError`], [`State`], [`Identity`], [`Context`]: what tools return and receive.
//! * `testing` (feature `testing`): all of it in memory, as whoever you say, at any time.
//! * `oauth` and `store` (features `oauth` and `sqlite`): the built-in authorization server, and where it keeps its state.
//! * `config` (feature `http`): what environment variables say.
//! * [`guide`]: adding a login, logging in with other providers, their access tokens, connecting clients, curl,
//!   troubleshooting, coming from rmcp or FastMCP, testing, choosing limits, configuration, HTTPS, behind a proxy.
//!
//! The repository's README shows every refusal on the wire and the security model in half a page.

// What only HTTP asks of the layers below stays where it belongs; whether it is used, the default features tell.
#![cfg_attr(not(feature = "http"), allow(dead_code))]

pub mod auth;
mod caught;
pub mod clock;
#[cfg(feature = "http")]
pub mod config;
pub mod guard;
// Their code is a test where everything it uses is compiled in.
#[cfg(any(
    not(doctest),
    all(
        feature = "http",
        feature = "firebase",
        feature = "github",
        feature = "introspection",
        feature = "jwks",
        feature = "oidc",
        feature = "sqlite",
        feature = "testing",
        feature = "tls"
    )
))]
pub mod guide;
#[cfg(feature = "http")]
mod http;
mod in_time;
#[cfg(feature = "oauth")]
pub mod oauth;
mod protocol;
mod server;
#[cfg(feature = "oauth")]
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tool;
mod transport;

#[cfg(feature = "http")]
pub use self::http::{ForwardedHeader, HttpSettings};
#[cfg(feature = "tls")]
pub use self::http::{Tls, TlsError};
/// The attribute for implementations of [`Authenticator`](auth::Authenticator).
pub use async_trait::async_trait;
pub use auth::Identity;
#[doc = include_str!("docs/tool.md")]
pub use mcp_macros::tool;
#[doc = include_str!("docs/tools.md")]
pub use mcp_macros::tools;
#[doc = include_str!("docs/toolset.md")]
pub use mcp_macros::toolset;
pub use protocol::Revision;
pub use schemars;
pub use server::{
    BuildError, CallOutcome, DenialStyle, ObservedCall, Policies, PolicyRow, Server, ServerBuilder, Visibility,
};
#[cfg(feature = "http")]
pub use tool::HttpRequest;
/// What the macros' expansions call. Not public API: it may change in any release.
#[doc(hidden)]
pub use tool::private as __private;
pub use tool::{
    Annotations, Args, Bounded, CallContext, CallToolResult, Content, Context, HeaderValue, Icon, Inject,
    IntoToolError, IntoToolOutput, Json, Length, Location, Measured, Mirrored, Requirements, State, TemplateValue,
    Tool, ToolError, ToolInfo, ToolSet, Tools,
};
#[cfg(feature = "http")]
pub use transport::{Routers, ServeError, Shutdown, stop_signal};

/// The README's code is compiled, so that it cannot lie.
#[cfg(all(doctest, feature = "http", feature = "jwks", feature = "sqlite"))]
#[doc = include_str!("../../README.md")]
struct Readme;
