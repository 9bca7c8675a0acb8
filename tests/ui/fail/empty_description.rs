//! A description that is written says something.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// Documented for people.
#[tool(description = "")]
async fn emptied() {}

fn main() {
    let _ = tools![emptied];
}
