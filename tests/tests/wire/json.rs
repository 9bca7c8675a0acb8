//! Bodies that two readers could read differently, or that nobody should read at all.

use serde_json::{Value, json};

use crate::{
    client::{Call, MODERN, meta},
    world::World,
};

/// The same message with `from` replaced once, checked to be in there.
fn spoiled(from: &str, to: &str) -> String {
    let good = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"vault","arguments":{{"text":"x"}},"_meta":{}}}}}"#,
        meta()
    );
    assert!(good.contains(from), "{from}");
    good.replacen(from, to, 1)
}

async fn statuses(world: &World, body: &str) -> [u16; 3] {
    let token = world.full("alice");
    let legacy = body.replace(&format!(r#","_meta":{}"#, meta()), "");
    let modern = Call::around("vault", body).token(&token).send(world).await;
    let old = Call::legacy(Some("2025-11-25"), legacy.clone()).token(&token).send(world).await;
    let batch = Call::legacy(Some("2025-03-26"), format!("[{legacy}]")).token(&token).send(world).await;
    [modern, old, batch].map(|answer| {
        let json = answer.json();
        let one = json.get(0).unwrap_or(&json);
        let refused = one.get("error").is_some() || one["result"]["isError"] == true;
        assert!(refused, "{body} was answered with {json}");
        answer.status
    })
}

#[tokio::test]
async fn a_key_that_stands_twice_is_refused_wherever_it_is_read() {
    let world = World::fenced();
    for (from, to) in [
        (r#""jsonrpc":"2.0""#, r#""jsonrpc":"2.0","jsonrpc":"2.0""#),
        (r#""id":1"#, r#""id":1,"id":1"#),
        (r#""id":1"#, r#""id":1,"id":2"#),
        (r#""method":"tools/call""#, r#""method":"tools/list","method":"tools/call""#),
        (r#""method":"tools/call""#, r#""method":"tools/call","method":"tools/call""#),
        (r#""method":"tools/call""#, r#""method":"tools/call","m\u0065thod":"tools/call""#),
        (r#""params":{"#, r#""params":{"name":"whoami"},"params":{"#),
        (r#""params":{"#, r#""params":null,"params":{"#),
        (r#""name":"vault""#, r#""name":"whoami","name":"vault""#),
        (r#""name":"vault""#, r#""name":"vault","n\u0061me":"vault""#),
        (r#""arguments":{"text":"x"}"#, r#""arguments":{"text":"x"},"arguments":{"text":"y"}"#),
        (r#""arguments":{"text":"x"}"#, r#""arguments":null,"arguments":{"text":"y"}"#),
        (r#""text":"x""#, r#""text":"x","text":"y""#),
        (r#""text":"x""#, r#""text":"x","te\u0078t":"x""#),
        (r#""text":"x""#, r#""count":1,"text":"x","count":null"#),
    ] {
        statuses(&world, &spoiled(from, to)).await;
        world.ran(0);
    }
    // That the message without the doubled key is taken, in all three ways.
    for call in [Call::around("vault", spoiled("1", "1")), Call::legacy_tool("vault", json!({"text": "x"}))] {
        call.token(&world.full("alice")).send(&world).await.ok();
    }
    world.ran(2);
}

#[tokio::test]
async fn metadata_that_stands_twice_is_refused() {
    let world = World::fenced();
    let version = format!(r#""io.modelcontextprotocol/protocolVersion":"{MODERN}""#);
    let capabilities = r#""io.modelcontextprotocol/clientCapabilities":{}"#;
    for (from, to) in [
        (version.clone(), format!("{version},{version}")),
        (version.clone(), format!(r#""io.modelcontextprotocol/protocolVersion":"2025-11-25",{version}"#)),
        (capabilities.to_owned(), format!("{capabilities},{capabilities}")),
        (r#""_meta":{"#.to_owned(), format!(r#""_meta":{},"_meta":{{"#, meta())),
        (r#""_meta":{"#.to_owned(), r#""_meta":null,"_meta":{"#.to_owned()),
    ] {
        let answer = Call::around("vault", spoiled(&from, &to)).token(&world.full("alice")).send(&world).await;
        assert!(answer.json()["error"]["code"].is_i64(), "{to}: {answer:?}");
        world.ran(0);
    }
}

#[tokio::test]
async fn positional_parameters_are_refused() {
    let world = World::fenced();
    let params = format!(r#"{{"name":"vault","arguments":{{"text":"x"}},"_meta":{}}}"#, meta());
    for (from, to) in [
        (r#"{"text":"x"}"#, r#"["x"]"#),
        (r#"{"text":"x"}"#, r#"["x",1]"#),
        (r#"{"text":"x"}"#, r#""x""#),
        (r#"{"text":"x"}"#, "[]"),
        (r#"{"text":"x"}"#, "7"),
        (params.as_str(), r#"["vault",{"text":"x"}]"#),
        (params.as_str(), r#""vault""#),
        (params.as_str(), "[]"),
    ] {
        statuses(&world, &spoiled(from, to)).await;
        world.ran(0);
    }
}

#[tokio::test]
async fn positional_parameters_of_other_methods_are_refused() {
    let world = World::open();
    let token = world.full("alice");
    for method in ["tools/list", "initialize"] {
        for params in [r#"["2025-11-25"]"#, "[]", "7", "\"x\""] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
            let answer = Call::legacy(Some("2025-11-25"), body).token(&token).send(&world).await;
            answer.error(200, -32602);
        }
    }
    for params in [r#"[]"#, r#""x""#] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{params}}}"#);
        let answer = Call::modern("tools/list", json!({})).with_body(body).token(&token).send(&world).await;
        assert!(answer.json()["error"]["code"].is_i64(), "{answer:?}");
    }
}

#[tokio::test]
async fn a_positional_subscription_filter_is_refused() {
    let world = World::open();
    let params = json!({"notifications": [true, true, true, []]});
    let answer = Call::modern("subscriptions/listen", params).open(&world.router).await;
    assert_eq!(answer.headers()["content-type"], "application/json", "a stream was opened");
}

#[tokio::test]
async fn arguments_are_what_the_schema_says() {
    let world = World::fenced();
    for arguments in [
        json!({}),
        json!({"text": 7}),
        json!({"text": null}),
        json!({"text": "x", "count": -1}),
        json!({"text": "x", "count": 1.5}),
        json!({"text": "x", "count": "1"}),
        json!({"text": "x", "count": 4_294_967_296_u64}),
        json!({"text": "x", "more": 1}),
        json!({"Text": "x"}),
        json!({"text": ["x"]}),
        json!({"text": {"text": "x"}}),
        Value::Null,
    ] {
        let token = world.full("alice");
        for call in [Call::tool("vault", arguments.clone()), Call::legacy_tool("vault", arguments.clone())] {
            let text = call.token(&token).send(&world).await.failed();
            assert!(text.starts_with("invalid argument"), "{text}");
        }
    }
    world.ran(0);
}

#[tokio::test]
async fn what_is_wrong_with_arguments_is_not_told_to_those_who_may_not_call() {
    let world = World::fenced();
    for call in [Call::tool("vault", json!({"nonsense": 1})), Call::legacy_tool("vault", json!({"nonsense": 1}))] {
        let denied = call.clone().token(&world.plain("mallory")).send(&world).await;
        assert!(!denied.error(403, 403).to_string().contains("text"), "{denied:?}");
        let denied = call.send(&world).await;
        denied.unauthenticated(false);
        assert!(!denied.text().contains("text"), "{denied:?}");
    }
    world.ran(0);
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let world = World::fenced();
    let token = world.full("alice");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (body, code) in [
        ("", -32700),
        ("{", -32700),
        ("nonsense", -32700),
        ("\u{feff}{}", -32700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"} {}"#, -32700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call",}"#, -32700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#, -32700),
        (r#"{'jsonrpc':'2.0'}"#, -32700),
        ("null", -32600),
        ("7", -32600),
        ("\"x\"", -32600),
        ("{}", -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"tools/call"}"#, -32600),
        (r#"{"jsonrpc":2.0,"id":1,"method":"tools/call"}"#, -32600),
        (r#"{"id":1,"method":"tools/call"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32600),
    ] {
        for call in [Call::around("vault", body), Call::legacy(Some("2025-11-25"), body)] {
            call.token(&token).send(&world).await.error(400, code);
        }
    }
    for call in [Call::around("vault", deep.clone()), Call::legacy(Some("2025-11-25"), deep)] {
        let answer = call.token(&token).send(&world).await;
        assert_eq!(answer.status, 400, "{answer:?}");
    }
    world.ran(0);
}

#[tokio::test]
async fn a_body_that_is_not_utf_8_is_refused() {
    let world = World::fenced();
    let body = [spoiled("x", "").into_bytes(), vec![0xc3]].concat();
    let inside = spoiled("\"x\"", "\"@\"").into_bytes();
    let inside: Vec<u8> = inside.into_iter().map(|byte| if byte == b'@' { 0xff } else { byte }).collect();
    for body in [body, inside, vec![0xff, 0xfe], b"\0".to_vec()] {
        for call in [Call::around("vault", body.clone()), Call::legacy(None, body)] {
            call.token(&world.full("alice")).send(&world).await.error(400, -32700);
        }
    }
    world.ran(0);
}

#[tokio::test]
async fn deep_arguments_neither_run_nor_crash() {
    let world = World::fenced();
    for depth in [100, 1_000, 100_000] {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            for key in ["text", "more"] {
                let body = spoiled(r#""text":"x""#, &format!(r#""{key}":{deep}"#));
                let answer = Call::around("vault", body).token(&world.full("alice")).send(&world).await;
                answer.failed();
            }
            world.ran(0);
            let body = spoiled(r#""params":{"#, &format!(r#""more":{deep},"method":"x","params":{{"#));
            let answer = Call::around("vault", body).token(&world.full("alice")).send(&world).await;
            assert!(matches!(answer.status, 200 | 400), "{answer:?}");
        }
    }
}
