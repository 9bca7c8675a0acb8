//! Quotas on the wire: whom they stop, when they let go, and who is never charged.

use std::time::Duration;

use serde_json::json;

use crate::{
    client::{Answer, Call},
    world::World,
};

/// A window is cut into 16 slots and the current one: capacity returns after 17/16 of the window.
const WAIT: u64 = 64;

async fn five(world: &World, token: &str) -> Answer {
    Call::tool("five", json!({})).token(token).send(world).await
}

#[track_caller]
fn limited(answer: &Answer, wait: u64) {
    let json = answer.error(429, 429);
    assert_eq!(json["error"]["data"]["reason"], "rate_limited");
    assert_eq!(json["error"]["data"]["limit"], "5/m");
    let millis = json["error"]["data"]["retryAfterMs"].as_u64().unwrap();
    assert_eq!(millis.div_ceil(1000), wait);
    assert_eq!(answer.header("retry-after"), wait.to_string());
    assert_eq!(answer.header("ratelimit"), format!("\"5/m\";r=0;t={wait}"));
    assert_eq!(answer.header("ratelimit-policy"), "\"5/m\";q=5;w=60");
    answer.has_no("www-authenticate");
}

#[tokio::test]
async fn the_sixth_call_of_a_minute_waits_to_the_second() {
    let world = World::fenced();
    let token = world.full("alice");
    for left in (0..5).rev() {
        let answer = five(&world, &token).await;
        answer.ok();
        assert_eq!(answer.header("ratelimit"), format!("\"5/m\";r={left};t={WAIT}"));
    }
    limited(&five(&world, &token).await, WAIT);
    world.clock.advance(Duration::from_secs(WAIT - 1));
    limited(&five(&world, &token).await, 1);
    world.clock.advance(Duration::from_millis(999));
    // 63.999 s: the window of 60 s and a sixteenth have passed at 63.75 s.
    five(&world, &token).await.ok();
    world.ran(6);
}

#[tokio::test]
async fn no_minute_holds_six() {
    let world = World::fenced();
    let mut admitted: Vec<u64> = Vec::new();
    for step in 0..400 {
        let token = world.full("alice");
        if five(&world, &token).await.status == 200 {
            admitted.push(world.clock.millis());
        }
        world.clock.advance(Duration::from_millis(500 + (step * 7919) % 3000));
    }
    assert!(admitted.len() > 30, "{}", admitted.len());
    let tight = admitted.windows(6).find(|six| six[5] - six[0] < 60_000);
    assert!(tight.is_none(), "{tight:?}");
    world.ran(admitted.len());
}

#[tokio::test]
async fn waiting_as_long_as_told_is_enough_wherever_in_the_minute() {
    for offset in [0, 1, 999, 1_000, 3_749, 3_750, 7_123, 59_999] {
        let world = World::fenced();
        world.clock.advance(Duration::from_millis(offset));
        let token = world.full("alice");
        for _ in 0..5 {
            five(&world, &token).await.ok();
            world.clock.advance(Duration::from_millis(137));
        }
        let wait: u64 = five(&world, &token).await.header("retry-after").parse().unwrap();
        world.clock.advance(Duration::from_secs(wait - 1));
        five(&world, &token).await.error(429, 429);
        world.clock.advance(Duration::from_secs(1));
        five(&world, &token).await.ok();
    }
}

#[tokio::test]
async fn one_caller_spends_nothing_of_another() {
    let world = World::fenced();
    let alice = world.full("alice");
    for _ in 0..5 {
        five(&world, &alice).await.ok();
    }
    limited(&five(&world, &alice).await, WAIT);
    for other in ["bob", "Alice", "alice ", "alic"] {
        five(&world, &world.full(other)).await.ok();
    }
    // A new token is not a new caller, nor is another client.
    limited(&five(&world, &world.grant("alice", "vault:open more").client("second").build()).await, WAIT);
    // Other tools have their own count.
    Call::tool("vault", json!({"text": "x"})).token(&alice).send(&world).await.ok();
    world.ran(10);
}

#[tokio::test]
async fn all_eras_and_batches_spend_the_same_quota() {
    let world = World::fenced();
    let token = world.full("alice");
    let part = |id: u32| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"five"}}}}"#);
    five(&world, &token).await.ok();
    Call::legacy_tool("five", json!({})).token(&token).send(&world).await.ok();
    Call::legacy(None, part(1)).token(&token).send(&world).await.ok();
    let batch = format!("[{}]", (1..=4).map(part).collect::<Vec<_>>().join(","));
    let answer = Call::legacy(None, batch).token(&token).send(&world).await.json();
    let codes: Vec<_> = answer.as_array().unwrap().iter().map(|part| part["error"]["code"].as_i64()).collect();
    assert_eq!(codes, [None, None, Some(429), Some(429)], "{answer}");
    limited(&Call::legacy_tool("five", json!({})).token(&token).send(&world).await, WAIT);
    world.ran(5);
}

#[tokio::test]
async fn what_never_runs_is_charged_to_nobodys_tool() {
    let world = World::fenced();
    let token = world.full("alice");
    let poor = world.plain("alice");
    let call = || Call::tool("five", json!({}));
    for _ in 0..10 {
        call().send(&world).await.unauthenticated(false);
        call().token("nonsense").send(&world).await.unauthenticated(true);
        call().token(&poor).send(&world).await.error(403, 403);
        call().set("Mcp-Name", "whoami").token(&token).send(&world).await.error(400, -32020);
        call().set("MCP-Protocol-Version", "2027-01-01").token(&token).send(&world).await.error(400, -32022);
        Call::tool("five", json!({"text": 7})).token(&token).send(&world).await.failed();
        Call::tool("five", json!({"more": 7})).token(&token).send(&world).await.failed();
        Call::legacy_tool("five", json!({"more": 7})).token(&token).send(&world).await.failed();
        Call::legacy_tool("five", json!({})).token(&poor).send(&world).await.error(403, 403);
        Call::around("five", "{").token(&token).send(&world).await.error(400, -32700);
        let notification = r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"five"}}"#;
        Call::legacy(None, notification).token(&token).send(&world).await.accepted();
        call().with_method("GET").token(&token).send(&world).await;
    }
    world.ran(0);
    for _ in 0..5 {
        five(&world, &token).await.ok();
    }
    limited(&five(&world, &token).await, WAIT);
}

#[tokio::test]
async fn a_call_over_the_limit_does_not_lengthen_the_wait() {
    let world = World::fenced();
    let token = world.full("alice");
    for _ in 0..5 {
        five(&world, &token).await.ok();
    }
    for _ in 0..50 {
        five(&world, &token).await.error(429, 429);
    }
    world.clock.advance(Duration::from_secs(WAIT));
    five(&world, &token).await.ok();
    world.ran(6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_at_once_are_still_five() {
    let world = std::sync::Arc::new(World::fenced());
    let token = world.full("alice");
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let (world, token) = (world.clone(), token.clone());
            tokio::spawn(async move { five(&world, &token).await.status })
        })
        .collect();
    let mut statuses = Vec::new();
    for call in calls {
        statuses.push(call.await.unwrap());
    }
    assert_eq!(statuses.iter().filter(|&&status| status == 200).count(), 5);
    assert_eq!(statuses.iter().filter(|&&status| status == 429).count(), 95);
    world.ran(5);
}
