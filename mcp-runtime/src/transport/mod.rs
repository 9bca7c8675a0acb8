//! How messages arrive. Every transport ends at the same core and the same gate.

#[cfg(feature = "http")]
mod http;
mod stdio;

#[cfg(feature = "http")]
pub use self::http::{ServeError, stop_signal};
