//! Refresh tokens.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_who_asks_in_time_gets_the_same_successor() {
    let world = World::new();
    let nodes = [world.node(), world.node()];
    let first = Arc::new(tokens(&nodes[0], &["read"]).await);
    let tasks: Vec<_> = (0..100)
        .map(|i| {
            let (node, first) = (nodes[i % 2].clone(), Arc::clone(&first));
            tokio::spawn(async move { refresh(&node, &client("c"), first.refresh()).await.map_err(|error| error.code) })
        })
        .collect();
    let mut successors = Vec::new();
    for task in tasks {
        let tokens = task.await.unwrap().unwrap();
        assert!(verify(&nodes[0], tokens.access()).await.is_ok());
        successors.push(tokens.refresh().to_owned());
    }
    successors.dedup();
    assert_eq!(successors.len(), 1, "there is more than one successor");
    assert_ne!(successors[0], first.refresh());
    world.advance(59);
    assert_eq!(refresh(&nodes[1], &client("c"), first.refresh()).await.unwrap().refresh(), successors[0]);
    let third = refresh(&nodes[1], &client("c"), &successors[0]).await.unwrap();
    // Its successor was used: the time of the first is over.
    assert_eq!(refusal(refresh(&nodes[0], &client("c"), first.refresh()).await), ErrorCode::InvalidGrant);
    for (node, token) in [(&nodes[0], &successors[0]), (&nodes[1], &third.refresh().to_owned())] {
        assert_eq!(refusal(refresh(node, &client("c"), token).await), ErrorCode::InvalidGrant);
    }
    assert!(verify(&nodes[0], third.access()).await.is_err(), "an access token of the family lives on");
}

#[tokio::test]
async fn after_a_minute_the_old_one_ends_the_family() {
    let world = World::new();
    let node = world.node();
    let first = tokens(&node, &["read"]).await;
    let second = refresh(&node, &client("c"), first.refresh()).await.unwrap();
    world.advance(60);
    assert!(verify(&node, second.access()).await.is_ok());
    assert_eq!(refusal(refresh(&node, &client("c"), first.refresh()).await), ErrorCode::InvalidGrant);
    assert_eq!(refusal(refresh(&node, &client("c"), second.refresh()).await), ErrorCode::InvalidGrant);
    for tokens in [first, second] {
        assert!(verify(&node, tokens.access()).await.is_err());
    }
}

#[tokio::test]
async fn another_client_gets_nothing_and_ends_nothing() {
    let world = World::new();
    let node = world.node();
    let first = tokens(&node, &["read"]).await;
    let second = refresh(&node, &client("c"), first.refresh()).await.unwrap();
    world.advance(61);
    for token in [first.refresh(), second.refresh()] {
        assert_eq!(refusal(refresh(&node, &client("d"), token).await), ErrorCode::InvalidGrant);
    }
    assert!(verify(&node, second.access()).await.is_ok());
    assert!(refresh(&node, &client("c"), second.refresh()).await.is_ok());
}

#[tokio::test]
async fn forged_tokens_never_reach_the_store() {
    let world = World::new();
    let node = world.node();
    let good = tokens(&node, &["read"]).await.refresh().to_owned();
    let bytes = URL_SAFE_NO_PAD.decode(&good).unwrap();
    let forged = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        URL_SAFE_NO_PAD.encode(bytes)
    };
    let before = world.store.asked.load(Ordering::SeqCst);
    // Of the id, the number, the code; cut, longer, spelt otherwise, nothing.
    let altered = [forged(0), forged(15), forged(16), forged(19), forged(20), forged(51)];
    let others = [good[..good.len() - 2].to_owned(), format!("{good}AA"), format!("{good}="), "x".to_owned()];
    for token in altered.iter().chain(&others) {
        assert_eq!(refusal(refresh(&node, &client("c"), token).await), ErrorCode::InvalidGrant, "{token}");
    }
    assert_eq!(world.store.asked.load(Ordering::SeqCst), before);
    assert!(refresh(&node, &client("c"), &good).await.is_ok());
}

#[tokio::test]
async fn scopes_become_fewer_and_never_more() {
    let world = World::new();
    let node = world.node();
    let c = client("c");
    let first = tokens(&node, &["read", "write"]).await;
    let narrow = refresh_for(&node, &c, first.refresh(), Some("read")).await.unwrap();
    assert_eq!(narrow.scope(), "read");
    let identity = verify(&node, narrow.access()).await.unwrap();
    assert!(identity.has_scope("read") && !identity.has_scope("write"));
    for wide in ["admin", "read admin", "read  write", "unknown", "\"read\""] {
        let refused = refusal(refresh_for(&node, &c, narrow.refresh(), Some(wide)).await);
        assert_eq!(refused, ErrorCode::InvalidScope, "{wide}");
    }
    // What was granted is not lost by asking for less.
    let whole = refresh(&node, &c, narrow.refresh()).await.unwrap();
    assert_eq!(whole.scope(), "read write");
    world.account(Account::new("alice", "Alice").scopes(["read"]));
    let less = refresh(&node, &c, whole.refresh()).await.unwrap();
    assert_eq!(less.scope(), "read");
    world.account(Account::new("alice", "Alice").all_scopes());
    assert_eq!(refresh(&node, &c, less.refresh()).await.unwrap().scope(), "read", "what was lost came back");
}

#[tokio::test]
async fn what_a_client_may_have_counts_as_well() {
    let world = World::new();
    let node = world.node();
    let first = tokens(&node, &["read", "write"]).await;
    let limited = Client { scopes: Some(vec!["write".to_owned()]), ..client("c") };
    assert_eq!(refresh(&node, &limited, first.refresh()).await.unwrap().scope(), "write");
    let no_more = Client { grant_types: vec![GrantType::AuthorizationCode], ..client("c") };
    assert_eq!(refusal(refresh(&node, &no_more, first.refresh()).await), ErrorCode::UnauthorizedClient);
}

#[tokio::test]
async fn who_is_gone_refreshes_no_more() {
    let world = World::new();
    let node = world.node();
    let first = tokens(&node, &["read"]).await;
    world.remove_account("alice");
    assert_eq!(refusal(refresh(&node, &client("c"), first.refresh()).await), ErrorCode::InvalidGrant);
    assert!(verify(&node, first.access()).await.is_err());
    world.account(Account::new("alice", "Alice").all_scopes());
    assert_eq!(refusal(refresh(&node, &client("c"), first.refresh()).await), ErrorCode::InvalidGrant);
}

const DAY: u64 = 24 * 3600;

#[tokio::test]
async fn a_grant_ends_when_it_is_idle_and_in_the_end() {
    let world = World::new();
    let node = world.node();
    let idle = tokens(&node, &["read"]).await;
    world.advance(14 * DAY);
    assert_eq!(refusal(refresh(&node, &client("c"), idle.refresh()).await), ErrorCode::InvalidGrant);
    let mut busy = tokens(&node, &["read"]).await;
    for _ in 0..2 {
        world.advance(14 * DAY - 1);
        busy = refresh(&node, &client("c"), busy.refresh()).await.unwrap();
    }
    world.advance(2 * DAY - 100);
    busy = refresh(&node, &client("c"), busy.refresh()).await.unwrap();
    let end = verify(&node, busy.access()).await.unwrap().expires_at().unwrap();
    assert!(end - node.0.records.now() <= 102, "an access token outlives its grant");
    world.advance(102);
    assert_eq!(refusal(refresh(&node, &client("c"), busy.refresh()).await), ErrorCode::InvalidGrant);
}

#[tokio::test]
async fn grants_for_another_resource_are_refused() {
    let world = World::new();
    let node = world.node();
    let first = tokens(&node, &["read"]).await;
    let fields =
        HashMap::from([("refresh_token", first.refresh().to_owned()), ("resource", "https://b.example".to_owned())]);
    let refused = super::super::refresh::redeem(&node.0, &client("c"), &form(&fields)).await;
    assert_eq!(refusal(refused.map(|answer| Tokens(answer.into_json()))), ErrorCode::InvalidTarget);
}

#[tokio::test]
async fn for_ever_is_a_lifetime_like_any_other() {
    use std::time::Duration;

    let world = World::new();
    let node = world.node_with(KEY, |builder| {
        builder.grant_lifetime(Duration::MAX, Duration::MAX).signing_key_lifetime(Duration::MAX)
    });
    let node = node.unwrap();
    node.ready().await.unwrap();
    let first = tokens(&node, &["read"]).await;
    world.advance(1_000 * 24 * 3600);
    let next = refresh(&node, &client("c"), first.refresh()).await.unwrap();
    assert!(verify(&node, next.access()).await.is_ok());
    node.0.keys.rotate_if_due(&node.0).await.unwrap();
    assert_eq!(node.0.keys.kids().len(), 1);
}
