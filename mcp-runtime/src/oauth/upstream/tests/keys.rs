//! Another store key: what was made before is read as long as the key before is there, and no longer.

use super::*;
use crate::{
    auth::{BearerToken, Identity},
    oauth::{
        browser::{Bound, Purpose},
        tokens::{Access, Grant, insert_steps, random_id, refresh},
        upstream::{
            Outcome,
            ticket::{self, Standing},
        },
    },
    store::Commit,
};

const NEW: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";

fn key(text: &str) -> StoreKey {
    StoreKey::from_base64(text).unwrap()
}

async fn access_token(node: &AuthorizationServer) -> String {
    let (core, id) = (&node.0, random_id().unwrap());
    let ends_at = core.records.now() + 60;
    let grant = Grant {
        client_id: "c".to_owned(),
        subject: SUBJECT.to_owned(),
        resource: RESOURCE.to_owned(),
        scopes: Vec::new(),
        auth_time: 0,
        created_at: 0,
        ends_at,
        access_until: ends_at,
        refresh: None,
    };
    assert_eq!(core.records.commit(&insert_steps(&id, &grant)).await.unwrap(), Commit::Done);
    let access = Access { subject: SUBJECT, client_id: "c", scopes: &[], grant: &id, expires_at: ends_at };
    core.sign(&access).await.unwrap()
}

async fn verified(node: &AuthorizationServer, token: &str) -> Option<Identity> {
    node.0.verify(&BearerToken::new(token).unwrap()).await.ok()
}

#[tokio::test]
async fn with_the_key_before_everything_goes_on() {
    let world = World::stale().await;
    let (old, new) = (world.node(), world.node_with(key(NEW).with_previous(key(KEY))));
    old.ready().await.unwrap();
    let token = access_token(&old).await;
    let form = Bound { purpose: Purpose::Login, holder: "h", query: "q", shown: "" };
    let refresh_token = refresh::token(&old.0, &random_id().unwrap(), 3).unwrap();
    let link = ticket::link(&old.0, PLACE);
    let ticket = link.rsplit_once('=').unwrap().1;

    new.ready().await.unwrap();
    assert!(verified(&new, &token).await.is_some(), "signing keys");
    assert!(form.is_token(&new.0, Some(&form.token(&old.0))), "forms");
    assert_eq!(refresh::read(&new.0, &refresh_token).unwrap().1, 3);
    assert_eq!(ticket::judge(&new.0, ticket, PLACE), Standing::Good);
    assert_eq!(vault::kept(&new.0, PLACE).await.unwrap().unwrap().account, "1");
    // What it makes is of the new key alone.
    assert!(!form.is_token(&old.0, Some(&form.token(&new.0))));
    let Outcome::Tokens(tokens) = super::super::flight::fresh(&new.0, PLACE).await else { panic!("refreshed") };
    assert_eq!(tokens.access_token, "upstream-access-1");

    // By now everything that lasts was sealed anew: the key before may go.
    let alone = world.node_with(key(NEW));
    alone.ready().await.unwrap();
    assert!(verified(&alone, &token).await.is_some());
    assert_eq!(vault::kept(&alone.0, PLACE).await.unwrap().unwrap().tokens, tokens);
    assert_eq!(refresh::read(&alone.0, &refresh_token), None);
    assert!(world.node().ready().await.is_err(), "and is good for nothing any more");
    assert_eq!(vault::kept(&world.node().0, PLACE).await.unwrap().map(|kept| kept.account), None);
}

#[tokio::test]
async fn without_it_nothing_of_before_is_read() {
    let world = World::stale().await;
    let (old, new) = (world.node(), world.node_with(key(NEW)));
    old.ready().await.unwrap();
    let error = new.ready().await.unwrap_err().to_string();
    assert!(error.contains("another store key"), "{error}");
    assert!(vault::kept(&new.0, PLACE).await.unwrap().is_none());
    assert!(matches!(super::super::flight::fresh(&new.0, PLACE).await, Outcome::Nothing));
    let link = ticket::link(&old.0, PLACE);
    assert_eq!(ticket::judge(&new.0, link.rsplit_once('=').unwrap().1, PLACE), Standing::Foreign);
    assert_eq!(world.fake.refreshes(), 0);
    assert!(vault::kept(&old.0, PLACE).await.unwrap().is_some(), "and nothing is lost by it");
}
