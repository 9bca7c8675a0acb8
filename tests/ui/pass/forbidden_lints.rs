//! The expansion allows nothing, so an author may forbid everything.
#![forbid(unsafe_code, nonstandard_style, unused, missing_docs, unreachable_pub, dead_code, let_underscore, future_incompatible)]
#![forbid(unused_qualifications, unused_results, single_use_lifetimes, elided_lifetimes_in_paths, missing_debug_implementations)]
#![forbid(missing_copy_implementations, trivial_casts, unnameable_types, redundant_lifetimes, unused_lifetimes, warnings)]

use mcp_runtime::{Identity, Json, ToolSet, Tools, tool, tools, toolset};

mod inner {
    /// Private.
    #[mcp_runtime::tool]
    pub(crate) async fn hidden(count: u8) -> String {
        count.to_string()
    }
}

/// Async.
#[tool(scopes = "a", rate_limit = "1/s", timeout = "1s")]
async fn one(me: Identity, #[arg(default)] count: u8) -> Json<u8> {
    Json(count + u8::from(me.subject().is_empty()))
}

/// Not async.
#[tool]
fn two() {}

#[derive(Debug, Clone, Copy)]
struct Set;

#[toolset]
impl Set {
    /// Async.
    #[tool]
    async fn three(&self) {}

    /// Not async.
    #[tool]
    fn four(&self, count: u8) -> String {
        count.to_string()
    }
}

fn main() {
    let sets: [Tools; 2] = [tools![one, two, inner::hidden], Set.into_tools()];
    drop(sets);
}
