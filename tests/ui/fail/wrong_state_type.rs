//! One error for each state that cannot be shared, at that type.
#![allow(unused)]

use mcp_runtime::{State, tool, tools};

struct NotClone;

/// Wrong.
#[tool]
async fn wrong(a: State<NotClone>) {
    let _ = a;
}

fn main() {
    let _ = tools![wrong];
}
