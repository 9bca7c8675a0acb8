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
    #[arg(default)] count: u8,
) -> ::std::string::String {
    let _ = (who, other, count);
    text.0
}

/// Nothing.
#[tool]
pub fn nothing() {}

fn main() {
    let _ = tools![echo, nothing];
}
