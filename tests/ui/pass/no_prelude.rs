//! Nothing of the expansion needs the prelude, or a name that an author may have given to something else.
#![no_implicit_prelude]
#![deny(warnings, missing_docs)]
#![deny(clippy::all, clippy::pedantic)]

use ::mcp_runtime::{tool, tools};

/// An author's own type.
#[derive(::serde::Deserialize, ::mcp_runtime::schemars::JsonSchema)]
#[schemars(crate = "::mcp_runtime::schemars")]
pub struct String(::std::string::String);

/// Echoes.
#[tool(scopes = "a b", rate_limit = "1/s", timeout = "1s", title = "Echo")]
pub async fn echo(
    who: ::mcp_runtime::Identity,
    text: String,
    #[arg(default = "x")] other: ::std::string::String,
    #[arg(default, min = 0, max = 9)] count: u8,
    #[arg(min_len = 1, example = "x", header = "More")] more: ::std::string::String,
    #[inject] context: ::mcp_runtime::Context,
) -> ::std::string::String {
    let _ = (who, other, count, more, context);
    text.0
}

/// Nothing.
#[tool]
pub fn nothing() {}

/// A group.
#[::mcp_runtime::toolset(prefix = "group_", scopes = "a", rate_limit = "1/s", rate_limit("20/s", burst = 50), timeout = "1s")]
pub mod group {
    /// In place.
    #[::mcp_runtime::tool(inline)]
    pub fn nothing() {}
}

fn main() {
    let _ = group::tools();
    let _ = tools![echo, nothing];
}
