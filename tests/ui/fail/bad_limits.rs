//! Bursts, keys and slots.
#![allow(unused)]

use mcp_runtime::tool;

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

fn main() {}
