//! Batches of 2025-03-26: each message is judged on its own, and none gets in on the back of another.

use serde_json::{Value, json};

use crate::{client::Call, world::World};

fn call(id: u32, tool: &str) -> String {
    let arguments = if tool == "vault" { r#","arguments":{"text":"x"}"# } else { "" };
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}"{arguments}}}}}"#)
}

fn batch(parts: &[String]) -> Call {
    Call::legacy(None, format!("[{}]", parts.join(",")))
}

fn codes(answer: &Value) -> Vec<Option<i64>> {
    answer.as_array().unwrap().iter().map(|part| part["error"]["code"].as_i64()).collect()
}

#[tokio::test]
async fn a_protected_call_hides_behind_no_other() {
    let world = World::open();
    let hello = |id| call(id, "hello");
    for parts in [
        vec![hello(1), call(2, "vault")],
        vec![call(1, "whoami"), hello(2)],
        vec![hello(1), hello(2), hello(3), call(4, "whoami")],
        vec!["7".to_owned(), call(1, "vault")],
        vec!["{}".to_owned(), hello(1), call(2, "vault"), "[]".to_owned()],
    ] {
        let answer = batch(&parts).send(&world).await;
        answer.unauthenticated(false);
        assert!(!answer.text().contains("hello"), "{answer:?}");
        let answer = batch(&parts).token("nonsense").send(&world).await;
        answer.unauthenticated(true);
    }
    world.ran(0);
}

#[tokio::test]
async fn a_batch_within_a_batch_is_no_message() {
    let world = World::fenced();
    let nested = format!("[{}]", call(1, "whoami"));
    let answer = batch(&[nested]).token(&world.plain("alice")).send(&world).await.json();
    assert_eq!(codes(&answer), [Some(-32600)]);
    world.ran(0);
}

#[tokio::test]
async fn other_denials_are_told_part_by_part() {
    let world = World::fenced();
    let parts = [
        call(1, "whoami"),
        call(2, "vault"),
        call(3, "nothing"),
        "7".to_owned(),
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":4,"result":{}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":5,"method":"nonsense"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":6,"method":"subscriptions/listen","params":{"notifications":{}}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":7,"method":"server/discover"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":8,"method":"ping"}"#.to_owned(),
    ];
    let answer = batch(&parts).token(&world.plain("alice")).send(&world).await;
    assert_eq!(answer.status, 200);
    let answer = answer.json();
    let expected = [None, Some(403), Some(-32602), Some(-32600), Some(-32601), Some(-32601), Some(-32601), None];
    assert_eq!(codes(&answer), expected, "{answer}");
    let ids: Vec<_> = answer.as_array().unwrap().iter().map(|part| part["id"].as_i64()).collect();
    assert_eq!(ids, [Some(1), Some(2), Some(3), None, Some(5), Some(6), Some(7), Some(8)]);
    assert_eq!(answer[1]["error"]["data"]["required"], json!(["vault:open"]));
    world.ran(1);
}

#[tokio::test]
async fn a_handshake_is_no_part_of_a_batch() {
    let world = World::open();
    let initialize =
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-03-26"}}"#.to_owned();
    let answer = batch(&[initialize, call(2, "hello")]).send(&world).await.json();
    assert_eq!(codes(&answer), [Some(-32600), None]);
}

#[tokio::test]
async fn a_batch_has_one_to_fifty_messages() {
    let world = World::open();
    let of = |length: u32| batch(&(0..length).map(|id| call(id, "hello")).collect::<Vec<_>>());
    Call::legacy(None, "[]").send(&world).await.error(400, -32600);
    Call::legacy(None, " \r\n\t[ ] ").send(&world).await.error(400, -32600);
    of(51).send(&world).await.error(400, -32600);
    world.ran(0);
    let answer = of(50).send(&world).await.json();
    assert_eq!(codes(&answer), vec![None; 50]);
    world.ran(50);
}

#[tokio::test]
async fn a_batch_of_nothing_to_answer_is_accepted() {
    let world = World::open();
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned();
    batch(&[notification.clone(), notification]).send(&world).await.accepted();
}

#[tokio::test]
async fn a_batch_that_breaks_off_runs_nothing() {
    let world = World::open();
    for body in [
        format!("[{}", call(1, "hello")),
        format!("[{},]", call(1, "hello")),
        format!("[{}] {{}}", call(1, "hello")),
        format!("[{}][{}]", call(1, "hello"), call(2, "hello")),
        format!("[{},{}", call(1, "hello"), &call(2, "hello")[..20]),
    ] {
        Call::legacy(None, body).send(&world).await.error(400, -32700);
    }
    world.ran(0);
}

#[tokio::test]
async fn only_the_oldest_revision_has_batches() {
    let world = World::open();
    let body = format!("[{}]", call(1, "hello"));
    for revision in ["2025-06-18", "2025-11-25"] {
        Call::legacy(Some(revision), body.clone()).send(&world).await.error(400, -32600);
    }
    Call::around("hello", body.clone()).send(&world).await.error(400, -32600);
    world.ran(0);
    Call::legacy(Some("2025-03-26"), body).send(&world).await;
    world.ran(1);
}

#[tokio::test]
async fn every_anonymous_part_is_charged() {
    let world = World::new(crate::lists::hello_only(), |builder| builder.default_rate_limit("20/m"));
    let parts: Vec<_> = (0..50).map(|id| call(id, "hello")).collect();
    let answer = batch(&parts).send(&world).await.json();
    let limited = codes(&answer).into_iter().filter(|code| *code == Some(429)).count();
    assert_eq!(limited, 30, "{answer}");
    world.ran(20);
}

#[tokio::test]
async fn a_batch_is_no_way_around_the_limit_of_an_address() {
    let world = World::new(crate::lists::hello_only(), |builder| builder.address_rate_limit("10/m"));
    let parts: Vec<_> = (0..50).map(|id| call(id, "hello")).collect();
    batch(&parts).from("203.0.113.9").send(&world).await;
    assert!(world.runs.count() <= 10, "{} ran", world.runs.count());
}
