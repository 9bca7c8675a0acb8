//! What ends a token before its time, and who learns of it.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::*;
use crate::auth::{Authenticator, Verifier};

fn verifier(world: &World, node: &AuthorizationServer) -> Verifier {
    let authenticators: Vec<Box<dyn Authenticator>> = vec![Box::new(node.embedded())];
    Verifier::new(authenticators, Some(RESOURCE.into()), world.clock.clone().into())
}

async fn ask(verifier: &Verifier, token: &str) -> Result<Identity, AuthError> {
    verifier.authenticate(&BearerToken::new(token).unwrap()).await
}

fn is_invalid(result: &Result<Identity, AuthError>) -> bool {
    matches!(result, Err(AuthError::Invalid { .. }))
}

#[tokio::test]
async fn a_grant_that_ends_takes_its_tokens_along_also_remembered_ones() {
    let world = World::new();
    let nodes = [world.node(), world.node()];
    let verifiers = [verifier(&world, &nodes[0]), verifier(&world, &nodes[1])];
    let [first, other] = [tokens(&nodes[0], &["read"]).await, tokens(&nodes[0], &["read"]).await];
    for verifier in &verifiers {
        assert!(ask(verifier, first.access()).await.is_ok() && ask(verifier, other.access()).await.is_ok());
        assert!(verifier.cached(&BearerToken::new(first.access()).unwrap()).is_some());
    }
    let grant = verify(&nodes[0], first.access()).await.unwrap().claims()["grant"].as_str().unwrap().to_owned();
    assert_eq!(nodes[0].revoke_grant(&grant).await.ok(), Some(true));
    assert_eq!(nodes[0].revoke_grant(&grant).await.ok(), Some(false));
    // Here at once; there as soon as it reads, which it also does by itself.
    assert!(is_invalid(&ask(&verifiers[0], first.access()).await));
    nodes[1].0.news.read(&nodes[1].0).await.unwrap();
    assert!(is_invalid(&ask(&verifiers[1], first.access()).await));
    for verifier in &verifiers {
        assert!(ask(verifier, other.access()).await.is_ok());
        assert!(verifier.cached(&BearerToken::new(other.access()).unwrap()).is_some());
    }
    // A node that starts later knows.
    assert!(is_invalid(&verify(&world.node(), first.access()).await));
}

#[tokio::test]
async fn others_learn_within_a_second_by_themselves() {
    let world = World::new();
    let nodes = [world.node(), world.node()];
    let first = tokens(&nodes[0], &["read"]).await;
    let verifier = verifier(&world, &nodes[1]);
    assert!(ask(&verifier, first.access()).await.is_ok());
    let subject = people::subject_of(&nodes[0].0, "listed", "alice").await.unwrap();
    assert_eq!(nodes[0].revoke_all_of(&subject).await.ok(), Some(1));
    let refused = async {
        while ask(&verifier, first.access()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(1), refused).await.expect("a second was over");
}

#[tokio::test]
async fn without_news_for_five_seconds_nothing_is_accepted_until_there_are_some() {
    let world = World::new();
    let node = world.node();
    let first = tokens(&node, &["read"]).await;
    let verifier = verifier(&world, &node);
    assert!(ask(&verifier, first.access()).await.is_ok());
    world.breaks(true);
    world.clock.advance(Duration::from_millis(4_900));
    assert!(ask(&verifier, first.access()).await.is_ok());
    world.clock.advance(Duration::from_millis(100));
    assert!(matches!(ask(&verifier, first.access()).await, Err(AuthError::Unavailable { .. })));
    let asked = world.store.asked.load(Ordering::SeqCst);
    for _ in 0..100 {
        assert!(matches!(ask(&verifier, first.access()).await, Err(AuthError::Unavailable { .. })));
    }
    assert!(world.store.asked.load(Ordering::SeqCst) <= asked + 5, "every request asks a store that is down");
    world.breaks(false);
    world.clock.advance(Duration::from_millis(500));
    assert!(ask(&verifier, first.access()).await.is_ok());
}

#[tokio::test]
async fn nothing_is_accepted_before_the_first_news() {
    let world = World::new();
    let first = tokens(&world.node(), &["read"]).await;
    world.breaks(true);
    assert!(matches!(verify(&world.node(), first.access()).await, Err(AuthError::Unavailable { .. })));
}

#[tokio::test]
async fn news_are_found_behind_any_number_of_old_ones() {
    let world = World::new();
    let node = world.node();
    for i in 0..600 {
        node.0.end_token(&format!("old{i}"), node.0.records.now()).await.unwrap();
    }
    world.advance(121);
    let first = tokens(&node, &["read"]).await;
    let subject = people::subject_of(&node.0, "listed", "alice").await.unwrap();
    assert_eq!(node.revoke_all_of(&subject).await.ok(), Some(1));
    assert!(is_invalid(&verify(&world.node(), first.access()).await));
}

/// More than one round of sweeping takes away, and more than strangers can add meanwhile.
#[tokio::test(start_paused = true)]
async fn what_has_expired_does_not_pile_up() {
    let world = World::new();
    let node = world.node();
    for i in 0..30_000 {
        node.0.end_token(&format!("old{i}"), node.0.records.now()).await.unwrap();
    }
    world.advance(121);
    node.ready().await.unwrap();
    let swept = async {
        while !world.store.list(Kind::new("revocation"), "", None, 1).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), swept).await.expect("most of it was still there");
}

/// News do not last for ever: who missed them must not go on as before.
#[tokio::test]
async fn a_node_that_had_no_news_for_long_knows_its_keys_again_first() {
    let world = World::new();
    let nodes = [world.node(), world.node()];
    let day = Duration::from_secs(24 * 3600);
    let token = nodes[0].mint("listed", "alice", ["read"], day).await.unwrap();
    assert!(verify(&nodes[1], &token).await.is_ok());
    let kid = nodes[0].0.keys.kids()[0].clone();
    assert!(nodes[0].revoke_signing_key(&kid).await.unwrap());
    world.advance(3_601);
    assert!(is_invalid(&verify(&nodes[0], &token).await));
    assert!(is_invalid(&verify(&nodes[1], &token).await), "a key that was revoked is still believed");
}

#[tokio::test]
async fn the_background_ends_with_the_server() {
    let world = World::new();
    let node = world.node();
    node.ready().await.unwrap();
    assert_eq!(Arc::strong_count(&node.0), 1);
    let weak = Arc::downgrade(&node.0);
    drop(node);
    assert!(weak.upgrade().is_none());
}

#[tokio::test]
async fn tokens_of_others_are_refused() {
    use crate::auth::SigningKey;
    use serde_json::json;

    let world = World::new();
    let node = world.node();
    let good = tokens(&node, &["read"]).await;
    let identity = verify(&node, good.access()).await.unwrap();
    let claims = Value::Object(identity.claims().clone());
    let kid = node.0.keys.kids()[0].clone();
    let stranger = SigningKey::generate().unwrap();
    let sign = |header: Value, claims: &Value| {
        stranger.sign_parts(header.to_string().as_bytes(), claims.to_string().as_bytes()).unwrap()
    };
    let [header, payload, signature] = good.access().split('.').collect::<Vec<_>>().try_into().unwrap();
    let unsigned = URL_SAFE_NO_PAD.encode(json!({"alg": "none", "typ": "at+jwt", "kid": kid}).to_string());
    let wider = URL_SAFE_NO_PAD.encode(json!({"scope": "admin", "iss": "https://a.example"}).to_string());
    for (what, token) in [
        ("a stranger's key under our name", sign(json!({"alg": "ES256", "typ": "at+jwt", "kid": kid}), &claims)),
        ("an unknown key", sign(json!({"alg": "ES256", "typ": "at+jwt", "kid": "x"}), &claims)),
        ("no key", sign(json!({"alg": "ES256", "typ": "at+jwt"}), &claims)),
        ("another type", sign(json!({"alg": "ES256", "typ": "JWT", "kid": kid}), &claims)),
        ("no algorithm", format!("{unsigned}.{payload}.{signature}")),
        ("other claims", format!("{header}.{wider}.{signature}")),
        ("another signature", format!("{header}.{payload}.{}", "A".repeat(signature.len()))),
    ] {
        assert!(is_invalid(&verify(&node, &token).await), "{what}");
    }
    // Signed by us, but not as an access token for this resource.
    let key = node.0.keys.signer(&node.0).await.unwrap();
    for (name, value) in [
        ("iss", json!("https://b.example")),
        ("aud", json!("https://b.example/mcp")),
        ("aud", json!(["https://a.example"])),
        ("grant", Value::Null),
        ("exp", Value::Null),
        ("sub", json!("")),
    ] {
        let mut wrong = claims.clone();
        wrong[name] = value;
        assert!(is_invalid(&verify(&node, &key.sign(&wrong).unwrap()).await), "{name}");
    }
    assert!(verify(&node, &key.sign(&claims).unwrap()).await.is_ok());
    world.advance(900);
    assert!(matches!(verify(&node, good.access()).await, Err(AuthError::Expired)));
}
