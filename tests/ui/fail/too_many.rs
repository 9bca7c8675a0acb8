//! There is an end to everything.
#![allow(unused)]

use mcp_runtime::{State, tool, tools};

/// Arguments.
#[tool]
async fn arguments(a0: u8, a1: u8, a2: u8, a3: u8, a4: u8, a5: u8, a6: u8, a7: u8, a8: u8, a9: u8, a10: u8, a11: u8, a12: u8, a13: u8, a14: u8, a15: u8, a16: u8) {}

/// States.
#[tool]
async fn states(s0: State<u8>, s1: State<u8>, s2: State<u8>, s3: State<u8>, s4: State<u8>, s5: State<u8>, s6: State<u8>) {}

fn main() {
    let _ = tools![arguments, states];
}
