//! A limit is one that the type can have.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// A limit out of reach.
#[tool]
async fn reach(#[arg(max = 300)] a: u8) {}

fn main() {
    let _ = tools![reach];
}
