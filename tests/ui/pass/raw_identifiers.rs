//! Raw identifiers, in every place.
#![deny(warnings)]

use mcp_runtime::{tool, tools, toolset};

/// A type.
#[tool]
async fn r#type(r#fn: String, r#match: u8) -> String {
    format!("{}{}", r#fn, r#match)
}

struct Set;

#[toolset]
impl Set {
    /// A method.
    #[tool]
    async fn r#loop(&self, r#in: u8) {
        let _ = r#in;
    }
}

fn main() {
    let _ = tools![r#type];
    let _ = mcp_runtime::ToolSet::into_tools(Set);
}
