//! A store that does not answer: after five seconds nothing protected is served, and it comes back by itself.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use mcp_runtime::{
    Server, async_trait,
    clock::Clock,
    oauth::StoreKey,
    store::{Commit, Entry, Key, Kind, MemoryStore, Step, Store, StoreError},
};
use rusqlite::Connection;

use crate::{
    http::{Answer, send},
    node::{Folder, Node, add_user, build, call},
    person::{Person, Tokens},
};

/// A second, and some time for the machine.
const SOON: Duration = Duration::from_millis(1_500);

const WORKS: u8 = 0;
const FAILS: u8 = 1;
const HANGS: u8 = 2;

/// A store that can be taken away.
#[derive(Clone, Default)]
struct Shaky {
    store: Arc<MemoryStore>,
    mood: Arc<AtomicU8>,
}

impl Shaky {
    fn set(&self, mood: u8) {
        self.mood.store(mood, Ordering::SeqCst);
    }

    async fn ready(&self) -> Result<(), StoreError> {
        match self.mood.load(Ordering::SeqCst) {
            WORKS => Ok(()),
            FAILS => Err(StoreError::new("it fails")),
            _ => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Store for Shaky {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.ready().await?;
        self.store.get(key).await
    }

    async fn commit(&self, steps: &[Step], now: u64) -> Result<Commit, StoreError> {
        self.ready().await?;
        self.store.commit(steps, now).await
    }

    async fn list(
        &self,
        kind: Kind,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Entry)>, StoreError> {
        self.ready().await?;
        self.store.list(kind, prefix, after, limit).await
    }

    async fn sweep(&self, now: u64, limit: usize) -> Result<usize, StoreError> {
        self.ready().await?;
        self.store.sweep(now, limit).await
    }
}

/// A server on such a store, with somebody who has tokens.
struct Scene {
    shaky: Shaky,
    node: Node,
    server: Server,
    alice: Person,
    tokens: Tokens,
}

impl Scene {
    async fn new() -> Self {
        let shaky = Shaky::default();
        add_user(Arc::new(shaky.clone()), "alice").await;
        let server = build(Arc::new(shaky.clone()), StoreKey::generate().unwrap(), Clock::system());
        let node = Node::here(server.clone(), None).await;
        let mut alice = Person::log_in(node.address, "alice").await.unwrap();
        let tokens = alice.tokens(node.address).await.unwrap();
        assert_eq!(node.status(&tokens.access).await, 200);
        Self { shaky, node, server, alice, tokens }
    }

    /// What needs no store is there all the time.
    async fn assert_open_paths(&self) {
        let at = self.node.address;
        assert_eq!(call(at, "hello", None).await.unwrap().status, 200);
        assert_eq!(call(at, "read_note", None).await.unwrap().status, 401);
        for path in
            ["/jwks", "/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/mcp", "/mcp"]
        {
            let answer = send(at, "GET", path, &[], "").await.unwrap();
            let expected = if path == "/mcp" { 405 } else { 200 };
            assert_eq!(answer.status, expected, "{path}: {answer:?}");
        }
    }
}

fn assert_unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=10).contains(&wait), "{answer:?}");
}

/// How long the answers of a token are 200, until they are 503.
async fn served_for(scene: &Scene) -> Duration {
    let begin = Instant::now();
    loop {
        let asked = Instant::now();
        let answer = scene.node.call(&scene.tokens.access).await.unwrap();
        match answer.status {
            200 => assert!(begin.elapsed() < Duration::from_secs(20), "it goes on without news"),
            _ => {
                assert_unavailable(&answer);
                assert!(asked.elapsed() < SOON, "it took {:?} to say so", asked.elapsed());
                return asked - begin;
            }
        }
    }
}

async fn goes_and_comes_back(mood: u8) {
    let mut scene = Scene::new().await;
    scene.shaky.set(mood);
    let served = served_for(&scene).await;
    // Counted from the last news, which are half a second old at most.
    assert!((Duration::from_secs(4)..Duration::from_millis(5_500)).contains(&served), "{served:?}");
    // It says so soon, not after waiting for the store each time, and what needs no store goes on.
    for _ in 0..3 {
        let asked = Instant::now();
        scene.assert_open_paths().await;
        assert_unavailable(&scene.node.call(&scene.tokens.access).await.unwrap());
        assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
    }
    assert_unavailable(&scene.node.refresh(&scene.tokens.refresh).await.unwrap());
    scene.assert_open_paths().await;
    scene.shaky.set(WORKS);
    let back = Instant::now();
    loop {
        let answer = scene.node.call(&scene.tokens.access).await.unwrap();
        if answer.status == 200 {
            break;
        }
        assert_unavailable(&answer);
        assert!(back.elapsed() < Duration::from_secs(7), "{answer:?}");
    }
    // Nothing was lost or spent meanwhile, and revoking works again.
    let tokens = Tokens::of(&scene.node.refresh(&scene.tokens.refresh).await.unwrap());
    assert_eq!(scene.node.status(&tokens.access).await, 200);
    let fresh = scene.alice.tokens(scene.node.address).await.unwrap();
    assert_eq!(scene.node.status(&fresh.access).await, 200);
    let server = scene.server.authorization_server().unwrap();
    assert!(server.revoke_grant(&tokens.claim("grant")).await.unwrap());
    assert_eq!(scene.node.status(&tokens.access).await, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_fails() {
    goes_and_comes_back(FAILS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes twenty seconds"]
async fn a_store_that_hangs() {
    goes_and_comes_back(HANGS).await;
}

/// Somebody's backup, or a shell that was left open: nothing can be written, all can be read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes eight seconds"]
async fn a_file_that_somebody_else_has_locked() {
    let folder = Folder::new();
    let store = folder.store().await;
    add_user(store.clone(), "alice").await;
    let node = Node::here(build(store, folder.key(), Clock::system()), None).await;
    let mut alice = Person::log_in(node.address, "alice").await.unwrap();
    let tokens = alice.tokens(node.address).await.unwrap();
    let code = alice.code(node.address).await.unwrap();
    let lock = Connection::open(folder.file()).unwrap();
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let begin = Instant::now();
    assert_unavailable(&code.redeem(node.address).await.unwrap());
    let waited = begin.elapsed();
    assert!((Duration::from_secs(4)..Duration::from_secs(7)).contains(&waited), "{waited:?}");
    // News can be read, so tokens are good for as long as it takes.
    while begin.elapsed() < Duration::from_secs(7) {
        assert_eq!(node.status(&tokens.access).await, 200);
    }
    lock.execute_batch("ROLLBACK").unwrap();
    let bought = Tokens::of(&code.redeem(node.address).await.unwrap());
    assert_eq!(node.status(&bought.access).await, 200);
    let next = Tokens::of(&node.refresh(&tokens.refresh).await.unwrap());
    assert_eq!(node.status(&next.access).await, 200);
}
