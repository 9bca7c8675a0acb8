//! `#[tool]` on something else.
#![allow(unused)]

use mcp_runtime::{tool};

/// A struct.
#[tool]
struct NotAFunction;

struct Accounts;

#[tool]
impl Accounts {}

fn main() {}
