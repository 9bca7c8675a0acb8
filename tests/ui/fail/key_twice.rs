//! A key counts once, and there is one.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// Twice.
#[tool(scopes = "a", timeout = "1s", scopes = "b", read_only, read_only = false)]
async fn twice(#[arg(default = 1, default = 2)] a: u8, #[arg(rename = "x")] #[arg(rename = "y")] b: u8) {}

fn main() {
    let _ = tools![twice];
}
