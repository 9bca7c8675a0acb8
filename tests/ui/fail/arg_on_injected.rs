//! Injected parameters are nobody's to describe.
#![allow(unused)]

use mcp_runtime::{Context, Identity, tool, tools};

/// Described.
#[tool]
async fn described(#[arg(default)] me: Option<Identity>, #[arg(rename = "x")] context: Context) {
    let _ = (me, context);
}

fn main() {
    let _ = tools![described];
}
