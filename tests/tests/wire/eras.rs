//! Which revision a request belongs to, and what it must bring along.

use serde_json::{Value, json};

use crate::{
    client::{Call, MODERN, meta},
    world::World,
};

const SUPPORTED: [&str; 4] = ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"];

#[tokio::test]
async fn a_version_that_is_not_ours_is_named_with_those_that_are() {
    let world = World::open();
    for version in [
        "2024-11-05",
        "2027-01-01",
        "2026-07-28 x",
        "2026-7-28",
        "latest",
        "1",
        "DRAFT-2026-v1",
        "2025-11-25,2026-07-28",
    ] {
        for token in [None, Some(world.full("alice"))] {
            let call = Call::tool("hello", json!({})).set("MCP-Protocol-Version", version);
            let call = token.iter().fold(call, |call, token| call.token(token));
            let error = call.send(&world).await.error(400, -32022);
            assert_eq!(error["id"], 1);
            assert_eq!(error["error"]["data"], json!({"supported": SUPPORTED, "requested": version}));
        }
    }
    world.ran(0);
}

#[tokio::test]
async fn a_version_of_any_length_is_not_echoed_at_length() {
    let world = World::open();
    let call = Call::tool("hello", json!({})).set("MCP-Protocol-Version", "9".repeat(10_000));
    let error = call.send(&world).await.error(400, -32022);
    assert!(error["error"]["data"]["requested"].as_str().unwrap().len() <= 64);
}

#[tokio::test]
async fn a_version_that_stands_twice_or_is_not_text_is_refused() {
    let world = World::open();
    let call = Call::tool("hello", json!({}));
    for call in [
        call.clone().header("MCP-Protocol-Version", MODERN),
        call.clone().header("MCP-Protocol-Version", "2025-11-25"),
        Call::legacy_tool("hello", json!({})).header("MCP-Protocol-Version", "2025-06-18"),
        call.clone().set("MCP-Protocol-Version", b"2026-07-28\xff".to_vec()),
    ] {
        assert_eq!(call.send(&world).await.error(400, -32020)["id"], 1);
    }
    call.set("MCP-Protocol-Version", "").send(&world).await.error(400, -32022);
    world.ran(0);
}

#[tokio::test]
async fn a_notification_with_odd_headers_is_accepted_and_does_nothing() {
    let world = World::open();
    let body = r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"hello"}}"#;
    for call in [
        Call::around("hello", body),
        Call::around("hello", body).without("Mcp-Method"),
        Call::around("hello", body).set("MCP-Protocol-Version", "2027-01-01"),
        Call::legacy(None, body),
        Call::legacy(Some("2025-11-25"), body),
        Call::legacy(None, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#),
        Call::legacy(None, r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#),
    ] {
        call.send(&world).await.accepted();
    }
    world.ran(0);
}

/// The same call with this `_meta`, or with none.
fn with(meta: Option<&Value>) -> Call {
    let mut params = json!({"name": "hello", "arguments": {}});
    if let Some(meta) = meta {
        params["_meta"] = meta.clone();
    }
    Call::around("hello", json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string())
}

#[tokio::test]
async fn a_stateless_request_brings_its_metadata() {
    let world = World::open();
    with(Some(&meta())).send(&world).await.ok();
    world.ran(1);
    let version = json!({"io.modelcontextprotocol/protocolVersion": MODERN});
    let capabilities = json!({"io.modelcontextprotocol/clientCapabilities": {}});
    for meta in [None, Some(&json!({})), Some(&version), Some(&capabilities)] {
        assert_eq!(with(meta).send(&world).await.error(400, -32602)["id"], 1);
    }
    for method in ["tools/list", "server/discover", "subscriptions/listen"] {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": {}}).to_string();
        Call::modern(method, json!({})).with_body(body).send(&world).await.error(400, -32602);
    }
    let mut other = meta();
    other["io.modelcontextprotocol/protocolVersion"] = json!("2025-11-25");
    assert_eq!(with(Some(&other)).send(&world).await.error(400, -32020)["id"], 1);
    world.ran(1);
}

#[tokio::test]
async fn metadata_of_another_type_is_refused() {
    let world = World::open();
    for (key, value) in [
        ("io.modelcontextprotocol/protocolVersion", json!(7)),
        ("io.modelcontextprotocol/protocolVersion", Value::Null),
        ("io.modelcontextprotocol/protocolVersion", json!([MODERN])),
        ("io.modelcontextprotocol/clientCapabilities", json!([])),
        ("io.modelcontextprotocol/clientCapabilities", Value::Null),
        ("io.modelcontextprotocol/clientCapabilities", json!("{}")),
    ] {
        let mut meta = meta();
        meta[key] = value;
        let answer = with(Some(&meta)).send(&world).await;
        assert_eq!(answer.json()["error"]["code"], -32602, "{answer:?}");
    }
    for meta in [json!([]), json!("x"), Value::Null, json!(7)] {
        let answer = with(Some(&meta)).send(&world).await;
        assert_eq!(answer.json()["error"]["code"], -32602, "{answer:?}");
    }
    world.ran(0);
}

#[tokio::test]
async fn a_call_without_any_parameters_lacks_its_metadata() {
    let world = World::open();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#;
    Call::around("hello", body).send(&world).await.error(400, -32602);
    Call::around("hello", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#)
        .send(&world)
        .await
        .error(400, -32602);
}

#[tokio::test]
async fn metadata_that_is_null_is_missing() {
    let world = World::open();
    with(Some(&Value::Null)).send(&world).await.error(400, -32602);
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":null}}"#;
    Call::modern("tools/list", json!({})).with_body(body).send(&world).await.error(400, -32602);
}

#[tokio::test]
async fn a_message_of_one_era_in_the_headers_of_another_is_refused() {
    let world = World::open();
    let modern = || Call::tool("hello", json!({}));
    for call in [
        modern().without("MCP-Protocol-Version"),
        modern().set("MCP-Protocol-Version", "2025-11-25"),
        modern().set("MCP-Protocol-Version", "2025-03-26"),
    ] {
        assert_eq!(call.send(&world).await.error(400, -32020)["id"], 1);
    }
    let batch = format!("[{}]", String::from_utf8(modern().body).unwrap());
    let answer = Call::legacy(None, batch.clone()).send(&world).await.json();
    assert_eq!(answer[0]["error"]["code"], -32020);
    for revision in ["2025-06-18", "2025-11-25"] {
        Call::legacy(Some(revision), batch.clone()).send(&world).await.error(400, -32600);
    }
    modern().with_body(batch).send(&world).await.error(400, -32600);
    world.ran(0);
}

#[tokio::test]
async fn a_method_that_does_not_exist_is_404_only_where_that_means_so() {
    let world = World::open();
    for method in [
        "prompts/list",
        "resources/list",
        "logging/setLevel",
        "ping",
        "initialize",
        "tools/CALL",
        "nonsense",
        "",
        "tasks/get",
    ] {
        let error = Call::modern(method, json!({})).send(&world).await.error(404, -32601);
        assert_eq!(error["id"], 1);
    }
    for method in
        ["prompts/list", "resources/read", "server/discover", "subscriptions/listen", "logging/setLevel", "nonsense"]
    {
        for revision in [None, Some("2025-06-18"), Some("2025-11-25")] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{}}}}"#);
            Call::legacy(revision, body).send(&world).await.error(200, -32601);
        }
    }
}

#[tokio::test]
async fn a_server_that_is_asked_to_shake_hands_says_what_it_speaks() {
    let world = World::open();
    let error = Call::modern("initialize", json!({})).send(&world).await.error(404, -32601);
    for version in SUPPORTED {
        assert!(error["error"]["message"].as_str().unwrap().contains(version), "{error}");
    }
}

#[tokio::test]
async fn everything_but_discovery_is_401_for_strangers_on_a_protected_server() {
    let world = World::fenced();
    let discovered = Call::modern("server/discover", json!({})).send(&world).await.result();
    assert_eq!(discovered["supportedVersions"], json!(SUPPORTED));
    assert_eq!(discovered["cacheScope"], "public");
    assert_eq!(discovered["resultType"], "complete");
    assert!(discovered["ttlMs"].is_u64());
    assert_eq!(discovered["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "attacked");
    for method in ["tools/list", "subscriptions/listen", "prompts/list", "nonsense"] {
        Call::modern(method, json!({})).send(&world).await.unauthenticated(false);
        let bare = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#);
        Call::legacy(Some("2025-11-25"), bare).send(&world).await.unauthenticated(false);
    }
    Call::modern("tools/list", json!({})).without("Mcp-Method").send(&world).await.unauthenticated(false);
    for method in ["initialize", "ping"] {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": {"protocolVersion": "2025-11-25"}});
        Call::legacy(None, body.to_string()).send(&world).await.unauthenticated(false);
    }
    world.ran(0);
}

#[tokio::test]
async fn a_stranger_on_a_protected_server_is_told_nothing_about_its_body() {
    let world = World::fenced();
    for body in [
        "nonsense",
        "[]",
        "{}",
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
    ] {
        let modern = Call::around("whoami", body).send(&world).await;
        let legacy = Call::legacy(None, body).send(&world).await;
        assert_eq!((modern.status, legacy.status), (401, 401), "{body}: {} and {}", modern.text(), legacy.text());
    }
}

#[tokio::test]
async fn discovery_is_the_same_for_everybody() {
    let world = World::fenced();
    let ask = Call::modern("server/discover", json!({}));
    let one = ask.clone().send(&world).await.text();
    assert_eq!(ask.clone().token(&world.full("alice")).send(&world).await.text(), one);
    assert_eq!(ask.token(&world.plain("bob")).send(&world).await.text(), one);
}

#[tokio::test]
async fn an_id_comes_back_to_the_letter() {
    let world = World::open();
    let ids = [
        "1",
        "0",
        "-7",
        "9007199254740993",
        "123456789012345678901234567890",
        "-123456789012345678901234567890",
        r#""1""#,
        r#""""#,
        r#""a\u0062c""#,
        r#""\"quoted\"\\\/""#,
        r#""\ud83d\ude00""#,
        "\"\u{1f600} \u{e4}\"",
        r#""null""#,
    ];
    for id in ids {
        let call = Call::tool("hello", json!({}));
        let spoil = |call: &Call| {
            let body = String::from_utf8(call.body.clone()).unwrap();
            body.replace(r#""id":1"#, &format!(r#""id": {id}"#))
        };
        let raw = |text: String| assert!(text.contains(&format!(r#""id":{id},"#)), "{id}: {text}");
        raw(call.clone().with_body(spoil(&call)).send(&world).await.text());
        let legacy = Call::legacy_tool("hello", json!({}));
        raw(legacy.clone().with_body(spoil(&legacy)).send(&world).await.text());
        raw(Call::legacy(None, format!("[{}]", spoil(&legacy))).send(&world).await.text());
        // Errors, too.
        raw(call.clone().with_body(spoil(&call)).set("Mcp-Name", "x").send(&world).await.text());
        raw(legacy.clone().with_body(spoil(&legacy).replace("hello", "x")).send(&world).await.text());
    }
}

#[tokio::test]
async fn what_is_no_id_is_refused() {
    let world = World::open();
    let long = format!("\"{}\"", "x".repeat(600));
    for id in ["null", "1.0", "1.5", "1e3", "true", "[1]", "{}", r#""\ud800""#, &long, "- 1", "01", "+1"] {
        for call in [Call::tool("hello", json!({})), Call::legacy_tool("hello", json!({}))] {
            let body = String::from_utf8(call.body.clone()).unwrap().replace(r#""id":1"#, &format!(r#""id":{id}"#));
            let answer = call.with_body(body).send(&world).await;
            assert_eq!(answer.status, 400, "{id}: {answer:?}");
            assert_eq!(answer.json().get("id"), None, "{id}: {answer:?}");
        }
    }
    world.ran(0);
}

#[tokio::test]
async fn an_error_about_a_message_with_an_id_carries_it() {
    let world = World::open();
    for body in [r#"{"jsonrpc":"2.0","id":7}"#, r#"{"jsonrpc":"2.0","id":7,"params":{}}"#] {
        for call in [Call::around("hello", body), Call::legacy(Some("2025-11-25"), body)] {
            assert_eq!(call.send(&world).await.error(400, -32600)["id"], 7, "{body}");
        }
    }
}
