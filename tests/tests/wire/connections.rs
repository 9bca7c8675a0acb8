//! Clients on a socket who are slow, loud, impatient or gone.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use mcp_runtime::{HttpSettings, State, tool, tools};
use serde_json::json;
use tokio::{
    io::AsyncReadExt,
    sync::{Notify, oneshot},
    time::timeout,
};

use crate::{
    client::Call,
    raw::{Live, soon},
    world::{World, hello, vault, whoami},
};

const SHORT: Duration = Duration::from_millis(100);

fn world(change: impl FnOnce(HttpSettings) -> HttpSettings) -> World {
    World::new(tools![hello, whoami, vault], |builder| builder.http(change))
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let world = world(|http| http);
    let live = Live::start(&world.server).await;
    let mut wire = live.connect().await;
    for _ in 0..3 {
        wire.send(&Call::tool("hello", json!({})).bytes()).await;
        wire.answer().await.ok();
        // A small body that nobody reads is swallowed.
        wire.send(&Call::tool("whoami", json!({})).bytes()).await;
        wire.answer().await.unauthenticated(false);
    }
    // Several at once, answered in order.
    let both = [Call::tool("hello", json!({})).bytes(), Call::tool("whoami", json!({})).bytes()].concat();
    wire.send(&both).await;
    wire.answer().await.ok();
    wire.answer().await.unauthenticated(false);
    world.ran(4);
}

#[tokio::test]
async fn a_denial_does_not_wait_for_the_body() {
    let world = world(|http| http);
    let live = Live::start(&world.server).await;
    let call = Call::tool("vault", json!({"text": "x"}));
    for length in [100, 60_000, 1_000_000, 100_000_000] {
        let mut wire = live.connect().await;
        wire.send(&call.head(length)).await;
        wire.answer().await.unauthenticated(false);
        let mut wire = live.connect().await;
        wire.send(&call.clone().token(&world.plain("mallory")).head(length)).await;
        wire.answer().await.error(403, 403);
        let mut wire = live.connect().await;
        wire.send(&call.clone().token("nonsense").head(length)).await;
        wire.answer().await.unauthenticated(true);
    }
    world.ran(0);
}

#[tokio::test]
async fn a_spent_quota_does_not_wait_for_the_body() {
    let world = World::fenced();
    let live = Live::start(&world.server).await;
    let call = Call::tool("five", json!({})).token(&world.full("alice"));
    let mut wire = live.connect().await;
    for _ in 0..5 {
        wire.send(&call.bytes()).await;
        wire.answer().await.ok();
    }
    wire.send(&call.head(1_000_000)).await;
    wire.answer().await.error(429, 429);
    world.ran(5);
}

#[tokio::test]
async fn a_client_that_sends_everything_first_reads_its_denial() {
    let world = world(|http| http);
    let live = Live::start(&world.server).await;
    for length in [1_000, 64 * 1024, 64 * 1024 + 1, 4 * 1024 * 1024] {
        let mut wire = live.connect().await;
        let call = Call::tool("vault", json!({"text": "x"})).with_body(vec![b' '; length]);
        assert!(wire.send(&call.bytes()).await, "{length}: the server hung up");
        wire.answer().await.unauthenticated(false);
    }
    world.ran(0);
}

#[tokio::test]
async fn a_client_that_waits_for_a_go_ahead_gets_its_denial_instead() {
    let world = world(|http| http);
    let live = Live::start(&world.server).await;
    let call = Call::tool("vault", json!({"text": "x"})).header("Expect", "100-continue");
    let mut wire = live.connect().await;
    wire.send(&call.head(1000)).await;
    let answer = wire.answer().await;
    answer.unauthenticated(false);
    assert_eq!(answer.header("connection"), "close");
    // And one that may call gets it.
    let mut wire = live.connect().await;
    let call = call.token(&world.full("alice"));
    wire.send(&call.head(call.body.len())).await;
    let end = wire.until(b"\r\n\r\n").await;
    assert!(wire.seen()[..end].starts_with("HTTP/1.1 100 Continue"));
    world.ran(0);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let world = world(|http| http.body_timeout(SHORT));
    let live = Live::start(&world.server).await;
    for call in [Call::tool("hello", json!({})), Call::legacy_tool("hello", json!({}))] {
        let mut wire = live.connect().await;
        wire.send(&call.head(call.body.len())).await;
        let answer = wire.answer().await;
        assert_eq!(answer.error(408, -32600).get("id"), None);
        assert_eq!(wire.closed().await, "");
    }
    world.ran(0);
}

#[tokio::test]
async fn a_body_that_comes_byte_by_byte_has_no_more_time() {
    let world = world(|http| http.body_timeout(SHORT));
    let live = Live::start(&world.server).await;
    let call = Call::tool("hello", json!({}));
    let mut wire = live.connect().await;
    wire.send(&call.head(call.body.len())).await;
    let mut chunk = [0; 12];
    for byte in &call.body {
        wire.send(&[*byte]).await;
        // The pace of the trickle; the body would take seconds.
        if let Ok(read) = timeout(Duration::from_millis(20), wire.stream.read_exact(&mut chunk)).await {
            read.unwrap();
            assert_eq!(&chunk, b"HTTP/1.1 408");
            world.ran(0);
            return;
        }
    }
    panic!("the whole trickle was waited for");
}

#[tokio::test]
async fn headers_that_do_not_come_are_not_waited_for() {
    let world = world(|http| http.header_timeout(3 * SHORT));
    let live = Live::start(&world.server).await;
    for start in ["", "POST", "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "] {
        let mut wire = live.connect().await;
        wire.send(start.as_bytes()).await;
        let said = wire.closed().await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    }
    // Also between two requests.
    let mut wire = live.connect().await;
    wire.send(&Call::tool("hello", json!({})).bytes()).await;
    wire.answer().await.ok();
    assert_eq!(wire.closed().await, "");
}

#[tokio::test]
async fn too_many_or_too_long_headers_are_refused() {
    let world = world(|http| http);
    let live = Live::start(&world.server).await;
    let call = || Call::tool("hello", json!({}));
    let many = (0..10_000).fold(call(), |call, number| call.header(&format!("X-{number}"), "x"));
    let some = (0..200).fold(call(), |call, number| call.header(&format!("X-{number}"), "x"));
    let twice = (0..10_000).fold(call(), |call, _| call.header("Mcp-Name", "hello"));
    for call in [many, some, twice, call().header("X", vec![b'x'; 1024 * 1024]), call().token(&"x".repeat(1024 * 1024))]
    {
        let mut wire = live.connect().await;
        wire.send(&call.bytes()).await;
        assert_eq!(wire.answer().await.status, 431);
    }
    let mut wire = live.connect().await;
    wire.send(&call().target(&format!("/mcp?{}", "x".repeat(100_000))).bytes()).await;
    assert!(matches!(wire.answer().await.status, 414 | 431));
    world.ran(0);
}

#[tokio::test]
async fn a_body_over_the_bound_is_refused_announced_or_not() {
    let world = world(|http| http.max_body_bytes(1000));
    let live = Live::start(&world.server).await;
    for call in [Call::tool("hello", json!({})), Call::legacy_tool("hello", json!({}))] {
        let mut wire = live.connect().await;
        wire.send(&call.head(1001)).await;
        wire.answer().await.error(413, -32600);
        // Chunked, without an announced length.
        let mut wire = live.connect().await;
        let head = String::from_utf8(call.head(0)).unwrap();
        wire.send(head.replace("Content-Length: 0", "Transfer-Encoding: chunked").as_bytes()).await;
        for _ in 0..20 {
            wire.send(format!("64\r\n{}\r\n", " ".repeat(100)).as_bytes()).await;
        }
        wire.answer().await.error(413, -32600);
        // A thousand bytes are not too many.
        let mut body = call.body.clone();
        body.resize(1000, b' ');
        let mut wire = live.connect().await;
        wire.send(&call.with_body(body).bytes()).await;
        wire.answer().await.ok();
    }
    world.ran(2);
}

#[tokio::test]
async fn a_request_that_could_be_cut_in_two_ways_is_refused() {
    let world = world(|http| http);
    let live = Live::start(&world.server).await;
    let body = String::from_utf8(Call::tool("hello", json!({})).body).unwrap();
    let head = String::from_utf8(Call::tool("hello", json!({})).head(body.len())).unwrap();
    let length = format!("Content-Length: {}", body.len());
    for lengths in [
        "Content-Length: 5\r\nContent-Length: 6".to_owned(),
        format!("{length}\r\nContent-Length: 5"),
        "Content-Length: +5".to_owned(),
        "Content-Length: -5".to_owned(),
        "Content-Length: 5, 6".to_owned(),
        "Content-Length: 99999999999999999999999".to_owned(),
        "Transfer-Encoding: xchunked".to_owned(),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity".to_owned(),
    ] {
        let mut wire = live.connect().await;
        wire.send(format!("{}{body}", head.replace(&length, &lengths)).as_bytes()).await;
        assert_eq!(wire.answer().await.status, 400, "{lengths}");
    }
    world.ran(0);
}

#[tokio::test]
async fn a_full_house_lets_the_next_one_wait() {
    let world = world(|http| http.max_connections(2));
    let live = Live::start(&world.server).await;
    let hello = Call::tool("hello", json!({})).bytes();
    let (mut one, mut two, mut three) = (live.connect().await, live.connect().await, live.connect().await);
    for wire in [&mut one, &mut two] {
        wire.send(&hello).await;
        wire.answer().await.ok();
    }
    three.send(&hello).await;
    assert!(timeout(SHORT, three.answer()).await.is_err(), "a third connection was answered");
    world.ran(2);
    drop(one);
    three.answer().await.ok();
    world.ran(3);
    drop(two);
}

/// What a call tells the test, and waits for.
#[derive(Clone, Default)]
pub(crate) struct Scene {
    pub(crate) entered: Arc<Notify>,
    pub(crate) go_on: Arc<Notify>,
    pub(crate) ended: Arc<Mutex<Option<oneshot::Sender<bool>>>>,
}

/// Tells whether the body came to its end when it goes.
struct Guard {
    finished: bool,
    scene: Scene,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(ended) = self.scene.ended.lock().unwrap().take() {
            // The test may have ended before.
            let _ = ended.send(self.finished);
        }
    }
}

/// Waits until it may go on.
#[tool(public)]
pub(crate) async fn waits(State(scene): State<Scene>) -> &'static str {
    let mut guard = Guard { finished: false, scene };
    guard.scene.entered.notify_one();
    guard.scene.go_on.notified().await;
    guard.finished = true;
    "done"
}

impl Scene {
    pub(crate) fn world(&self) -> World {
        World::new(tools![waits, hello], |builder| builder.state(self.clone()))
    }

    /// Whether the next body that ends came to its end.
    pub(crate) fn end(&self) -> oneshot::Receiver<bool> {
        let (ended, end) = oneshot::channel();
        *self.ended.lock().unwrap() = Some(ended);
        end
    }
}

#[tokio::test]
async fn a_client_that_goes_away_has_cancelled_its_stateless_call() {
    let scene = Scene::default();
    let world = scene.world();
    let live = Live::start(&world.server).await;
    let end = scene.end();
    let mut wire = live.connect().await;
    wire.send(&Call::tool("waits", json!({})).bytes()).await;
    soon(scene.entered.notified()).await;
    drop(wire);
    assert!(!soon(end).await.unwrap(), "the body was not stopped");
}

#[tokio::test]
async fn a_client_that_goes_away_has_not_cancelled_its_older_call() {
    let scene = Scene::default();
    let world = scene.world();
    let live = Live::start(&world.server).await;
    let mut end = scene.end();
    let mut wire = live.connect().await;
    wire.send(&Call::legacy_tool("waits", json!({})).bytes()).await;
    soon(scene.entered.notified()).await;
    drop(wire);
    // Whoever notices the closed connection notices it while this is answered.
    for _ in 0..20 {
        let mut other = live.connect().await;
        other.send(&Call::tool("hello", json!({})).bytes()).await;
        other.answer().await.ok();
    }
    assert!(end.try_recv().is_err(), "the body was stopped");
    scene.go_on.notify_one();
    assert!(soon(end).await.unwrap());
}

#[tokio::test]
async fn a_tool_that_panics_costs_neither_the_server_nor_the_connection() {
    let world = World::new(tools![hello, broken], |builder| builder);
    let live = Live::start(&world.server).await;
    let mut wire = live.connect().await;
    for call in [Call::tool("broken", json!({})), Call::legacy_tool("broken", json!({}))] {
        wire.send(&call.bytes()).await;
        assert!(wire.answer().await.failed().starts_with("internal error"));
        wire.send(&Call::tool("hello", json!({})).bytes()).await;
        wire.answer().await.ok();
    }
}

/// Panics.
#[tool(public)]
async fn broken() {
    panic!("on purpose");
}
