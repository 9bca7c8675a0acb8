//! A public tool may have no caller, and has no scopes.
#![allow(unused)]

use mcp_runtime::{Identity, tool, tools};

/// Identity.
#[tool(public)]
async fn identity(me: Identity, maybe: Option<Identity>) {
    let _ = (me, maybe);
}

/// Scopes.
#[tool(public, scopes = "admin")]
async fn scoped() {}

/// Scopes that are wrong as well.
#[tool(public, scopes = "")]
async fn emptied() {}

fn main() {
    let _ = tools![identity, scoped, emptied];
}
