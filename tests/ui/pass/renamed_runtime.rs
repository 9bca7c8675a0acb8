//! `crate = path`: here `::mcp_runtime` is another crate, so the default path would not compile.
extern crate mcp_runtime as renamed;
extern crate core as mcp_runtime;

use renamed::{tool, tools, toolset};

/// A tool.
#[tool(crate = renamed)]
async fn one(who: renamed::Identity, a: u8) {
    let _ = (who, a);
}

/// A tool.
#[tool(crate = ::renamed, scopes = any("a", "b"), rate_limit = "1/s")]
fn two() {}

struct Set;

#[toolset(crate = renamed)]
impl Set {
    /// A method.
    #[tool]
    async fn three(&self) {}

    /// A method.
    #[tool(crate = crate::renamed)]
    fn four(&self) {}
}

fn main() {
    let _ = tools![crate = renamed; one, two];
    let _ = tools![crate = renamed;];
    let _ = renamed::ToolSet::into_tools(Set);
}
