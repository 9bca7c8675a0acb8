//! Opaque tokens, and the endpoint that knows what they mean: what it is asked, and for how long an answer holds.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use mcp_runtime::{ServerBuilder, auth::Introspection, tools};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    jwks::who,
    jwks_issuer::{Issuer, Key, Reply},
    raw::soon,
    world::{URL, World, whoami},
};

pub(crate) const ASK: &str = "/introspect";

/// A server that asks this issuer.
pub(crate) fn world(issuer: &Issuer) -> World {
    world_with(issuer, |introspection| introspection, |builder| builder)
}

pub(crate) fn world_with(
    issuer: &Issuer,
    change: impl FnOnce(Introspection) -> Introspection,
    more: impl FnOnce(ServerBuilder) -> ServerBuilder,
) -> World {
    let introspection = Introspection::new(format!("{}{ASK}", issuer.url), "notes", "s3cr3t");
    let introspection = change(introspection.issuer(issuer.url.as_str()).anyone());
    World::new(tools![whoami], |builder| more(builder.auth(introspection)))
}

/// What an issuer says about a good token.
pub(crate) fn good(subject: &str) -> Value {
    json!({ "active": true, "aud": URL, "sub": subject, "scope": "a", "token_type": "Bearer" })
}

fn ending(subject: &str, world: &World, seconds: u64) -> Value {
    let mut answer = good(subject);
    answer["exp"] = (world.clock.millis() / 1000 + seconds).into();
    answer
}

pub(crate) fn says(issuer: &Issuer, answer: &Value) {
    issuer.on(ASK, Reply::json(answer.to_string()));
}

#[tokio::test]
async fn the_issuer_is_asked_in_the_words_of_the_standard() {
    let issuer = Issuer::start().await;
    let world = world(&issuer);
    says(&issuer, &good("alice"));
    assert_eq!(who(&world, "opaque+/token==").await.ok(), "alice");
    world.ran(1);
    let asked = &issuer.all_asked()[0];
    let head = asked.head.to_lowercase();
    assert!(asked.head.starts_with("POST /introspect HTTP/1.1"), "{head}");
    assert!(head.contains("\r\ncontent-type: application/x-www-form-urlencoded\r\n"), "{head}");
    assert!(head.contains("\r\naccept: application/json\r\n"), "{head}");
    assert!(asked.head.contains(&format!("Basic {}\r\n", STANDARD.encode("notes:s3cr3t"))), "{head}");
    assert_eq!(asked.body, "token=opaque%2B%2Ftoken%3D%3D&token_type_hint=access_token");

    let posting = world_with(&issuer, Introspection::client_secret_post, |builder| builder);
    who(&posting, "opaque").await.ok();
    let asked = issuer.all_asked().pop().unwrap();
    assert!(!asked.head.to_lowercase().contains("authorization"), "{}", asked.head);
    assert!(asked.body.ends_with("&client_id=notes&client_secret=s3cr3t"), "{}", asked.body);
}

#[tokio::test]
async fn an_answer_with_an_end_holds_for_a_minute_and_never_longer() {
    let issuer = Issuer::start().await;
    let world = world(&issuer);
    says(&issuer, &ending("alice", &world, 3600));
    for _ in 0..3 {
        who(&world, "long").await.ok();
    }
    assert_eq!(issuer.hits(ASK), 1);
    world.clock.advance(Duration::from_millis(59_999));
    who(&world, "long").await.ok();
    assert_eq!(issuer.hits(ASK), 1);
    // Revoked: known after a minute.
    says(&issuer, &json!({ "active": false }));
    world.clock.advance(Duration::from_millis(1));
    who(&world, "long").await.unauthenticated(true);
    assert_eq!(issuer.hits(ASK), 2);

    says(&issuer, &ending("bob", &world, 10));
    who(&world, "short").await.ok();
    world.clock.advance(Duration::from_secs(9));
    who(&world, "short").await.ok();
    assert_eq!(issuer.hits(ASK), 3);
    world.clock.advance(Duration::from_secs(1));
    who(&world, "short").await.unauthenticated(true);
    assert_eq!(issuer.hits(ASK), 4);
    world.ran(6);
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_remembered() {
    let issuer = Issuer::start().await;
    let world = world(&issuer);
    says(&issuer, &good("alice"));
    for asked in 1..=3 {
        who(&world, "endless").await.ok();
        assert_eq!(issuer.hits(ASK), asked);
    }
    says(&issuer, &json!({ "active": false }));
    who(&world, "endless").await.unauthenticated(true);
    world.ran(3);
}

#[tokio::test]
async fn a_refusal_holds_for_five_seconds() {
    let issuer = Issuer::start().await;
    let world = world(&issuer);
    says(&issuer, &json!({ "active": false }));
    for _ in 0..3 {
        who(&world, "later").await.unauthenticated(true);
    }
    assert_eq!(issuer.hits(ASK), 1);
    // Nobody else is refused with it.
    says(&issuer, &good("alice"));
    who(&world, "other").await.ok();
    world.clock.advance(Duration::from_millis(4_999));
    who(&world, "later").await.unauthenticated(true);
    assert_eq!(issuer.hits(ASK), 2);
    world.clock.advance(Duration::from_millis(1));
    who(&world, "later").await.ok();
    world.ran(2);
}

#[tokio::test]
async fn an_end_in_the_past_holds_for_five_seconds_too() {
    let issuer = Issuer::start().await;
    let world = world_with(&issuer, |introspection| introspection, |builder| builder.address_rate_limit("1/m"));
    says(&issuer, &ending("alice", &world, 0));
    for _ in 0..3 {
        // Not a failure of its address: that it has ended is said each time.
        who(&world, "ended").await.unauthenticated(true);
    }
    assert_eq!(issuer.hits(ASK), 1);
    says(&issuer, &ending("alice", &world, 60));
    world.clock.advance(Duration::from_millis(4_999));
    who(&world, "ended").await.unauthenticated(true);
    assert_eq!(issuer.hits(ASK), 1);
    world.clock.advance(Duration::from_millis(1));
    who(&world, "ended").await.ok();
    assert_eq!(issuer.hits(ASK), 2);
    world.ran(1);
}

#[tokio::test]
async fn what_the_answer_lacks_is_refused() {
    let issuer = Issuer::start().await;
    let world = world(&issuer);
    let with = |name: &str, value: Value| {
        let mut answer = good("alice");
        answer[name] = value;
        answer
    };
    let without = |name: &str| {
        let mut answer = good("alice");
        answer.as_object_mut().unwrap().remove(name);
        answer["username"] = "alice".into();
        answer
    };
    for (number, answer) in [
        with("active", json!("true")),
        with("active", json!(1)),
        without("active"),
        without("aud"),
        without("sub"),
        with("aud", json!("https://other.example.com")),
        with("iss", json!("https://other.example.com")),
        with("exp", json!(1)),
        with("nbf", json!(world.clock.millis() / 1000 + 31)),
        with("token_type", json!("DPoP")),
        with("token_use", json!("refresh_token")),
        json!({}),
    ]
    .iter()
    .enumerate()
    {
        says(&issuer, answer);
        assert_eq!(who(&world, &format!("token-{number}")).await.status, 401, "{answer}");
    }
    world.ran(0);
    let picky = world_with(&issuer, |introspection| introspection.clients(["web"]), |builder| builder);
    says(&issuer, &good("alice"));
    who(&picky, "a").await.unauthenticated(true);
    picky.ran(0);
    says(&issuer, &with("client_id", json!("web")));
    who(&picky, "b").await.ok();
}

#[tokio::test]
async fn one_question_for_a_token_that_comes_a_hundred_times_at_once() {
    let issuer = Issuer::start().await;
    let world = std::sync::Arc::new(world(&issuer));
    let (open, gate) = watch::channel(false);
    issuer.on(ASK, Reply::json(good("alice").to_string()).gated(gate));
    let call = || {
        let world = world.clone();
        tokio::spawn(async move { who(&world, "same").await })
    };
    let first = call();
    issuer.until_hits(ASK, 1).await;
    let others: Vec<_> = (0..100).map(|_| call()).collect();
    // Whoever asked first goes away; the others get their answer all the same.
    tokio::task::yield_now().await;
    first.abort();
    assert!(soon(first).await.unwrap_err().is_cancelled());
    open.send(true).unwrap();
    for other in others {
        assert_eq!(soon(other).await.unwrap().ok(), "alice");
    }
    assert_eq!(issuer.hits(ASK), 1);
    world.ran(100);
}

#[tokio::test]
async fn signed_tokens_are_sent_only_if_asked_for_and_ours() {
    let issuer = Issuer::start().await;
    says(&issuer, &good("alice"));
    let key = Key::new("a");
    let opaque_only = world(&issuer);
    let signed = key.token(&issuer.url, "alice", &opaque_only.clock);
    who(&opaque_only, &signed).await.unauthenticated(true);
    assert_eq!(issuer.hits(ASK), 0);
    opaque_only.ran(0);
    let all = world_with(&issuer, Introspection::all_tokens, |builder| builder);
    who(&all, &signed).await.ok();
    assert_eq!(issuer.hits(ASK), 1);
    for foreign in [key.token("https://other.example.com", "alice", &all.clock), "a.b.c".to_owned()] {
        who(&all, &foreign).await.unauthenticated(true);
    }
    assert_eq!(issuer.hits(ASK), 1);
    all.ran(1);
}
