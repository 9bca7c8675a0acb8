//! A value that threads cannot share.
#![allow(unused)]

use mcp_runtime::{ToolSet, tool, toolset};

struct Set(std::cell::Cell<u8>);

#[toolset]
impl Set {
    /// One.
    #[tool]
    async fn one(&self) {}

    /// Two.
    #[tool]
    fn two(&self) {}
}

fn main() {
    let _ = Set(std::cell::Cell::new(1)).into_tools();
}
