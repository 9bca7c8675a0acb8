//! Arguments that clients mirror in headers (MCP 2026-07-28, "Custom headers from tool parameters"): compared with the
//! body, and good enough to refuse a call before its body is read.

use mcp_runtime::{State, Visibility, tool, tools};
use serde_json::{Value, json};

use crate::{
    client::Call,
    raw::Live,
    world::{Runs, World},
};

/// Deploys to a region.
#[tool(scopes = "deploy:{region}")]
async fn deploy(
    State(runs): State<Runs>,
    #[arg(header = "Region")] region: String,
    #[arg(header = "Count")] count: Option<u32>,
    #[arg(header = "Dry-Run")] dry: Option<bool>,
) -> String {
    runs.add();
    format!("{region} {count:?} {dry:?}")
}

fn call(arguments: Value, headers: &[(&str, &str)]) -> Call {
    let call = Call::tool("deploy", arguments);
    headers.iter().fold(call, |call, (name, value)| call.header(&format!("Mcp-Param-{name}"), *value))
}

fn world() -> World {
    World::new(tools![deploy], |builder| builder)
}

#[tokio::test]
async fn headers_that_agree_with_the_body_pass() {
    let world = world();
    let token = world.grant("alice", "deploy:eu deploy:0x=").build();
    for (runs, (arguments, headers)) in [
        (json!({"region": "eu"}), &[("Region", "eu")][..]),
        (json!({"region": "eu"}), &[("rEGION", "eu"), ("Unknown", "x")]),
        (json!({"region": "eu"}), &[("Region", "=?base64?ZXU=?=")]),
        (json!({"region": "eu", "count": 42}), &[("Region", "eu"), ("Count", "42")]),
        (json!({"region": "eu", "count": 42}), &[("Region", "eu"), ("Count", "42.0")]),
        (json!({"region": "eu", "count": null}), &[("Region", "eu")]),
        (json!({"region": "eu", "dry": true}), &[("Region", "eu"), ("Dry-Run", "true")]),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = call(arguments.clone(), headers).token(&token).send(&world).await;
        assert_eq!(answer.status, 200, "{arguments} {headers:?} {}", answer.text());
        assert!(answer.json()["result"]["isError"].is_null(), "{arguments} {headers:?}");
        world.ran(runs + 1);
    }
}

#[tokio::test]
async fn headers_that_say_something_else_are_refused() {
    let world = world();
    let token = world.grant("alice", "deploy:eu deploy:us deploy:EU").build();
    for (arguments, headers) in [
        (json!({"region": "eu"}), &[][..]),
        (json!({"region": "eu"}), &[("Region", "us")]),
        (json!({"region": "eu"}), &[("Region", "EU")]),
        (json!({"region": "eu"}), &[("Region", "")]),
        (json!({"region": "eu"}), &[("Region", "eu"), ("Region", "eu")]),
        (json!({"region": "eu"}), &[("Region", "=?base64?!?=")]),
        (json!({"region": "eu"}), &[("Region", "eu"), ("Count", "1")]),
        (json!({"region": "eu", "count": null}), &[("Region", "eu"), ("Count", "null")]),
        (json!({"region": "eu", "count": 42}), &[("Region", "eu")]),
        (json!({"region": "eu", "count": 42}), &[("Region", "eu"), ("Count", "43")]),
        (json!({"region": "eu", "count": 42}), &[("Region", "eu"), ("Count", "42.5")]),
        (json!({"region": "eu", "count": 42}), &[("Region", "eu"), ("Count", "4e1")]),
        (json!({"region": "eu", "dry": true}), &[("Region", "eu"), ("Dry-Run", "True")]),
        (json!({"region": "eu", "dry": true}), &[("Region", "eu"), ("Dry-Run", "1")]),
    ] {
        let answer = call(arguments.clone(), headers).token(&token).send(&world).await;
        assert_eq!(answer.status, 400, "{arguments} {headers:?} {}", answer.text());
        assert_eq!(answer.json()["error"]["code"], -32020, "{arguments} {headers:?}");
        world.ran(0);
    }
}

/// The older revisions have no such headers, and nothing here would compare them: what may mislead others is refused.
#[tokio::test]
async fn older_revisions_have_no_such_headers() {
    let world = world();
    let token = world.grant("alice", "deploy:eu").build();
    let call = || Call::legacy_tool("deploy", json!({"region": "eu"})).token(&token);
    for region in ["us", "eu"] {
        call().header("Mcp-Param-Region", region).send(&world).await.error(400, -32020);
    }
    world.ran(0);
    call().send(&world).await.ok();
    world.ran(1);
}

/// A mismatch never runs, also where quota and slots come and go between the two looks at them.
#[tokio::test]
async fn a_mismatch_does_not_run_when_the_quota_is_spent() {
    let world = World::new(tools![once], |builder| builder);
    let call = |region: &str| {
        let call = Call::tool("once", json!({"region": "us"})).header("Mcp-Param-Region", region);
        call.token(&world.plain("alice"))
    };
    call("us").send(&world).await.ok();
    assert_eq!(call("eu").send(&world).await.status, 429);
    world.clock.advance(std::time::Duration::from_secs(7200));
    call("eu").send(&world).await.error(400, -32020);
    world.ran(1);
}

/// Once an hour.
#[tool(rate_limit = "1/h")]
async fn once(State(runs): State<Runs>, #[arg(header = "Region")] region: String) -> String {
    runs.add();
    region
}

#[tokio::test]
async fn a_header_decides_about_the_scope_before_the_body() {
    let world = world();
    let token = world.grant("alice", "deploy:eu").build();
    let live = Live::start(&world.server).await;
    // A stranger is told what this very call needs as well.
    for (region, token, status) in
        [("us", Some(&token), 403), ("=?base64?dXM=?=", Some(&token), 403), ("us", None, 401)]
    {
        let call = call(json!({}), &[("Region", region)]);
        let call = if let Some(token) = token { call.token(token) } else { call };
        let mut wire = live.connect().await;
        wire.send(&call.head(1_000)).await;
        let answer = wire.answer().await;
        assert_eq!(answer.status, status, "{region}");
        assert!(answer.header("www-authenticate").contains("scope=\"deploy:us\""), "{region}");
    }
    world.ran(0);
}

/// A value that is no part of a scope, or that may be written otherwise in the body, is judged with the body.
#[tokio::test]
async fn what_a_header_cannot_decide_waits_for_the_body() {
    let world = world();
    let token = world.grant("alice", "deploy:eu deploy:42").build();
    for value in ["e:u", "", "eu eu", "=?base64?ZTp1?="] {
        let text = if value.starts_with('=') { "e:u" } else { value };
        let answer = call(json!({"region": text}), &[("Region", value)]).token(&token).send(&world).await;
        assert_eq!(answer.status, 200, "{value:?} {}", answer.text());
        let result = &answer.json()["result"];
        assert_eq!(result["isError"], true, "{value:?}");
        assert!(result["content"][0]["text"].as_str().unwrap().starts_with("invalid argument `region`"), "{value:?}");
    }
    world.ran(0);
}

/// A hidden tool does not give itself away by comparing headers.
#[tokio::test]
async fn a_hidden_tool_compares_nothing() {
    let world = World::new(tools![deploy], |builder| builder.visibility(Visibility::Hidden));
    let token = world.plain("mallory");
    let unknown = Call::tool("nothing", json!({"region": "eu"})).header("Mcp-Param-Region", "us").token(&token);
    let hidden = call(json!({"region": "eu"}), &[("Region", "us")]).token(&token);
    let (unknown, hidden) = (unknown.send(&world).await, hidden.send(&world).await);
    assert_eq!((unknown.status, unknown.text()), (hidden.status, hidden.text()));
    world.ran(0);
}
