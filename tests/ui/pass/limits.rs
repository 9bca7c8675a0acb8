//! As many parameters as there can be.
#![deny(warnings)]

use mcp_runtime::{State, tool, tools};

/// Sixteen arguments and six injected.
#[tool]
async fn many(
    a0: u8,
    a1: u8,
    a2: u8,
    a3: u8,
    a4: u8,
    a5: u8,
    a6: u8,
    a7: u8,
    a8: u8,
    a9: u8,
    a10: u8,
    a11: u8,
    a12: u8,
    a13: u8,
    a14: u8,
    a15: u8,
    s0: State<u8>, s1: State<u8>, s2: State<u8>, s3: State<u8>, s4: State<u8>, s5: State<u8>,
) -> String {
    let sum: u16 = [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15].map(u16::from).iter().sum();
    let states: u16 = [s0, s1, s2, s3, s4, s5].map(|state| u16::from(state.0)).iter().sum();
    (sum + states).to_string()
}

fn main() {
    let _ = tools![many];
}
