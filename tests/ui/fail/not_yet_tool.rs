//! Keys of the next version say what to do meanwhile.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// Later.
#[tool(confirm = "Sure?")]
async fn later() {}

fn main() {
    let _ = tools![later];
}
