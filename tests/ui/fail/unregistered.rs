//! A tool that no server has is dead code, as any function.
#![deny(dead_code)]

use mcp_runtime::{tool};

/// Forgotten.
#[tool]
async fn forgotten(a: u8) {
    let _ = a;
}

fn main() {}
