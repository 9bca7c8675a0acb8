//! A default is of the argument's type.
#![allow(unused)]

use mcp_runtime::{schemars::{self, JsonSchema}, tool, tools};

#[derive(serde::Deserialize, JsonSchema)]
enum Level {
    Low,
}

/// Wrong.
#[tool]
async fn wrong(#[arg(default = 1.5)] a: u8, #[arg(default = "x")] b: Level) {
    let _ = (a, b);
}

/// A name that does not exist.
#[tool]
async fn missing(#[arg(default = MISSING)] a: u8) {
    let _ = a;
}

fn main() {
    let _ = tools![wrong, missing];
}
