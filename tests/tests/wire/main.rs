//! The server as attackers and clients meet it: requests on the wire, and what must come back.
//!
//! One binary with a module per thing attacked. Most requests go through the axum router in memory; `connections` and
//! `shutdown` use real sockets.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod addresses;
mod arguments;
mod arrows;
mod authorization;
mod batches;
mod certificates;
mod client;
mod concurrency;
mod connections;
mod crowds;
mod eras;
mod failures;
mod guards;
mod headers;
mod hosts;
mod https;
mod https_rules;
mod in_band;
mod injection;
mod introspection;
mod introspection_hostile;
mod introspection_shares;
mod issuers;
mod json;
mod jwks;
mod jwks_discovery;
mod jwks_hostile;
mod jwks_issuer;
mod legacy;
mod listen;
mod lists;
mod matrix;
mod matrix_delivery;
mod matrix_limits;
mod memory;
mod mirrored;
mod mounting;
mod multiplying;
mod names;
mod observed;
mod oracle;
mod providers;
mod proxies;
mod quota;
mod random;
mod raw;
mod results;
mod scopes;
mod sets;
mod shutdown;
mod tokens;
#[cfg(unix)]
mod unix_socket;
mod upstream;
mod upstream_tokens;
mod visibility;
mod world;
