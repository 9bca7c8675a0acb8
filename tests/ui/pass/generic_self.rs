//! `Self` in the methods of one type made of a generic one.
#![deny(warnings)]

use mcp_runtime::{Json, ToolSet, schemars::{self, JsonSchema}, tool, toolset};

#[derive(Clone, Default, serde::Serialize, serde::Deserialize, JsonSchema)]
struct Pair<A, B>(A, B);

type Bytes = Pair<u8, u8>;

impl<A, B> Pair<A, B> {
    const ONE: u8 = 1;
}

#[toolset]
impl Pair<u8, u8> {
    /// Swaps.
    #[tool]
    async fn swap(&self, #[arg(default = Self::ONE)] add: u8, #[arg(default = Self(1, 2))] other: Self) -> Json<Self> {
        Json(Self(self.1 + add, self.0 + other.0))
    }

    /// Copies.
    #[tool]
    fn copy(&self, list: Vec<Self>) -> Json<(Self, usize)> {
        Json((self.clone(), list.len()))
    }
}

#[toolset]
impl Pair<String, [u8; 2]> {
    /// The same name on another type.
    #[tool]
    async fn swap(&self) {}
}

fn main() {
    let _ = Bytes::default().into_tools();
    let _ = Pair(String::new(), [0, 1]).into_tools();
}
