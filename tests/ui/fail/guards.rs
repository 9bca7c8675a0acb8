//! A guard is an async function of the caller and of arguments, as borrows.
#![allow(unused)]

use mcp_runtime::{
    State,
    guard::{GuardCx, Refused},
    tool,
};

async fn owns(_: &GuardCx, _project: &str) -> Result<(), Refused> {
    Ok(())
}

fn not_async(_: &GuardCx) -> Result<(), Refused> {
    Ok(())
}

async fn says_bool(_: &GuardCx) -> bool {
    true
}

async fn not_send(_: &GuardCx) -> Result<(), Refused> {
    let cell = std::rc::Rc::new(());
    std::future::ready(()).await;
    drop(cell);
    Ok(())
}

/// A text is no guard.
#[tool(guard = "owns(project)")]
async fn text(project: String) {}

/// Values are not passed on.
#[tool(guard = owns("mine"))]
async fn value(project: String) {}

/// No such argument.
#[tool(guard = owns(projct))]
async fn misspelt(project: String) {}

/// Not what models send.
#[tool(guard = owns(project))]
async fn injected(project: State<String>) {}

/// Another type.
#[tool(guard = owns(project))]
async fn another_type(project: u64) {}

/// Too few.
#[tool(guard = owns)]
async fn too_few(project: String) {}

/// Not async.
#[tool(guard = not_async)]
async fn blocking() {}

/// Not a verdict.
#[tool(guard = says_bool)]
async fn boolean() {}

/// Not `Send`.
#[tool(guard = not_send)]
async fn sends() {}

/// Nowhere.
#[tool(guard = nowhere)]
async fn missing() {}

fn main() {}
