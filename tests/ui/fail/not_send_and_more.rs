//! Errors of the attribute and of the body are seen together.
#![allow(unused)]

use mcp_runtime::{tool, tools};

use std::rc::Rc;

/// Much.
#[tool(scope = "admin", timeout = "1 minute")]
async fn much(text: String) -> String {
    let shared = Rc::new(text);
    std::future::ready(()).await;
    (*shared).clone()
}

fn main() {
    let _ = tools![much];
}
