//! One import brings the function and the tool; visibility and re-exports follow the function.
#![deny(warnings, missing_docs)]

use mcp_runtime::tools;

/// Notes.
pub mod notes {
    use mcp_runtime::tool;

    /// Who calls.
    #[tool]
    pub async fn whoami() -> String {
        String::new()
    }

    /// For this crate.
    #[tool]
    pub(crate) async fn internal() {}

    /// For the parent.
    #[tool]
    pub(super) async fn near() {}

    /// Deeper.
    pub mod deep {
        /// The deepest.
        #[mcp_runtime::tool]
        pub async fn deepest() {}
    }

    pub use deep::deepest as renamed;
}

pub use notes::whoami;

fn main() {
    use notes::deep::deepest;

    /// Inside a function.
    #[mcp_runtime::tool]
    async fn local() {}

    let _ = tools![whoami, notes::internal, notes::near, notes::renamed, deepest, local, crate::notes::deep::deepest];
    let _ = tools![];
    let _ = tools![whoami,];
    // The function is still a function.
    let _ = whoami();
    let _ = notes::internal();
    let _ = notes::near();
    let _ = deepest();
    let _ = local();
}
