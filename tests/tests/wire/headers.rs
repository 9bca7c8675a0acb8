//! Headers that say something else than the body, or say it twice, or say it strangely.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::{
    client::{Answer, Call, meta},
    world::World,
};

const MISMATCH: i64 = -32020;

/// The body calls `vault`, which the caller may; what do the headers say?
fn good(world: &World) -> Call {
    Call::tool("vault", json!({"text": "open"})).token(&world.full("alice"))
}

/// A mismatch, answered under the id of the request; nothing ran.
#[track_caller]
fn mismatch(answer: &Answer, world: &World) {
    assert_eq!(answer.error(400, MISMATCH)["id"], 1);
    world.ran(0);
}

#[tokio::test]
async fn the_request_that_the_others_spoil_is_good() {
    let world = World::fenced();
    assert_eq!(good(&world).send(&world).await.ok(), "open");
    world.ran(1);
}

#[tokio::test]
async fn a_method_that_is_missing_doubled_or_another_is_refused() {
    let world = World::fenced();
    mismatch(&good(&world).without("Mcp-Method").send(&world).await, &world);
    mismatch(&good(&world).header("Mcp-Method", "tools/call").send(&world).await, &world);
    mismatch(&good(&world).header("Mcp-Method", "tools/list").send(&world).await, &world);
    for other in
        ["tools/list", "TOOLS/CALL", "Tools/Call", "", "tools/call,tools/call", "tools/call;x", "server/discover"]
    {
        mismatch(&good(&world).set("Mcp-Method", other).send(&world).await, &world);
    }
    mismatch(&good(&world).set("Mcp-Method", "tools/c\u{e4}ll".as_bytes()).send(&world).await, &world);
}

#[tokio::test]
async fn a_name_that_is_missing_doubled_or_another_is_refused() {
    let world = World::fenced();
    mismatch(&good(&world).without("Mcp-Name").send(&world).await, &world);
    mismatch(&good(&world).header("Mcp-Name", "vault").send(&world).await, &world);
    mismatch(&good(&world).header("Mcp-Name", "whoami").send(&world).await, &world);
    for other in ["whoami", "VAULT", "Vault", "", "nothing", "vault,vault", "vault;", "\"vault\"", "va%75lt"] {
        mismatch(&good(&world).set("Mcp-Name", other).send(&world).await, &world);
    }
    mismatch(&good(&world).set("Mcp-Name", "v\u{e4}ult".as_bytes()).send(&world).await, &world);
}

#[tokio::test]
async fn an_open_name_in_the_header_hides_no_protected_call() {
    let world = World::open();
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "vault", "arguments": {"text": "x"}, "_meta": meta()}})
    .to_string();
    mismatch(&Call::around("hello", body.clone()).send(&world).await, &world);
    mismatch(&Call::around("hello", body.clone()).set("Mcp-Method", "server/discover").send(&world).await, &world);
    mismatch(&Call::around("whoami", body).token(&world.plain("mallory")).send(&world).await, &world);
}

#[tokio::test]
async fn header_names_have_no_case() {
    let world = World::fenced();
    let mut call = good(&world);
    for (name, _) in &mut call.headers {
        *name = name.to_ascii_uppercase();
    }
    assert_eq!(call.send(&world).await.ok(), "open");
}

#[tokio::test]
async fn an_encoded_name_means_what_it_encodes() {
    let world = World::fenced();
    let name = format!("=?base64?{}?=", STANDARD.encode("vault"));
    assert_eq!(good(&world).set("Mcp-Name", name).send(&world).await.ok(), "open");
    world.ran(1);
}

#[tokio::test]
async fn an_encoding_that_is_not_exact_is_refused() {
    let world = World::fenced();
    let encoded = STANDARD.encode("vault");
    let unpadded = encoded.trim_end_matches('=');
    for name in [
        format!("=?BASE64?{encoded}?="),
        format!("=?base64?{encoded}?"),
        format!("=?base64?{encoded}"),
        format!("?base64?{encoded}?="),
        format!("=?base64?{unpadded}?="),
        format!("=?base64? {encoded}?="),
        format!("=?base64?{encoded}?= x"),
        format!("=?base64?{}?=", STANDARD.encode("whoami")),
        format!("=?base64?{}?=", STANDARD.encode(name_twice(&encoded))),
        format!("=?base64?{}?=", STANDARD.encode([0xff, 0xfe])),
        "=?base64??=".to_owned(),
        "=?base64?=".to_owned(),
        "=?base64?*?=".to_owned(),
        "=?utf-8?vault?=".to_owned(),
    ] {
        mismatch(&good(&world).set("Mcp-Name", name).send(&world).await, &world);
    }
}

fn name_twice(encoded: &str) -> String {
    format!("=?base64?{encoded}?=")
}

#[tokio::test]
async fn an_encoded_name_is_protected_like_the_plain_one() {
    let world = World::fenced();
    let name = format!("=?base64?{}?=", STANDARD.encode("vault"));
    let call = Call::tool("vault", json!({"text": "x"})).set("Mcp-Name", name);
    let denied = call.clone().send(&world).await;
    denied.unauthenticated(false);
    assert!(denied.header("www-authenticate").contains("scope=\"vault:open\""));
    call.token(&world.plain("mallory")).send(&world).await.error(403, 403);
    world.ran(0);
}

#[tokio::test]
async fn other_headers_of_the_protocol_mean_nothing() {
    let world = World::fenced();
    let call = good(&world)
        .header("Mcp-Session-Id", "1234")
        .header("Last-Event-ID", "7")
        .header("Mcp-Param-Region", "eu")
        .header("X-User", "root")
        .header("X-Forwarded-For", "203.0.113.9")
        .header("X-HTTP-Method-Override", "DELETE");
    let answer = call.send(&world).await;
    assert_eq!(answer.ok(), "open");
    answer.has_no("mcp-session-id");
}

#[tokio::test]
async fn a_mismatch_costs_nobody_a_call() {
    let world = World::fenced();
    let token = world.full("alice");
    for _ in 0..20 {
        let call = Call::tool("five", json!({})).token(&token);
        mismatch(&call.clone().set("Mcp-Name", "vault").send(&world).await, &world);
        mismatch(&call.clone().header("Mcp-Name", "five").send(&world).await, &world);
        mismatch(
            &Call::tool("vault", json!({"text": ""})).set("Mcp-Name", "five").token(&token).send(&world).await,
            &world,
        );
    }
    for _ in 0..5 {
        Call::tool("five", json!({})).token(&token).send(&world).await.ok();
    }
}

#[tokio::test]
async fn an_unprotected_header_is_no_way_around_the_limit_of_an_address() {
    let world = World::new(crate::lists::hello_only(), |builder| builder.address_rate_limit("3/m"));
    let from = |call: Call| call.from("203.0.113.9");
    // Discovery itself is never throttled hard.
    for _ in 0..10 {
        from(Call::modern("server/discover", json!({}))).send(&world).await.result();
    }
    // What only says that it is discovery spends the bucket like anything else.
    let mut seen = Vec::new();
    for _ in 0..10 {
        seen.push(
            from(Call::modern("tools/list", json!({})).set("Mcp-Method", "server/discover")).send(&world).await.status,
        );
    }
    assert!(seen.contains(&429), "{seen:?}");
}

#[tokio::test]
async fn a_header_that_an_old_revision_does_not_know_is_no_way_around_the_limit_of_an_address() {
    let world = World::new(crate::lists::hello_only(), |builder| builder.address_rate_limit("3/m"));
    let mut seen = Vec::new();
    for _ in 0..10 {
        let ping =
            Call::legacy(None, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).header("Mcp-Method", "server/discover");
        seen.push(ping.from("203.0.113.9").send(&world).await.status);
    }
    assert!(seen.contains(&429), "{seen:?}");
}

#[tokio::test]
async fn a_request_of_no_known_revision_spends_the_bucket_of_its_address() {
    let world = World::new(crate::lists::hello_only(), |builder| builder.address_rate_limit("3/m"));
    for version in ["2099-01-01", "\u{e9}"] {
        let from = format!("203.0.113.{}", version.len());
        let mut seen = Vec::new();
        for _ in 0..5 {
            let call = Call::tool("hello", json!({})).set("MCP-Protocol-Version", version);
            seen.push(call.from(&from).send(&world).await.status);
        }
        assert_eq!(seen, [400, 400, 400, 429, 429], "{version}");
    }
    world.ran(0);
}

#[tokio::test]
async fn messages_out_of_order_are_counted_for_who_sends_them() {
    let world = World::new(crate::lists::hello_only(), |builder| builder.default_rate_limit("3/m"));
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(Call::tool("hello", json!({})).set("Mcp-Name", "other").send(&world).await.status);
    }
    assert_eq!(seen, [400, 400, 400, 429, 429]);
    world.ran(0);
}
