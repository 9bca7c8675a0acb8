//! Groups of tools: what the group demands holds for each of them, on the wire.

use std::{
    sync::{Arc, Mutex},
    thread::ThreadId,
    time::Duration,
};

use mcp_runtime::{
    State, ToolSet,
    guard::{Access, Protected},
    tool, tools, toolset,
};
use serde_json::{Value, json};

use crate::{
    client::{Answer, Call},
    world::{Runs, World},
};

#[toolset(prefix = "files_", scopes = "files:read", rate_limit = "3/m", timeout = "30s")]
mod files {
    use mcp_runtime::{State, tool};

    use crate::world::Runs;

    /// Reads.
    #[tool]
    pub(super) async fn read(State(runs): State<Runs>) {
        runs.add();
    }

    /// Writes.
    #[tool(name = "put", scopes = any("files:write", "admin"), rate_limit = "2/m", timeout = "1s")]
    pub(super) async fn write(State(runs): State<Runs>) {
        runs.add();
    }

    /// Waits.
    #[tool(timeout = "1h")]
    pub(super) async fn wait() {}
}

#[derive(Clone)]
struct Notes(Runs);

#[toolset(prefix = "notes.", scopes = "notes", rate_limit = "1/m")]
impl Notes {
    /// Lists.
    #[tool]
    async fn list(&self) -> String {
        self.0.add();
        "listed".to_owned()
    }

    /// Lists without `async`, in place.
    #[tool(inline)]
    fn count(&self, #[arg(max = 3)] add: u8) -> String {
        self.0.add();
        add.to_string()
    }
}

fn world(tools: impl ToolSet) -> World {
    World::new(tools, |builder| builder)
}

fn insufficient(answer: &Answer, scopes: &str) {
    answer.error(403, 403);
    let challenge = answer.header("www-authenticate");
    assert!(challenge.contains(&format!("scope=\"{scopes}\"")), "{challenge}");
}

#[tokio::test]
async fn scopes_of_the_group_add_to_those_of_the_tool() {
    let world = world(files::tools());
    let call = |name: &str, scope: &str| {
        let token = world.grant("alice", scope).build();
        [Call::tool(name, json!({})), Call::legacy_tool(name, json!({}))].map(|call| call.token(&token))
    };
    for (name, scope, needed) in [
        ("files_read", "", "files:read"),
        ("files_read", "files:write admin", "files:read"),
        ("files_put", "files:write", "files:read files:write"),
        ("files_put", "files:read", "files:read files:write"),
        ("files_put", "admin", "files:read admin"),
    ] {
        for call in call(name, scope) {
            insufficient(&call.send(&world).await, needed);
        }
    }
    world.ran(0);
    for (name, scope) in [("files_read", "files:read"), ("files_put", "files:read admin")] {
        call(name, scope)[0].clone().send(&world).await.ok();
    }
    world.ran(2);
}

#[tokio::test]
async fn only_the_name_with_the_prefix_is_a_tool() {
    let world = world(files::tools());
    let token = world.grant("alice", "files:read files:write").build();
    for name in ["read", "put", "write", "files_write", "files_files_read"] {
        Call::tool(name, json!({})).token(&token).send(&world).await.error(200, -32602);
    }
    world.ran(0);
}

#[tokio::test]
async fn the_limit_of_a_group_is_one_for_all_of_its_tools() {
    let world = world(files::tools());
    let token = world.grant("alice", "files:read files:write").build();
    let call = async |name: &str| Call::tool(name, json!({})).token(&token).send(&world).await;
    call("files_put").await.ok();
    call("files_put").await.ok();
    // Its own limit, with one of the group's three left.
    call("files_put").await.error(429, 429);
    call("files_read").await.ok();
    for name in ["files_read", "files_wait", "files_put"] {
        call(name).await.error(429, 429);
    }
    world.ran(3);
    // Another caller has a bucket of its own.
    let bob = world.grant("bob", "files:read").build();
    Call::tool("files_read", json!({})).token(&bob).send(&world).await.ok();
    world.clock.advance(Duration::from_secs(64));
    call("files_read").await.ok();
    world.ran(5);
}

#[tokio::test]
async fn two_groups_have_two_limits() {
    let runs = Runs::default();
    let world = World::new(files::tools(), |builder| builder.tools(Notes(runs.clone())));
    let token = world.grant("alice", "files:read notes").build();
    let call = async |name: &str, arguments: Value| Call::tool(name, arguments).token(&token).send(&world).await;
    assert_eq!(call("notes.list", json!({})).await.ok(), "listed");
    call("notes.count", json!({"add": 1})).await.error(429, 429);
    call("files_read", json!({})).await.ok();
    assert_eq!(runs.count(), 1);
    world.ran(1);
}

#[test]
fn the_smaller_timeout_wins() {
    let timeout = |policy: mcp_runtime::guard::Policy| policy.call_timeout();
    assert_eq!(timeout(<files::read as Protected>::POLICY), Some(Duration::from_secs(30)));
    assert_eq!(timeout(<files::write as Protected>::POLICY), Some(Duration::from_secs(1)));
    assert_eq!(timeout(<files::wait as Protected>::POLICY), Some(Duration::from_secs(30)));
    assert_eq!(<files::read as Protected>::POLICY.access(), Access::Admitted);
}

#[tokio::test]
async fn policies_show_what_groups_demand() {
    let world = world(files::tools());
    let table = world.server.policies().to_string();
    let row = |name: &str| table.lines().find(|line| line.contains(name)).unwrap().to_owned();
    for part in ["files:read any(files:write, admin)", "2/m", "3/m", "1s"] {
        assert!(row("files_put").contains(part), "{part}: {table}");
    }
    assert!(row("files_wait").contains("30s"), "{table}");
}

#[tokio::test]
async fn a_tool_of_a_group_keeps_its_floor_when_it_is_listed_alone() {
    let world = world(tools![files::read]);
    let call = Call::tool("files_read", json!({}));
    insufficient(&call.token(&world.plain("alice")).send(&world).await, "files:read");
    world.ran(0);
}

#[derive(Clone, Default)]
struct Threads(Arc<Mutex<Vec<ThreadId>>>);

impl Threads {
    fn note(&self) {
        self.0.lock().unwrap().push(std::thread::current().id());
    }
}

/// Runs where the answer is made.
#[tool(public, inline)]
fn in_place(State(threads): State<Threads>, panic: Option<bool>) {
    threads.note();
    assert!(panic.is_none(), "as asked");
}

/// Runs on the pool.
#[tool(public)]
fn on_the_pool(State(threads): State<Threads>) {
    threads.note();
}

#[tokio::test]
async fn inline_bodies_run_in_place_and_their_panics_are_masked() {
    let threads = Threads::default();
    let world = World::new(tools![in_place, on_the_pool], |builder| builder.state(threads.clone()));
    Call::tool("in_place", json!({})).send(&world).await.ok();
    Call::tool("on_the_pool", json!({})).send(&world).await.ok();
    let here = std::thread::current().id();
    let ran_here = |noted: &ThreadId| *noted == here;
    assert_eq!(threads.0.lock().unwrap().iter().map(ran_here).collect::<Vec<_>>(), [true, false]);
    let text = Call::tool("in_place", json!({"panic": true})).send(&world).await.failed();
    assert!(text.contains("internal error") && !text.contains("as asked"), "{text}");
}

/// Is drawn.
#[tool(
    public,
    icons = ["https://example.com/a.png", icon("data:image/png;base64,AA==", mime = "image/png", sizes = "48x48 any", theme = "dark")],
    meta("example.com/team" = "billing", order = 3, ui(tags = ["a", "b\"\\"], ratio = -0.5))
)]
async fn drawn() {}

/// Is not.
#[tool(public)]
async fn plain() {}

#[tokio::test]
async fn icons_and_meta_are_told_to_those_who_know_them() {
    let world = world(tools![drawn, plain]);
    let icons = json!([
        {"src": "https://example.com/a.png"},
        {"src": "data:image/png;base64,AA==", "mimeType": "image/png", "sizes": ["48x48", "any"], "theme": "dark"},
    ]);
    let meta = json!({"example.com/team": "billing", "order": 3, "ui": {"tags": ["a", "b\"\\"], "ratio": -0.5}});
    for (revision, has_icons, has_meta) in [
        ("2025-03-26", false, false),
        ("2025-06-18", false, true),
        ("2025-11-25", true, true),
        ("2026-07-28", true, true),
    ] {
        let call = match revision {
            "2026-07-28" => Call::modern("tools/list", json!({})),
            _ => Call::legacy(Some(revision), r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#),
        };
        let list = call.send(&world).await.result();
        let (drawn, plain) = (&list["tools"][0], &list["tools"][1]);
        assert_eq!(drawn.get("icons"), has_icons.then_some(&icons), "{revision}");
        assert_eq!(drawn.get("_meta"), has_meta.then_some(&meta), "{revision}");
        assert_eq!((plain.get("icons"), plain.get("_meta")), (None, None), "{revision}");
    }
}
