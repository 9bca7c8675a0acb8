//! Names that clients would refuse.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// A space.
#[tool(name = "delete user")]
async fn space() {}

/// Not ASCII.
#[tool]
async fn löschen(größe: u8, #[arg(rename = "")] empty: u8) {}

fn main() {
    let _ = tools![space, löschen];
}
