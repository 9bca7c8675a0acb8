//! Every mistake is reported at once, and `tools![…]` still knows the tool.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// Three.
#[tool(scope = "admin", rate_limit = "100/hour", timeout = 30)]
async fn three() {}

fn main() {
    let _ = tools![three];
}
