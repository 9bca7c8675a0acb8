//! Accounts of several providers that are one person, because they have one address.

use std::time::Duration;

use serde_json::json;

use super::{stub::Stub, *};
use crate::oauth::{
    login::federated::Arrived,
    people::{accounts, federated_subject_of},
};

struct Providers {
    world: World,
    left: Stub,
    right: Stub,
}

impl Providers {
    async fn new() -> Self {
        let (left, right) = (Stub::named("left"), Stub::named("right"));
        let logins: Vec<Box<dyn LoginProvider>> = vec![Box::new(left.clone()), Box::new(right.clone())];
        Self { world: World::at(ISSUER, logins).await, left, right }
    }

    fn account_id(&self, provider: &str, id: &str) -> String {
        if provider == "left" { self.left.account_id(id) } else { self.right.account_id(id) }
    }

    /// The subject of somebody who has just come back.
    async fn subject(&self, provider: &str, id: &str, email: &str) -> String {
        self.subject_with(provider, id, email, json!({})).await
    }

    async fn subject_with(&self, provider: &str, id: &str, email: &str, claims: Value) -> String {
        let (core, account_id) = (&self.world.core, self.account_id(provider, id));
        let subject = federated_subject_of(core, (provider, &account_id), Some(email)).await.unwrap();
        let claims = claims.as_object().cloned().unwrap();
        let arrived = Arrived { id: id.to_owned(), claims, tokens: None, once: None };
        accounts::remember(core, provider, &account_id, &arrived).await.unwrap();
        subject
    }
}

/// A provider that gives an address to somebody else would otherwise give the account along: everything that its owner has
/// here.
#[tokio::test]
async fn an_address_that_changes_hands_at_a_provider_takes_nobody_along() {
    let providers = Providers::new().await;
    let at = async |provider, id, email| providers.subject(provider, id, email).await;
    let first = at("left", "1", "a@example.com").await;
    let second = at("left", "2", "a@example.com").await;
    assert_ne!(second, first, "another account of the same provider");
    assert_eq!(at("right", "7", "a@example.com").await, second, "it is whose the address is now");
    assert_eq!(at("left", "1", "a1@example.com").await, first, "who had it is who they were");
    // Also if another provider was the first to name it.
    assert_ne!(at("right", "8", "a@example.com").await, second);
    assert_eq!(at("right", "7", "b@example.com").await, second);
    // Somebody who is known gets the address of somebody else.
    let third = at("left", "3", "c@example.com").await;
    assert_eq!(at("left", "1", "c@example.com").await, first);
    assert_eq!(at("right", "9", "c@example.com").await, first);
    assert_eq!(at("left", "3", "d@example.com").await, third);
}

/// Whoever had the address has left; the other provider may have given it to somebody else meanwhile.
#[tokio::test]
async fn nobody_is_linked_with_an_account_that_is_gone() {
    for left_how in 0..3 {
        let providers = Providers::new().await;
        let claims = if left_how == 0 { json!({ "admitted": false }) } else { json!({}) };
        let first = providers.subject_with("left", "1", "a@example.com", claims).await;
        if left_how == 1 {
            providers.left.forgets();
            providers.world.clock.advance(Duration::from_secs(24 * 3_600));
            let account_id = providers.account_id("left", "1");
            assert_eq!(crate::oauth::people::present(&providers.world.core, "left", &account_id).await.unwrap(), None);
        }
        if left_how == 2 {
            providers.world.clock.advance(Duration::from_secs(30 * 24 * 3_600));
        }
        let second = providers.subject("right", "7", "a@example.com").await;
        assert_ne!(second, first, "{left_how}");
        assert_eq!(providers.subject("left", "1", "a@example.com").await, first, "{left_how}: they come back");
        assert_eq!(providers.subject("right", "7", "a@example.com").await, second, "{left_how}");
    }
}

#[tokio::test]
async fn of_two_accounts_with_one_address_at_once_one_is_linked() {
    let providers = Providers::new().await;
    let first = providers.subject("left", "1", "a@example.com").await;
    let mut tasks = tokio::task::JoinSet::new();
    for id in 0..8 {
        let (core, account_id) = (Arc::clone(&providers.world.core), providers.account_id("right", &id.to_string()));
        tasks.spawn(
            async move { federated_subject_of(&core, ("right", &account_id), Some("a@example.com")).await.ok() },
        );
    }
    let subjects: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(subjects.iter().filter(|subject| **subject == first).count(), 1, "{subjects:?}");
}
