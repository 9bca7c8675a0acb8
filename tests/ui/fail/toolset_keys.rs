//! Keys of a group.
#![allow(unused)]

use mcp_runtime::{tool, toolset};

struct Set;

#[toolset(prefix = "set_", scopes = "a", rate_limit = "1/s", timeout = "1s", public)]
impl Set {
    /// Fine.
    #[tool]
    async fn fine(&self) {}
}

struct Other;

#[toolset(crate, prefx = "x")]
impl Other {
    /// Each method has its own mistakes.
    #[tool(scope = "a")]
    async fn one(&self, a: &str) {
        let _ = a;
    }

    #[tool(timeout = "1")]
    async fn two(&self) -> String {
        String::new()
    }
}

fn main() {}
