//! `inline` is for functions without `async`.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// Runs in place anyway.
#[tool(inline)]
async fn already() {}

fn main() {
    let _ = tools![already];
}
