//! Arguments in scopes: whole parts, never the first, of an argument that is there and has a text.
#![allow(unused)]

use mcp_runtime::{State, tool};

/// Anything could be asked for.
#[tool(scopes = "{scope}")]
async fn begins_with_argument(scope: String) {}

/// `a-b` and `c`, or `a` and `b-c`?
#[tool(scopes = "project:{a}-{b}")]
async fn ambiguous(a: String, b: String) {}

/// No end.
#[tool(scopes = "project:{a")]
async fn unclosed(a: String) {}

/// No such argument.
#[tool(scopes = any("admin", "project:{project}"))]
async fn no_such_argument(id: String) {}

/// Not what models send.
#[tool(scopes = "project:{project}")]
async fn injected(project: State<String>) {}

/// Neither a text nor a whole number.
#[tool(scopes = "project:{project}")]
async fn optional(project: Option<String>) {}

/// Nor this one.
#[tool(scopes = "above:{least}")]
async fn float(least: f64) {}

fn main() {}
