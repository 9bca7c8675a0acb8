//! What is not a duration.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// No unit.
#[tool(timeout = "30")]
async fn no_unit() {}

/// Zero.
#[tool(timeout = "0s")]
async fn zero() {}

/// Too long.
#[tool(timeout = "25h")]
async fn too_long() {}

fn main() {
    let _ = tools![no_unit, zero, too_long];
}
