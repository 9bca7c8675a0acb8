//! A permit has no constructor outside the gate.
#![allow(unused)]

use mcp_runtime::{auth::Caller, guard::Permit, tool};

/// Strict.
#[tool(scopes = "admin")]
async fn strict(a: u8) {
    let _ = a;
}

fn issued(caller: Caller) -> Permit<strict> {
    Permit::issue(caller, (1,))
}

fn main() {}
