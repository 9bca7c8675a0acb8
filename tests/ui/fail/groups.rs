//! What a group demands holds for all of its tools.
#![allow(unused)]

use mcp_runtime::{tool, toolset};

struct Set;

#[toolset(prefix = "a_prefix_that_takes_most_of_the_length_that_a_name_can_have_", scopes = "files:read")]
impl Set {
    /// Open in a closed group.
    #[tool(public)]
    async fn open(&self) {}

    /// Too long with the prefix.
    #[tool]
    async fn longer(&self) {}

    /// Too long as well.
    #[tool(name = "named")]
    async fn n(&self) {}
}

/// A group has no arguments.
#[toolset(scopes = any("admin", "project:{project}:read"))]
mod projects {
    /// Reads one.
    #[mcp_runtime::tool]
    async fn read(project: String) {}
}

fn main() {}
