//! Accounts of several providers that are one person, because they have one address.

use std::time::Duration;

use serde_json::json;

use super::{stub::Stub, *};
use crate::oauth::{
    error::{ErrorCode, OAuthError},
    login::federated::Arrived,
    people::{accounts, federated_subject_of, vault},
};

const DAY: Duration = Duration::from_secs(24 * 3_600);

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

    /// Another node on the same store, with one more.
    fn with(&self, third: &Stub) -> Arc<Core> {
        self.node(vec![Box::new(self.left.clone()), Box::new(self.right.clone()), Box::new(third.clone())])
    }

    fn node(&self, logins: Vec<Box<dyn LoginProvider>>) -> Arc<Core> {
        let (store, clock) = (Arc::clone(&self.world.store), self.world.clock.clone().into());
        core(ISSUER, store, clock, logins, &self.world.users, ("The web", false)).unwrap()
    }

    fn account_id(&self, provider: &str, id: &str) -> String {
        if provider == "left" { self.left.account_id(id) } else { self.right.account_id(id) }
    }

    /// The subject of somebody who has just come back.
    async fn subject(&self, provider: &str, id: &str, email: &str) -> String {
        self.try_subject(provider, id, email).await.unwrap()
    }

    async fn try_subject(&self, provider: &str, id: &str, email: &str) -> Result<String, OAuthError> {
        let (core, account_id) = (&self.world.core, self.account_id(provider, id));
        self.remember(provider, id, json!({ "linked": email })).await;
        let subject = federated_subject_of(core, (provider, &account_id), Some(email)).await?;
        let tokens = json!({ "access_token": "a", "refresh_token": "r", "expires_at": null, "scopes": [] });
        vault::keep(core, (&subject, provider), id, &serde_json::from_value(tokens).unwrap()).await?;
        Ok(subject)
    }

    async fn remember(&self, provider: &str, id: &str, claims: Value) {
        let claims = claims.as_object().cloned().unwrap();
        let arrived = Arrived { id: id.to_owned(), claims, tokens: None, once: None };
        accounts::remember(&self.world.core, provider, &self.account_id(provider, id), &arrived).await.unwrap();
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
    for left_how in ["not admitted", "forgotten", "forgotten long ago"] {
        let providers = Providers::new().await;
        let first = providers.subject("left", "1", "a@example.com").await;
        match left_how {
            "not admitted" => {
                providers.remember("left", "1", json!({ "linked": "a@example.com", "admitted": false })).await;
            }
            // Nobody has noticed that yet.
            "forgotten" => {
                providers.left.forgets();
                providers.world.clock.advance(DAY);
            }
            _ => providers.world.clock.advance(DAY * 30),
        }
        let second = providers.subject("right", "7", "a@example.com").await;
        assert_ne!(second, first, "{left_how}");
        assert_eq!(providers.left.asked().2, usize::from(left_how == "forgotten"), "{left_how}: looks");
        assert_eq!(providers.subject("left", "1", "a@example.com").await, first, "{left_how}: they come back");
        assert_eq!(providers.subject("right", "7", "a@example.com").await, second, "{left_how}");
    }
}

/// It is theirs no more, and they are still there.
#[tokio::test]
async fn nobody_is_linked_by_an_address_that_was_given_up() {
    let providers = Providers::new().await;
    let first = providers.subject("left", "1", "a@example.com").await;
    assert_eq!(providers.subject("left", "1", "b@example.com").await, first);
    assert_ne!(providers.subject("right", "7", "a@example.com").await, first);
    assert_eq!(providers.subject("right", "8", "b@example.com").await, first);
    // Their provider says so when it is asked.
    providers.left.says("1", json!({ "linked": "c@example.com" }));
    providers.right.says("8", json!({ "linked": "c@example.com" }));
    providers.world.clock.advance(DAY);
    assert_ne!(providers.subject("right", "9", "b@example.com").await, first);
}

/// One of somebody's accounts is enough, whichever brought the address.
#[tokio::test]
async fn an_address_lasts_as_long_as_an_account_that_has_it() {
    for gone in ["left", "right"] {
        let providers = Providers::new().await;
        let first = providers.subject("left", "1", "a@example.com").await;
        assert_eq!(providers.subject("right", "7", "a@example.com").await, first);
        let id = if gone == "left" { "1" } else { "7" };
        providers.remember(gone, id, json!({ "linked": "a@example.com", "admitted": false })).await;
        let third = Stub::named("third");
        let core = providers.with(&third);
        let subject = federated_subject_of(&core, ("third", &third.account_id("3")), Some("a@example.com")).await;
        assert_eq!(subject.unwrap(), first, "{gone} is gone");
    }
}

#[tokio::test]
async fn while_it_cannot_be_told_who_has_an_address_nobody_is_linked_and_nobody_is_new() {
    let providers = Providers::new().await;
    let first = providers.subject("left", "1", "a@example.com").await;
    providers.left.says("1", json!({ "linked": "a@example.com" }));
    providers.left.is_down(true);
    providers.world.clock.advance(DAY * 2);
    let error = providers.try_subject("right", "7", "a@example.com").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::TemporarilyUnavailable);
    let third = Stub::named("third");
    let (core, account_id) = (providers.with(&third), third.account_id("3"));
    let known = federated_subject_of(&core, ("third", &account_id), Some("b@example.com")).await.unwrap();
    let again = federated_subject_of(&core, ("third", &account_id), Some("a@example.com")).await;
    assert_eq!(again.unwrap(), known, "who is known needs nobody else's provider");
    providers.left.is_down(false);
    providers.world.clock.advance(Duration::from_secs(30));
    assert_eq!(providers.subject("right", "7", "a@example.com").await, first);
}

/// The operator gave the name to another provider.
#[tokio::test]
async fn nobody_is_linked_with_an_account_of_another_issuer_under_its_name() {
    let providers = Providers::new().await;
    let first = providers.subject("left", "1", "a@example.com").await;
    let other = Stub::named("left").of_issuer("https://other.example");
    let core = providers.node(vec![Box::new(other), Box::new(providers.right.clone())]);
    let account_id = providers.account_id("right", "7");
    let second = federated_subject_of(&core, ("right", &account_id), Some("a@example.com")).await.unwrap();
    assert_ne!(second, first);
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
