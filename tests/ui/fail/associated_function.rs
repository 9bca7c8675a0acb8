//! A function of a type is not seen as one by a macro; the compiler says so.
#![allow(unused)]

use mcp_runtime::{tool};

struct Accounts;

impl Accounts {
    /// Opens.
    #[tool]
    async fn open() {}
}

fn main() {}
