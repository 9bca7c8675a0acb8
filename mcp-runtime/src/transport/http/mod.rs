//! Streamable HTTP: the MCP endpoint over axum, and our own listener for it.

mod accept;
#[cfg(feature = "oauth")]
mod authorization;
mod body;
mod connection;
mod crowd;
mod denial;
mod endpoint;
mod headers;
mod legacy;
mod listen;
mod mount;
mod peer;
mod router;
mod serve;
mod stateless;
#[cfg(feature = "tls")]
mod tls;
#[cfg(unix)]
mod unix;

pub use mount::{Routers, Shutdown};
pub use serve::{ServeError, stop_signal};
