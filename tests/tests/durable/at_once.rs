//! A hundred requests for what is to be had once.

use std::{collections::HashSet, io, net::SocketAddr, sync::Arc, time::Duration};

use mcp_runtime::{
    clock::ManualClock,
    oauth::StoreKey,
    store::{MemoryStore, Store},
};
use tokio::{sync::Barrier, task::JoinSet};

use crate::{
    http::Answer,
    node::{Folder, Node, add_user, build, refresh},
    person::{Person, Tokens},
    spread::refused_within_a_second,
};

const PARALLEL: usize = 100;

/// Servers on one store, with clocks that are moved by hand.
struct Site {
    nodes: Vec<Node>,
    _folder: Option<Folder>,
}

impl Site {
    async fn in_memory() -> Self {
        let node = Self::node(Arc::new(MemoryStore::new()), StoreKey::generate().unwrap()).await;
        Self { nodes: vec![node], _folder: None }
    }

    async fn in_a_file() -> Self {
        let folder = Folder::new();
        let node = Self::node(folder.store().await, folder.key()).await;
        Self { nodes: vec![node], _folder: Some(folder) }
    }

    async fn in_two_processes() -> Self {
        let folder = Folder::new();
        add_user(folder.store().await, "alice").await;
        let nodes = vec![Node::there(&folder, true), Node::there(&folder, true)];
        Self { nodes, _folder: Some(folder) }
    }

    async fn node(store: Arc<dyn Store>, key: StoreKey) -> Node {
        let clock = ManualClock::new();
        add_user(Arc::clone(&store), "alice").await;
        Node::here(build(store, key, clock.clone()), Some(clock)).await
    }

    async fn person(&self) -> Person {
        Person::log_in(self.nodes[0].address, "alice").await.unwrap()
    }

    fn advance(&mut self, by: Duration) {
        self.nodes.iter_mut().for_each(|node| node.advance(by));
    }

    /// The same request a hundred times at once, shared out among the servers.
    async fn at_once<F>(&self, request: impl Fn(SocketAddr) -> F) -> Vec<Answer>
    where
        F: Future<Output = io::Result<Answer>> + Send + 'static,
    {
        let (mut all, start) = (JoinSet::new(), Arc::new(Barrier::new(PARALLEL)));
        for number in 0..PARALLEL {
            let (start, request) = (Arc::clone(&start), request(self.nodes[number % self.nodes.len()].address));
            all.spawn(async move {
                start.wait().await;
                request.await.unwrap()
            });
        }
        all.join_all().await
    }

    async fn refresh_at_once(&self, token: &str) -> Vec<Answer> {
        self.at_once(|at| {
            let token = token.to_owned();
            async move { refresh(at, &token).await }
        })
        .await
    }

    /// Nothing that came of this grant is good any more, at any server.
    async fn assert_ended(&self, tokens: &[Tokens]) {
        for node in &self.nodes {
            for tokens in tokens {
                refused_within_a_second(node, &tokens.access).await;
                assert_invalid_grant(&[node.refresh(&tokens.refresh).await.unwrap()]);
            }
        }
    }

    async fn assert_good(&self, tokens: &Tokens) {
        for node in &self.nodes {
            assert_eq!(node.status(&tokens.access).await, 200);
        }
    }
}

fn assert_invalid_grant(answers: &[Answer]) {
    for answer in answers {
        assert_eq!((answer.status, &*answer.error()), (400, "invalid_grant"), "{answer:?}");
    }
}

async fn a_code_is_good_once(site: Site) {
    let mut alice = site.person().await;
    // Exchanged once it buys tokens that are good and stay so.
    let other = alice.tokens(site.nodes[0].address).await.unwrap();
    let code = alice.code(site.nodes[0].address).await.unwrap();
    let answers = site
        .at_once(|at| {
            let code = code.clone();
            async move { code.redeem(at).await }
        })
        .await;
    let (bought, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(bought.len(), 1, "{bought:?}");
    assert_invalid_grant(&refused);
    site.assert_ended(&[Tokens::of(&bought[0])]).await;
    for node in &site.nodes {
        assert_invalid_grant(&[code.redeem(node.address).await.unwrap()]);
    }
    site.assert_good(&other).await;
}

async fn a_refresh_token_has_one_successor(site: Site) {
    let mut alice = site.person().await;
    let first = alice.tokens(site.nodes[0].address).await.unwrap();
    let answers = site.refresh_at_once(&first.refresh).await;
    let successors: HashSet<String> = answers.iter().map(|answer| Tokens::of(answer).refresh).collect();
    assert_eq!(successors.len(), 1, "{successors:?}");
    assert!(!successors.contains(&first.refresh));
    for answer in &answers {
        site.assert_good(&Tokens::of(answer)).await;
    }
    let successor = successors.into_iter().next().unwrap();
    let next = Tokens::of(&site.nodes[0].refresh(&successor).await.unwrap());
    assert_ne!(next.refresh, successor);
    site.assert_good(&next).await;
}

async fn the_family_ends_when_the_successor_was_used(site: Site) {
    let mut alice = site.person().await;
    let other = alice.tokens(site.nodes[0].address).await.unwrap();
    let mut family = vec![alice.tokens(site.nodes[0].address).await.unwrap()];
    for number in 0..2 {
        family.push(Tokens::of(&site.nodes[0].refresh(&family[number].refresh).await.unwrap()));
    }
    site.assert_good(&family[2]).await;
    assert_invalid_grant(&site.refresh_at_once(&family[0].refresh).await);
    site.assert_ended(&family).await;
    site.assert_good(&other).await;
}

async fn the_family_ends_after_a_minute(mut site: Site) {
    let mut alice = site.person().await;
    let first = alice.tokens(site.nodes[0].address).await.unwrap();
    let second = Tokens::of(&site.nodes[0].refresh(&first.refresh).await.unwrap());
    site.advance(Duration::from_secs(59));
    let again = Tokens::of(&site.nodes[0].refresh(&first.refresh).await.unwrap());
    assert_eq!(again.refresh, second.refresh, "still in time");
    site.advance(Duration::from_secs(1));
    assert_invalid_grant(&site.refresh_at_once(&first.refresh).await);
    site.assert_ended(&[first, second, again]).await;
}

/// Each on every kind of store.
macro_rules! on_all {
    ($($module:ident: $site:ident)*) => {
        $(mod $module {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn a_code_is_good_once() {
                super::a_code_is_good_once(Site::$site().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn a_refresh_token_has_one_successor() {
                super::a_refresh_token_has_one_successor(Site::$site().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn the_family_ends_when_the_successor_was_used() {
                super::the_family_ends_when_the_successor_was_used(Site::$site().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn the_family_ends_after_a_minute() {
                super::the_family_ends_after_a_minute(Site::$site().await).await;
            }
        })*
    };
}

on_all! {
    memory: in_memory
    file: in_a_file
    two_processes: in_two_processes
}
