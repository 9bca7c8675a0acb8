//! Fifty tools in five groups: `TRACKER_TOKEN=… cargo run --bin groups`.
//!
//! Each group is a file with a module that carries `#[toolset(prefix = …, scopes = …, rate_limit = …, timeout = …)]`; its
//! `tools()` lists what stands in it, so that no tool is forgotten, and none escapes what the group demands. What protects
//! what is pinned to `src/groups/POLICY.md`; the test at the end fails when it changes.

use std::error::Error;

use examples::groups;
use mcp_runtime::{
    BuildError, Server,
    auth::{Authenticator, StaticTokens},
};

fn build(auth: impl Authenticator) -> Result<Server, BuildError> {
    groups::add_to(Server::builder("tracker", env!("CARGO_PKG_VERSION"))).auth(auth).build()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    examples::start(include_str!("groups.rs"));
    let secret = std::env::var("TRACKER_TOKEN")
        .map_err(|_| "set TRACKER_TOKEN to a secret of 22 characters or more: `openssl rand -base64 32`")?;
    let scopes = ["projects:read", "projects:write", "tasks:read", "tasks:write", "comments:read", "members:read"];
    let server = build(StaticTokens::new().token(&secret, "operator", scopes))?;
    println!("{}\nListening on http://127.0.0.1:8000/mcp", server.policies());
    Ok(server.serve("127.0.0.1:8000").await?)
}

#[cfg(test)]
mod tests {
    use mcp_runtime::testing::TestClient;
    use serde_json::{Value, json};

    use super::*;

    fn server() -> Server {
        build(StaticTokens::new().token("wQ7hYp3mZ0tRk9cLxV5nBg", "nobody", [])).unwrap()
    }

    const EVERYTHING: [&str; 8] = [
        "projects:read",
        "projects:write",
        "tasks:read",
        "tasks:write",
        "comments:read",
        "comments:write",
        "members:read",
        "members:admin",
    ];

    /// A change of any of these tools' protection fails here, and shows in the review of `POLICY.md`.
    #[test]
    fn their_protection_is_reviewed() {
        mcp_runtime::testing::assert_policies!(server(), "src/groups/POLICY.md");
    }

    #[tokio::test]
    async fn all_fifty_are_there_and_tell_their_group() {
        let names = TestClient::new(&server()).as_user("alice").tools().await;
        assert_eq!(names.len(), 50);
        for prefix in ["project_", "task_", "comment_", "milestone_", "member_"] {
            assert_eq!(names.iter().filter(|name| name.starts_with(prefix)).count(), 10, "{prefix}");
        }
    }

    #[tokio::test]
    async fn nothing_is_open() {
        let server = server();
        let (anonymous, plain) = (TestClient::new(&server), TestClient::new(&server).as_user("mallory"));
        for name in plain.tools().await {
            anonymous.call(&name, json!({})).await.assert_unauthenticated();
            assert!(plain.call(&name, json!({})).await.denial().is_some(), "{name} is open");
        }
    }

    #[tokio::test]
    async fn what_a_group_demands_adds_to_what_a_tool_demands() {
        let server = server();
        let writer = TestClient::new(&server).as_user("alice").scopes(["tasks:write"]);
        let create = json!({"project": 1, "title": "x"});
        writer.call("task_create", create).await.assert_missing_scopes(["tasks:read", "tasks:write"]);
        let due = writer.call("milestone_due", json!({"week": 1})).await;
        due.assert_missing_scopes(["projects:read", "tasks:read"]);
    }

    #[tokio::test]
    async fn the_tracker_tracks() {
        let server = server();
        let alice = TestClient::new(&server).as_user("alice").scopes(EVERYTHING);
        let call = async |name: &str, arguments: Value| alice.call(name, arguments).await.json::<Value>();
        let project = call("project_create", json!({"name": "Moon"})).await["id"].clone();
        let task = call("task_create", json!({"project": project, "title": "Fly"})).await["id"].clone();
        let milestone = call("milestone_create", json!({"project": project, "name": "There"})).await["id"].clone();
        call("milestone_add_tasks", json!({"id": milestone, "tasks": [task]})).await;
        let member = call("member_add", json!({"name": "Neil"})).await["id"].clone();
        call("task_assign", json!({"id": task, "member": member})).await;
        call("task_finish", json!({"id": task})).await;
        assert_eq!(call("milestone_progress", json!({"id": milestone})).await, json!({"done": 1, "all": 1}));
        let comment = call("comment_add", json!({"task": task, "text": "One small step"})).await["id"].clone();
        let bob = TestClient::new(&server).as_user("bob").scopes(EVERYTHING);
        let theirs = bob.call("comment_delete", json!({"id": comment})).await;
        assert_eq!(theirs.error_text(), "this comment is somebody else's");
        call("comment_delete", json!({"id": comment})).await;
    }
}
