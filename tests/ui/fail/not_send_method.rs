//! The same for a method.
#![allow(unused)]

use mcp_runtime::{ToolSet, tool, toolset};

use std::rc::Rc;

struct Set;

#[toolset]
impl Set {
    /// Not Send.
    #[tool]
    async fn not_send(&self, text: String) -> String {
        let shared = Rc::new(text);
        std::future::ready(()).await;
        (*shared).clone()
    }
}

fn main() {
    let _ = Set.into_tools();
}
