//! Signing keys that change while everybody works, as two processes see it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_runtime::clock::Clock;
use tokio::task::JoinSet;

use crate::{
    node::{Folder, Node, add_user, build, refresh},
    person::{Person, Tokens},
    spread::refused_within_a_second,
};

const WORKERS: usize = 4;

/// Two processes, and what is done to their keys.
struct Scene {
    folder: Folder,
    nodes: [Node; 2],
    /// When each key was revoked: before it was asked for, and after it was done.
    revoked: Mutex<HashMap<String, (Instant, Option<Instant>)>>,
    done: AtomicBool,
    good: AtomicUsize,
    refused: AtomicUsize,
}

impl Scene {
    async fn new(by_hand: bool) -> Self {
        let folder = Folder::new();
        add_user(folder.store().await, "alice").await;
        let nodes = [Node::there(&folder, by_hand), Node::there(&folder, by_hand)];
        Self {
            folder,
            nodes,
            revoked: Mutex::default(),
            done: AtomicBool::new(false),
            good: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
        }
    }

    fn addresses(&self) -> [std::net::SocketAddr; 2] {
        [self.nodes[0].address, self.nodes[1].address]
    }

    /// One call with a token, and whether its answer is one that may be given.
    async fn judge(&self, number: usize, tokens: &Tokens) -> bool {
        let (kid, asked) = (tokens.kid(), Instant::now());
        let answer = self.nodes[number].call(&tokens.access).await.unwrap();
        let revoked = self.revoked.lock().unwrap().get(&kid).copied();
        match answer.status {
            200 => {
                let late = revoked.and_then(|(_, done)| done).map(|done| asked.saturating_duration_since(done));
                assert!(late.unwrap_or_default() <= Duration::from_millis(1_250), "{kid} was revoked {late:?} before");
                self.good.fetch_add(1, Ordering::Relaxed);
                true
            }
            401 => {
                assert!(revoked.is_some(), "a good token of {kid} was refused by node {number}");
                self.refused.fetch_add(1, Ordering::Relaxed);
                false
            }
            _ => panic!("{answer:?}"),
        }
    }

    /// Refreshes at one server, uses the token at both, keeps the last ones and uses them again.
    async fn work(self: Arc<Self>, worker: usize) {
        let mut alice = Person::log_in(self.nodes[worker % 2].address, "alice").await.unwrap();
        let mut kept = vec![alice.tokens(self.nodes[worker % 2].address).await.unwrap()];
        let mut turn = worker;
        while !self.done.load(Ordering::Relaxed) {
            turn += 1;
            // Of its own grant each time: a grant may be refreshed only so often.
            let tokens = alice.tokens(self.nodes[turn % 2].address).await.unwrap();
            for number in [(turn + 1) % 2, turn % 2] {
                self.judge(number, &tokens).await;
            }
            kept.push(tokens);
            let older = kept[kept.len().saturating_sub(7)].clone();
            self.judge(turn % 2, &older).await;
        }
        for tokens in kept.iter().rev().take(30) {
            for number in 0..2 {
                self.judge(number, tokens).await;
            }
        }
    }

    /// Tokens with names of keys that never were.
    async fn pester(self: Arc<Self>) {
        let mut number = 0;
        while !self.done.load(Ordering::Relaxed) {
            number += 1;
            let encode = |json: String| URL_SAFE_NO_PAD.encode(json);
            let header = encode(format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"never-{number}"}}"#));
            let claims = encode(format!(r#"{{"iss":"https://{}","sub":"x"}}"#, crate::node::HOST));
            let token = format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([1; 64]));
            for node in &self.nodes {
                let answer = node.call(&token).await.unwrap();
                assert_eq!(answer.status, 401, "{answer:?}");
            }
        }
    }
}

/// Keys are taken away one after the other, by a third process, while two others give out and accept tokens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_revoked_under_load() {
    let scene = Arc::new(Scene::new(false).await);
    let operator = build(scene.folder.store().await, scene.folder.key(), Clock::system());
    let operator = operator.authorization_server().unwrap();
    let mut work = JoinSet::new();
    for worker in 0..WORKERS {
        work.spawn(Arc::clone(&scene).work(worker));
    }
    work.spawn(Arc::clone(&scene).pester());
    let mut alice = Person::log_in(scene.nodes[0].address, "alice").await.unwrap();
    for round in 0..6 {
        let signing = alice.tokens(scene.nodes[0].address).await.unwrap();
        // With a successor that waits already, and without one.
        if round % 2 == 0 {
            operator.rotate_signing_key().await.unwrap();
        }
        scene.revoked.lock().unwrap().insert(signing.kid(), (Instant::now(), None));
        assert!(operator.revoke_signing_key(&signing.kid()).await.unwrap());
        let done = Instant::now();
        scene.revoked.lock().unwrap().insert(signing.kid(), (done, Some(done)));
        // Until both have heard, and longer.
        while done.elapsed() < Duration::from_millis(1_300) {
            for number in 0..2 {
                scene.judge(number, &signing).await;
            }
        }
        // Its grant goes on, with another key.
        let next = Tokens::of(&refresh(scene.nodes[1].address, &signing.refresh).await.unwrap());
        assert_ne!(next.kid(), signing.kid());
        assert!(scene.judge(0, &next).await && scene.judge(1, &next).await);
        while let Some(ended) = work.try_join_next() {
            ended.unwrap();
        }
    }
    scene.done.store(true, Ordering::Relaxed);
    while let Some(ended) = work.join_next().await {
        ended.unwrap();
    }
    let (good, refused) = (scene.good.load(Ordering::Relaxed), scene.refused.load(Ordering::Relaxed));
    println!("{good} calls were good, {refused} were refused");
    assert!(good > 100 && refused > 20, "{good} {refused}");
}

/// Where nothing else happens that would have it look for keys.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_is_gone_within_a_second_where_nothing_else_happens() {
    let scene = Scene::new(false).await;
    let operator = build(scene.folder.store().await, scene.folder.key(), Clock::system());
    let operator = operator.authorization_server().unwrap();
    let mut alice = Person::log_in(scene.nodes[0].address, "alice").await.unwrap();
    for _ in 0..2 {
        let tokens = alice.tokens(scene.nodes[0].address).await.unwrap();
        for node in &scene.nodes {
            assert_eq!(node.status(&tokens.access).await, 200);
        }
        assert!(operator.revoke_signing_key(&tokens.kid()).await.unwrap());
        let [one, other] = &scene.nodes;
        tokio::join!(refused_within_a_second(one, &tokens.access), refused_within_a_second(other, &tokens.access));
        let next = Tokens::of(&one.refresh(&tokens.refresh).await.unwrap());
        assert_eq!(other.status(&next.access).await, 200);
    }
}

/// Keys that take over when their time has come, on clocks of which one is ahead: nobody notices.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_rotated_under_load() {
    const STEP: Duration = Duration::from_secs(30);

    let mut scene = Scene::new(true).await;
    let [one, other] = scene.addresses();
    let clock = mcp_runtime::clock::ManualClock::new();
    let operator = build(scene.folder.store().await, scene.folder.key(), clock.clone());
    let operator = operator.authorization_server().unwrap();
    let mut alice = Person::log_in(one, "alice").await.unwrap();
    let mut given = Vec::new();
    for _ in 0..3 {
        let announced = operator.rotate_signing_key().await.unwrap();
        let mut signer = String::new();
        for step in 1..=12 {
            for ahead in 0..2 {
                // One is ahead of the other for a while.
                scene.nodes[ahead].advance(STEP);
                for at in [one, other] {
                    let tokens = alice.tokens(at).await.unwrap();
                    assert!(scene.judge(0, &tokens).await && scene.judge(1, &tokens).await);
                    signer = tokens.kid();
                    // Copies of the key set are kept for 300 seconds, and clocks differ by 30.
                    assert!(step * STEP.as_secs() >= 330 || signer != announced, "it signs before everybody knows it");
                    given.push(tokens);
                }
            }
            clock.advance(STEP);
        }
        assert_eq!(signer, announced);
        // What was signed before is good until it ends, 15 minutes later.
        let young: Vec<&Tokens> = given.iter().rev().take(40).filter(|tokens| tokens.kid() != announced).collect();
        assert!(!young.is_empty());
        for tokens in young.iter().take(5) {
            assert!(scene.judge(0, tokens).await && scene.judge(1, tokens).await);
        }
    }
}
