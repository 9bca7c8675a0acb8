//! A permit cannot be written down.
#![allow(unused)]

use mcp_runtime::{auth::Caller, guard::Permit, tool};

/// Strict.
#[tool(scopes = "admin")]
async fn strict(a: u8) {
    let _ = a;
}

fn written(caller: Caller) -> Permit<strict> {
    Permit { caller, args: (1,) }
}

fn main() {}
