//! Authorization codes: once, for whom, where and what they were made for, and not for long.

use std::{sync::Arc, time::Duration};

use http::StatusCode;

use crate::{
    browser::{Browser, Changes, Tokens, VERIFIER, link, redeem, refresh},
    world::{RESOURCE, SECRET, World},
};

const OTHER_RESOURCE: &str = "https://files.example.com/mcp";

#[tokio::test]
async fn what_a_code_bought_ends_with_its_second_use() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let untouched = alice.tokens().await;
    let code = alice.code(&[]).await;
    let bought = Tokens::of(&redeem(&world, &code, &[]).await);
    assert_eq!(world.call("write", &bought.access).await, StatusCode::OK);
    let grants = world.count("grant").await;
    // Who found the code and not the verifier ends nothing.
    let found = redeem(&world, &code, &[("code_verifier", &VERIFIER.to_uppercase())]).await;
    let elsewhere = redeem(&world, &code, &[("client_id", "other")]).await;
    for thief in [&found, &elsewhere] {
        assert_eq!(thief.status_and_error(), (400, "invalid_grant".into()));
        thief.assert_barren();
    }
    assert_eq!(world.call("read", &bought.access).await, StatusCode::OK);

    for _ in 0..2 {
        let again = redeem(&world, &code, &[]).await;
        assert_eq!(again.status_and_error(), (400, "invalid_grant".into()));
        again.assert_barren();
        // One answer for all that can be wrong.
        assert_eq!(again.text, found.text);
        assert_eq!(world.call("read", &bought.access).await, StatusCode::UNAUTHORIZED);
        assert_eq!(refresh(&world, &bought.refresh, &[]).await.error(), "invalid_grant");
        assert_eq!(world.count("grant").await, grants - 1);
    }
    assert_eq!(world.call("read", &untouched.access).await, StatusCode::OK);
}

/// Every row is a code that is good, brought by somebody else or for something else.
#[tokio::test]
async fn a_code_is_for_its_client_redirect_and_resource() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let code = alice.code(&[]).await;
    let before = world.census().await;
    let slash = format!("{RESOURCE}/");
    #[rustfmt::skip]
    let cases: [(&str, Changes<'_>, (u16, &str)); 17] = [
        ("other client",        &[("client_id", "other")],                                      (400, "invalid_grant")),
        ("other client, place", &[("client_id", "other"), ("redirect_uri", "https://other.example.com/cb")], (400, "invalid_grant")),
        ("confidential client", &[("client_id", "backend"), ("client_secret", SECRET)],         (400, "invalid_grant")),
        ("its guessed secret",  &[("client_id", "backend"), ("client_secret", "x")],            (401, "invalid_client")),
        ("no client",           &[("client_id", "")],                                           (401, "invalid_client")),
        ("unknown client",      &[("client_id", "nobody")],                                     (401, "invalid_client")),
        ("client in capitals",  &[("client_id", "WEB")],                                        (401, "invalid_client")),
        ("other redirect",      &[("redirect_uri", "https://other.example.com/cb")],            (400, "invalid_grant")),
        ("redirect, slash",     &[("redirect_uri", "https://app.example.com/cb/")],             (400, "invalid_grant")),
        ("redirect, case",      &[("redirect_uri", "https://APP.example.com/cb")],              (400, "invalid_grant")),
        ("redirect, port",      &[("redirect_uri", "https://app.example.com:443/cb")],          (400, "invalid_grant")),
        ("redirect, query",     &[("redirect_uri", "https://app.example.com/cb?")],             (400, "invalid_grant")),
        ("other resource",      &[("resource", OTHER_RESOURCE)],                                (400, "invalid_target")),
        ("resource, slash",     &[("resource", &slash)],                                        (400, "invalid_target")),
        ("as a refresh token",  &[("grant_type", "refresh_token"), ("refresh_token", &code), ("code", "")], (400, "invalid_grant")),
        ("by password",         &[("grant_type", "password"), ("username", "alice")],           (400, "unsupported_grant_type")),
        ("for the client",      &[("grant_type", "client_credentials")],                        (400, "unauthorized_client")),
    ];
    for (what, changes, (status, error)) in cases {
        let reply = redeem(&world, &code, changes).await;
        assert_eq!(reply.status_and_error(), (status, error.to_owned()), "{what}");
        reply.assert_barren();
    }
    assert_eq!(world.census().await, before);
    Tokens::of(&redeem(&world, &code, &[]).await);
}

/// Another server on the same store and with the same keys gives no tokens for what was granted to this one.
#[tokio::test]
async fn a_code_is_not_exchanged_at_another_resource() {
    let world = World::new().await;
    let other = World::on(Arc::clone(&world.store), world.clock.clone(), OTHER_RESOURCE, |builder| builder);
    let mut alice = Browser::of(&world, "alice").await;
    let code = alice.code(&[]).await;
    let before = world.census().await;
    for resource in [OTHER_RESOURCE, RESOURCE, ""] {
        let reply = redeem(&other, &code, &[("resource", resource)]).await;
        let error = if resource == RESOURCE { "invalid_target" } else { "invalid_grant" };
        assert_eq!(reply.status_and_error(), (400, error.to_owned()), "{resource}");
        reply.assert_barren();
    }
    assert_eq!(world.census().await, before);
    Tokens::of(&redeem(&world, &code, &[]).await);
}

#[tokio::test]
async fn a_code_that_is_none_or_over_is_one_and_the_same_error() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let Tokens { access, refresh } = alice.tokens().await;
    let over = alice.code(&[]).await;
    world.clock.advance(Duration::from_secs(60));
    let fresh = alice.code(&[]).await;
    let (cut, longer) = (&fresh[1..], format!("{fresh}A"));
    let before = world.census().await;
    let long = "A".repeat(60_000);
    let upper = fresh.to_uppercase();
    let mut texts = Vec::new();
    for code in [&over, &access, &refresh, cut, &longer, &upper, "A", "null", "\0", "../code", &long] {
        let reply = redeem(&world, code, &[]).await;
        assert_eq!(reply.status_and_error(), (400, "invalid_grant".into()), "{code:.80}");
        reply.assert_barren();
        texts.push(reply.text);
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert_eq!(world.census().await, before);
    // Presented as what they are not, they are still what they are.
    assert_eq!(world.call("read", &access).await, StatusCode::OK);
}

/// Between the question and the exchange somebody was locked, or lost a scope.
#[tokio::test]
async fn what_changed_meanwhile_counts() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let (first, second) = (alice.code(&[]).await, alice.code(&[]).await);
    world.users.set_scopes("alice", ["notes:read"]).await.unwrap();
    let reply = redeem(&world, &first, &[]).await;
    assert_eq!(reply.json()["scope"], "notes:read");
    assert_eq!(world.call("write", &Tokens::of(&reply).access).await, StatusCode::FORBIDDEN);
    world.users.lock("alice").await.unwrap();
    let reply = redeem(&world, &second, &[]).await;
    assert_eq!(reply.status_and_error(), (400, "invalid_grant".into()));
    reply.assert_barren();
    // The session is no good any more either.
    let page = alice.get(&link(&[])).await;
    assert!(page.location().contains("/login?"), "{page:?}");
}
