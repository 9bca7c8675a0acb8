//! One error for each wrong output, at that type.
#![allow(unused)]

use mcp_runtime::{Json, ToolError, tool, tools};

struct Account;

enum MyError {}

/// A type.
#[tool]
async fn account() -> Account {
    Account
}

/// In JSON.
#[tool]
async fn json() -> Result<Json<Account>, ToolError> {
    Ok(Json(Account))
}

/// An error.
#[tool]
async fn error() -> Result<String, MyError> {
    Ok(String::new())
}

/// A number is not text.
#[tool]
fn number() -> u64 {
    1
}

fn main() {
    let _ = tools![account, json, error, number];
}
