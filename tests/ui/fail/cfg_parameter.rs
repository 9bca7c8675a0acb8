//! What callers send does not depend on the build.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// Cfg.
#[tool]
async fn build(#[cfg(unix)] a: u8, #[cfg_attr(unix, arg(default))] b: u8) {}

fn main() {
    let _ = tools![build];
}
