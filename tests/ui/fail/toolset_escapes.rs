//! Tools that their group would not see.
#![allow(unused)]

use mcp_runtime::toolset;

#[toolset(scopes = "files:read")]
mod files {
    use mcp_runtime::tool;

    /// One that the group sees.
    #[tool]
    pub async fn read() {}

    /// Under a condition.
    #[cfg_attr(all(), tool)]
    pub async fn wipe() {}

    pub mod inner {
        /// In a module of its own.
        #[mcp_runtime::tool(public)]
        pub async fn shred() {}
    }

    macro_rules! make {
        ($name:ident) => {
            /// Made by a macro.
            #[tool]
            pub async fn $name() {}
        };
    }

    make!(burn);
}

fn main() {}
