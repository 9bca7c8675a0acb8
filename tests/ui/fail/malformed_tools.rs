//! `tools![…]` is a list of paths.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// A tool.
#[tool]
async fn fine() {}

fn texts() {
    let _ = tools!["fine"];
}

fn calls() {
    let _ = tools![fine()];
}

fn semicolon() {
    let _ = tools![fine; fine];
}

fn main() {
    let _ = tools![fine, self::fine, fine];
}
