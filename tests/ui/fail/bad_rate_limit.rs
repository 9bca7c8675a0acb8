//! What is not a rate.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// No slash.
#[tool(rate_limit = "100")]
async fn no_slash() {}

/// Zero.
#[tool(rate_limit = "0/s")]
async fn zero() {}

/// A word.
#[tool(rate_limit = "100/hour")]
async fn word() {}

/// Too long.
#[tool(rate_limit("100/32d"))]
async fn too_long() {}

/// Nothing.
#[tool(rate_limit())]
async fn nothing() {}

fn main() {
    let _ = tools![no_slash, zero, word, too_long, nothing];
}
