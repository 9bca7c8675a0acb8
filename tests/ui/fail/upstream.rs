//! Whoever calls a tool that works with people's accounts elsewhere acts in their name: it takes scopes.
#![allow(unused)]

use mcp_runtime::{
    oauth::{Upstream, UpstreamProvider},
    tool, tools, toolset,
};

struct Google;

impl UpstreamProvider for Google {
    const NAME: &'static str = "google";
}

/// Nobody said what it takes.
#[tool]
async fn unscoped(google: Upstream<Google>) {}

/// Anybody.
#[tool(public)]
async fn public(google: mcp_runtime::oauth::Upstream<Google>) {}

/// A group that says nothing either.
#[toolset(prefix = "calendar_", timeout = "9s")]
mod calendar {
    /// Today.
    #[mcp_runtime::tool]
    async fn today(google: super::Upstream<super::Google>) {}
}

/// A group that does.
#[toolset(scopes = "calendar:read")]
mod scoped {
    /// Today.
    #[mcp_runtime::tool]
    async fn today(google: super::Upstream<super::Google>) {}
}

struct Methods;

#[toolset]
impl Methods {
    /// Today.
    #[tool]
    async fn today(&self, google: Upstream<Google>) {}

    /// Tomorrow.
    #[tool(scopes = "calendar:read")]
    async fn tomorrow(&self, google: Upstream<Google>) {}
}

/// It is never what a model sends.
#[tool(scopes = "calendar:read")]
async fn argument(#[arg] google: Upstream<Google>) {}

fn main() {
    let _ = tools![unscoped, public, argument];
}
