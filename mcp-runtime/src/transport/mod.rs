//! How messages arrive: the MCP endpoint over axum.

mod body;
mod connection;
mod denial;
mod endpoint;
mod headers;
mod legacy;
mod listen;
mod router;
mod serve;
mod stateless;

pub use serve::{ServeError, stop_signal};
