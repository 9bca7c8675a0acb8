//! Keys of a group.
#![allow(unused)]

use mcp_runtime::{tool, toolset};

struct Set;

#[toolset(prefix = "no good", scopes = "a  b", rate_limit = "1/w", timeout = "1", public)]
impl Set {
    /// Fine.
    #[tool]
    async fn fine(&self) {}
}

struct Forms;

#[toolset(prefix, scopes, rate_limit = 1, timeout = 30, prefix = "twice_")]
impl Forms {
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
