//! Refreshing: once, whoever asks and whoever goes away, and never with a token that was used.

use std::time::Duration;

use tokio::{task::JoinSet, time::Instant};

use super::{super::flight::fresh, *};
use crate::{
    oauth::{people::vault::Hold, upstream::Outcome},
    store::brittle::Brittle,
};

/// The access token, or why there is none.
async fn got(node: &AuthorizationServer) -> String {
    match fresh(&node.0, PLACE).await {
        Outcome::Tokens(tokens) => tokens.access_token,
        Outcome::Nothing => "nothing".to_owned(),
        Outcome::Unavailable => "unavailable".to_owned(),
    }
}

async fn kept(node: &AuthorizationServer) -> Option<String> {
    vault::kept(&node.0, PLACE).await.unwrap().map(|kept| kept.tokens.access_token)
}

/// Until so many wait at the provider's door.
async fn wait_for(fake: &FakeProvider, refreshes: usize) {
    for _ in 0..100_000 {
        if fake.refreshes() == refreshes {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("{} refreshes", fake.refreshes());
}

#[tokio::test]
async fn what_is_good_for_a_minute_is_given_as_it_is() {
    let world = World::new(Arc::new(MemoryStore::new()));
    let node = world.node();
    assert_eq!(got(&node).await, "nothing");
    world.connect().await;
    world.advance(LIFETIME - 61);
    assert_eq!((&*got(&node).await, world.fake.refreshes()), ("upstream-access-0", 0));
    world.advance(1);
    assert_eq!((&*got(&node).await, world.fake.refreshes()), ("upstream-access-1", 1));
    assert_eq!((&*got(&node).await, world.fake.refreshes()), ("upstream-access-1", 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_who_ask_at_once_on_two_nodes_make_one_refresh() {
    let world = World::stale().await;
    let nodes = [world.node(), world.node()];
    world.fake.closes();
    let mut tasks = JoinSet::new();
    for at in 0..100 {
        let node = nodes[at % 2].clone();
        tasks.spawn(async move { got(&node).await });
    }
    wait_for(&world.fake, 1).await;
    world.fake.opens();
    let all = tasks.join_all().await;
    assert!(all.len() == 100 && all.iter().all(|got| got == "upstream-access-1"), "{all:?}");
    assert_eq!(world.fake.refreshes(), 1);
    // The one that it was exchanged for is good for the next.
    world.advance(LIFETIME);
    assert_eq!((&*got(&nodes[1]).await, world.fake.refreshes()), ("upstream-access-2", 2));
    // Each takes itself off the list after it has told.
    while !nodes.iter().all(|node| node.0.flights.is_empty()) {
        tokio::task::yield_now().await;
    }
}

/// Those who wait on one node wait for each other, and do not keep asking the store.
#[tokio::test(start_paused = true)]
async fn who_waits_asks_the_store_once() {
    let store = Arc::new(Brittle::default());
    let world = World::new(Arc::new(Arc::clone(&store)));
    world.connect().await;
    world.advance(LIFETIME);
    let node = world.node();
    world.fake.closes();
    store.asked.store(0, Ordering::SeqCst);
    let mut tasks = JoinSet::new();
    for _ in 0..100 {
        let node = node.clone();
        tasks.spawn(async move { got(&node).await });
    }
    wait_for(&world.fake, 1).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    world.fake.opens();
    assert!(tasks.join_all().await.iter().all(|got| got == "upstream-access-1"));
    let asked = store.asked.load(Ordering::SeqCst);
    assert!((100..110).contains(&asked), "{asked}");
}

#[tokio::test]
async fn a_caller_who_goes_away_takes_nothing_along() {
    let world = World::stale().await;
    let node = world.node();
    world.fake.closes();
    let caller = tokio::spawn({
        let node = node.clone();
        async move { got(&node).await }
    });
    wait_for(&world.fake, 1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    world.fake.opens();
    assert_eq!((&*got(&node).await, world.fake.refreshes()), ("upstream-access-1", 1));
}

#[tokio::test(start_paused = true)]
async fn who_crashes_with_it_holds_it_for_a_while_only() {
    let world = World::stale().await;
    let (crashed, node) = (world.node(), world.node());
    let Ok(Hold::Mine(held)) = vault::hold(&crashed.0, PLACE, |_| false).await else { panic!("it is not held") };
    let start = Instant::now();
    assert_eq!((&*got(&node).await, world.fake.refreshes()), ("unavailable", 0));
    assert!((Duration::from_secs(9)..Duration::from_secs(12)).contains(&start.elapsed()), "{:?}", start.elapsed());
    world.advance(45);
    assert_eq!((&*got(&node).await, world.fake.refreshes()), ("upstream-access-1", 1));
    // And if it was only slow: what it does now harms nothing.
    held.release().await.unwrap();
    held.forget().await.unwrap();
    assert!(!held.put(&world.fake.tokens(9)).await.unwrap());
    assert_eq!(kept(&node).await.unwrap(), "upstream-access-1");
}

/// Two hold it, because a clock is wrong or the first was slow: whoever is refused must not throw away what the other got.
#[tokio::test]
async fn who_has_lost_it_forgets_nothing() {
    let world = World::stale().await;
    let (slow, node) = (world.node(), world.node());
    let Ok(Hold::Mine(first)) = vault::hold(&slow.0, PLACE, |_| false).await else { panic!("it is not held") };
    world.advance(45);
    let Ok(Hold::Mine(second)) = vault::hold(&node.0, PLACE, |_| false).await else { panic!("it is not held") };
    first.forget().await.unwrap();
    first.release().await.unwrap();
    assert!(matches!(vault::hold(&slow.0, PLACE, |kept| kept.account == "1").await, Ok(Hold::Fresh(_))));
    assert!(second.put(&world.fake.tokens(1)).await.unwrap());
    assert_eq!(kept(&node).await.unwrap(), "upstream-access-1");
}

#[tokio::test]
async fn what_is_denied_is_forgotten() {
    let world = World::stale().await;
    let node = world.node();
    world.fake.is(Mood::Denies);
    assert_eq!((&*got(&node).await, world.fake.refreshes()), ("nothing", 1));
    assert_eq!(kept(&node).await, None);
    assert_eq!((&*got(&node).await, world.fake.refreshes()), ("nothing", 1), "it is not asked again");
}

#[tokio::test]
async fn while_the_provider_is_down_everything_stays_as_it_is() {
    let world = World::stale().await;
    let node = world.node();
    for (at, mood) in [Mood::IsDown, Mood::Panics].into_iter().enumerate() {
        world.fake.is(mood);
        assert_eq!((&*got(&node).await, world.fake.refreshes()), ("unavailable", at + 1), "{mood:?}");
        assert_eq!(kept(&node).await.unwrap(), "upstream-access-0", "{mood:?}");
    }
    world.fake.is(Mood::Kind);
    assert_eq!(got(&node).await, "upstream-access-1", "and nobody has to wait for a lease");
    world.advance(LIFETIME - 1);
    world.fake.is(Mood::IsDown);
    assert_eq!(got(&node).await, "upstream-access-1", "its last second");
    world.advance(1);
    assert_eq!(got(&node).await, "unavailable");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_long_and_what_comes_late_is_kept() {
    let world = World::stale().await;
    let node = world.node();
    world.fake.closes();
    let start = Instant::now();
    assert_eq!(got(&node).await, "unavailable");
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    world.fake.opens();
    wait_for(&world.fake, 1).await;
    assert_eq!((&*got(&node).await, world.fake.refreshes()), ("upstream-access-1", 1));

    // One that never answers is given up.
    world.advance(LIFETIME);
    world.fake.state.gate.forget_permits(usize::MAX >> 4);
    assert_eq!(got(&node).await, "unavailable");
    assert_eq!(got(&node).await, "unavailable");
    tokio::time::sleep(Duration::from_secs(11)).await;
    world.fake.opens();
    assert_eq!(got(&node).await, "upstream-access-2");
}

#[tokio::test]
async fn what_is_taken_back_meanwhile_stays_so() {
    for reconnects in [false, true] {
        let world = World::stale().await;
        let node = world.node();
        world.fake.closes();
        let caller = tokio::spawn({
            let node = node.clone();
            async move { got(&node).await }
        });
        wait_for(&world.fake, 1).await;
        assert!(node.disconnect(SUBJECT, "fake").await.unwrap());
        if reconnects {
            vault::keep(&node.0, PLACE, "2", &world.fake.tokens(7)).await.unwrap();
        }
        world.fake.opens();
        let expected = if reconnects { "upstream-access-7" } else { "nothing" };
        assert_eq!(caller.await.unwrap(), expected);
        assert_eq!(kept(&node).await.as_deref(), reconnects.then_some("upstream-access-7"));
    }
}

#[tokio::test]
async fn what_a_provider_does_not_say_is_as_it_was() {
    let world = World::stale().await;
    let node = world.node();
    world.fake.is(Mood::Laconic);
    assert_eq!(got(&node).await, "upstream-access-short");
    let kept = vault::kept(&node.0, PLACE).await.unwrap().unwrap();
    assert_eq!(kept.tokens.refresh_token.as_deref(), Some("upstream-refresh-0"));
    assert_eq!((&*kept.tokens.scopes, &*kept.account), (&["calendar".to_owned()][..], "1"));
}

#[tokio::test]
async fn tokens_without_an_end_or_without_a_successor() {
    let world = World::new(Arc::new(MemoryStore::new()));
    let node = world.node();
    let keep = async |expires_at: Option<u64>, refresh_token: Option<&str>| {
        let refresh_token = refresh_token.map(str::to_owned);
        let tokens = UpstreamTokens { expires_at, refresh_token, ..world.fake.tokens(0) };
        vault::keep(&node.0, PLACE, "1", &tokens).await.unwrap();
    };
    let now = node.0.records.now();
    keep(None, None).await;
    world.advance(10 * LIFETIME);
    assert_eq!(got(&node).await, "upstream-access-0", "for ever");
    keep(Some(now + 10 * LIFETIME + 30), None).await;
    assert_eq!(got(&node).await, "upstream-access-0", "while it is good");
    world.advance(30);
    assert_eq!((&*got(&node).await, world.fake.refreshes()), ("nothing", 0));
    keep(None, Some("upstream-refresh-0")).await;
    world.advance(299);
    assert_eq!((&*got(&node).await, world.fake.refreshes()), ("upstream-access-0", 0));
    world.advance(1);
    assert_eq!((&*got(&node).await, world.fake.refreshes()), ("upstream-access-1", 1));
}
