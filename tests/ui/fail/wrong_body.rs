//! Errors in a body are the compiler's own, where they are.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// Wrong.
#[tool]
async fn wrong(a: u8) -> String {
    a + 1
}

fn main() {
    let _ = tools![wrong];
}
