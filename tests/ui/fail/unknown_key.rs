//! Keys that do not exist.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// Near.
#[tool(scope = "admin", ratelimit = "1/s", readOnly, timout = "1s", desc = "x")]
async fn near() {}

/// Far.
#[tool(permissions = "admin")]
async fn far(#[arg(defualt = 1)] a: u8, #[arg(minimum = 1)] b: u8) {}

fn main() {
    let _ = tools![near, far];
}
