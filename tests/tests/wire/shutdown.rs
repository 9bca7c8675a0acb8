//! The end of a server: calls that run are finished, nothing new begins, streams say goodbye.

use std::time::Duration;

use mcp_runtime::tools;
use serde_json::json;
use tokio::net::TcpStream;

use crate::{
    client::Call,
    connections::{Scene, waits},
    raw::{Live, soon},
    world::World,
};

#[tokio::test]
async fn a_running_call_is_finished() {
    for call in [Call::tool("waits", json!({})), Call::legacy_tool("waits", json!({}))] {
        let scene = Scene::default();
        let world = scene.world();
        let mut live = Live::start(&world.server).await;
        let mut idle = live.connect().await;
        idle.send(&Call::tool("hello", json!({})).bytes()).await;
        idle.answer().await.ok();
        let mut wire = live.connect().await;
        wire.send(&call.bytes()).await;
        soon(scene.entered.notified()).await;
        live.stop();
        // The idle connection is closed, and then there is nobody to connect to.
        assert_eq!(idle.closed().await, "");
        assert!(TcpStream::connect(live.address).await.is_err());
        scene.go_on.notify_one();
        assert_eq!(wire.answer().await.ok(), "done");
        assert_eq!(wire.closed().await, "");
        live.stopped().await;
    }
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_not_waited_for() {
    let scene = Scene::default();
    let world = World::new(tools![waits], |builder| {
        builder.state(scene.clone()).http(|http| http.shutdown_timeout(Duration::from_millis(50)))
    });
    let mut live = Live::start(&world.server).await;
    let mut wire = live.connect().await;
    wire.send(&Call::tool("waits", json!({})).bytes()).await;
    soon(scene.entered.notified()).await;
    live.stop();
    live.stopped().await;
}

#[tokio::test]
async fn an_open_stream_ends_with_a_result() {
    let world = World::open();
    let mut live = Live::start(&world.server).await;
    let mut wire = live.connect().await;
    wire.send(&Call::modern("subscriptions/listen", json!({"notifications": {}})).bytes()).await;
    wire.until(b"notifications/subscriptions/acknowledged").await;
    live.stop();
    let said = wire.closed().await;
    let last = said.rsplit("data: ").next().unwrap();
    assert!(last.contains(r#""resultType":"complete""#), "{said}");
    assert!(last.contains("io.modelcontextprotocol/subscriptionId"), "{said}");
    live.stopped().await;
}
