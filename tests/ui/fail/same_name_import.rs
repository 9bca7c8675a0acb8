//! What the compiler says when an import brings a module of the tool's name.
#![allow(unused)]

use mcp_runtime::{tool, tools};

mod parent {
    pub mod whoami {
        /// Who calls.
        #[mcp_runtime::tool]
        pub async fn whoami() {}
    }
}

use parent::whoami;

/// Who calls.
#[tool]
async fn whoami() {}

fn main() {
    let _ = tools![whoami::whoami];
}
