//! A limit is of the argument's kind, and of its type.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// A limit of another kind.
#[tool]
async fn kinds(
    #[arg(min = 1)] text: String,
    #[arg(max_len = 1)] number: u32,
    #[arg(max = 1)] list: Option<Vec<u8>>,
) {
}

/// A whole number is no floating-point number, as everywhere in Rust.
#[tool]
async fn floats(#[arg(max = 1)] a: f64) {}

/// A limit of another type.
#[tool]
async fn types(#[arg(min = -1)] a: u32, #[arg(max = 1.5)] b: u32, #[arg(max = "1")] c: u32) {}

fn main() {
    let _ = tools![kinds, types, floats];
}
