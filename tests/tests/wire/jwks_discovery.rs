//! Key sets that are found through the issuer's own metadata.

use std::time::Duration;

use mcp_runtime::{auth::Jwt, tools};
use serde_json::{Value, json};

use crate::{
    jwks::{unavailable, who},
    jwks_issuer::{Issuer, Key, Reply},
    world::{World, whoami},
};

const RFC_8414: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

fn world(issuer: &str) -> World {
    World::new(tools![whoami], |builder| builder.auth(Jwt::issuer(issuer).discover().anyone()))
}

fn metadata(issuer: &str, jwks_uri: &str) -> Reply {
    let endpoints = json!({ "issuer": issuer, "jwks_uri": jwks_uri, "token_endpoint": format!("{issuer}/token") });
    Reply::json(endpoints.to_string())
}

#[tokio::test]
async fn both_kinds_of_metadata_are_found() {
    let key = Key::new("a");
    for (path, place) in [
        ("", RFC_8414.to_owned()),
        ("", OPENID.to_owned()),
        ("/", OPENID.to_owned()),
        ("/realms/one", format!("{RFC_8414}/realms/one")),
        ("/realms/one", format!("/realms/one{OPENID}")),
    ] {
        let server = Issuer::publishing(&[&key]).await;
        let issuer = format!("{}{path}", server.url);
        server.on(&place, metadata(&issuer, &server.keys_url()));
        let world = world(&issuer);
        for subject in ["alice", "bob"] {
            assert_eq!(who(&world, &key.token(&issuer, subject, &world.clock)).await.ok(), subject, "{place}");
        }
        assert_eq!((server.hits(&place), server.hits("/keys")), (1, 1), "{place}");
        // Where the keys are is not asked again each time.
        world.clock.advance(Duration::from_secs(31));
        let unknown = Key::new("b").token(&issuer, "mallory", &world.clock);
        who(&world, &unknown).await.unauthenticated(true);
        assert_eq!((server.hits(&place), server.hits("/keys")), (1, 2), "{place}");
    }
}

#[tokio::test]
async fn metadata_of_another_issuer_leads_nowhere() {
    let key = Key::new("a");
    let server = Issuer::publishing(&[&key]).await;
    let (ours, keys) = (server.url.as_str(), server.keys_url());
    for (what, document) in [
        ("another", json!({ "issuer": "https://login.example.com", "jwks_uri": keys })),
        ("a slash more", json!({ "issuer": format!("{ours}/"), "jwks_uri": keys })),
        ("another tenant", json!({ "issuer": format!("{ours}/b"), "jwks_uri": keys })),
        ("a template", json!({ "issuer": format!("{ours}/{{tenant}}"), "jwks_uri": keys })),
        ("upper case", json!({ "issuer": ours.to_uppercase(), "jwks_uri": keys })),
        ("none", json!({ "jwks_uri": keys })),
        ("a list", json!({ "issuer": [ours], "jwks_uri": keys })),
        ("no keys", json!({ "issuer": ours })),
        ("null", json!({ "issuer": ours, "jwks_uri": Value::Null })),
        ("a path", json!({ "issuer": ours, "jwks_uri": "/keys" })),
        ("a file", json!({ "issuer": ours, "jwks_uri": "file:///keys" })),
        ("with a password", json!({ "issuer": ours, "jwks_uri": keys.replace("http://", "http://me:secret@") })),
        ("plain http into a network", json!({ "issuer": ours, "jwks_uri": "http://10.0.0.1/keys" })),
        ("metadata service", json!({ "issuer": ours, "jwks_uri": "http://169.254.169.254/latest/meta-data" })),
    ] {
        server.on(RFC_8414, Reply::json(document.to_string()));
        server.on(OPENID, Reply::json(document.to_string()));
        let world = world(ours);
        let answer = who(&world, &key.token(ours, "alice", &world.clock)).await;
        assert_eq!(unavailable(&answer), 1, "{what}");
        world.ran(0);
    }
    assert_eq!(server.hits("/keys"), 0);
}

#[tokio::test]
async fn a_bad_document_does_not_hide_a_good_one() {
    let key = Key::new("a");
    for bad in [
        Reply::Gone,
        Reply::json("<html>"),
        Reply::Endless,
        Reply::with("302 Found", "Location: /elsewhere\r\n", ""),
        metadata("https://login.example.com", "https://login.example.com/keys"),
    ] {
        let server = Issuer::publishing(&[&key]).await;
        server.on(RFC_8414, bad);
        server.on(OPENID, metadata(&server.url, &server.keys_url()));
        let world = world(&server.url);
        assert_eq!(who(&world, &key.token(&server.url, "alice", &world.clock)).await.ok(), "alice");
        assert_eq!(server.hits("/elsewhere"), 0);
    }
}

#[tokio::test]
async fn keys_that_moved_are_found_again() {
    let key = Key::new("a");
    let server = Issuer::publishing(&[&key]).await;
    server.on(OPENID, metadata(&server.url, &server.keys_url()));
    let world = world(&server.url);
    who(&world, &key.token(&server.url, "alice", &world.clock)).await.ok();
    let new = Key::new("b");
    server.on("/keys", Reply::with("410 Gone", "", ""));
    server.on("/new", Reply::json(crate::jwks_issuer::key_set(&[&new])));
    server.on(OPENID, metadata(&server.url, &format!("{}/new", server.url)));
    let token = new.token(&server.url, "bob", &world.clock);
    who(&world, &token).await.unauthenticated(true);
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(who(&world, &token).await.ok(), "bob");
    assert_eq!((server.hits("/keys"), server.hits("/new"), server.hits(OPENID)), (2, 1, 2));
}

#[tokio::test]
async fn keys_that_moved_are_found_though_the_old_ones_are_still_there() {
    let (old, new) = (Key::new("a"), Key::new("b"));
    let server = Issuer::publishing(&[&old]).await;
    server.on(RFC_8414, metadata(&server.url, &server.keys_url()));
    let world = world(&server.url);
    let stolen = |subject: &str| old.token(&server.url, subject, &world.clock);
    who(&world, &stolen("alice")).await.ok();
    server.on("/new", Reply::json(crate::jwks_issuer::key_set(&[&new])));
    server.on(RFC_8414, metadata(&server.url, &format!("{}/new", server.url)));
    // Unknown keys ask at the old place, and do not put off the look at the metadata.
    world.clock.advance(Duration::from_secs(5 * 60));
    who(&world, &Key::new("unheard-of").token(&server.url, "mallory", &world.clock)).await.unauthenticated(true);
    assert_eq!((server.hits(RFC_8414), server.hits("/keys")), (1, 2));
    world.clock.advance(Duration::from_secs(5 * 60));
    // Judged by what there is, while the refresh is under way.
    who(&world, &stolen("bob")).await.ok();
    server.until_hits("/new", 1).await;
    assert_eq!(who(&world, &new.token(&server.url, "carol", &world.clock)).await.ok(), "carol");
    who(&world, &stolen("mallory")).await.unauthenticated(true);
    assert_eq!((server.hits(RFC_8414), server.hits("/keys")), (2, 2));
    world.ran(3);
}

#[tokio::test]
async fn a_place_whose_document_is_no_key_set_is_forgotten() {
    let (old, new) = (Key::new("a"), Key::new("b"));
    let server = Issuer::publishing(&[&old]).await;
    server.on(RFC_8414, metadata(&server.url, &server.keys_url()));
    let world = world(&server.url);
    who(&world, &old.token(&server.url, "alice", &world.clock)).await.ok();
    server.on("/keys", Reply::json("<html>moved</html>"));
    server.on("/new", Reply::json(crate::jwks_issuer::key_set(&[&new])));
    server.on(RFC_8414, metadata(&server.url, &format!("{}/new", server.url)));
    let token = new.token(&server.url, "bob", &world.clock);
    who(&world, &token).await.unauthenticated(true);
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(who(&world, &token).await.ok(), "bob");
    assert_eq!((server.hits("/keys"), server.hits("/new"), server.hits(RFC_8414)), (2, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn slow_metadata_is_not_waited_for() {
    let key = Key::new("a");
    let server = Issuer::publishing(&[&key]).await;
    server.on(RFC_8414, Reply::Silence);
    server.on(OPENID, Reply::Silence);
    let world = world(&server.url);
    let begin = tokio::time::Instant::now();
    unavailable(&who(&world, &key.token(&server.url, "alice", &world.clock)).await);
    assert!(begin.elapsed() <= Duration::from_secs(9), "{:?}", begin.elapsed());
    world.ran(0);
}
