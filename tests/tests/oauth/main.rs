//! The built-in authorization server as attackers meet it: whole requests through the server's own routes, each of which
//! must be refused, and nothing may come out: no code, no token, no grant, no user, no client.
//!
//! One binary with a module per thing attacked. Everything any of them sends or gets that is a secret must not be in the
//! log, which is read at its finest by all of them together; see [`log`].
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod answers;
mod assertions;
mod audience;
mod authentication;
mod browser;
mod codes;
mod crowds;
mod documents;
mod forgery;
mod hosts;
mod introspection;
mod issuers;
mod keys;
mod log;
mod logins;
mod methods;
mod parameters;
mod pkce;
mod redirects;
mod refresh;
mod registration;
mod secrets;
mod wire;
mod world;
