//! Tokens at the wrong place: of others here, ours elsewhere, and ours made to look like more.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use mcp_runtime::{store::MemoryStore, testing::TokenFactory};
use serde_json::{Value, json};

use crate::{
    browser::{Browser, link, redeem, refresh},
    world::{Ask, ISSUER, KEY, RESOURCE, SECRET, World},
};

const ANOTHER_KEY: &str = "YW5vdGhlciBrZXkgb2YgYW5vdGhlciBzZXJ2ZXIuLi4";

const OTHER_RESOURCE: &str = "https://files.example.com/mcp";

/// Same issuer, same keys, another server: one's tokens are nothing at the other.
#[tokio::test]
async fn a_token_is_for_one_resource() {
    let world = World::new().await;
    let other = World::on(Arc::clone(&world.store), world.clock.clone(), OTHER_RESOURCE, |builder| builder);
    let mut alice = Browser::of(&world, "alice").await;
    let ours = alice.tokens().await.access;
    let id = alice_id(&world).await;
    let theirs = other.authorization().mint("local", &id, ["notes:read"], Duration::from_secs(60)).await.unwrap();
    other.secrets.add(&theirs);
    assert_eq!(claims(&theirs)["aud"], OTHER_RESOURCE);
    assert_eq!(world.call("read", &ours).await, StatusCode::OK);
    assert_eq!(world.call("read", &theirs).await, StatusCode::UNAUTHORIZED);
    let at_other = |token: &str| Ask::call("read", token).set("host", "files.example.com");
    assert_eq!(other.send(at_other(&theirs)).await.status, StatusCode::OK);
    assert_eq!(other.send(at_other(&ours)).await.status, StatusCode::UNAUTHORIZED);
}

async fn alice_id(world: &World) -> String {
    let (_, user) = world.entries("user").await.into_iter().find(|(name, _)| name == "alice").unwrap();
    serde_json::from_slice::<Value>(&user).unwrap()["id"].as_str().unwrap().to_owned()
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// A token of ours with one thing changed, and tokens that say they are ours.
#[tokio::test]
async fn what_we_did_not_sign_is_nobodys() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let tokens = alice.tokens().await;
    let [head, _, signature]: [&str; 3] = tokens.access.split('.').collect::<Vec<_>>().try_into().unwrap();
    let right = claims(&tokens.access);
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut forged = Vec::new();
    for (name, value) in [
        ("scope", json!("notes:read notes:write notes:admin")),
        ("sub", json!("bob")),
        ("client_id", json!("backend")),
        ("exp", json!(9_999_999_999_u64)),
        ("grant", json!("another")),
    ] {
        let mut changed = right.clone();
        changed[name] = value;
        forged.push(format!("{head}.{}.{signature}", encode(&changed)));
        // Unsigned, and signed by somebody with a key of the same name.
        for alg in ["none", "None", "HS256"] {
            let head = encode(&json!({"alg": alg, "typ": "at+jwt"}));
            forged.push(format!("{head}.{}.", encode(&changed)));
            forged.push(format!("{head}.{}.{signature}", encode(&changed)));
        }
    }
    let kid = serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(head).unwrap()).unwrap()["kid"].clone();
    let factory = TokenFactory::new(ISSUER, RESOURCE).clock(world.clock.clone());
    let token =
        |subject| factory.token(subject).claim("scope", "notes:read notes:admin").claim("grant", "x").client("web");
    forged.push(token("alice").header("kid", kid.clone()).build());
    forged.push(token("alice").header("jwk", json!({"kty": "EC", "crv": "P-256"})).header("kid", kid).build());
    forged.push(token("alice").header("jku", "https://evil.example/jwks").build());
    forged.push(token("alice").header("kid", "../../jwks").build());
    forged.push(token("alice").header("kid", "").build());
    forged.extend([tokens.refresh.clone(), format!("{}A", tokens.access), tokens.access[1..].to_owned()]);
    for token in forged {
        for tool in ["read", "admin"] {
            assert_eq!(world.call(tool, &token).await, StatusCode::UNAUTHORIZED, "{token}");
        }
        let asked = world.send(Ask::form("/introspect", &[("token", &token)]).basic("reports", SECRET)).await;
        assert_eq!(asked.text, r#"{"active":false}"#, "{token}");
    }
    assert_eq!(world.call("read", &tokens.access).await, StatusCode::OK);
    assert_eq!(world.call("admin", &tokens.access).await, StatusCode::FORBIDDEN);
    world.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(world.call("read", &tokens.access).await, StatusCode::UNAUTHORIZED, "expired");
}

/// Another deployment of the same software, name and all: with a store of its own, and with or without our key.
#[tokio::test]
async fn another_deployment_is_another() {
    let world = World::new().await;
    for key in [KEY, ANOTHER_KEY] {
        let (store, clock) = (Arc::new(MemoryStore::new()), world.clock.clone());
        let twin = World::keyed(store, clock, RESOURCE, key, |builder| builder);
        twin.add_users().await;
        let theirs = Browser::of(&twin, "alice").await.tokens().await;
        assert_eq!(twin.call("read", &theirs.access).await, StatusCode::OK);
        let before = world.census().await;
        assert_eq!(world.call("read", &theirs.access).await, StatusCode::UNAUTHORIZED);
        let reply = refresh(&world, &theirs.refresh, &[]).await;
        assert_eq!(reply.status_and_error(), (400, "invalid_grant".into()));
        // Its cookies and its forms as well.
        let (mut there, mut here) = (Browser::of(&twin, "alice").await, Browser::new(&world));
        let page = there.get(&link(&[("prompt", "consent")])).await;
        here.jar = there.jar.clone();
        assert_eq!(here.decide(&page, "allow", &["notes:read"]).await.status, StatusCode::FORBIDDEN);
        let code = there.code(&[]).await;
        assert_eq!(redeem(&world, &code, &[]).await.status_and_error(), (400, "invalid_grant".into()));
        assert_eq!(world.census().await, before);
    }
}
