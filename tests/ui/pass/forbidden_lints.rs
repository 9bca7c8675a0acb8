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
#[tool(inline, icons = ["https://example.com/a.png"], meta(a = 1))]
fn two(#[arg(min = 1, max = 3, example = 2, header = "Count")] count: u8, #[arg(max_len = 3)] text: Option<String>) {
    drop((count, text));
}

/// A group.
#[toolset(prefix = "group_", scopes = "a b", rate_limit = "1/s", timeout = "1s")]
mod group {
    use std::collections::BTreeMap;

    /// A tool.
    #[mcp_runtime::tool]
    pub(super) async fn whole(mcp_runtime::Args(all): mcp_runtime::Args<BTreeMap<String, u8>>) -> String {
        all.len().to_string()
    }
}

#[derive(Debug, Clone, Copy)]
struct Set;

#[toolset(prefix = "set_", timeout = "1s")]
impl Set {
    const MOST: u8 = 3;

    /// Async.
    #[tool]
    async fn three(&self) {}

    /// Not async.
    #[tool]
    fn four(&self, #[arg(max = Self::MOST)] count: u8) -> String {
        count.to_string()
    }
}

fn main() {
    let sets: [Tools; 3] = [tools![one, two, inner::hidden], Set.into_tools(), group::tools()];
    drop(sets);
}
