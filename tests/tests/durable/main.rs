//! What the authorization server has acknowledged holds: when many ask at once, when its process is killed, when another
//! process changes things, and when the store does not answer.
//!
//! A server is one of this process on a socket of its own, or another process: this binary once more, see `node`.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod http;
mod node;
mod person;
mod random;

mod at_once;
mod crash;
mod keys;
mod outage;
mod spread;
