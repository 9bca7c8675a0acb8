//! A type of the function's name would hide the language's own.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// Text.
#[tool]
async fn str(text: &'static [u8]) -> String {
    let text: &str = "";
    text.to_owned()
}

/// Number.
#[tool(scopes = "a")]
async fn u8(a: u16) -> String {
    let b: u8 = 1;
    (b as u16 + a).to_string()
}

fn main() {}
