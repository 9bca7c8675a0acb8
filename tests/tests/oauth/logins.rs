//! Guessing names and passwords.

use std::time::{Duration, Instant};

use http::StatusCode;

use crate::{
    browser::{Browser, link},
    world::{PASSWORD, Reply, World},
};

/// What an onlooker can compare: everything but what is random in every answer.
fn seen(reply: &Reply) -> (StatusCode, String, Vec<String>) {
    let token = reply.text.split_once("name=\"token\" value=\"").map(|(_, rest)| rest.split('"').next().unwrap());
    let text = token.map_or(reply.text.clone(), |token| reply.text.replace(token, "…"));
    let mut headers: Vec<String> = reply.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
    // The nonce of the page.
    headers.retain(|line| !line.starts_with("content-security-policy"));
    (reply.status, text, headers)
}

#[tokio::test]
async fn nobody_learns_who_there_is() {
    let world = World::new().await;
    world.users.add("locked", PASSWORD, ["notes:read"]).await.unwrap();
    world.users.lock("locked").await.unwrap();
    let before = (world.census().await, world.count("session").await, world.count("link").await);
    let (long, upper) = ("x".repeat(1_025), PASSWORD.to_uppercase());
    let spaced = format!(" {PASSWORD}");
    let mut all = Vec::new();
    for (name, password) in [
        ("alice", "a-wrong-password"),
        ("alice", ""),
        ("alice", &long),
        ("alice", &upper),
        ("alice", &spaced),
        ("nobody", PASSWORD),
        ("nobody", ""),
        ("nobody", &long),
        ("locked", PASSWORD),
        ("locked", "a-wrong-password"),
        ("alice/../bob", PASSWORD),
        ("' OR 1=1 --", PASSWORD),
        ("*", PASSWORD),
        ("\0", PASSWORD),
        (&long, PASSWORD),
        ("аlice", PASSWORD),
        ("", PASSWORD),
    ] {
        let mut browser = Browser::new(&world);
        let page = browser.login_page(&link(&[])).await;
        let reply = browser.enter(&page, name, password).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{name:.50} {password:.50}");
        reply.assert_guarded();
        assert!(!reply.text.contains(password) || password.is_empty(), "{reply:?}");
        all.push(seen(&reply));
    }
    all.dedup();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((world.census().await, world.count("session").await, world.count("link").await), before);
    for name in ["alice", "ALICE", " alice "] {
        let mut browser = Browser::new(&world);
        let page = browser.login_page(&link(&[])).await;
        assert_eq!(browser.enter(&page, name, PASSWORD).await.status, StatusCode::SEE_OTHER, "{name}");
    }
}

/// The fastest of several, so that what else the machine does counts little.
async fn time_of(world: &World, name: &str, password: &str) -> Duration {
    let mut fastest = Duration::MAX;
    for _ in 0..7 {
        let mut browser = Browser::new(world);
        let page = browser.login_page(&link(&[])).await;
        let started = Instant::now();
        let reply = browser.enter(&page, name, password).await;
        fastest = fastest.min(started.elapsed());
        assert!(matches!(reply.status.as_u16(), 303 | 403), "{reply:?}");
    }
    fastest
}

/// A login without argon2 takes a fraction of a millisecond, one with it tens of them: a factor of three tells.
#[tokio::test]
async fn a_name_that_nobody_has_takes_as_long() {
    let world = World::new().await;
    world.users.add("locked", PASSWORD, ["notes:read"]).await.unwrap();
    world.users.lock("locked").await.unwrap();
    let wrong = time_of(&world, "alice", "a-wrong-password").await;
    assert!(wrong > Duration::from_millis(2), "a password was looked at: {wrong:?}");
    let long = "x".repeat(1_025);
    for (name, password) in
        [("nobody", "a-wrong-password"), ("no such name", PASSWORD), ("locked", PASSWORD), ("bob", ""), ("bob", &long)]
    {
        let time = time_of(&world, name, password).await;
        let ratio = time.as_secs_f64() / wrong.as_secs_f64();
        assert!((0.33..3.0).contains(&ratio), "{name} {password:.20}: {time:?} and {wrong:?}");
    }
}

/// Whoever guesses is slowed down; where the answer changes says nothing about whether there is such a user.
#[tokio::test]
async fn guessing_is_slow() {
    let world = World::new().await;
    let mut heard = Vec::new();
    for name in ["alice", "nobody"] {
        let mut guesser = Browser::new(&world);
        let page = guesser.login_page(&link(&[])).await;
        let mut answers = Vec::new();
        for _ in 0..10 {
            let reply = guesser.enter(&page, name, "a-wrong-password").await;
            answers.push((reply.status.as_u16(), reply.header("retry-after").to_owned()));
        }
        // Also the right one is not looked at now.
        answers.push((guesser.enter(&page, name, PASSWORD).await.status.as_u16(), String::new()));
        heard.push(answers);
    }
    assert_eq!(heard[0], heard[1]);
    assert_eq!(heard[0].iter().filter(|(status, _)| *status == 403).count(), 5, "{heard:?}");
    assert!(heard[0][5..].iter().all(|(status, _)| *status == 429), "{heard:?}");
    assert_eq!(world.count("session").await, 0);
    // Somebody else, elsewhere, gets in.
    Browser::of(&world, "alice").await;
}

#[tokio::test]
async fn the_operator_is_told_once_of_scopes_that_nobody_declared() {
    let world = World::new().await;
    world.users.add("carol", PASSWORD, ["notes:read", "notes:raed"]).await.unwrap();
    let start = crate::log::start();
    for _ in 0..2 {
        for name in ["alice", "carol"] {
            let mut browser = Browser::new(&world);
            let page = browser.login_page(&link(&[])).await;
            assert_eq!(browser.enter(&page, name, PASSWORD).await.status, StatusCode::SEE_OTHER);
        }
    }
    // Other tests log as well, but none of them has this scope.
    let log = crate::log::since(start);
    let told: Vec<&str> = log.lines().filter(|line| line.contains("notes:raed")).collect();
    assert!(told.len() == 1 && told[0].contains("WARN") && told[0].contains("carol/"), "{told:?}");
    assert!(!told[0].contains("notes:read"), "{told:?}");
}
