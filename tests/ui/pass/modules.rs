//! The functions of a module as tools, with a floor.
#![deny(warnings, missing_docs, unreachable_pub)]

use mcp_runtime::{Identity, tool, toolset};

/// Files.
#[toolset(prefix = "files_", scopes = any("files:read", "admin"), rate_limit = "1000/d", timeout = "30s")]
pub mod files {
    #![allow(clippy::unused_async)]

    use mcp_runtime::{State, tool};

    use super::Identity;

    /// Where they are.
    #[derive(Clone)]
    pub struct Root(pub String);

    const MOST: usize = 3;

    /// Reads one.
    #[tool(read_only)]
    pub async fn read(State(root): State<Root>, #[arg(max_len = MOST)] path: String) -> String {
        join(&root, &path)
    }

    /// Writes one.
    #[tool(name = "put", scopes = "files:write", rate_limit = "10/m", timeout = "1h")]
    fn write(me: Identity, path: String) {
        let _ = (me, path);
    }

    /// Inline.
    #[mcp_runtime::tool(inline)]
    fn count() -> String {
        String::new()
    }

    #[cfg(any())]
    #[tool(description = "Compiled out.")]
    async fn gone(missing: Missing) {}

    fn join(root: &Root, path: &str) -> String {
        format!("{}{path}", root.0)
    }

    /// A group of its own.
    #[mcp_runtime::toolset]
    pub mod deeper {
        /// One more.
        #[mcp_runtime::tool(public)]
        pub async fn read() {}
    }
}

#[toolset]
mod private {
    /// Nothing demanded.
    #[mcp_runtime::tool]
    pub(super) async fn nothing() {}
}

struct Notes;

#[toolset(prefix = "notes.", timeout = "5s", scopes = "notes")]
impl Notes {
    /// Adds one.
    #[tool(scopes = "notes:write")]
    async fn add(&self) {}

    /// In place, without a share of the value.
    #[tool(inline)]
    fn list(&self) -> String {
        String::new()
    }
}

fn main() {
    let tools = files::tools();
    assert_eq!(format!("{tools:?}"), r#"["files_read", "files_put", "files_count"]"#);
    assert_eq!(format!("{:?}", files::deeper::tools()), r#"["read"]"#);
    assert_eq!(format!("{:?}", private::tools()), r#"["nothing"]"#);
    let notes = mcp_runtime::ToolSet::into_tools(Notes);
    assert_eq!(format!("{notes:?}"), r#"["notes.add", "notes.list"]"#);
    // Each is still a function, and a tool to be listed alone.
    let _ = files::deeper::read();
    let _ = private::nothing();
    let _ = mcp_runtime::tools![files::read];
}
