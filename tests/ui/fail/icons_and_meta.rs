//! Icons that no client shows, and what `meta` cannot hold.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// No URL of an icon.
#[tool(icons = ["http://example.com/a.png", "a.png", "https://", "https://a b", "data:text/html,x", "javascript:x"])]
async fn sources() {}

/// No icon.
#[tool(icons = [1, icon(), icon(1), image("https://example.com/a.png"), icon])]
async fn forms() {}

/// No list.
#[tool(icons = [])]
async fn empty() {}

/// No option.
#[tool(icons = [icon("https://a/b", mime = "text/html", sizes = "48", theme = "blue", size = "48x48", mime = "image/png")])]
async fn options() {}

/// No members.
#[tool(meta())]
async fn nothing() {}

/// No values.
#[tool(meta(a, "b", c = d, e = f(1), g(), h + 1, i::j = 1, "" = 1, k(l)))]
async fn values() {}

/// No keys of `_meta`.
#[tool(meta(
    "two words" = 1,
    "-a" = 1,
    "example.com/" = 1,
    "/team" = 1,
    "1example.com/team" = 1,
    "io.modelcontextprotocol/x" = 1,
    "mcp.dev/x" = 1,
    a = 1,
    a = 2
))]
async fn keys() {}

/// No JSON.
#[tool(meta = "{\"a\": 1}")]
async fn text() {}

/// Nor this.
#[tool(meta({ "a": 1 }))]
async fn block() {}

fn main() {
    let _ = tools![sources, forms, empty, options, nothing, values, keys, text, block];
}
