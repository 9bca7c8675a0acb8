//! Wrong types in methods, each once.
#![allow(unused)]

use mcp_runtime::{Json, tool, toolset};

struct Set;

#[toolset]
impl Set {
    /// Arguments.
    #[tool]
    async fn arguments(&self, other: Self, fine: u8) {
        let _ = (other, fine);
    }

    /// Output.
    #[tool]
    async fn output(&self) -> Json<Self> {
        Json(Self)
    }

    /// Borrowed.
    #[tool]
    async fn borrowed(&self) -> &str {
        ""
    }
}

fn main() {}
