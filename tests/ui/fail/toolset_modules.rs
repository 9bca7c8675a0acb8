//! What `#[toolset] mod` cannot do.
#![allow(unused)]

use mcp_runtime::{tool, toolset};

#[toolset]
mod empty {
    fn helper() {}

    mod inner {
        /// Not directly in it.
        #[mcp_runtime::tool]
        async fn tool() {}
    }
}

/// The name is taken.
#[toolset]
mod taken {
    /// A tool.
    #[mcp_runtime::tool]
    async fn one() {}

    pub fn tools() {}
}

/// By a tool.
#[toolset]
mod by_a_tool {
    /// A tool.
    #[mcp_runtime::tool]
    async fn tools() {}
}

/// Types and modules of the same name.
#[toolset]
mod doubles {
    mod notes {}

    struct users {}

    /// Notes.
    #[mcp_runtime::tool]
    async fn notes() {}

    /// Users.
    #[mcp_runtime::tool]
    async fn users(#[arg(default)] a: u8) {}
}

/// A crate that another function uses.
#[toolset]
mod uses {
    /// Makes an id.
    #[mcp_runtime::tool]
    async fn serde_json(a: u8) {}

    fn other() -> serde_json::Value {
        serde_json::Value::Null
    }
}

/// A method without its value.
#[toolset]
mod methods {
    /// A tool.
    #[mcp_runtime::tool]
    async fn one(&self) {}
}

#[toolset]
struct Neither;

fn main() {
    let _ = taken::tools();
    let _ = uses::tools();
}
