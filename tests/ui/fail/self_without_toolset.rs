//! A method needs `#[toolset]` around it.
#![allow(unused)]

use mcp_runtime::{tool};

struct Accounts;

impl Accounts {
    /// Closes.
    #[tool(scopes = "admin")]
    async fn close(&self, /** Which. */ #[arg(default = 1)] id: u8) {
        let _ = id;
    }
}

fn main() {}
