//! Signing keys: rotation and revocation.

use super::*;

const DAY: u64 = 24 * 3600;
const HOURS: std::time::Duration = std::time::Duration::from_secs(6 * 3600);

fn signed_by(token: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

async fn published(node: &AuthorizationServer) -> Vec<String> {
    let document: Value = serde_json::from_str(&node.0.keys.document(&node.0).await.unwrap()).unwrap();
    document["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_have_one_key() {
    let world = World::new();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let node = world.node();
            tokio::spawn(async move {
                node.ready().await.unwrap();
                published(&node).await
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.push(task.await.unwrap());
    }
    all.dedup();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].len(), 1);
}

#[tokio::test]
async fn a_new_key_is_published_before_it_signs_and_the_old_one_verifies_after() {
    let world = World::new();
    let nodes = [world.node(), world.node()];
    let before = tokens(&nodes[0], &["read"]).await;
    let old = signed_by(before.access());
    let new = nodes[0].rotate_signing_key().await.unwrap();
    assert_eq!(nodes[1].rotate_signing_key().await.unwrap(), new, "a key that waits is not followed by another");
    for node in &nodes {
        assert_eq!(published(node).await, [old.clone(), new.clone()]);
    }
    world.advance(329);
    assert_eq!(signed_by(tokens(&nodes[1], &["read"]).await.access()), old);
    world.advance(1);
    let after = tokens(&nodes[1], &["read"]).await;
    assert_eq!(signed_by(after.access()), new);
    for node in &nodes {
        assert!(verify(node, before.access()).await.is_ok() && verify(node, after.access()).await.is_ok());
    }
    world.advance(DAY + 60);
    nodes[0].0.keys.load(&nodes[0].0).await.unwrap();
    assert_eq!(published(&nodes[0]).await, [new]);
}

#[tokio::test]
async fn keys_change_by_themselves_and_once() {
    let world = World::new();
    let nodes = [world.node(), world.node()];
    for node in &nodes {
        node.ready().await.unwrap();
    }
    world.advance(90 * DAY - 1);
    nodes[0].0.keys.rotate_if_due(&nodes[0].0).await.unwrap();
    assert_eq!(published(&nodes[0]).await.len(), 1);
    world.advance(1);
    let (one, two) =
        tokio::join!(nodes[0].0.keys.rotate_if_due(&nodes[0].0), nodes[1].0.keys.rotate_if_due(&nodes[1].0));
    assert!(one.is_ok() && two.is_ok());
    for node in &nodes {
        assert_eq!(published(node).await.len(), 2);
    }
}

#[tokio::test]
async fn a_revoked_key_is_gone_everywhere_and_another_signs() {
    let world = World::new();
    let nodes = [world.node(), world.node()];
    let before = tokens(&nodes[0], &["read"]).await;
    let authenticators: Vec<Box<dyn crate::auth::Authenticator>> = vec![Box::new(nodes[1].embedded())];
    let verifier = crate::auth::Verifier::new(authenticators, Some(RESOURCE.into()), world.clock.clone().into());
    let ask = async |token: &str| verifier.authenticate(&BearerToken::new(token).unwrap()).await;
    assert!(ask(before.access()).await.is_ok());
    let old = signed_by(before.access());
    assert_eq!(nodes[0].revoke_signing_key("nobody").await.ok(), Some(false));
    assert_eq!(nodes[0].revoke_signing_key(&old).await.ok(), Some(true));
    assert!(verify(&nodes[0], before.access()).await.is_err());
    nodes[1].0.news.read(&nodes[1].0).await.unwrap();
    assert!(matches!(ask(before.access()).await, Err(AuthError::Invalid { .. })), "a remembered token is still good");
    let after = refresh(&nodes[1], &client("c"), before.refresh()).await.unwrap();
    assert_ne!(signed_by(after.access()), old);
    assert!(ask(after.access()).await.is_ok() && verify(&nodes[0], after.access()).await.is_ok());
}

#[tokio::test]
async fn a_key_that_was_retired_never_signs_again() {
    let world = World::new();
    let node = world.node();
    let oldest = signed_by(tokens(&node, &["read"]).await.access());
    let second = node.rotate_signing_key().await.unwrap();
    world.advance(400);
    let waiting = node.rotate_signing_key().await.unwrap();
    node.revoke_signing_key(&second).await.unwrap();
    assert_eq!(signed_by(tokens(&node, &["read"]).await.access()), waiting);
    node.revoke_signing_key(&waiting).await.unwrap();
    let signs = signed_by(tokens(&node, &["read"]).await.access());
    assert!(![&oldest, &second, &waiting].contains(&&signs));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotation_and_revocation_under_load() {
    let world = World::new();
    let nodes = [world.node(), world.node()];
    let stop = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..4)
        .map(|i| {
            let (nodes, stop) = ([nodes[i % 2].clone(), nodes[(i + 1) % 2].clone()], Arc::clone(&stop));
            tokio::spawn(async move {
                let mut checked = 0;
                while !stop.load(Ordering::SeqCst) || checked < 20 {
                    // Codes would end while the test turns the clock.
                    let token = nodes[0].mint("listed", "alice", ["read"], HOURS).await.unwrap();
                    // A key may be gone by then, but only one that is.
                    let kid = signed_by(&token);
                    if verify(&nodes[1], &token).await.is_err() {
                        for node in &nodes {
                            node.0.keys.load(&node.0).await.unwrap();
                            assert!(!published(node).await.contains(&kid), "a good token was refused");
                        }
                    }
                    checked += 1;
                }
                checked
            })
        })
        .collect();
    for _ in 0..10 {
        nodes[0].rotate_signing_key().await.unwrap();
        world.advance(330);
        let token = nodes[0].mint("listed", "alice", ["read"], HOURS).await.unwrap();
        assert!(nodes[1].revoke_signing_key(&signed_by(&token)).await.unwrap());
        assert!(verify(&nodes[1], &token).await.is_err());
        nodes[0].0.news.read(&nodes[0].0).await.unwrap();
        assert!(verify(&nodes[0], &token).await.is_err());
        // Keys that nobody knows are looked for once a second.
        world.advance(2);
    }
    stop.store(true, Ordering::SeqCst);
    for task in load {
        assert!(task.await.unwrap() >= 20);
    }
}

#[tokio::test]
async fn with_another_store_key_nothing_starts() {
    let world = World::new();
    world.node().ready().await.unwrap();
    let other = world.node_with_key("__________________________________________8").unwrap();
    assert!(other.ready().await.unwrap_err().to_string().contains("another store key"));
}

#[tokio::test]
async fn private_keys_are_not_in_the_store_in_clear() {
    let world = World::new();
    let node = world.node();
    node.ready().await.unwrap();
    let entries = world.store.list(Kind::new("signing_keys"), "", None, 10).await.unwrap();
    let key = node.0.keys.signer(&node.0).await.unwrap();
    let stored: Value = serde_json::from_slice(&entries[0].1.value).unwrap();
    assert_eq!(stored["keys"][0]["kid"], key.kid);
    let sealed = stored["keys"][0]["sealed"].as_str().unwrap();
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, sealed).unwrap();
    // PKCS#8 begins with a sequence, and names the curve.
    assert!(!bytes.windows(8).any(|window| window == [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]));
}
