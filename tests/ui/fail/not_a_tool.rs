//! What is listed is a tool.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// A function.
async fn function() {}

struct Type;

mod module {}

/// A tool.
#[tool]
async fn fine() {}

fn main() {
    let _ = tools![fine, function, Type, module, missing];
}
