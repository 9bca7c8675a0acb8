//! Clients that act for themselves, resource servers that ask, and what the operator does from code.

use std::time::Duration;

use super::*;
use crate::{
    auth::Principal,
    oauth::{
        MintError,
        endpoints::{give_back, tell},
        tokens::{Grant, Holder, insert_steps},
    },
};

fn service(scopes: Option<&[&str]>) -> Client {
    let secret = Authentication::Secret { sha256: String::new(), method: crate::oauth::clients::SecretMethod::Either };
    Client {
        origin: Origin::Operator,
        authentication: secret,
        grant_types: vec![GrantType::ClientCredentials],
        scopes: scopes.map(|scopes| scopes.iter().map(|&scope| scope.to_owned()).collect()),
        ..client("robot")
    }
}

async fn credentials(
    node: &AuthorizationServer,
    client: &Client,
    fields: &[(&'static str, &str)],
) -> Result<Tokens, OAuthError> {
    let fields = fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let answer = super::super::service::issue(&node.0, client, &form(&fields)).await?;
    Ok(Tokens(answer.into_json()))
}

#[tokio::test]
async fn a_program_gets_what_the_operator_gave_it() {
    let world = World::new();
    let node = world.node();
    let robot = service(Some(&["read", "write"]));
    let tokens = credentials(&node, &robot, &[("scope", "read admin")]).await.unwrap();
    assert_eq!(tokens.scope(), "read");
    assert!(tokens.0.get("refresh_token").is_none());
    let identity = verify(&node, tokens.access()).await.unwrap();
    assert_eq!(
        (identity.subject(), identity.client(), identity.principal()),
        ("robot", Some("robot"), Principal::Service)
    );
    assert_eq!(credentials(&node, &robot, &[]).await.unwrap().scope(), "read write");
    // Its token can be given back, and it alone.
    let other = credentials(&node, &robot, &[]).await.unwrap();
    give_back(&node.0, &robot, tokens.access()).await.unwrap();
    assert!(verify(&node, tokens.access()).await.is_err() && verify(&node, other.access()).await.is_ok());
}

#[tokio::test]
async fn strangers_get_nothing_for_themselves() {
    let world = World::new();
    let node = world.node();
    let good = service(Some(&["read"]));
    for (what, client) in [
        ("registered itself", Client { origin: Origin::Dynamic, ..good.clone() }),
        ("a document", Client { origin: Origin::Document, ..good.clone() }),
        ("without a secret", Client { authentication: Authentication::None, ..good.clone() }),
    ] {
        assert_eq!(refusal(credentials(&node, &client, &[]).await), ErrorCode::UnauthorizedClient, "{what}");
    }
    for (what, client, fields, code) in [
        ("no list", service(None), &[("scope", "read")][..], ErrorCode::InvalidScope),
        ("not in the list", good.clone(), &[("scope", "write")], ErrorCode::InvalidScope),
        ("wider", good.clone(), &[("scope", "admin")], ErrorCode::InvalidScope),
        ("malformed", good.clone(), &[("scope", "read  write")], ErrorCode::InvalidScope),
        ("another resource", good.clone(), &[("resource", "https://b.example")], ErrorCode::InvalidTarget),
    ] {
        assert_eq!(refusal(credentials(&node, &client, fields).await), code, "{what}");
    }
}

#[tokio::test]
async fn either_token_ends_the_grant_for_its_own_client_only() {
    let world = World::new();
    let node = world.node();
    for by_refresh in [true, false] {
        let tokens = tokens(&node, &["read"]).await;
        let token = if by_refresh { tokens.refresh() } else { tokens.access() };
        let refused = give_back(&node.0, &client("d"), token).await;
        assert_eq!(refused.unwrap_err().code, ErrorCode::InvalidGrant);
        assert!(verify(&node, tokens.access()).await.is_ok());
        give_back(&node.0, &client("c"), token).await.unwrap();
        assert!(verify(&node, tokens.access()).await.is_err());
        assert_eq!(refusal(refresh(&node, &client("c"), tokens.refresh()).await), ErrorCode::InvalidGrant);
        // Twice is as good as once, and what never was one is as good as revoked.
        give_back(&node.0, &client("c"), token).await.unwrap();
    }
    for unknown in ["x", "a.b.c", "not a token"] {
        give_back(&node.0, &client("c"), unknown).await.unwrap();
    }
}

#[tokio::test]
async fn only_resource_servers_are_told_about_tokens() {
    let world = World::new();
    let node = world.node();
    let first = tokens(&node, &["read"]).await;
    let asks = Client { may_introspect: true, ..service(None) };
    let told = tell(&node.0, &asks, first.access()).await.unwrap();
    assert_eq!(
        (&told["active"], &told["aud"], &told["iss"]),
        (&true.into(), &RESOURCE.into(), &"https://a.example".into())
    );
    assert_eq!(
        (&told["client_id"], &told["scope"], &told["token_type"]),
        (&"c".into(), &"read".into(), &"Bearer".into())
    );
    assert!(told["sub"].is_string() && told["exp"].is_u64() && told.get("grant").is_none());
    let nothing = serde_json::json!({"active": false});
    assert_eq!(tell(&node.0, &asks, first.refresh()).await.unwrap(), nothing, "a refresh token");
    assert_eq!(tell(&node.0, &asks, "x").await.unwrap(), nothing);
    assert_eq!(tell(&node.0, &client("c"), first.access()).await.unwrap(), nothing, "its own client");
    give_back(&node.0, &client("c"), first.access()).await.unwrap();
    assert_eq!(tell(&node.0, &asks, first.access()).await.unwrap(), nothing, "revoked");
}

#[tokio::test]
async fn grants_are_found_and_ended_by_who_has_them() {
    let world = World::new();
    let node = world.node();
    let [first, second] = [tokens(&node, &["read"]).await, tokens(&node, &["write"]).await];
    let subject = people::subject_of(&node.0, "listed", "alice").await.unwrap();
    let mut scopes: Vec<_> =
        node.grants_of(&subject).await.unwrap().into_iter().flat_map(|grant| grant.scopes).collect();
    scopes.sort_unstable();
    assert_eq!(scopes, ["read", "write"]);
    assert!(node.grants_of("nobody").await.unwrap().is_empty());
    assert_eq!(node.revoke_all_for_client("d").await.ok(), Some(0));
    assert_eq!(node.revoke_all_for_client("c").await.ok(), Some(2));
    for tokens in [first, second] {
        assert!(verify(&node, tokens.access()).await.is_err());
    }
    assert!(node.grants_of(&subject).await.unwrap().is_empty());
    assert!(world.store.list(Kind::new("grant_of"), "", None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn tokens_can_be_minted_for_accounts_that_may_have_them() {
    let world = World::new();
    let node = world.node();
    world.account(Account::new("bob", "Bob").scopes(["admin"]));
    let hour = Duration::from_secs(3600);
    let token = node.mint("listed", "bob", ["write"], hour).await.unwrap();
    let identity = verify(&node, &token).await.unwrap();
    assert!(identity.has_scope("write") && !identity.has_scope("admin"));
    assert_eq!(identity.expires_at(), Some(node.0.records.now() + 3600));
    assert!(matches!(node.mint("listed", "eve", ["read"], hour).await, Err(MintError::NoAccount)));
    assert!(matches!(node.mint("other", "bob", ["read"], hour).await, Err(MintError::NoAccount)));
    let unknown = node.mint("listed", "bob", ["read", "unknown"], hour).await.unwrap_err();
    assert!(matches!(&unknown, MintError::UndeclaredScope(scope) if scope == "unknown"), "{unknown}");
    assert_eq!(format!("{unknown:?}"), unknown.to_string(), "what a `main` prints");
    world.account(Account::new("bob", "Bob").scopes(["read"]));
    let withheld = node.mint("listed", "bob", ["read", "write"], hour).await.unwrap_err();
    assert!(matches!(&withheld, MintError::NotAllowed(scope) if scope == "write"), "{withheld}");
    let nowhere = StoreError::new("there is no disk");
    assert_eq!(format!("{nowhere:?}"), "the store cannot be used: there is no disk");
    assert_eq!(format!("{:?}", MintError::Store(nowhere)), "the store cannot be used: there is no disk");
    assert_eq!(node.revoke_all_of(identity.subject()).await.ok(), Some(1));
    assert!(verify(&node, &token).await.is_err());
}

/// What somebody allowed a moment before counts as allowed before.
#[tokio::test]
async fn a_code_does_not_survive_the_end_of_all_grants() {
    let world = World::new();
    let nodes = [world.node(), world.node()];
    let early = code(&nodes[0], &["read"]).await;
    tokens(&nodes[0], &["read"]).await;
    let subject = people::subject_of(&nodes[0].0, "listed", "alice").await.unwrap();
    assert_eq!(nodes[1].revoke_all_of(&subject).await.unwrap(), 1);
    assert_eq!(refusal(redeem(&nodes[0], &client("c"), &early).await), ErrorCode::InvalidGrant);
    assert!(nodes[0].grants_of(&subject).await.unwrap().is_empty());
    // What is allowed afterwards counts.
    let late = code(&nodes[0], &["read"]).await;
    assert!(redeem(&nodes[0], &client("c"), &late).await.is_ok());
    assert_eq!(nodes[0].revoke_all_of("nobody").await.unwrap(), 0);
}

#[tokio::test]
async fn a_subject_leads_back_to_its_account() {
    let world = World::new();
    let node = world.node();
    world.account(Account::new("1001", "Bob").scopes(["read"]));
    node.mint("listed", "1001", ["read"], Duration::from_secs(60)).await.unwrap();
    let subject = node.subject_of("listed", "1001").await.unwrap().unwrap();
    let back = node.account_of(&subject).await.unwrap();
    assert_eq!(back, Some(("listed".to_owned(), "1001".to_owned())));
    for unknown in ["1001", "", "robot", &"x".repeat(10_000)] {
        assert_eq!(node.account_of(unknown).await.unwrap(), None, "{unknown}");
    }
}

#[tokio::test]
async fn keys_are_listed_with_what_they_do() {
    use crate::oauth::SigningKeyState::{Retired, Signing, Waiting};

    let world = World::new();
    let node = world.node();
    let states = |keys: &[crate::oauth::SigningKeyInfo]| keys.iter().map(|key| key.state).collect::<Vec<_>>();
    let first = node.signing_keys().await.unwrap();
    assert_eq!(states(&first), [Signing]);
    assert_eq!(first[0].since, node.0.records.now());
    let second = node.rotate_signing_key().await.unwrap();
    let both = node.signing_keys().await.unwrap();
    assert_eq!((states(&both), &both[1].kid), (vec![Signing, Waiting], &second));
    assert_eq!(both[1].since, node.0.records.now() + 330);
    world.clock.advance(Duration::from_secs(330));
    assert_eq!(states(&node.signing_keys().await.unwrap()), [Retired, Signing]);
    // What is said of a key is the one that tokens name.
    assert!(node.revoke_signing_key(&both[0].kid).await.unwrap());
    assert!(node.revoke_signing_key(&second).await.unwrap());
    let last = node.signing_keys().await.unwrap();
    assert_eq!(states(&last), [Signing], "revoking the only one makes another");
    assert!(last[0].kid != second && last[0].kid != both[0].kid);
}

#[tokio::test]
async fn a_client_has_so_many_grants_of_one_person() {
    let world = World::new();
    let node = world.node();
    let first = tokens(&node, &["read"]).await;
    world.advance(1);
    let second = tokens(&node, &["read"]).await;
    let subject = people::subject_of(&node.0, "listed", "alice").await.unwrap();
    // One that is older, but another client's.
    let mut other = node.0.grants_of(Holder::Subject(&subject)).await.unwrap().swap_remove(0).record;
    let ends_at = other.ends_at + 1_000_000;
    other = Grant { client_id: "d".to_owned(), created_at: 0, ends_at, access_until: ends_at, ..other };
    assert_eq!(node.0.records.commit(&insert_steps("of-d", &other)).await.unwrap(), Commit::Done);
    for _ in 2..100 {
        tokens(&node, &["read"]).await;
    }
    assert!(verify(&node, first.access()).await.is_ok());
    assert_eq!(node.grants_of(&subject).await.unwrap().len(), 101);
    // The oldest makes room.
    let newest = tokens(&node, &["read"]).await;
    assert!(verify(&node, first.access()).await.is_err());
    assert_eq!(refusal(refresh(&node, &client("c"), first.refresh()).await), ErrorCode::InvalidGrant);
    assert!(verify(&node, second.access()).await.is_ok() && verify(&node, newest.access()).await.is_ok());
    assert!(node.grants_of(&subject).await.unwrap().iter().any(|grant| grant.id == "of-d"));
    let index = || world.store.list(Kind::new("grant_of"), "", None, 1_000);
    assert_eq!((node.grants_of(&subject).await.unwrap().len(), index().await.unwrap().len()), (101, 202));
    // Those that have ended by themselves are not counted, nor kept in mind.
    world.advance(14 * 24 * 3_600 - 1);
    let kept = refresh(&node, &client("c"), second.refresh()).await.unwrap();
    world.advance(2);
    tokens(&node, &["read"]).await;
    assert!(refresh(&node, &client("c"), kept.refresh()).await.is_ok());
    assert_eq!((node.grants_of(&subject).await.unwrap().len(), index().await.unwrap().len()), (3, 6));
    // And nothing more of any of them is left when all end.
    assert_eq!(node.revoke_all_of(&subject).await.ok(), Some(3));
    assert!(index().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_code_does_not_survive_the_end_of_what_its_client_was_allowed() {
    let world = World::new();
    let nodes = [world.node(), world.node()];
    let subject = people::subject_of(&nodes[0].0, "listed", "alice").await.unwrap();
    for by_client in [true, false] {
        let end = async |client_id| match by_client {
            true => nodes[1].revoke_all_for_client(client_id).await.unwrap(),
            false => nodes[1].withdraw_consent(&subject, client_id).await.unwrap(),
        };
        let (early, tokens) = (code(&nodes[0], &["read"]).await, tokens(&nodes[0], &["read"]).await);
        assert_eq!(end("d").await, 0);
        assert!(verify(&nodes[1], tokens.access()).await.is_ok(), "another client's");
        assert_eq!(end("c").await, 1);
        assert!(verify(&nodes[1], tokens.access()).await.is_err());
        assert_eq!(refusal(redeem(&nodes[0], &client("c"), &early).await), ErrorCode::InvalidGrant);
        assert!(nodes[0].grants_of(&subject).await.unwrap().is_empty());
        let late = code(&nodes[0], &["read"]).await;
        assert!(redeem(&nodes[0], &client("c"), &late).await.is_ok());
        assert_eq!(end("c").await, 1);
    }
    let other = code(&nodes[0], &["read"]).await;
    nodes[0].withdraw_consent("somebody else", "c").await.unwrap();
    assert!(redeem(&nodes[0], &client("c"), &other).await.is_ok());
}
