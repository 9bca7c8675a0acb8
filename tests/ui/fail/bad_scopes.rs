//! What is not a scope.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// Empty.
#[tool(scopes = "")]
async fn empty() {}

/// Spaces.
#[tool(scopes = "a  b")]
async fn spaces() {}

/// A quote.
#[tool(scopes = "a\"b")]
async fn quote() {}

/// Not ASCII.
#[tool(scopes = any("läsen", "write"))]
async fn not_ascii() {}

/// Twice.
#[tool(scopes = "a b a")]
async fn twice() {}

/// Twice in a list.
#[tool(scopes = any("a", "b", "a"))]
async fn twice_in_list() {}

/// An empty list.
#[tool(scopes = any("a", all()))]
async fn empty_list() {}

/// Not a list.
#[tool(scopes = one_of("a", "b"))]
async fn not_a_list() {}

/// Not a text.
#[tool(scopes = ["a", "b"])]
async fn array() {}

/// As a call.
#[tool(scopes("a", "b"))]
async fn call() {}

/// Too long.
#[tool(scopes = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
async fn too_long() {}

fn main() {
    let _ = tools![too_long, empty, spaces, quote, not_ascii, twice, twice_in_list, empty_list, not_a_list, array, call];
}
