//! A body that cannot move between threads is one error, at the function's name.
#![allow(unused)]

use mcp_runtime::{tool, tools};

use std::rc::Rc;

/// Not Send.
#[tool]
async fn not_send(text: String) -> String {
    let shared = Rc::new(text);
    std::future::ready(()).await;
    (*shared).clone()
}

fn main() {
    let _ = tools![not_send];
}
