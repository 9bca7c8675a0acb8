//! Signing keys change under load: no good token is refused, and none of a key that was taken away is accepted.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use serde_json::Value;

use crate::{
    browser::{Browser, Tokens, refresh},
    world::{Ask, SECRET, World},
};

fn kid(token: &str) -> String {
    let head = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&head).unwrap()["kid"].as_str().unwrap().to_owned()
}

#[derive(Default)]
struct Load {
    over: AtomicBool,
    rounds: [AtomicUsize; 4],
    /// Keys that are about to be taken away, or are gone.
    doomed: Mutex<BTreeSet<String>>,
    gone: Mutex<BTreeSet<String>>,
    kids: Mutex<BTreeSet<String>>,
    accepted: AtomicUsize,
    refused: AtomicUsize,
}

impl Load {
    /// One client: a new token each round, used at once and once more, as are those of before.
    async fn client(self: Arc<Self>, world: Arc<World>, at: usize) {
        let mut kept: Vec<String> = Vec::new();
        while !self.over.load(SeqCst) {
            let fields = [("grant_type", "client_credentials"), ("client_id", "job"), ("client_secret", SECRET)];
            let token = Tokens::of(&world.form("/token", &fields).await).access;
            self.kids.lock().unwrap().insert(kid(&token));
            kept.push(token);
            for token in kept.iter().rev().take(8) {
                self.check(&world, token).await;
            }
            self.rounds[at].fetch_add(1, SeqCst);
            tokio::task::yield_now().await;
        }
    }

    async fn check(&self, world: &World, token: &str) {
        let kid = kid(token);
        let gone = self.gone.lock().unwrap().contains(&kid);
        let status = world.send(Ask::call("read", token)).await.status;
        if status == StatusCode::OK {
            assert!(!gone, "a token of a key that is gone was accepted");
            self.accepted.fetch_add(1, SeqCst);
        } else {
            assert_eq!(status, StatusCode::UNAUTHORIZED);
            assert!(self.doomed.lock().unwrap().contains(&kid), "a good token was refused");
            self.refused.fetch_add(1, SeqCst);
        }
    }

    /// Until every client has done so many rounds more.
    async fn go_on(&self, rounds: usize) {
        let before: Vec<usize> = self.rounds.iter().map(|count| count.load(SeqCst)).collect();
        let started = Instant::now();
        while self.rounds.iter().zip(&before).any(|(now, before)| now.load(SeqCst) < before + rounds) {
            assert!(started.elapsed() < Duration::from_secs(30), "a client has stopped: {:?}", self.rounds);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_change_under_load() {
    let world = Arc::new(World::new().await);
    let load = Arc::new(Load::default());
    let clients: Vec<_> = (0..4).map(|at| tokio::spawn(Arc::clone(&load).client(Arc::clone(&world), at))).collect();
    let authorization = world.authorization().clone();
    for revoked in [false, true, false, true] {
        load.go_on(3).await;
        let next = authorization.rotate_signing_key().await.unwrap();
        load.go_on(2).await;
        assert!(!load.kids.lock().unwrap().contains(&next), "it signs only when everybody knows it");
        world.clock.advance(Duration::from_secs(331));
        load.go_on(3).await;
        assert!(load.kids.lock().unwrap().contains(&next), "it signs now");
        if revoked {
            load.doomed.lock().unwrap().insert(next.clone());
            assert!(authorization.revoke_signing_key(&next).await.unwrap());
            load.gone.lock().unwrap().insert(next);
        }
        load.go_on(2).await;
    }
    load.over.store(true, SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    let (accepted, refused) = (load.accepted.load(SeqCst), load.refused.load(SeqCst));
    assert!(accepted > 100 && refused > 0, "{accepted} {refused}");
    assert!(load.kids.lock().unwrap().len() >= 5, "{:?}", load.kids);
    // What is published is what is accepted, and nothing that signs.
    let jwks = world.get("/jwks").await;
    assert!(load.gone.lock().unwrap().iter().all(|kid| !jwks.text.contains(kid)), "{jwks:?}");
    assert!(!jwks.text.contains("\"d\""), "{jwks:?}");
}

/// Whoever has a refresh token only needs another access token.
#[tokio::test]
async fn grants_outlive_a_key() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let tokens = alice.tokens().await;
    assert_eq!(world.call("read", &tokens.access).await, StatusCode::OK);
    assert!(world.authorization().revoke_signing_key(&kid(&tokens.access)).await.unwrap());
    assert_eq!(world.call("read", &tokens.access).await, StatusCode::UNAUTHORIZED);
    let asked = Ask::form("/introspect", &[("token", &tokens.access)]).basic("reports", SECRET);
    assert_eq!(world.send(asked).await.text, r#"{"active":false}"#);
    let next = Tokens::of(&refresh(&world, &tokens.refresh, &[]).await);
    assert_ne!(kid(&next.access), kid(&tokens.access));
    assert_eq!(world.call("read", &next.access).await, StatusCode::OK);
    assert!(!world.authorization().revoke_signing_key("no such key").await.unwrap());
}
