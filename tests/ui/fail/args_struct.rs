//! `Args<T>` is all there is.
#![allow(unused)]

use mcp_runtime::{Args, schemars::{self, JsonSchema}, tool, tools};

#[derive(serde::Deserialize, JsonSchema)]
struct Fields {
    a: u8,
}

/// Beside an argument.
#[tool]
async fn beside(all: Args<Fields>, one: u8, #[arg(default)] two: u8) {}

/// Twice.
#[tool]
async fn twice(all: Args<Fields>, more: Args<Fields>) {}

struct Plain;

/// Of something that cannot be read.
#[tool]
async fn plain(Args(all): Args<Plain>) {}

fn main() {
    let _ = tools![beside, twice, plain];
}
