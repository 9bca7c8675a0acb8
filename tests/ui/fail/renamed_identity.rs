//! An identity under another name is not seen as one, and never becomes an argument.
#![allow(unused)]

use mcp_runtime::{Identity as Me, tool, tools};

/// Renamed.
#[tool(scopes = "admin")]
async fn renamed(me: Me) {
    let _ = me;
}

fn main() {
    let _ = tools![renamed];
}
