//! Arguments have names.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// Patterns.
#[tool]
async fn patterns((x, y): (u8, u8), _: u8, all @ 0..: u8) {}

fn main() {
    let _ = tools![patterns];
}
