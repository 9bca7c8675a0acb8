//! Hints that contradict each other.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// Both.
#[tool(read_only, destructive)]
async fn both() {}

fn main() {
    let _ = tools![both];
}
