//! Bursts, keys and slots.
#![allow(unused)]

use mcp_runtime::{tool, toolset};

/// A list.
#[tool(rate_limit = ["10/h", "2/m"])]
async fn array() {}

/// Not a number.
#[tool(rate_limit("20/s", burst = "50"))]
async fn burst_text() {}

/// Nothing at once.
#[tool(rate_limit("20/s", burst = 0))]
async fn burst_zero() {}

/// Nobody.
#[tool(rate_limit("20/s", per = user))]
async fn per_nobody() {}

/// Rust's spelling.
#[tool(rate_limit("20/s", per = Per::Client))]
async fn per_path() {}

/// Misspelt.
#[tool(rate_limit("20/s", brust = 5))]
async fn misspelt() {}

/// Twice.
#[tool(rate_limit("20/s", burst = 5, burst = 6))]
async fn twice() {}

/// No rate.
#[tool(rate_limit(burst = 5))]
async fn no_rate() {}

/// No slot at all.
#[tool(concurrency = 0)]
async fn no_slot() {}

/// Less than none.
#[tool(concurrency = -1)]
async fn less() {}

/// A word.
#[tool(concurrency)]
async fn word() {}

#[toolset(rate_limit("20/s", per = guard::Per::Client))]
mod group {
    /// Of a group.
    #[mcp_runtime::tool]
    async fn one() {}
}

fn main() {}
