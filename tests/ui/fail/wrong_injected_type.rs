//! A type that is only called like an injected one.
#![allow(unused)]

use mcp_runtime::{tool, tools};

struct Identity;

struct Context;

struct State<T>(T);

/// Lookalikes.
#[tool]
async fn lookalikes(me: Identity, context: Context, state: State<u8>) {
    let _ = (me, context, state);
}

fn main() {
    let _ = tools![lookalikes];
}
