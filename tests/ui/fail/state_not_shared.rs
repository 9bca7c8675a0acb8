//! A state that threads cannot share is told twice: the type, and the body that holds it.
#![allow(unused)]

use mcp_runtime::{State, tool, tools};

/// Shared without protection.
#[tool]
async fn cell(State(cell): State<std::rc::Rc<u8>>) {
    let _ = cell;
}

fn main() {
    let _ = tools![cell];
}
