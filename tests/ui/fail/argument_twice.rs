//! Two arguments of one name.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// Twice.
#[tool]
async fn twice(a: u8, #[arg(rename = "a")] b: u8) {}

fn main() {
    let _ = tools![twice];
}
