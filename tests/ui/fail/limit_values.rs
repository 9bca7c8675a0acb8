//! Limits that contradict, or that cannot be any.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// Contradictions.
#[tool]
async fn contradictions(
    #[arg(min = 2, max = 1)] a: u8,
    #[arg(max_len = 1, min_len = 2)] b: String,
    #[arg(min = 1.5, max = -1.5)] c: f64,
    #[arg(min = 1, default = 0)] d: u8,
    #[arg(max = -2, default = -1)] e: i8,
    #[arg(max_len = 2, default = "abc")] f: String,
    #[arg(min_len = 1, default = "")] g: String,
) {
}

/// Values that are none.
#[tool]
async fn forms(
    #[arg(min = "a", max)] a: u8,
    #[arg(min_len = -1, max_len = 1.5)] b: String,
    #[arg(min_len(1), max_len = "1")] c: String,
    #[arg(example)] d: u8,
    #[arg(example())] e: u8,
    #[arg(example = f(1))] f: u8,
    #[arg(example(1, g))] g: u8,
) {
}

fn main() {
    let _ = tools![contradictions, forms];
}
