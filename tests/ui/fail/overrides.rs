//! `#[inject]` and `#[arg]` say what a parameter is; its type has to agree.
#![allow(unused)]

use mcp_runtime::{Context, Identity, State, tool, tools};

/// Not injectable.
#[tool]
async fn inject(#[inject] a: String) {}

/// Never sent, whatever is written.
#[tool]
async fn identity(#[arg] me: Identity, #[arg(rename = "x")] maybe: Option<Identity>) {}

/// Nor these.
#[tool]
async fn others(#[arg(default = 1)] a: State<u8>, #[arg] b: Context) {}

/// Both.
#[tool]
async fn both(#[inject] #[arg(min = 1)] a: u8) {}

/// With something in it.
#[tool]
async fn form(#[inject(State)] a: State<u8>) {}

fn main() {
    let _ = tools![inject, identity, others, both, form];
}
