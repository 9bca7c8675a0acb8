//! Models know no types.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// A type.
#[tool]
async fn generic<T>(value: Vec<T>) {}

/// A lifetime.
#[tool]
async fn lifetime<'a>(value: u8) -> &'static str {
    ""
}

/// A bound.
#[tool]
async fn bound(value: u8)
where
    u8: Copy,
{
}

fn main() {
    let _ = tools![generic, lifetime, bound];
}
