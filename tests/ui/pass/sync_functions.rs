//! Functions without `async`, free and as methods.
#![deny(warnings)]

use mcp_runtime::{Identity, Json, State, ToolError, ToolSet, tool, tools, toolset};

/// Computes.
#[tool(scopes = "compute")]
fn compute(me: Identity, State(factor): State<u64>, n: u64) -> Result<Json<u64>, ToolError> {
    let _ = me;
    Ok(Json(n.checked_mul(factor).ok_or_else(|| ToolError::invalid("n", "is too large"))?))
}

struct Set(u64);

#[toolset]
impl Set {
    /// Adds.
    #[tool]
    fn add(&self, n: u64) -> Json<u64> {
        Json(self.0 + n)
    }
}

fn main() {
    let _ = tools![compute];
    let _ = Set(1).into_tools();
}
