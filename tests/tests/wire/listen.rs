//! `subscriptions/listen`: what is said first and last, when it ends, and how many there may be.

use std::time::Duration;

use axum::body::Body;
use http::Response;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::{
    client::{Answer, Call},
    world::World,
};

fn call() -> Call {
    Call::modern("subscriptions/listen", json!({"notifications": {"toolsListChanged": true}}))
}

/// The next message, comments left out; `None` at the end.
async fn next(stream: &mut Response<Body>) -> Option<Value> {
    loop {
        let frame = stream.body_mut().frame().await?.unwrap().into_data().unwrap();
        let text = std::str::from_utf8(&frame).unwrap();
        assert!(text.ends_with("\n\n"), "{text:?}");
        assert!(!text.contains("id:"), "an event id would invite clients to resume: {text:?}");
        if let Some(data) = text.strip_prefix("data: ") {
            return Some(serde_json::from_str(data).unwrap());
        }
        assert_eq!(text, ":\n\n");
    }
}

async fn whole(stream: Response<Body>) -> Answer {
    let (parts, body) = stream.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

#[track_caller]
fn subscription(message: &Value, id: &Value) {
    let meta = message.get("params").unwrap_or(&message["result"]);
    assert_eq!(&meta["_meta"]["io.modelcontextprotocol/subscriptionId"], id, "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_begins_with_what_it_will_tell_and_ends_with_the_token() {
    let world = World::fenced();
    let token = world.factory.token("alice").expires_in(Duration::from_secs(100)).build();
    for id in [json!(7), json!("seven"), json!(0)] {
        let body = String::from_utf8(call().body).unwrap().replace(r#""id":1"#, &format!(r#""id":{id}"#));
        let before = tokio::time::Instant::now();
        let mut stream = call().with_body(body).token(&token).open(&world.router).await;
        assert_eq!(stream.status(), 200);
        assert_eq!(stream.headers()["content-type"], "text/event-stream");
        assert_eq!(stream.headers()["x-accel-buffering"], "no");
        let first = next(&mut stream).await.unwrap();
        assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
        assert_eq!(first.get("id"), None);
        assert_eq!(first["params"]["notifications"], json!({}));
        subscription(&first, &id);
        let last = next(&mut stream).await.unwrap();
        assert_eq!(before.elapsed().as_secs(), 100);
        assert_eq!((&last["id"], &last["result"]["resultType"]), (&id, &json!("complete")));
        subscription(&last, &id);
        assert_eq!(next(&mut stream).await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_kept_alive_and_ends_within_the_hour() {
    let world = World::open();
    let before = tokio::time::Instant::now();
    let answer = whole(call().open(&world.router).await).await;
    assert_eq!(before.elapsed().as_secs(), 3600);
    let comments = answer.text().split("\n\n").filter(|event| *event == ":").count();
    assert!(comments > 200, "{comments}");
}

#[tokio::test]
async fn who_may_not_ask_gets_no_stream() {
    let world = World::fenced();
    whole(call().open(&world.router).await).await.unauthenticated(false);
    whole(call().token("nonsense").open(&world.router).await).await.unauthenticated(true);
    let token = world.plain("alice");
    let without = Call::modern("subscriptions/listen", json!({})).token(&token);
    whole(without.open(&world.router).await).await.error(200, -32602);
    let other = call().set("Mcp-Method", "tools/list").token(&token);
    whole(other.open(&world.router).await).await.error(400, -32020);
}

#[tokio::test]
async fn one_caller_holds_a_few_streams_and_gives_them_back() {
    let world = World::fenced();
    let (alice, bob) = (world.plain("alice"), world.plain("bob"));
    let mut streams = Vec::new();
    for _ in 0..16 {
        let stream = call().token(&alice).open(&world.router).await;
        assert_eq!(stream.status(), 200);
        streams.push(stream);
    }
    let full = whole(call().token(&alice).open(&world.router).await).await;
    let error = full.error(429, 429);
    assert_eq!((&error["id"], &error["error"]["data"]["reason"]), (&json!(1), &json!("rate_limited")));
    assert_eq!((full.header("retry-after"), &error["error"]["data"]["retryAfterMs"]), ("15", &json!(15_000)));
    // Nothing was counted over time, so there is nothing to say about a rate.
    full.has_no("ratelimit");
    assert_eq!(call().token(&bob).open(&world.router).await.status(), 200);
    streams.pop();
    let stream = call().token(&alice).open(&world.router).await;
    assert_eq!(stream.status(), 200);
    whole(call().token(&alice).open(&world.router).await).await.error(429, 429);
}

#[tokio::test]
async fn all_callers_together_hold_a_bounded_number_of_streams() {
    let world = World::fenced();
    let mut streams = Vec::new();
    for user in 0..128 {
        let token = world.plain(&format!("user-{user}"));
        for _ in 0..16 {
            let stream = call().token(&token).open(&world.router).await;
            assert_eq!(stream.status(), 200);
            streams.push(stream);
        }
    }
    let token = world.plain("one more");
    whole(call().token(&token).open(&world.router).await).await.error(429, 429);
    streams.clear();
    assert_eq!(call().token(&token).open(&world.router).await.status(), 200);
}
