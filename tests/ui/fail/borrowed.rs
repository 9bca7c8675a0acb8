//! Arguments and outputs are owned.
#![allow(unused)]

use mcp_runtime::{tool, tools, Identity, State};

/// Text.
#[tool]
async fn text(a: &str, b: &[u8], c: &u64, d: Option<&str>, e: std::borrow::Cow<'_, str>, f: &(u8, u8)) {}

/// Injected.
#[tool]
async fn injected(me: &Identity, db: &State<u8>) {}

fn main() {
    let _ = tools![text, injected];
}
