//! Other attributes stay where they were, and those that decide over the function decide over the tool.
#![deny(warnings, missing_docs, deprecated)]

use mcp_runtime::{tool, tools};

/// Kept.
#[tool]
#[deprecated = "use `fresh`"]
pub async fn old(#[allow(unused_variables)] n: u8) {}

/// Not compiled.
#[tool]
#[cfg(any())]
async fn gone(x: DoesNotExist) {}

/// Not compiled either.
#[cfg(any())]
#[tool]
async fn gone_too(x: DoesNotExist) {}

/// Line one.
///
/// * a list
/**
 * and a block
 */
#[tool]
#[must_use]
pub async fn fresh(/** A block. */ n: u8, mut m: u8) -> String {
    m += n;
    m.to_string()
}

fn main() {
    #[allow(deprecated)]
    let _ = tools![old];
    let _ = tools![fresh];
}
