//! What the compiler says when a type or module of the tool's name is there already.
#![allow(unused)]

use mcp_runtime::{tool, tools};

mod notes {}

/// Notes.
#[tool]
async fn notes() {}

fn main() {
    let _ = tools![notes];
}
