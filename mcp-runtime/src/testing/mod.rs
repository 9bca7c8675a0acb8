//! What your own tests need: an in-memory client, tokens of any kind, and the [`ManualClock`] that all are judged by.

mod client;
#[cfg(feature = "jwt")]
mod tokens;

pub use self::client::{Called, TestClient};
#[cfg(feature = "jwt")]
pub use self::tokens::{TokenBuilder, TokenFactory};
pub use crate::clock::ManualClock;
