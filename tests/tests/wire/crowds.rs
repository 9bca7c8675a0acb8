//! One address and its connections.

use mcp_runtime::{HttpSettings, tools};
use serde_json::json;

use crate::{
    client::Call,
    raw::{Live, Wire},
    world::{World, hello},
};

fn world(change: impl FnOnce(HttpSettings) -> HttpSettings) -> World {
    World::new(tools![hello], |builder| builder.http(change))
}

async fn greeted(wire: &mut Wire) {
    wire.send(&Call::tool("hello", json!({})).bytes()).await;
    wire.answer().await.ok();
}

#[tokio::test]
async fn one_address_holds_a_few_connections_and_gives_them_back() {
    let world = world(|http| http.max_connections_per_address(2));
    let live = Live::start(&world.server).await;
    let (mut one, mut two) = (live.connect().await, live.connect().await);
    greeted(&mut one).await;
    greeted(&mut two).await;
    for _ in 0..5 {
        let mut more = live.connect().await;
        more.send(&Call::tool("hello", json!({})).bytes()).await;
        assert_eq!(more.closed().await, "");
    }
    world.ran(2);
    // Those that are there go on, and one that ends makes room.
    greeted(&mut one).await;
    one.send(&Call::tool("hello", json!({})).header("Connection", "close").bytes()).await;
    one.answer().await.ok();
    assert_eq!(one.closed().await, "");
    world.ran(4);
    for attempt in 0.. {
        let mut next = live.connect().await;
        next.send(&Call::tool("hello", json!({})).header("Connection", "close").bytes()).await;
        if next.closed().await.starts_with("HTTP/1.1 200") {
            break;
        }
        assert!(attempt < 1000, "no place came back");
        tokio::task::yield_now().await;
    }
    world.ran(5);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn another_address_has_connections_of_its_own() {
    let world = world(|http| http.max_connections_per_address(1));
    let live = Live::start(&world.server).await;
    let mut one = live.connect().await;
    greeted(&mut one).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = Wire::over(socket.connect(live.address).await.unwrap());
    greeted(&mut other).await;
    world.ran(2);
}

#[tokio::test]
async fn a_declared_proxy_holds_as_many_as_there_are() {
    for change in [
        |http: HttpSettings| http.max_connections_per_address(1).trusted_proxies(["loopback"]),
        |http: HttpSettings| http.max_connections_per_address(1).trusted_proxy_hops(1),
    ] {
        let world = world(change);
        let live = Live::start(&world.server).await;
        let mut wires = Vec::new();
        for _ in 0..5 {
            let mut wire = live.connect().await;
            greeted(&mut wire).await;
            wires.push(wire);
        }
        world.ran(5);
    }
}
