//! Keys that an issuer publishes: when they are fetched, how often, and for how long they are good.

use std::time::Duration;

use mcp_runtime::{auth::Jwt, tools};
use serde_json::json;
use tokio::sync::watch;

use crate::{
    client::{Answer, Call},
    jwks_issuer::{Issuer, Key, Reply, claims},
    raw::soon,
    world::{World, whoami},
};

const MINUTE: Duration = Duration::from_secs(60);

/// A server that takes this issuer's tokens, and its key set from there.
pub(crate) fn world(issuer: &Issuer) -> World {
    World::new(tools![whoami], |builder| {
        builder.auth(Jwt::issuer(issuer.url.as_str()).jwks(issuer.keys_url()).anyone())
    })
}

pub(crate) async fn who(world: &World, token: &str) -> Answer {
    soon(Call::tool("whoami", json!({})).token(token).send(world)).await
}

/// Asserts 503, and returns how long it asks to wait, in seconds.
#[track_caller]
pub(crate) fn unavailable(answer: &Answer) -> u64 {
    let json = answer.error(503, 503);
    assert_eq!(json["error"]["data"]["reason"], "unavailable");
    answer.header("retry-after").parse().unwrap()
}

#[tokio::test]
async fn keys_are_fetched_when_the_first_token_comes_and_kept() {
    let key = Key::new("a");
    let issuer = Issuer::publishing(&[&key]).await;
    let world = world(&issuer);
    assert_eq!(issuer.hits("/keys"), 0);
    for subject in ["alice", "bob", "carol"] {
        assert_eq!(who(&world, &key.token(&issuer.url, subject, &world.clock)).await.ok(), subject);
    }
    assert_eq!(issuer.hits("/keys"), 1);
    world.ran(3);
    let asked = &issuer.all_asked()[0];
    assert!(asked.head.starts_with("GET /keys HTTP/1.1"), "{asked:?}");
    for header in ["authorization", "cookie", "accept-encoding", "referer"] {
        assert!(!asked.head.to_lowercase().contains(&format!("\n{header}:")), "{asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_unknown_keys_make_one_fetch() {
    let (key, stranger) = (Key::new("a"), Key::new("unheard-of"));
    let issuer = Issuer::publishing(&[&key]).await;
    for warm in [true, false] {
        let world = std::sync::Arc::new(world(&issuer));
        if warm {
            who(&world, &key.token(&issuer.url, "alice", &world.clock)).await.ok();
        }
        let before = issuer.hits("/keys");
        let (open, gate) = watch::channel(false);
        issuer.on("/keys", Reply::json(crate::jwks_issuer::key_set(&[&key])).gated(gate));
        let calls: Vec<_> = (0..1000)
            .map(|n| {
                let mut header = json!({ "alg": "ES256", "typ": "at+jwt" });
                header["kid"] = format!("unknown-{n}").into();
                let claims = claims(&issuer.url, &format!("mallory-{n}"), &world.clock);
                let (world, token) = (world.clone(), Key::nameless().token_with(header, &claims));
                tokio::spawn(async move { who(&world, &token).await })
            })
            .collect();
        issuer.until_hits("/keys", before + 1).await;
        open.send(true).unwrap();
        for call in calls {
            soon(call).await.unwrap().unauthenticated(true);
        }
        let fetches = issuer.hits("/keys") - before;
        // Without keys a call may come after the first fetch has ended, and make the one that is allowed.
        assert!(if warm { fetches == 1 } else { (1..=2).contains(&fetches) }, "{fetches} fetches, warm: {warm}");
        world.ran(usize::from(warm));
        who(&world, &stranger.token(&issuer.url, "mallory", &world.clock)).await.unauthenticated(true);
        who(&world, &key.token(&issuer.url, "bob", &world.clock)).await.ok();
    }
}

#[tokio::test]
async fn a_new_key_is_looked_for_once_in_thirty_seconds() {
    let (old, new, newest) = (Key::new("old"), Key::new("new"), Key::new("newest"));
    let issuer = Issuer::publishing(&[&old]).await;
    let world = world(&issuer);
    let token = |key: &Key, subject: &str| key.token(&issuer.url, subject, &world.clock);
    who(&world, &token(&old, "alice")).await.ok();
    issuer.publish(&[&old, &new]);
    // No call fails because of the rotation, and no clock moved.
    assert_eq!(who(&world, &token(&new, "alice")).await.ok(), "alice");
    assert_eq!(issuer.hits("/keys"), 2);
    issuer.publish(&[&new, &newest]);
    for _ in 0..5 {
        who(&world, &token(&newest, "bob")).await.unauthenticated(true);
    }
    world.clock.advance(Duration::from_millis(29_999));
    who(&world, &token(&newest, "bob")).await.unauthenticated(true);
    assert_eq!(issuer.hits("/keys"), 2, "not asked meanwhile");
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(who(&world, &token(&newest, "bob")).await.ok(), "bob");
    assert_eq!(issuer.hits("/keys"), 3);
    // The old one is gone: refused without another question.
    who(&world, &token(&old, "carol")).await.unauthenticated(true);
    assert_eq!(issuer.hits("/keys"), 3);
    world.ran(3);
}

#[tokio::test]
async fn keys_without_names_can_be_changed_too() {
    let (old, new) = (Key::nameless(), Key::nameless());
    let issuer = Issuer::publishing(&[&old]).await;
    let world = world(&issuer);
    let token = |key: &Key, subject: &str| key.token(&issuer.url, subject, &world.clock);
    who(&world, &token(&old, "alice")).await.ok();
    issuer.publish(&[&new]);
    assert_eq!(who(&world, &token(&new, "alice")).await.ok(), "alice");
    who(&world, &token(&old, "bob")).await.unauthenticated(true);
    assert_eq!(issuer.hits("/keys"), 2);
}

#[tokio::test]
async fn a_token_that_names_no_key_is_tried_with_four() {
    let (named, nameless): (Vec<_>, Vec<_>) = ["a", "b", "c", "d", "e", "f"].map(Key::pair).into_iter().unzip();
    for keys in [&named, &nameless] {
        let issuer = Issuer::publishing(&keys.iter().collect::<Vec<_>>()).await;
        let world = world(&issuer);
        for (place, nameless) in nameless.iter().enumerate() {
            let answer = who(&world, &nameless.token(&issuer.url, &format!("nobody-{place}"), &world.clock)).await;
            assert_eq!(answer.status, if place < 4 { 200 } else { 401 }, "{place}");
        }
        // A name leads to its key wherever that stands.
        let last = who(&world, &named[5].token(&issuer.url, "alice", &world.clock)).await;
        assert_eq!(last.status == 200, std::ptr::eq(keys, &named));
    }
}

#[tokio::test]
async fn a_bad_signature_under_a_known_name_asks_nobody() {
    let (key, forged) = (Key::new("a"), Key::new("a"));
    let issuer = Issuer::publishing(&[&key]).await;
    let world = world(&issuer);
    who(&world, &key.token(&issuer.url, "alice", &world.clock)).await.ok();
    for _ in 0..3 {
        who(&world, &forged.token(&issuer.url, "alice", &world.clock)).await.unauthenticated(true);
        world.clock.advance(MINUTE);
    }
    assert_eq!(issuer.hits("/keys"), 1);
    world.ran(1);
}

#[tokio::test]
async fn a_withdrawn_key_is_remembered_for_five_minutes_at_most() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let issuer = Issuer::publishing(&[&old]).await;
    let world = world(&issuer);
    let token = old.token(&issuer.url, "alice", &world.clock);
    who(&world, &token).await.ok();
    issuer.publish(&[&new]);
    who(&world, &new.token(&issuer.url, "bob", &world.clock)).await.ok();
    who(&world, &token).await.ok();
    world.clock.advance(Duration::from_millis(299_999));
    who(&world, &token).await.ok();
    world.clock.advance(Duration::from_millis(1));
    who(&world, &token).await.unauthenticated(true);
    world.ran(4);
}

#[tokio::test]
async fn old_keys_serve_while_new_ones_are_fetched() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let issuer = Issuer::start().await;
    let max_age = "Cache-Control: public, max-age=1200\r\n";
    issuer.on("/keys", Reply::with("200 OK", max_age, crate::jwks_issuer::key_set(&[&old])));
    let world = world(&issuer);
    let token = |key: &Key, subject: &str| key.token(&issuer.url, subject, &world.clock);
    who(&world, &token(&old, "alice")).await.ok();
    world.clock.advance(20 * MINUTE - Duration::from_millis(1));
    who(&world, &token(&old, "bob")).await.ok();
    assert_eq!(issuer.hits("/keys"), 1);
    world.clock.advance(Duration::from_millis(1));
    let (open, gate) = watch::channel(false);
    issuer.on("/keys", Reply::json(crate::jwks_issuer::key_set(&[&new])).gated(gate));
    // Nobody waits for the fetch, which hangs; and there is only one.
    for subject in ["carol", "dave", "eve"] {
        assert_eq!(who(&world, &token(&old, subject)).await.ok(), subject);
    }
    issuer.until_hits("/keys", 2).await;
    // However long it hangs.
    world.clock.advance(2 * MINUTE);
    assert_eq!(who(&world, &token(&old, "eve")).await.ok(), "eve");
    tokio::task::yield_now().await;
    open.send(true).unwrap();
    // A token with a new key waits for the fetch that is under way, and asks for no other.
    assert_eq!(who(&world, &token(&new, "frank")).await.ok(), "frank");
    assert_eq!(issuer.hits("/keys"), 2);
    who(&world, &token(&old, "grace")).await.unauthenticated(true);
    world.ran(7);
}

#[tokio::test]
async fn without_the_issuer_keys_are_good_for_an_hour_more() {
    let key = Key::new("a");
    let issuer = Issuer::publishing(&[&key]).await;
    let world = world(&issuer);
    let mut calls = 0;
    let mut next = |world: &World| {
        calls += 1;
        key.token(&issuer.url, &format!("user-{calls}"), &world.clock)
    };
    who(&world, &next(&world)).await.ok();
    issuer.on("/keys", Reply::Gone);
    world.clock.advance(10 * MINUTE);
    who(&world, &next(&world)).await.ok();
    issuer.until_hits("/keys", 2).await;
    for minute in 0..60 {
        assert_eq!(who(&world, &next(&world)).await.status, 200, "{minute} minutes late");
        world.clock.advance(if minute < 59 { MINUTE } else { MINUTE - Duration::from_millis(1) });
    }
    who(&world, &next(&world)).await.ok();
    let asked = issuer.hits("/keys");
    assert!((2..=65).contains(&asked), "{asked} attempts");
    let ran = world.runs.count();
    world.clock.advance(Duration::from_millis(1));
    let wait = unavailable(&who(&world, &next(&world)).await);
    assert!((1..=60).contains(&wait), "{wait}");
    world.ran(ran);
    // It comes back.
    issuer.publish(&[&key]);
    world.clock.advance(MINUTE);
    who(&world, &next(&world)).await.ok();
}

#[tokio::test]
async fn attempts_that_fail_come_ever_more_seldom() {
    let key = Key::new("a");
    let issuer = Issuer::start().await;
    issuer.on("/keys", Reply::with("500 Internal Server Error", "", ""));
    let world = world(&issuer);
    let token = key.token(&issuer.url, "alice", &world.clock);
    let mut attempts = 0;
    for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
        for _ in 0..20 {
            assert_eq!(unavailable(&who(&world, &token).await), wait);
        }
        attempts += 1;
        assert_eq!(issuer.hits("/keys"), attempts);
        world.clock.advance(Duration::from_millis(wait * 1000 - 1));
        unavailable(&who(&world, &token).await);
        assert_eq!(issuer.hits("/keys"), attempts, "not yet");
        world.clock.advance(Duration::from_millis(1));
    }
    world.ran(0);
    issuer.publish(&[&key]);
    who(&world, &token).await.ok();
}

#[tokio::test]
async fn whoever_goes_away_does_not_stop_the_fetch_of_others() {
    let key = Key::new("a");
    let issuer = Issuer::start().await;
    let (open, gate) = watch::channel(false);
    issuer.on("/keys", Reply::json(crate::jwks_issuer::key_set(&[&key])).gated(gate));
    let world = std::sync::Arc::new(world(&issuer));
    let token = |subject: &str| key.token(&issuer.url, subject, &world.clock);
    let call = |token: String| {
        let world = world.clone();
        tokio::spawn(async move { who(&world, &token).await })
    };
    let first = call(token("alice"));
    issuer.until_hits("/keys", 1).await;
    // No matter how much later the second one comes.
    world.clock.advance(MINUTE);
    let second = call(token("bob"));
    first.abort();
    assert!(soon(first).await.unwrap_err().is_cancelled());
    open.send(true).unwrap();
    assert_eq!(soon(second).await.unwrap().ok(), "bob");
    assert_eq!(issuer.hits("/keys"), 1);
    world.ran(1);
}
