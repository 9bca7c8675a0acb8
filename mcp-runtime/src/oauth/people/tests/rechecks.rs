//! Accounts elsewhere, as time goes by: looked up again, within their grace, and gone.

use std::time::Duration;

use serde_json::json;

use super::{stub::Stub, *};
use crate::oauth::login::tests::log::Log;
use crate::oauth::{
    error::ErrorCode,
    login::federated::{Arrived, UpstreamTokens},
    people::{accounts, federated_subject_of, present, vault},
};
use crate::store::brittle::Brittle;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Somebody who has just come back.
async fn world(up: &Stub) -> (World, String) {
    let world = World::at(ISSUER, vec![Box::new(up.clone())]).await;
    let account_id = up.account_id("1");
    up.says("1", json!({ "scopes": "read write" }));
    remember(&world.core, up).await;
    let subject = federated_subject_of(&world.core, ("up", &account_id), None).await.unwrap();
    let tokens = json!({ "access_token": "a", "refresh_token": "r", "expires_at": null, "scopes": [] });
    vault::keep(&world.core, (&subject, "up"), "1", &serde_json::from_value(tokens).unwrap()).await.unwrap();
    (world, subject)
}

async fn remember(core: &Core, up: &Stub) {
    let claims = json!({ "scopes": "read write" }).as_object().cloned().unwrap();
    let arrived = Arrived { id: "1".to_owned(), claims, tokens: None, once: None };
    accounts::remember(core, "up", &up.account_id("1"), &arrived).await.unwrap();
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
    world.clock.advance(Duration::from_secs(60));
    scopes(&world, &up).await.unwrap();
    assert_eq!(up.asked().2, 1, "and not only until somebody may look again");
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
        let (log, _guard) = Log::collect();
        assert_eq!(scopes(&world, &up).await, Ok(None), "{at}");
        let told = log.text();
        assert_eq!(told.contains("an account is not admitted any more") && told.contains("rule="), at == 2, "{told}");
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

/// What a look began with is older than what a login has brought since: it must not bring rights back, nor take the login
/// away.
#[tokio::test]
async fn a_login_during_a_look_counts() {
    for is_gone in [false, true] {
        let up = Stub::named("up");
        let (world, subject) = world(&up).await;
        world.clock.advance(DAY);
        let gate = up.waits();
        if is_gone {
            up.forgets();
        }
        let (core, id) = (Arc::clone(&world.core), up.account_id("1"));
        let look = tokio::spawn(async move { present(&core, "up", &id).await });
        while up.asked().2 == 0 {
            tokio::task::yield_now().await;
        }
        let claims = json!({ "scopes": "read" }).as_object().cloned().unwrap();
        let arrived = Arrived { id: "1".to_owned(), claims, tokens: None, once: None };
        accounts::remember(&world.core, "up", &up.account_id("1"), &arrived).await.unwrap();
        let place = (&*subject, "up");
        let kept = vault::kept(&world.core, place).await.unwrap().unwrap();
        vault::keep(&world.core, place, "1", &kept.tokens).await.unwrap();
        gate.notify_one();
        let looked = look.await.unwrap().unwrap().map(|account| account.scopes.unwrap());
        let fewer = Some(vec!["read".to_owned()]);
        assert_eq!(looked, if is_gone { None } else { fewer.clone() }, "{is_gone}");
        assert_eq!(scopes(&world, &up).await, Ok(fewer), "{is_gone}");
        assert!(vault::kept(&world.core, place).await.unwrap().is_some(), "{is_gone}");
    }
}

/// Two who have both seen that it is time do not both ask: the second would use a refresh token again.
#[tokio::test]
async fn on_many_nodes_one_looks() {
    let up = Stub::named("up");
    let (world, _) = world(&up).await;
    world.clock.advance(DAY);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (store, clock) =
            (Brittle { inner: Arc::clone(&world.store), ..Brittle::default() }, world.clock.clone().into());
        let logins: Vec<Box<dyn LoginProvider>> = vec![Box::new(up.clone())];
        let node = core(ISSUER, store, clock, logins, &world.users, ("The web", false)).unwrap();
        let id = up.account_id("1");
        tasks.spawn(async move { present(&node, "up", &id).await.is_ok_and(|account| account.is_some()) });
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

/// Nor is what one provider said what another one says, though both name the same person.
#[tokio::test]
async fn what_was_said_elsewhere_is_not_said_here() {
    let (left, right) = (Stub::named("left"), Stub::named("right"));
    let world = World::at(ISSUER, vec![Box::new(left.clone()), Box::new(right.clone())]).await;
    let said = |scopes: &str| {
        let claims = json!({ "scopes": scopes }).as_object().cloned().unwrap();
        Arrived { id: "1".to_owned(), claims, tokens: None, once: None }
    };
    let (core, id) = (&world.core, left.account_id("1"));
    accounts::remember(core, "left", &id, &said("read write")).await.unwrap();
    let [(from, entry)] = &world.entries("federated").await[..] else { panic!("one") };
    accounts::remember(core, "right", &right.account_id("1"), &said("read")).await.unwrap();
    let entries = world.entries("federated").await;
    let (to, old) = entries.iter().find(|(name, _)| name != from).unwrap();
    assert!(present(core, "right", &id).await.unwrap().is_some());
    let key = Key::new(Kind::new("federated"), to.clone());
    let moved = [Step::replace(key, old.version, entry.value.clone(), None)];
    assert_eq!(world.store.commit(&moved, world.clock.millis() / 1000).await.unwrap(), Commit::Done);
    assert_eq!(present(core, "right", &id).await.unwrap(), None);
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

/// Else nobody would be looked at until a clock that was wrong once is right.
#[tokio::test]
async fn a_look_in_the_future_is_none() {
    let up = Stub::named("up");
    let (world, _) = world(&up).await;
    let behind: Clock = ManualClock::new().into();
    let core =
        core(ISSUER, Arc::clone(&world.store), behind, vec![Box::new(up.clone())], &world.users, ("The web", false));
    let core = core.unwrap();
    let scopes = async || present(&core, "up", &up.account_id("1")).await.unwrap().map(|it| it.scopes.unwrap());
    world.clock.advance(Duration::from_secs(60));
    remember(&world.core, &up).await;
    up.says("1", json!({ "scopes": "read" }));
    assert_eq!(scopes().await.unwrap(), ["read", "write"], "clocks differ");
    world.clock.advance(Duration::from_secs(1));
    remember(&world.core, &up).await;
    up.is_down(true);
    assert_eq!(scopes().await.unwrap(), ["read", "write"], "within the grace");
    assert_eq!(up.asked().2, 1);
}

/// A node whose clock is ahead has looked in vain.
#[tokio::test]
async fn a_clock_that_is_wrong_makes_no_grace_longer() {
    let up = Stub::named("up");
    let (world, _) = world(&up).await;
    let ahead = ManualClock::new();
    let node = |clock: &ManualClock| {
        let (store, logins) = (Arc::clone(&world.store), vec![Box::new(up.clone()) as Box<dyn LoginProvider>]);
        core(ISSUER, store, clock.clone().into(), logins, &world.users, ("The web", false)).unwrap()
    };
    let other = node(&ahead);
    up.is_down(true);
    for clock in [&world.clock, &ahead] {
        clock.advance(DAY * 2);
    }
    ahead.advance(Duration::from_secs(61));
    let account_id = up.account_id("1");
    for (at, node) in [&other, &world.core, &other, &world.core].into_iter().enumerate() {
        let error = present(node, "up", &account_id).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::TemporarilyUnavailable, "{at}");
    }
}

/// The operator gives the name to another provider, or to another tenant of it.
#[tokio::test]
async fn nothing_of_one_issuer_is_sent_to_another_under_its_name() {
    let up = Stub::named("up");
    let (world, subject) = world(&up).await;
    let other = Stub::named("up").of_issuer("https://other.example");
    let before: Vec<Box<dyn LoginProvider>> = vec![Box::new(other.clone())];
    let (store, clock) = (Arc::clone(&world.store), world.clock.clone().into());
    let after = core(ISSUER, store, clock, before, &world.users, ("The web", false)).unwrap();
    assert!(vault::kept(&world.core, (&subject, "up")).await.unwrap().is_some());
    assert!(vault::kept(&after, (&subject, "up")).await.unwrap().is_none(), "its tokens");
    let hold = vault::hold(&after, (&subject, "up"), |_| false).await;
    assert!(matches!(hold, Ok(vault::Hold::Nothing)), "nor to refresh them");
    assert_eq!(present(&after, "up", &up.account_id("1")).await.unwrap(), None, "the same id is somebody else");
    world.clock.advance(DAY);
    assert_eq!(present(&after, "up", &up.account_id("1")).await.unwrap(), None);
    assert_eq!(present(&after, "up", &other.account_id("1")).await.unwrap(), None);
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
