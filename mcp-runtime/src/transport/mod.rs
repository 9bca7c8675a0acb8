//! How messages arrive. Every transport ends at the same core and the same gate.

#[cfg(feature = "http")]
mod http;
mod stdio;

#[cfg(feature = "http")]
pub use self::http::{Routers, ServeError, Shutdown, stop_signal};
