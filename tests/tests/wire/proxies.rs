//! Behind proxies: whose address a request is counted by, and that nobody chooses it.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use mcp_runtime::{ForwardedHeader, HttpSettings, Server, tools};
use serde_json::json;
use tracing_subscriber::util::SubscriberInitExt;

use crate::{
    client::{Answer, Call},
    lists::hello_only,
    raw::Live,
    world::{Runs, World, hello, whoami},
};

const PROXY: &str = "10.0.0.1";
const CLIENT: &str = "203.0.113.9";
const OTHER: &str = "203.0.113.10";

/// Three calls a minute for each address.
fn world(change: impl FnOnce(HttpSettings) -> HttpSettings) -> World {
    World::new(tools![hello, whoami], |builder| builder.address_rate_limit("3/m").http(change))
}

fn behind_tens() -> World {
    world(|http| http.trusted_proxies(["10.0.0.0/8"]))
}

/// An anonymous call, as `peer` passes it on.
async fn call(world: &World, peer: &str, forwarded: &str) -> Answer {
    Call::tool("hello", json!({})).from(peer).header("X-Forwarded-For", forwarded).send(world).await
}

/// Spends all of what the address behind this header has.
async fn spend(world: &World, peer: &str, forwarded: &str) {
    let before = world.runs.count();
    for _ in 0..3 {
        call(world, peer, forwarded).await.ok();
    }
    call(world, peer, forwarded).await.error(429, 429);
    world.ran(before + 3);
}

#[tokio::test]
async fn two_callers_behind_one_proxy_are_two() {
    let world = behind_tens();
    spend(&world, PROXY, CLIENT).await;
    spend(&world, PROXY, OTHER).await;
    // Over another proxy, or several, they are the same.
    for (peer, forwarded) in [
        ("10.0.0.2", CLIENT.to_owned()),
        ("::ffff:10.9.9.9", CLIENT.to_owned()),
        (PROXY, format!("::ffff:{CLIENT}")),
        (PROXY, format!("{CLIENT}:51234")),
        (PROXY, format!("{CLIENT}, 10.0.0.2, 10.0.0.3")),
    ] {
        call(&world, peer, &forwarded).await.error(429, 429);
    }
    // The proxy itself is somebody else, and so is who comes without one.
    Call::tool("hello", json!({})).from(PROXY).send(&world).await.ok();
    Call::tool("hello", json!({})).from("203.0.113.11").send(&world).await.ok();
    Call::tool("hello", json!({})).from(CLIENT).send(&world).await.error(429, 429);
    world.ran(8);
}

#[tokio::test]
async fn a_caller_that_forges_the_header_has_no_more_and_takes_nothing_from_others() {
    let world = behind_tens();
    spend(&world, PROXY, CLIENT).await;
    for forged in [OTHER, "198.51.100.1", PROXY, "unknown", "", "\"", ",", "10.0.0.2, 10.0.0.3", "::1", "127.0.0.1"] {
        call(&world, PROXY, &format!("{forged}, {CLIENT}")).await.error(429, 429);
        let lines = Call::tool("hello", json!({})).from(PROXY).header("X-Forwarded-For", forged);
        let lines = lines.header("X-Forwarded-For", CLIENT);
        lines.clone().header("Forwarded", format!("for={forged}")).send(&world).await.error(429, 429);
        lines.header("X-Real-IP", OTHER).header("X-Forwarded-Host", OTHER).send(&world).await.error(429, 429);
    }
    world.ran(3);
    // The one that was named all the time has spent nothing.
    spend(&world, PROXY, OTHER).await;
}

#[tokio::test]
async fn a_peer_that_is_no_proxy_speaks_for_itself() {
    for world in [behind_tens(), world(|http| http), world(|http| http.trusted_proxies(["203.0.113.10/32"]))] {
        spend(&world, CLIENT, OTHER).await;
        for forged in ["198.51.100.1", "198.51.100.2, 10.0.0.1", PROXY] {
            call(&world, CLIENT, forged).await.error(429, 429);
        }
        call(&world, "203.0.113.11", CLIENT).await.ok();
        world.ran(4);
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_the_proxys_own() {
    let world = behind_tens();
    for (number, unreadable) in ["unknown", "_hidden", "", "unix:", "203.0.113.9.1"].iter().enumerate() {
        let answer = call(&world, PROXY, &format!("198.51.100.{number}, {unreadable}")).await;
        assert_eq!(answer.status, if number < 3 { 200 } else { 429 }, "{unreadable}");
    }
    Call::tool("hello", json!({})).from(PROXY).send(&world).await.error(429, 429);
    world.ran(3);
}

#[tokio::test]
async fn proxies_can_be_counted() {
    let world = world(|http| http.trusted_proxy_hops(2));
    for (number, peer) in ["198.51.100.1", "198.51.100.2", "10.0.0.1"].into_iter().enumerate() {
        call(&world, peer, &format!("192.0.2.{number}, {CLIENT}, 192.0.2.1")).await.ok();
    }
    call(&world, PROXY, &format!("{CLIENT}, 192.0.2.9")).await.error(429, 429);
    // Who did not come through both is known by where it comes from.
    spend(&world, "198.51.100.7", OTHER).await;
    call(&world, "198.51.100.7", "198.51.100.8").await.error(429, 429);
    world.ran(6);
}

#[tokio::test]
async fn the_standard_header_is_read_where_it_was_chosen() {
    let world = world(|http| http.trusted_proxies(["10.0.0.0/8"]).forwarded_header(ForwardedHeader::Forwarded));
    let call = |forwarded: &str| {
        let call = Call::tool("hello", json!({})).from(PROXY).header("X-Forwarded-For", "198.51.100.1");
        call.header("Forwarded", forwarded)
    };
    for forwarded in ["for=203.0.113.9", "for=\"203.0.113.9:4711\";proto=https", "for=\", FOR=\"203.0.113.9\";by=_x"] {
        call(forwarded).send(&world).await.ok();
    }
    call("for=198.51.100.2, for=203.0.113.9, for=10.0.0.7").send(&world).await.error(429, 429);
    for number in 1..=3 {
        call(&format!("for=\"[2001:db8::{number}]\"")).send(&world).await.ok();
    }
    call("for=\"[2001:db8::ffff:0:0:1]\"").send(&world).await.error(429, 429);
    world.ran(6);
}

#[tokio::test]
async fn failures_are_counted_for_who_fails() {
    let world = behind_tens();
    let bad = |client: &str| Call::tool("whoami", json!({})).token("bad").from(PROXY).header("X-Forwarded-For", client);
    for _ in 0..3 {
        bad(CLIENT).send(&world).await.unauthenticated(true);
        Call::legacy_tool("whoami", json!({})).from(PROXY).send(&world).await;
    }
    bad(CLIENT).send(&world).await.error(429, 429);
    bad(OTHER).send(&world).await.unauthenticated(true);
    // Whose token is good is not refused, wherever it comes from.
    Call::tool("whoami", json!({})).token(&world.plain("alice")).from(PROXY).send(&world).await.ok();
}

#[tokio::test]
async fn a_tools_own_quota_follows_the_address_too() {
    let world = World::new(hello_only(), |builder| {
        builder.default_rate_limit("2/m").http(|http| http.trusted_proxies(["10.0.0.0/8"]))
    });
    for client in [CLIENT, OTHER] {
        for _ in 0..2 {
            call(&world, PROXY, client).await.ok();
        }
        call(&world, PROXY, client).await.error(429, 429);
    }
    world.ran(4);
}

#[tokio::test]
async fn our_own_listener_knows_its_proxies() {
    let world = world(|http| http.trusted_proxies(["loopback"]));
    let live = Live::start(&world.server).await;
    let mut wire = live.connect().await;
    for client in [CLIENT, OTHER] {
        let call = Call::tool("hello", json!({})).header("x-forwarded-for", "198.51.100.1");
        let call = call.header("X-Forwarded-For", client).bytes();
        for _ in 0..3 {
            wire.send(&call).await;
            wire.answer().await.ok();
        }
        wire.send(&call).await;
        wire.answer().await.error(429, 429);
    }
    world.ran(6);
}

#[tokio::test]
async fn a_server_without_authentication_answers_no_proxy_declared_or_not() {
    let runs = Runs::default();
    let builder = Server::builder("loopback", "1.0").insecure_no_auth().state(runs.clone()).tools(tools![hello]);
    let server = builder.http(|http| http.trusted_proxies(["loopback"])).build().unwrap();
    let router = server.router();
    for header in ["X-Forwarded-For", "Forwarded", "X-Real-IP"] {
        let proxied = Call::tool("hello", json!({})).from("127.0.0.1").header(header, "127.0.0.1");
        assert_eq!(proxied.send_to(&router).await.status, 403, "{header}");
    }
    assert_eq!(runs.count(), 0);
}

#[tokio::test]
async fn without_an_address_only_counted_proxies_are_believed() {
    let call = |forwarded: &str| Call::tool("hello", json!({})).header("X-Forwarded-For", forwarded);
    let by_network = behind_tens();
    for number in 0..3 {
        call(&format!("198.51.100.{number}")).send(&by_network).await.ok();
    }
    call(CLIENT).send(&by_network).await.error(429, 429);
    let counted = world(|http| http.trusted_proxy_hops(1));
    for number in 0..6 {
        call(&format!("198.51.100.{number}")).send(&counted).await.ok();
    }
}

#[test]
fn a_declaration_that_cannot_be_meant_is_a_problem() {
    let problems = |change: fn(HttpSettings) -> HttpSettings| {
        let builder = Server::builder("x", "1").state(Runs::default()).tools(tools![hello]).http(change);
        builder.build().unwrap_err().to_string()
    };
    for (problems, said) in [
        (problems(|http| http.trusted_proxies(["10.0.0.0/8"]).trusted_proxy_hops(1)), "exclude each other"),
        (problems(|http| http.trusted_proxies(["nginx", "0.0.0.0/0"])), "`nginx` is not an address"),
        (problems(|http| http.trusted_proxies(["nginx", "0.0.0.0/0"])), "`0.0.0.0/0` is everybody"),
        (problems(|http| http.forwarded_header(ForwardedHeader::Forwarded)), "but there are none"),
        (problems(|http| http.max_connections_per_address(0)), "above zero"),
        #[cfg(unix)]
        (problems(|http| http.unix_socket_mode(0o4777)), "file mode"),
    ] {
        assert!(problems.contains(said), "{problems}");
    }
}

/// What the server logs.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Reads along on this thread until the guard goes.
    pub(crate) fn start(&self) -> impl Sized + use<> {
        let log = self.clone();
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || log.clone()).finish().set_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_undeclared_proxy_is_mentioned_once_a_minute() {
    let log = Log::default();
    let _reading = log.start();
    let world = World::new(hello_only(), |builder| builder.http(|http| http.trusted_proxies(["10.0.0.0/8"])));
    let mentions = || log.text().matches("not declared as a proxy").count();
    call(&world, PROXY, CLIENT).await.ok();
    Call::tool("hello", json!({})).from(CLIENT).send(&world).await.ok();
    assert_eq!(mentions(), 0, "{}", log.text());
    for _ in 0..5 {
        call(&world, "192.0.2.7", "198.51.100.77").await.ok();
    }
    assert_eq!(mentions(), 1, "{}", log.text());
    assert!(log.text().contains("trusted_proxies([\"192.0.2.7\"])"), "{}", log.text());
    assert!(!log.text().contains("198.51.100.77"), "what a stranger sends is in the log: {}", log.text());
    world.clock.advance(Duration::from_secs(61));
    Call::tool("hello", json!({})).from("192.0.2.8").header("Forwarded", "for=x").send(&world).await.ok();
    assert_eq!(mentions(), 2, "{}", log.text());
}
