//! Keys of the next version say what to do meanwhile.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// Later.
#[tool(concurrency = 4, guard = owns(project), confirm = "Sure?")]
async fn later() {}

/// Limits.
#[tool(rate_limit("20/s", burst = 50, per = client))]
async fn burst() {}

/// Two limits.
#[tool(rate_limit = "1/s", rate_limit = "100/h")]
async fn two() {}

/// A list of limits.
#[tool(rate_limit = ["1/s", "100/h"])]
async fn list() {}

/// An option that is none.
#[tool(rate_limit("1/s", bursts = 5))]
async fn unknown() {}

fn main() {
    let _ = tools![later, burst, two, list, unknown];
}
