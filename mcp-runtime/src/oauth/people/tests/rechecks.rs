//! Accounts elsewhere, as time goes by: looked up again, within their grace, and gone.

use std::time::Duration;

use serde_json::json;

use super::{stub::Stub, *};
use crate::oauth::{
    error::ErrorCode,
    login::federated::{Arrived, UpstreamTokens},
    people::{accounts, federated_subject_of, present, vault},
};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Somebody who has just come back.
async fn world(up: &Stub) -> (World, String) {
    let world = World::at(ISSUER, vec![Box::new(up.clone())]).await;
    let account_id = up.account_id("1");
    let claims = json!({ "scopes": "read write" });
    up.says("1", claims.clone());
    let arrived =
        Arrived { id: "1".to_owned(), claims: claims.as_object().cloned().unwrap(), tokens: None, once: None };
    accounts::remember(&world.core, "up", &account_id, &arrived).await.unwrap();
    let subject = federated_subject_of(&world.core, ("up", &account_id), None).await.unwrap();
    let tokens = json!({ "access_token": "a", "refresh_token": "r", "expires_at": null, "scopes": [] });
    vault::keep(&world.core, (&subject, "up"), "1", &serde_json::from_value(tokens).unwrap()).await.unwrap();
    (world, subject)
}

async fn scopes(world: &World, up: &Stub) -> Result<Option<Vec<String>>, ErrorCode> {
    let account = present(&world.core, "up", &up.account_id("1")).await.map_err(|error| error.code)?;
    Ok(account.map(|account| account.scopes.unwrap()))
}

#[tokio::test]
async fn what_was_said_holds_for_a_day_and_is_asked_anew_then() {
    let up = Stub::named("up");
    let (world, subject) = world(&up).await;
    up.says("1", json!({ "scopes": "read" }));
    assert_eq!(scopes(&world, &up).await, Ok(Some(vec!["read".to_owned(), "write".to_owned()])));
    world.clock.advance(DAY - Duration::from_secs(1));
    scopes(&world, &up).await.unwrap();
    assert_eq!(up.asked().2, 0);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(scopes(&world, &up).await, Ok(Some(vec!["read".to_owned()])), "fewer now");
    assert_eq!(up.asked().2, 1);
    scopes(&world, &up).await.unwrap();
    assert_eq!(up.asked().2, 1, "good for another day");
    let kept = vault::kept(&world.core, (&subject, "up")).await.unwrap().unwrap();
    assert_eq!(kept.tokens.access_token, "a+", "what was exchanged for it is kept");
}

#[tokio::test]
async fn who_is_gone_there_is_gone_here() {
    let up = Stub::named("up");
    for at in 0..3 {
        let (world, subject) = world(&up).await;
        match at {
            0 => up.forgets(),
            // Somebody else under the same tokens.
            1 => up.says("2", json!({})),
            // Not admitted any more.
            _ => up.says("1", json!({ "admitted": false })),
        }
        world.clock.advance(DAY);
        assert_eq!(scopes(&world, &up).await, Ok(None), "{at}");
        assert_eq!(scopes(&world, &up).await, Ok(None), "{at}: and stays so");
        let is_kept = vault::kept(&world.core, (&subject, "up")).await.unwrap().is_some();
        assert_eq!(is_kept, at == 2, "{at}: tokens");
    }
}

#[tokio::test]
async fn while_the_provider_is_down_what_it_said_holds_within_its_grace() {
    let up = Stub::named("up");
    let (world, _) = world(&up).await;
    up.is_down(true);
    world.clock.advance(DAY);
    for _ in 0..3 {
        assert!(scopes(&world, &up).await.unwrap().is_some());
    }
    assert_eq!(up.asked().2, 1, "it is not asked all the time");
    world.clock.advance(Duration::from_secs(30));
    assert!(scopes(&world, &up).await.unwrap().is_some());
    assert_eq!(up.asked().2, 2);
    world.clock.advance(DAY);
    for _ in 0..2 {
        assert_eq!(scopes(&world, &up).await, Err(ErrorCode::TemporarilyUnavailable));
    }
    assert_eq!(up.asked().2, 3);
    up.is_down(false);
    world.clock.advance(Duration::from_secs(30));
    assert!(scopes(&world, &up).await.unwrap().is_some());
}

#[tokio::test]
async fn many_who_need_the_same_look_once() {
    let up = Stub::named("up");
    let (world, _) = world(&up).await;
    world.clock.advance(DAY);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let (core, id) = (Arc::clone(&world.core), up.account_id("1"));
        tasks.spawn(async move { present(&core, "up", &id).await.is_ok_and(|account| account.is_some()) });
    }
    assert!(tasks.join_all().await.into_iter().all(|there| there));
    assert_eq!(up.asked().2, 1);
}

#[tokio::test]
async fn what_was_moved_or_is_of_another_provider_says_nothing() {
    let up = Stub::named("up");
    let (world, subject) = world(&up).await;
    let other = Arrived { id: "2".to_owned(), claims: serde_json::Map::new(), tokens: None, once: None };
    accounts::remember(&world.core, "up", &up.account_id("2"), &other).await.unwrap();
    let entries = world.entries("federated").await;
    let now = world.clock.millis() / 1000;
    let key = |name: &str| Key::new(Kind::new("federated"), name.to_owned());
    let swapped = [
        Step::replace(key(&entries[0].0), entries[0].1.version, entries[1].1.value.clone(), None),
        Step::replace(key(&entries[1].0), entries[1].1.version, entries[0].1.value.clone(), None),
    ];
    assert_eq!(world.store.commit(&swapped, now).await.unwrap(), Commit::Done);
    for id in ["1", "2"] {
        assert_eq!(present(&world.core, "up", &up.account_id(id)).await.unwrap(), None, "{id}");
    }
    assert_eq!(present(&world.core, "gone", &up.account_id("1")).await.unwrap(), None);
    assert!(vault::kept(&world.core, (&subject, "other")).await.unwrap().is_none());
}

/// They would say of somebody what is true of another.
#[tokio::test]
async fn tokens_of_another_account_are_not_looked_with() {
    let up = Stub::named("up");
    let (world, subject) = world(&up).await;
    let kept = vault::kept(&world.core, (&subject, "up")).await.unwrap().unwrap();
    vault::keep(&world.core, (&subject, "up"), "2", &kept.tokens).await.unwrap();
    world.clock.advance(DAY);
    assert_eq!(scopes(&world, &up).await, Ok(None));
    assert_eq!(up.asked().2, 1);
}

/// The provider may exchange them to look, and a refresh token is good once.
#[tokio::test(start_paused = true)]
async fn while_tokens_are_refreshed_nobody_looks_with_them() {
    let up = Stub::named("up");
    let (world, subject) = world(&up).await;
    world.clock.advance(DAY);
    let Ok(vault::Hold::Mine(held)) = vault::hold(&world.core, (&subject, "up"), |_| false).await else {
        panic!("it is not held")
    };
    assert!(scopes(&world, &up).await.unwrap().is_some(), "within the grace");
    assert_eq!(up.asked().2, 0);
    held.release().await.unwrap();
    world.clock.advance(Duration::from_secs(30));
    assert!(scopes(&world, &up).await.unwrap().is_some());
    assert_eq!(up.asked().2, 1);
    let again = vault::hold(&world.core, (&subject, "up"), |_| false).await;
    assert!(matches!(again, Ok(vault::Hold::Mine(_))), "and it is given back");
}

/// Some providers give a refresh token at the first login only.
#[tokio::test]
async fn a_login_without_a_refresh_token_keeps_the_one_of_the_same_account() {
    let up = Stub::named("up");
    let (world, subject) = world(&up).await;
    let place = (&*subject, "up");
    let before = vault::kept(&world.core, place).await.unwrap().unwrap();
    let only_access = UpstreamTokens { access_token: "b".to_owned(), refresh_token: None, ..before.tokens.clone() };
    for (account, refresh) in [(&*before.account, before.tokens.refresh_token.as_deref()), ("another", None)] {
        vault::keep(&world.core, place, account, &only_access).await.unwrap();
        let kept = vault::kept(&world.core, place).await.unwrap().unwrap();
        assert_eq!((&*kept.tokens.access_token, kept.tokens.refresh_token.as_deref()), ("b", refresh), "{account}");
    }
}
