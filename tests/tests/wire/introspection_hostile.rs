//! Introspection endpoints that are down, slow, huge, lost or lying: 503, bounded, and nothing accepted.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::sync::watch;

use crate::{
    client::Call,
    introspection::{ASK, good, says, world},
    jwks::{unavailable, who},
    jwks_issuer::{Issuer, Reply},
    raw::soon,
};

#[tokio::test]
async fn without_an_answer_nobody_comes_in() {
    let elsewhere = Issuer::start().await;
    says(&elsewhere, &good("alice"));
    let (issuer, yes) = (Issuer::start().await, good("alice").to_string());
    let world = world(&issuer);
    let location = format!("Location: {}{ASK}\r\n", elsewhere.url);
    let twice = yes.replacen('{', r#"{"active":false,"#, 1);
    let padded = |length: usize| Reply::json(format!("{}{yes}", " ".repeat(length - yes.len())));
    let replies = [
        ("gone", Reply::Gone),
        ("not HTTP", Reply::Raw(b"hello\r\n\r\n".to_vec())),
        ("endless", Reply::Endless),
        ("a byte too long", padded(16 * 1024 + 1)),
        ("moved", Reply::with("307 Temporary Redirect", &location, &yes)),
        ("see other", Reply::with("303 See Other", &location, &yes)),
        ("our credentials are wrong", Reply::with("401 Unauthorized", "", &yes)),
        ("forbidden", Reply::with("403 Forbidden", "", &yes)),
        ("too often", Reply::with("429 Too Many Requests", "", &yes)),
        ("broken", Reply::with("500 Internal Server Error", "", &yes)),
        ("nothing", Reply::with("204 No Content", "", "")),
        ("a page", Reply::json("<html>")),
        ("a list", Reply::json(format!("[{yes}]"))),
        ("true", Reply::json("true")),
        ("said twice", Reply::json(twice)),
        ("broken off", Reply::json(&yes[..yes.len() - 1])),
        ("deep", Reply::json("[".repeat(16_000))),
    ];
    for (what, reply) in replies {
        issuer.on(ASK, reply);
        let before = issuer.hits(ASK);
        assert_eq!(unavailable(&who(&world, "token").await), 5, "{what}");
        assert_eq!(issuer.hits(ASK), before + 1, "{what}");
    }
    world.ran(0);
    assert_eq!(elsewhere.hits(ASK), 0, "no redirect was followed");
    // That nobody could tell is not remembered; and the limit is a limit.
    issuer.on(ASK, padded(16 * 1024));
    who(&world, "token").await.ok();
}

#[tokio::test(start_paused = true)]
async fn a_slow_endpoint_is_not_waited_for() {
    let issuer = Issuer::start().await;
    issuer.on(ASK, Reply::Silence);
    let world = world(&issuer);
    let begin = tokio::time::Instant::now();
    unavailable(&who(&world, "token").await);
    assert!(begin.elapsed() <= Duration::from_secs(6), "{:?}", begin.elapsed());
    world.ran(0);
}

#[tokio::test]
async fn questions_are_bounded() {
    let issuer = Issuer::start().await;
    let world = Arc::new(world(&issuer));
    let (open, gate) = watch::channel(false);
    issuer.on(ASK, Reply::json(json!({ "active": false }).to_string()).gated(gate));
    // Eight of each address.
    let calls: Vec<_> = (0..64)
        .map(|n| {
            let stranger = Call::tool("whoami", json!({})).token(&format!("stranger-{n}"));
            let (world, stranger) = (world.clone(), stranger.from(&format!("198.51.100.{}", n % 8)));
            tokio::spawn(async move { soon(stranger.send(&world)).await })
        })
        .collect();
    issuer.until_hits(ASK, 64).await;
    for n in 0..100 {
        assert_eq!(unavailable(&who(&world, &format!("more-{n}")).await), 1);
    }
    assert_eq!(issuer.hits(ASK), 64);
    open.send(true).unwrap();
    for call in calls {
        soon(call).await.unwrap().unauthenticated(true);
    }
    // Places are given back.
    says(&issuer, &good("alice"));
    for n in 0..100 {
        who(&world, &format!("later-{n}")).await.ok();
    }
    world.ran(100);
}
