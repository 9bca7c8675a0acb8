//! What is not a list of keys.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// A text.
#[tool("admin")]
async fn text() {}

/// No comma.
#[tool(scopes = "a" destructive)]
async fn no_comma() {}

/// A dash.
#[tool(read-only, "x", destructive)]
async fn dash() {}

fn main() {
    let _ = tools![text, no_comma, dash];
}
