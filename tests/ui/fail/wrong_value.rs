//! Each key says how it is written.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// Wrong.
#[tool(
    public = true,
    scopes,
    rate_limit = 100,
    timeout = 30,
    name = delete,
    title,
    description("x"),
    read_only = "yes",
    destructive(true),
    inline = true,
    icons,
    meta = "{}",
    crate = "mcp_runtime"
)]
async fn wrong(
    #[arg(default())] a: u8,
    #[arg(rename = b2)] b: u8,
    #[arg(description)] c: u8,
    #[arg = "x"] e: u8,
    #[arg(default = )] f: u8,
) {
}

fn main() {
    let _ = tools![wrong];
}
