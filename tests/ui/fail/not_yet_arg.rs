//! Keys of the next version on parameters.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// Later.
#[tool]
async fn later(
    #[arg(min = 1, max = 10)] a: u8,
    #[arg(min_len = 1, max_len = 10, header = "Region", example = "x")] b: String,
    #[inject] c: u8,
) {
}

struct Both;

/// A struct of arguments.
#[tool]
async fn args(args: Args<Both>) {}

struct Args<T>(T);

fn main() {
    let _ = tools![later, args];
}
