//! The questions to an issuer are shared out by address: nobody takes them all, and nobody who floods them from one
//! address keeps good tokens out, neither elsewhere nor there.

use std::{sync::Arc, time::Duration};

use mcp_runtime::ServerBuilder;
use serde_json::json;
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    client::{Answer, Call},
    introspection::{ASK, good, says, world_with},
    jwks::unavailable,
    jwks_issuer::{Issuer, Reply},
    raw::soon,
    world::World,
};

const HERE: &str = "203.0.113.9";
const ELSEWHERE: &str = "203.0.113.10";

fn world(issuer: &Issuer, more: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Arc<World> {
    Arc::new(world_with(issuer, |introspection| introspection, more))
}

async fn who_from(world: &World, token: &str, address: &str) -> Answer {
    soon(Call::tool("whoami", json!({})).token(token).from(address).send(world)).await
}

/// Shows a token and waits for the answer in the background.
fn ask(world: &Arc<World>, token: String, address: &'static str) -> JoinHandle<Answer> {
    let world = Arc::clone(world);
    tokio::spawn(async move { who_from(&world, &token, address).await })
}

/// Answers that nothing is known, but not before the gate is opened.
fn hold(issuer: &Issuer) -> watch::Sender<bool> {
    let (open, gate) = watch::channel(false);
    issuer.on(ASK, Reply::json(json!({ "active": false }).to_string()).gated(gate));
    open
}

#[tokio::test]
async fn one_address_does_not_take_every_place() {
    let issuer = Issuer::start().await;
    let world = world(&issuer, |builder| builder.address_rate_limit("5/m"));
    let open = hold(&issuer);
    let mine: Vec<_> = (0..8).map(|n| ask(&world, format!("mine-{n}"), HERE)).collect();
    issuer.until_hits(ASK, 8).await;
    // What has no place is a failure of its address, and is answered like one.
    for n in 0..5 {
        assert_eq!(unavailable(&who_from(&world, &format!("more-{n}"), HERE).await), 1);
    }
    for n in 5..300 {
        who_from(&world, &format!("more-{n}"), HERE).await.error(429, 429);
    }
    assert_eq!(issuer.hits(ASK), 8);
    // Joining a question takes no place.
    let joined = ask(&world, "mine-0".to_owned(), HERE);
    let theirs = ask(&world, "theirs".to_owned(), ELSEWHERE);
    issuer.until_hits(ASK, 9).await;
    open.send(true).unwrap();
    soon(theirs).await.unwrap().unauthenticated(true);
    for call in mine.into_iter().chain([joined]) {
        soon(call).await.unwrap().error(429, 429);
    }
    // Places are given back, every one.
    world.clock.advance(Duration::from_secs(120));
    let open = hold(&issuer);
    let again: Vec<_> = (0..8).map(|n| ask(&world, format!("again-{n}"), HERE)).collect();
    issuer.until_hits(ASK, 9 + 8).await;
    open.send(true).unwrap();
    for call in again {
        soon(call).await.unwrap();
    }
    world.ran(0);
}

#[tokio::test]
async fn an_address_that_failed_too_often_asks_one_question_at_a_time() {
    let issuer = Issuer::start().await;
    let world = world(&issuer, |builder| builder.address_rate_limit("3/m"));
    let mut remembered = good("alice");
    remembered["exp"] = (world.clock.millis() / 1000 + 3600).into();
    says(&issuer, &remembered);
    who_from(&world, "remembered", HERE).await.ok();
    says(&issuer, &json!({ "active": false }));
    for n in 0..3 {
        who_from(&world, &format!("guess-{n}"), HERE).await.unauthenticated(true);
    }
    let open = hold(&issuer);
    let before = issuer.hits(ASK);
    let one = ask(&world, "one".to_owned(), HERE);
    issuer.until_hits(ASK, before + 1).await;
    for n in 0..300 {
        who_from(&world, &format!("flood-{n}"), HERE).await.error(429, 429);
    }
    assert_eq!(issuer.hits(ASK), before + 1);
    // Tokens that need no question come in all the while.
    who_from(&world, "remembered", HERE).await.ok();
    who_from(&world, &world.plain("bob"), HERE).await.ok();
    open.send(true).unwrap();
    soon(one).await.unwrap().error(429, 429);
    // And so does one that needs it, as soon as there is a place.
    says(&issuer, &good("carol"));
    who_from(&world, "good", HERE).await.ok();
    world.ran(4);
}

#[tokio::test]
async fn an_issuer_that_is_down_is_nobodys_failure() {
    let issuer = Issuer::start().await;
    issuer.on(ASK, Reply::Gone);
    let world = world(&issuer, |builder| builder.address_rate_limit("3/m"));
    for n in 0..10 {
        assert_eq!(unavailable(&who_from(&world, &format!("token-{n}"), HERE).await), 5);
    }
    world.ran(0);
}
