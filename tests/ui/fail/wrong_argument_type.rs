//! One error for each type that models cannot fill in, at that type.
#![allow(unused)]

use mcp_runtime::{Json, tool, tools};

use std::collections::HashMap;

struct Account;

#[derive(serde::Deserialize)]
struct NoSchema;

/// Wrong.
#[tool]
async fn wrong(fine: u8, account: Account, accounts: HashMap<String, Account>, half: Vec<NoSchema>) -> Json<u8> {
    let _ = (account, accounts, half);
    Json(fine)
}

fn main() {
    let _ = tools![wrong];
}
