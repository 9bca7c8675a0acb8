//! Only the gate makes a permit, and only for its own tool.
#![allow(unused)]

use mcp_runtime::{tool, tools};

use mcp_runtime::{Tool, guard::Permit};

/// Strict.
#[tool(scopes = "admin")]
async fn strict(a: u8) {
    let _ = a;
}

/// Lax.
#[tool(public)]
async fn lax(a: u8) {
    let _ = a;
}

fn forward(permit: Permit<lax>) {
    let _ = <strict as Tool>::run(&std::sync::Arc::new(()), permit, ());
}

fn twice(permit: Permit<strict>) {
    let _ = permit.clone();
}

fn main() {
    let _ = tools![strict, lax];
}
