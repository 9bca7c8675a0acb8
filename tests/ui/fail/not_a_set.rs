//! Only sets of tools go into a server.
#![allow(unused)]

use mcp_runtime::{ToolSet, tool};

/// A tool.
#[tool]
async fn fine() {}

struct Type;

fn take(_: impl ToolSet) {}

fn main() {
    take(fine);
    take(Type);
}
