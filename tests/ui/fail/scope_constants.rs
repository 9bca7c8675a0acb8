//! A constant with scopes is checked when it is compiled.

use mcp_runtime::{tool, tools};

const SPACES: &str = "read  write";
const TEMPLATE: &str = "project:{project}";
const QUOTES: &str = "read\"";
const NUMBER: u32 = 5;

/// Two spaces.
#[tool(scopes = SPACES)]
async fn spaces() {}

/// Which argument?
#[tool(scopes = TEMPLATE)]
async fn template(project: String) {
    drop(project);
}

/// A quote.
#[tool(scopes = any("admin", QUOTES))]
async fn quotes() {}

/// No text.
#[tool(scopes = NUMBER)]
async fn number() {}

/// Not there.
#[tool(scopes = NOWHERE)]
async fn nowhere() {}

fn main() {
    let _ = tools![spaces, template, quotes, number, nowhere];
}
