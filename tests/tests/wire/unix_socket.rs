//! Over a Unix socket: the same server. What becomes of the socket's file is tested beside the code that makes it, and in
//! `unix_signals`.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use mcp_runtime::{HttpSettings, Server, tools};
use serde_json::json;
use tokio::{
    net::{UnixListener, UnixStream},
    sync::oneshot,
};

use crate::{
    client::Call,
    connections::{Scene, waits},
    raw::{Wire, soon},
    world::{Runs, World, hello, vault, whoami},
};

/// A directory of one test's own.
struct Room(PathBuf);

impl Room {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("mcp-wire-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let room = std::env::temp_dir().join(name);
        std::fs::create_dir(&room).unwrap();
        Self(room)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("mcp.sock")
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Connects as soon as somebody listens.
async fn connect(socket: &Path) -> Wire<UnixStream> {
    let stream = soon(async {
        loop {
            match UnixStream::connect(socket).await {
                Ok(stream) => return stream,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    });
    Wire::over(stream.await)
}

/// Serves on a listener of the test's own, until the sender goes.
fn serve_on(server: &Server, socket: &Path) -> oneshot::Sender<()> {
    let listener = UnixListener::bind(socket).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = server.clone();
    tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        server.serve_unix_on(listener, stopped).await.unwrap();
    });
    stop
}

#[tokio::test]
async fn calls_are_made_over_a_socket() {
    let (room, world) = (Room::new(), World::open());
    let _serving = serve_on(&world.server, &room.socket());
    let mut wire = connect(&room.socket()).await;
    wire.send(&Call::tool("whoami", json!({})).token(&world.plain("alice")).bytes()).await;
    assert_eq!(wire.answer().await.ok(), "alice");
    wire.send(&Call::tool("vault", json!({"text": "x"})).bytes()).await;
    wire.answer().await.unauthenticated(false);
    wire.send(&Call::legacy_tool("hello", json!({})).bytes()).await;
    assert_eq!(wire.answer().await.ok(), "hello");
    world.ran(2);
}

#[tokio::test]
async fn a_shutdown_lets_calls_finish_and_leaves_other_peoples_files_alone() {
    let (room, scene) = (Room::new(), Scene::default());
    let world = World::new(tools![waits], |builder| builder.state(scene.clone()));
    let listener = UnixListener::bind(room.socket()).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = world.server.clone();
    let serving = tokio::spawn(async move { server.serve_unix_on(listener, async { drop(stopped.await) }).await });
    let mut wire = connect(&room.socket()).await;
    wire.send(&Call::tool("waits", json!({})).bytes()).await;
    soon(scene.entered.notified()).await;
    stop.send(()).unwrap();
    scene.go_on.notify_one();
    assert_eq!(wire.answer().await.ok(), "done");
    assert_eq!(wire.closed().await, "");
    soon(serving).await.unwrap().unwrap();
    assert!(room.socket().exists());
}

fn world(change: impl FnOnce(HttpSettings) -> HttpSettings) -> World {
    World::new(tools![hello, whoami, vault], |builder| {
        builder.address_rate_limit("3/m").http(|http| change(http.max_connections_per_address(1)))
    })
}

/// Calls three times through connections of their own, then once too often.
async fn spend(socket: &Path, forwarded: &str) {
    let call = Call::tool("hello", json!({})).header("X-Forwarded-For", forwarded).bytes();
    for _ in 0..3 {
        let mut wire = connect(socket).await;
        wire.send(&call).await;
        wire.answer().await.ok();
    }
    let mut wire = connect(socket).await;
    wire.send(&call).await;
    wire.answer().await.error(429, 429);
}

#[tokio::test]
async fn behind_a_declared_proxy_callers_have_their_own_addresses() {
    for change in
        [|http: HttpSettings| http.trusted_proxy_hops(1), |http: HttpSettings| http.trusted_proxies(["10.0.0.0/8"])]
    {
        let (room, world) = (Room::new(), world(change));
        let _serving = serve_on(&world.server, &room.socket());
        spend(&room.socket(), "203.0.113.9").await;
        spend(&room.socket(), "198.51.100.1, 203.0.113.10").await;
        world.ran(6);
        let mut wire = connect(&room.socket()).await;
        let forged = Call::tool("hello", json!({})).header("X-Forwarded-For", "198.51.100.2, 203.0.113.9");
        wire.send(&forged.bytes()).await;
        wire.answer().await.error(429, 429);
    }
}

#[tokio::test]
async fn without_one_all_callers_are_one() {
    let (room, world) = (Room::new(), world(|http| http));
    let _serving = serve_on(&world.server, &room.socket());
    spend(&room.socket(), "203.0.113.9").await;
    let mut wire = connect(&room.socket()).await;
    for forwarded in ["203.0.113.10", "198.51.100.1"] {
        wire.send(&Call::tool("hello", json!({})).header("X-Forwarded-For", forwarded).bytes()).await;
        wire.answer().await.error(429, 429);
    }
    wire.send(&Call::tool("hello", json!({})).bytes()).await;
    wire.answer().await.error(429, 429);
    world.ran(3);
}

#[tokio::test]
async fn hosts_are_what_they_are_elsewhere() {
    let room = Room::new();
    let public = World::at("https://api.example.com/mcp", tools![hello], |builder| builder);
    let _serving = serve_on(&public.server, &room.socket());
    let mut wire = connect(&room.socket()).await;
    for (host, status) in [("api.example.com", 200), ("localhost", 403), ("evil.example", 403), ("", 403)] {
        wire.send(&Call::tool("hello", json!({})).set("Host", host).bytes()).await;
        assert_eq!(wire.answer().await.status, status, "{host}");
    }
    public.ran(1);
}

#[tokio::test]
async fn without_authentication_it_is_for_this_machine() {
    let (room, runs) = (Room::new(), Runs::default());
    let builder = Server::builder("local", "1.0").insecure_no_auth().state(runs.clone()).tools(tools![vault]);
    let _serving = serve_on(&builder.build().unwrap(), &room.socket());
    let mut wire = connect(&room.socket()).await;
    let call = Call::tool("vault", json!({"text": "x"})).set("Host", "localhost");
    for header in ["X-Forwarded-For", "Forwarded", "Via"] {
        wire.send(&call.clone().header(header, "127.0.0.1").bytes()).await;
        assert_eq!(wire.answer().await.status, 403, "{header}");
    }
    wire.send(&call.clone().set("Host", "evil.example").bytes()).await;
    assert_eq!(wire.answer().await.status, 403);
    assert_eq!(runs.count(), 0);
    wire.send(&call.bytes()).await;
    wire.answer().await.ok();
}
