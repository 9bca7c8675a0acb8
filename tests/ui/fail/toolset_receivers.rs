//! A value is shared by all calls.
#![allow(unused)]

use mcp_runtime::{tool, toolset};

struct Set;

#[toolset]
impl Set {
    /// Mutable.
    #[tool]
    async fn mutable(&mut self) {}

    /// By value.
    #[tool]
    async fn by_value(self) {}

    /// Boxed.
    #[tool]
    async fn boxed(self: Box<Self>) {}

    /// None.
    #[tool]
    async fn none(a: u8) {
        let _ = a;
    }

    /// Fine.
    #[tool]
    async fn fine(&self) {}
}

fn main() {}
