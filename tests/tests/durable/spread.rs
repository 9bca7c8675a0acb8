//! What one process ends, others refuse within a second.

use std::time::{Duration, Instant};

use crate::node::{Folder, Node, add_user, build};
use crate::person::Person;

/// For the machine; what is promised is a second.
const SLACK: Duration = Duration::from_millis(250);

/// Calls until the token is refused, and says how long that took.
pub(crate) async fn refused_within_a_second(node: &Node, token: &str) -> Duration {
    let begin = Instant::now();
    loop {
        let asked = Instant::now();
        let answer = node.call(token).await.unwrap();
        match answer.status {
            401 => return asked - begin,
            200 => assert!(asked - begin <= Duration::from_secs(1) + SLACK, "still good after {:?}", asked - begin),
            _ => panic!("{answer:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_that_another_process_ends_is_refused_within_a_second() {
    let folder = Folder::new();
    let store = folder.store().await;
    add_user(store.clone(), "alice").await;
    let node = Node::there(&folder, false);
    let operator = build(store, folder.key(), mcp_runtime::clock::Clock::system());
    let operator = operator.authorization_server().unwrap();
    let mut alice = Person::log_in(node.address, "alice").await.unwrap();
    let kept = alice.tokens(node.address).await.unwrap();
    let mut slowest = Duration::ZERO;
    for _ in 0..8 {
        let tokens = alice.tokens(node.address).await.unwrap();
        assert_eq!(node.status(&tokens.access).await, 200);
        assert!(operator.revoke_grant(&tokens.claim("grant")).await.unwrap());
        slowest = slowest.max(refused_within_a_second(&node, &tokens.access).await);
        assert_eq!(node.refresh(&tokens.refresh).await.unwrap().status, 400, "at once");
        assert_eq!(node.status(&kept.access).await, 200);
    }
    println!("refused after {slowest:?} at most");
}

/// The other way round: a client gives a token back to one process, another one refuses it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_was_given_back_to_another_process_is_refused_within_a_second() {
    let folder = Folder::new();
    add_user(folder.store().await, "alice").await;
    let (one, other) = (Node::there(&folder, false), Node::there(&folder, false));
    let mut alice = Person::log_in(one.address, "alice").await.unwrap();
    for by_access_token in [true, false] {
        let tokens = alice.tokens(one.address).await.unwrap();
        assert_eq!([one.status(&tokens.access).await, other.status(&tokens.access).await], [200, 200]);
        let token = if by_access_token { &tokens.access } else { &tokens.refresh };
        let revoked = one.post("/revoke", &[("client_id", crate::node::CLIENT), ("token", token)]).await.unwrap();
        assert_eq!(revoked.status, 200, "{revoked:?}");
        assert_eq!(one.status(&tokens.access).await, 401, "at once where it was given back");
        refused_within_a_second(&other, &tokens.access).await;
    }
}
