//! Everything that can be written on a tool and its parameters.
#![deny(warnings, missing_docs)]

use mcp_runtime::{Context, Identity, Json, State, ToolError, schemars::{self, JsonSchema}, tool, tools};

#[derive(serde::Deserialize, JsonSchema)]
struct Filter {
    /// Only those that are locked.
    locked: bool,
}

#[derive(serde::Serialize, JsonSchema)]
struct Deleted {
    count: u32,
}

#[derive(Clone)]
struct Db;

/// Permanently deletes user accounts.
#[tool(
    name = "accounts.delete",
    title = "Delete accounts",
    scopes = any("admin", all("accounts:write", "accounts:delete"), "root support"),
    rate_limit = "100/h",
    timeout = "30s",
    destructive,
    idempotent = true,
    open_world = false,
    read_only = false
)]
async fn delete_user(
    me: Identity,
    State(db): State<Db>,
    context: Context,
    /// The account to remove.
    user_id: String,
    /** Which ones. */ filter: Filter,
    #[arg(default = "unspecified")] reason: String,
    #[arg(default = 10, rename = "maxCount", description = "At most so many.")] max: u32,
    #[arg(default = -0.5)] weight: f64,
    #[arg(default)] tags: std::collections::HashMap<String, Vec<u8>>,
    #[arg(default = std::collections::HashMap::<String, u8>::new())] more: std::collections::HashMap<String, u8>,
    note: Option<String>,
) -> Result<Json<Deleted>, ToolError> {
    let _ = (me, db, context, user_id, filter.locked, reason, max, weight, tags, more, note);
    std::future::ready(()).await;
    Ok(Json(Deleted { count: 1 }))
}

/// Says what the time is.
#[tool(public, rate_limit("5/15m"))]
async fn clock(who: Option<Identity>) -> String {
    format!("{}", who.is_some())
}

#[tool(scopes = "read write", description = "Does nothing.", timeout = "500ms")]
async fn nothing() {}

fn main() {
    let _ = tools![delete_user, clock, nothing];
}
