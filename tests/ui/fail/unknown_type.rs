//! A type that does not exist is one error.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// Unknown.
#[tool]
async fn unknown(a: Acount) -> Reslt {
    todo!()
}

fn main() {
    let _ = tools![unknown];
}
