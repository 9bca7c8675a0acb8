//! `impl Trait` has no name to read or describe.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// In.
#[tool]
async fn takes(value: impl Into<String>) {}

/// Out.
#[tool]
fn gives() -> impl std::future::Future<Output = String> {
    async { String::new() }
}

/// Inside.
#[tool]
async fn inside() -> Result<impl Into<String>, mcp_runtime::ToolError> {
    Ok("")
}

fn main() {
    let _ = tools![takes, gives, inside];
}
