//! An alias of an identity neither.
#![allow(unused)]

use mcp_runtime::{Identity, tool, tools};

type Caller = Option<Identity>;

/// Aliased.
#[tool]
async fn aliased(caller: Caller) {
    let _ = caller;
}

fn main() {
    let _ = tools![aliased];
}
