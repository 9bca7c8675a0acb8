//! The revisions before 2026-07-28: handshake, ping, notifications, and answers that those clients understand.

use mcp_runtime::{ServerBuilder, State, tool, tools};
use serde_json::{Value, json};

use crate::{
    client::Call,
    world::{Runs, World, hello},
};

const LEGACY: [&str; 3] = ["2025-03-26", "2025-06-18", "2025-11-25"];

fn initialize(version: &Value) -> Call {
    let params = json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}});
    Call::legacy(None, json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).to_string())
}

#[tokio::test]
async fn a_handshake_agrees_on_what_was_asked_for_or_on_the_newest() {
    let world = World::open();
    for version in LEGACY {
        let result = initialize(&json!(version)).send(&world).await.result();
        assert_eq!(result["protocolVersion"], version);
        assert_eq!(result["serverInfo"], json!({"name": "attacked", "version": "1.0"}));
        // Nothing that would need a session.
        assert_eq!(result["capabilities"], json!({"tools": {}}));
        for modern in ["resultType", "ttlMs", "cacheScope", "_meta"] {
            assert_eq!(result.get(modern), None);
        }
    }
    // The stateless revision is never agreed on in a handshake.
    for version in ["2026-07-28", "2024-11-05", "2099-01-01", "", "x"] {
        let result = initialize(&json!(version)).send(&world).await.result();
        assert_eq!(result["protocolVersion"], "2025-11-25", "{version}");
    }
    for version in [json!(7), Value::Null, json!(["2025-11-25"])] {
        initialize(&version).send(&world).await.error(200, -32602);
    }
}

#[tokio::test]
async fn there_are_no_sessions() {
    let world = World::open();
    let answer = initialize(&json!("2025-11-25")).send(&world).await;
    answer.has_no("mcp-session-id");
    // A client that brings one along is answered all the same.
    Call::legacy_tool("hello", json!({})).header("Mcp-Session-Id", "x").send(&world).await.ok();
}

#[tokio::test]
async fn the_oldest_revision_knows_no_title_of_a_server() {
    let world = World::new(crate::lists::hello_only(), |builder| builder.title("The attacked"));
    let new = initialize(&json!("2025-06-18")).send(&world).await.result();
    assert_eq!(new["serverInfo"]["title"], "The attacked");
    let old = initialize(&json!("2025-03-26")).send(&world).await.result();
    assert_eq!(old["serverInfo"].get("title"), None, "{old}");
}

#[tokio::test]
async fn a_ping_is_answered_with_nothing() {
    let world = World::open();
    for revision in LEGACY.map(Some).into_iter().chain([None]) {
        for id in ["1", "\"ping\""] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
            let answer = Call::legacy(revision, body).send(&world).await;
            assert_eq!(answer.text(), format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
        }
    }
}

#[tokio::test]
async fn notifications_and_answers_of_clients_are_accepted_and_run_nothing() {
    let world = World::open();
    for revision in LEGACY.map(Some).into_iter().chain([None]) {
        for body in [
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x"}}"#,
            r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"hello"}}"#,
            r#"{"jsonrpc":"2.0","method":"nonsense"}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}"#,
        ] {
            Call::legacy(revision, body).send(&world).await.accepted();
        }
    }
    world.ran(0);
    // In the stateless revision clients have nothing to answer.
    Call::around("hello", r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).send(&world).await.error(400, -32600);
}

#[tokio::test]
async fn denials_keep_their_http_status() {
    let world = World::fenced();
    for revision in LEGACY.map(Some).into_iter().chain([None]) {
        let body =
            r#"{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"vault","arguments":{"text":"x"}}}"#;
        let call = Call::legacy(revision, body);
        let denied = call.clone().send(&world).await;
        denied.unauthenticated(false);
        // The message was read, so the denial has its id.
        assert_eq!(denied.json()["id"], "x");
        assert_eq!(call.clone().token(&world.plain("alice")).send(&world).await.error(403, 403)["id"], "x");
        call.token(&world.full("alice")).send(&world).await.ok();
    }
    world.ran(4);
}

#[tokio::test]
async fn a_call_may_leave_its_arguments_out() {
    let world = World::fenced();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami"}}"#;
    assert_eq!(Call::legacy(None, body).token(&world.plain("alice")).send(&world).await.ok(), "alice");
    let modern = Call::modern("tools/call", json!({"name": "whoami"}));
    assert_eq!(modern.token(&world.plain("alice")).send(&world).await.ok(), "alice");
    for params in [r#"{}"#, r#"{"arguments":{}}"#, r#"{"name":7}"#, r#"{"name":null}"#, "null"] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
        Call::legacy(None, body).token(&world.plain("alice")).send(&world).await.error(200, -32602);
    }
    world.ran(2);
}

#[tokio::test]
async fn headers_that_an_old_revision_does_not_know_must_not_lie() {
    let world = World::open();
    let call = || Call::legacy_tool("vault", json!({"text": "x"})).token(&world.full("alice"));
    for (method, name) in [("tools/list", "vault"), ("tools/call", "hello"), ("TOOLS/CALL", "vault")] {
        call().header("Mcp-Method", method).header("Mcp-Name", name).send(&world).await.error(400, -32020);
    }
    call().header("Mcp-Method", "tools/call").send(&world).await.error(400, -32020);
    world.ran(0);
    call().header("Mcp-Method", "tools/call").header("Mcp-Name", "vault").send(&world).await.ok();
    world.ran(1);
}

/// Never ends.
#[tool(public)]
async fn endless(State(runs): State<Runs>) {
    runs.add();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn strangers_who_leave_calls_behind_take_no_place_from_callers_with_credentials() {
    let change = |builder: ServerBuilder| builder.http(|http| http.max_connections(8));
    let world = World::new(tools![endless, hello], change);
    let router = world.router.clone();
    let left = tokio::spawn(async move { Call::legacy_tool("endless", json!({})).send_to(&router).await });
    while world.runs.count() == 0 {
        tokio::task::yield_now().await;
    }
    left.abort();
    // An eighth of the places is for strangers, and it is taken by a call that outlives its client.
    Call::legacy_tool("hello", json!({})).send(&world).await.error(503, 503);
    Call::legacy_tool("hello", json!({})).token(&world.plain("alice")).send(&world).await.ok();
    world.ran(2);
}
