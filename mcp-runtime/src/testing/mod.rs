//! What your own tests need: an in-memory client, tokens of any kind, the [`ManualClock`] that all are judged by,
//! and [`assert_policies!`](crate::assert_policies), which pins what protects what to a file.

mod client;
mod policy_file;
#[cfg(feature = "jwt")]
mod tokens;

#[cfg(feature = "jwt")]
pub use self::tokens::{TokenBuilder, TokenFactory};
pub use self::{
    client::{Called, TestClient},
    policy_file::{__compare_policies, assert_policies},
};
pub use crate::clock::ManualClock;
