//! A module in another file.
#![allow(unused)]

use mcp_runtime::toolset;

#[toolset]
mod elsewhere;

fn main() {}
