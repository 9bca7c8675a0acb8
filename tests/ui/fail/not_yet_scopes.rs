//! Scopes of the next version.
#![allow(unused)]

use mcp_runtime::{tool, tools};

const ADMIN: &str = "admin";

/// A constant.
#[tool(scopes = ADMIN)]
async fn constant() {}

/// A template.
#[tool(scopes = "project:{project}:write")]
async fn template(project: String) {}

fn main() {
    let _ = tools![constant, template];
}
