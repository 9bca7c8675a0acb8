//! The bucket of each address: it stops floods of failures, and nobody who shows a good token.

use std::time::Duration;

use mcp_runtime::tools;
use serde_json::json;

use crate::{
    client::Call,
    lists::{hello_only, protected},
    world::{World, hello, whoami},
};

const HERE: &str = "203.0.113.9";

#[tokio::test]
async fn a_flood_of_bad_tokens_is_stopped_and_good_ones_from_there_are_not() {
    let world = World::new(protected(), |builder| builder.address_rate_limit("10/m"));
    let bad = |token: String| Call::tool("whoami", json!({})).token(&token).from(HERE);
    for number in 0..10 {
        bad(format!("guess-{number}")).send(&world).await.unauthenticated(true);
    }
    for number in 10..15 {
        let answer = bad(format!("guess-{number}")).send(&world).await;
        answer.error(429, 429);
        answer.has_no("www-authenticate");
        assert_eq!(answer.header("retry-after"), "64");
    }
    // The neighbour behind the same address, with a token never seen before.
    Call::tool("whoami", json!({})).token(&world.plain("alice")).from(HERE).send(&world).await.ok();
    // Somebody elsewhere may still fail.
    Call::tool("whoami", json!({})).token("x").from("203.0.113.10").send(&world).await.unauthenticated(true);
    world.clock.advance(Duration::from_secs(64));
    bad("x".to_owned()).send(&world).await.unauthenticated(true);
    world.ran(1);
}

#[tokio::test]
async fn calls_without_a_name_are_counted_too() {
    let world = World::new(tools![hello, whoami], |builder| builder.address_rate_limit("10/m"));
    for _ in 0..10 {
        Call::tool("hello", json!({})).from(HERE).send(&world).await.ok();
    }
    for call in [Call::tool("hello", json!({})), Call::legacy_tool("hello", json!({}))] {
        call.from(HERE).send(&world).await.error(429, 429);
    }
    // Where a login is needed, the way to it is told all the same.
    Call::tool("whoami", json!({})).from(HERE).send(&world).await.unauthenticated(false);
    Call::tool("hello", json!({})).from("203.0.113.10").send(&world).await.ok();
    world.ran(11);
}

#[tokio::test]
async fn good_tokens_spend_nothing_of_an_address() {
    let world = World::new(protected(), |builder| builder.address_rate_limit("3/m"));
    for number in 0..20 {
        let token = world.plain(&format!("user-{number}"));
        Call::tool("whoami", json!({})).token(&token).from(HERE).send(&world).await.ok();
    }
    Call::tool("whoami", json!({})).from(HERE).send(&world).await.unauthenticated(false);
}

#[tokio::test]
async fn an_ipv6_network_is_one_address() {
    let world = World::new(hello_only(), |builder| builder.address_rate_limit("10/m"));
    for number in 0..10 {
        Call::tool("hello", json!({})).from(&format!("2001:db8:1:2::{number}")).send(&world).await.ok();
    }
    Call::tool("hello", json!({})).from("2001:db8:1:2:ffff::1").send(&world).await.error(429, 429);
    Call::tool("hello", json!({})).from("2001:db8:1:3::1").send(&world).await.ok();
    // IPv4 in IPv6 clothes is that IPv4 address.
    for number in 0..10 {
        let address = if number % 2 == 0 { "198.51.100.7" } else { "::ffff:198.51.100.7" };
        Call::tool("hello", json!({})).from(address).send(&world).await.ok();
    }
    Call::tool("hello", json!({})).from("::ffff:198.51.100.7").send(&world).await.error(429, 429);
    Call::tool("hello", json!({})).from("::ffff:198.51.100.8").send(&world).await.ok();
}

#[tokio::test]
async fn an_address_is_where_the_connection_comes_from() {
    let world = World::new(hello_only(), |builder| builder.address_rate_limit("3/m"));
    for number in 0..3 {
        let call = Call::tool("hello", json!({})).from(HERE);
        call.header("X-Forwarded-For", format!("198.51.100.{number}")).send(&world).await.ok();
    }
    let call = Call::tool("hello", json!({})).from(HERE);
    let call = call.header("X-Forwarded-For", "198.51.100.9").header("Forwarded", "for=198.51.100.9");
    call.header("X-Real-IP", "198.51.100.9").send(&world).await.error(429, 429);
}

#[tokio::test]
async fn discovery_is_never_throttled_hard() {
    let world = World::new(protected(), |builder| builder.address_rate_limit("1/m"));
    for _ in 0..20 {
        Call::modern("server/discover", json!({})).from(HERE).send(&world).await.result();
    }
}

#[tokio::test]
async fn a_table_that_strangers_filled_empties_again() {
    let world = World::new(tools![hello, whoami], |builder| builder.quota_capacity(16).address_rate_limit("100/m"));
    for number in 0..64 {
        Call::tool("hello", json!({})).from(&format!("198.51.100.{number}")).send(&world).await;
    }
    // Whoever has a token is counted elsewhere.
    Call::tool("whoami", json!({})).token(&world.plain("alice")).from(HERE).send(&world).await.ok();
    let full = Call::tool("hello", json!({})).from(HERE).send(&world).await;
    full.error(429, 429);
    let wait: u64 = full.header("retry-after").parse().unwrap();
    assert!(wait < 120, "{wait}");
    // Long after everything was forgotten there is room.
    for day in 1..=3 {
        world.clock.advance(Duration::from_secs(86_400));
        let answer = Call::tool("hello", json!({})).from(&format!("192.0.2.{day}")).send(&world).await;
        assert_eq!(answer.status, 200, "on day {day}: {answer:?}");
    }
}

#[tokio::test]
async fn a_full_table_of_strangers_still_says_that_a_token_is_bad_later() {
    let world = World::new(protected(), |builder| builder.quota_capacity(16));
    for number in 0..64 {
        Call::tool("whoami", json!({})).token("bad").from(&format!("198.51.100.{number}")).send(&world).await;
    }
    world.clock.advance(Duration::from_secs(86_400));
    let answer = Call::tool("whoami", json!({})).token("bad").from(HERE).send(&world).await;
    answer.unauthenticated(true);
    world.ran(0);
}

#[tokio::test]
async fn an_expired_token_is_told_so_whatever_else_comes_from_there() {
    let world = World::new(protected(), |builder| builder.address_rate_limit("2/m"));
    let old = world.factory.token("alice").expires_in(Duration::from_secs(1)).build();
    world.clock.advance(Duration::from_secs(2));
    for number in 0..5 {
        Call::tool("whoami", json!({})).token(&format!("guess-{number}")).from(HERE).send(&world).await;
    }
    Call::tool("whoami", json!({})).token("guess").from(HERE).send(&world).await.error(429, 429);
    Call::tool("whoami", json!({})).token(&old).from(HERE).send(&world).await.unauthenticated(true);
    world.ran(0);
}
