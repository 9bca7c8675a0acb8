//! What a tool cannot be beside `async`.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// Const.
#[tool]
const fn constant() {}

/// Unsafe.
#[tool]
async unsafe fn dangerous() {}

/// Extern.
#[tool]
extern "C" fn foreign() {}

/// Variadic.
#[tool]
unsafe extern "C" fn variadic(a: u8, mut rest: ...) {}

fn main() {
    let _ = tools![constant, dangerous, foreign, variadic];
}
