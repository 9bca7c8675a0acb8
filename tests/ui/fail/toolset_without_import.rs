//! `#[tool]` in a `#[toolset]` is imported as anywhere else.
#![allow(unused)]

use mcp_runtime::{toolset};

struct Set;

#[toolset]
impl Set {
    /// Fine.
    #[tool]
    async fn fine(&self) {}
}

fn main() {}
