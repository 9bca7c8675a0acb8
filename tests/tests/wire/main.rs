//! The server as attackers and clients meet it: requests on the wire, and what must come back.
//!
//! One binary with a module per thing attacked. Most requests go through the axum router in memory; `connections` and
//! `shutdown` use real sockets.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod addresses;
mod arguments;
mod arrows;
mod batches;
mod client;
mod connections;
mod eras;
mod failures;
mod guards;
mod headers;
mod hosts;
mod injection;
mod json;
mod legacy;
mod listen;
mod lists;
mod matrix;
mod matrix_delivery;
mod matrix_limits;
mod memory;
mod names;
mod oracle;
mod providers;
mod quota;
mod random;
mod raw;
mod results;
mod scopes;
mod shutdown;
mod tokens;
mod visibility;
mod world;
