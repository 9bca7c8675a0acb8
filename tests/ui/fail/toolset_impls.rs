//! What `#[toolset]` cannot be put on.
#![allow(unused)]

use mcp_runtime::{tool, toolset};

struct Plain;

#[toolset]
impl Plain {
    fn nothing(&self) {}
}

struct Generic<T>(T);

#[toolset]
impl<T> Generic<T> {
    /// A tool.
    #[tool]
    async fn tool(&self, /** Which. */ a: u8) {
        let _ = a;
    }
}

#[toolset]
impl Clone for Plain {
    fn clone(&self) -> Self {
        Plain
    }
}

struct Borrows<'a>(&'a u8);

#[toolset]
impl Borrows<'_> {
    /// A tool.
    #[tool]
    async fn tool(&self) {}
}

#[toolset]
impl Generic<u8>
where
    u8: Copy,
{
}

#[toolset]
fn function() {}

fn main() {}
