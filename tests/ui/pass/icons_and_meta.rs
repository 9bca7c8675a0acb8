//! What clients show, and what the protocol has no word for.
#![deny(warnings, missing_docs)]

use mcp_runtime::{tool, tools};

/// One icon.
#[tool(icons = "https://example.com/icon.png")]
async fn one() {}

/// All that can be said of an icon, and of anything else.
#[tool(
    icons = ["data:image/png;base64,iVBORw0KGgo=", icon("https://example.com/i.svg", mime = "image/svg+xml", sizes = "48x48 any", theme = "dark")],
    meta(
        "example.com/team" = "billing",
        order = 3,
        ratio = -0.5,
        beta = true,
        tags = ["a", "b\"c"],
        ui("resource uri" = "ui://x", deep(er = 1)),
    )
)]
async fn all() {}

/// In place.
#[tool(inline, public)]
fn inline(count: u8) -> String {
    count.to_string()
}

fn main() {
    let _ = tools![one, all, inline];
}
