//! Refresh tokens: used twice, stolen, made to grow, brought by others.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;

use crate::{
    browser::{Browser, Changes, Tokens, refresh},
    world::{RESOURCE, SECRET, World},
};

/// The legitimate client and a thief hold the same token; whoever comes second after the window ends it for both.
#[tokio::test]
async fn a_token_that_two_use_ends_for_both() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    for thief_first in [true, false] {
        let bystander = alice.tokens().await;
        let stolen = alice.tokens().await;
        let first = Tokens::of(&refresh(&world, &stolen.refresh, &[]).await);
        assert_ne!(first.refresh, stolen.refresh);
        if thief_first {
            // Goes on for a while before its owner asks.
            world.clock.advance(Duration::from_secs(30));
            Tokens::of(&refresh(&world, &first.refresh, &[]).await);
        }
        world.clock.advance(Duration::from_secs(61));
        let grants = world.count("grant").await;
        let second = refresh(&world, &stolen.refresh, &[]).await;
        assert_eq!(second.status_and_error(), (400, "invalid_grant".into()));
        second.assert_barren();
        assert_eq!(world.count("grant").await, grants - 1);
        for token in [&stolen.refresh, &first.refresh] {
            assert_eq!(refresh(&world, token, &[]).await.error(), "invalid_grant");
        }
        for token in [&stolen.access, &first.access] {
            assert_eq!(world.call("read", token).await, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(world.call("read", &bystander.access).await, StatusCode::OK);
    }
}

/// Within the window a lost answer is given again: the same successor and no other line of tokens.
#[tokio::test]
async fn within_the_window_there_is_one_successor() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let old = alice.tokens().await;
    let first = Tokens::of(&refresh(&world, &old.refresh, &[]).await);
    world.clock.advance(Duration::from_secs(59));
    let again = Tokens::of(&refresh(&world, &old.refresh, &[]).await);
    assert_eq!(first.refresh, again.refresh);
    assert_eq!(world.count("grant").await, 1);
    let third = Tokens::of(&refresh(&world, &again.refresh, &[]).await);
    // Its successor was used: the window is closed, whatever the time.
    let reused = refresh(&world, &old.refresh, &[]).await;
    assert_eq!(reused.status_and_error(), (400, "invalid_grant".into()));
    assert_eq!(refresh(&world, &third.refresh, &[]).await.error(), "invalid_grant");
    assert_eq!(world.count("grant").await, 0);
    assert_eq!(world.call("read", &third.access).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn nothing_grows() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let code = alice.code(&[("scope", "notes:read")]).await;
    let tokens = Tokens::of(&crate::browser::redeem(&world, &code, &[]).await);
    let before = (world.census().await, world.entries("grant").await);
    let slash = format!("{RESOURCE}/");
    #[rustfmt::skip]
    let cases: [(Changes<'_>, (u16, &str)); 15] = [
        (&[("scope", "notes:write")],                                (400, "invalid_scope")),
        (&[("scope", "notes:read notes:write")],                     (400, "invalid_scope")),
        (&[("scope", "notes:admin")],                                (400, "invalid_scope")),
        (&[("scope", "Notes:read")],                                 (400, "invalid_scope")),
        (&[("scope", "no:such:thing")],                              (400, "invalid_scope")),
        (&[("scope", "notes:read  ")],                               (400, "invalid_scope")),
        (&[("scope", "*")],                                          (400, "invalid_scope")),
        (&[("resource", "https://files.example.com/mcp")],           (400, "invalid_target")),
        (&[("resource", &slash)],                                    (400, "invalid_target")),
        (&[("resource", "https://mcp.example.com")],                 (400, "invalid_target")),
        (&[("client_id", "other")],                                  (400, "invalid_grant")),
        (&[("client_id", "backend"), ("client_secret", SECRET)],     (400, "invalid_grant")),
        (&[("client_id", "job"), ("client_secret", SECRET)],         (400, "unauthorized_client")),
        (&[("client_id", "web"), ("client_secret", SECRET)],         (401, "invalid_client")),
        (&[("client_id", "")],                                       (401, "invalid_client")),
    ];
    for (changes, (status, error)) in cases {
        let reply = refresh(&world, &tokens.refresh, changes).await;
        assert_eq!(reply.status_and_error(), (status, error.to_owned()), "{changes:?}");
        reply.assert_barren();
    }
    // None of that has rotated it, or ended it.
    assert_eq!((world.census().await, world.entries("grant").await), before);
    let next = refresh(&world, &tokens.refresh, &[("resource", RESOURCE)]).await;
    assert_eq!(next.json()["scope"], "notes:read");
    let next = Tokens::of(&next);
    assert_eq!(world.call("read", &next.access).await, StatusCode::OK);
    assert_eq!(world.call("write", &next.access).await, StatusCode::FORBIDDEN);
    // Fewer for one token does not make fewer for the next, and never more than was granted.
    world.users.allow_all_scopes("alice").await.unwrap();
    assert_eq!(refresh(&world, &next.refresh, &[("scope", "notes:admin")]).await.error(), "invalid_scope");
}

/// Every token is a number, a grant and a code over both: none can be made from another.
#[tokio::test]
async fn forged_ones_are_none() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let (mine, other) = (alice.tokens().await, alice.tokens().await);
    let bytes = URL_SAFE_NO_PAD.decode(&mine.refresh).unwrap();
    let theirs = URL_SAFE_NO_PAD.decode(&other.refresh).unwrap();
    let before = (world.census().await, world.entries("grant").await);
    let mut forged: Vec<Vec<u8>> = (0..bytes.len() * 8).map(|bit| flipped(&bytes, bit)).collect();
    forged.push(bytes[..bytes.len() - 1].to_vec());
    forged.push([&bytes[..], &[0]].concat());
    forged.push([&theirs[..16], &bytes[16..]].concat());
    forged.push([&bytes[..20], &theirs[20..]].concat());
    let mut texts: Vec<String> = forged.iter().map(|bytes| URL_SAFE_NO_PAD.encode(bytes)).collect();
    texts.extend([format!("{}=", mine.refresh), format!("{} ", mine.refresh), mine.access.clone(), "x".to_owned()]);
    for text in texts {
        let reply = refresh(&world, &text, &[]).await;
        assert_eq!(reply.status_and_error(), (400, "invalid_grant".into()), "{text}");
        reply.assert_barren();
        // Nor does it revoke anything.
        if text != mine.access {
            world.form("/revoke", &[("token", &text), ("client_id", "web")]).await;
        }
    }
    assert_eq!((world.census().await, world.entries("grant").await), before);
    Tokens::of(&refresh(&world, &mine.refresh, &[]).await);
    Tokens::of(&refresh(&world, &other.refresh, &[]).await);
}

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

/// What the account or the store says now counts, not what it said when the token was made.
#[tokio::test]
async fn what_changed_meanwhile_counts() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let tokens = alice.tokens().await;
    world.users.set_scopes("alice", ["notes:read"]).await.unwrap();
    let less = refresh(&world, &tokens.refresh, &[]).await;
    assert_eq!(less.json()["scope"], "notes:read");
    world.users.set_scopes("alice", ["notes:read", "notes:write"]).await.unwrap();
    let still = refresh(&world, &Tokens::of(&less).refresh, &[]).await;
    assert_eq!(still.json()["scope"], "notes:read", "what was lost does not come back by itself");
    let last = Tokens::of(&still);
    world.users.remove("alice").await.unwrap();
    // Another alice is another person.
    world.users.add("alice", crate::world::PASSWORD, ["notes:read", "notes:write"]).await.unwrap();
    let gone = refresh(&world, &last.refresh, &[]).await;
    assert_eq!(gone.status_and_error(), (400, "invalid_grant".into()));
    assert_eq!(world.count("grant").await, 0);
    assert_eq!(world.call("read", &last.access).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn it_ends_by_itself() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let (idle, used) = (alice.tokens().await, alice.tokens().await);
    let day = Duration::from_secs(24 * 3_600);
    world.clock.advance(13 * day);
    let mut token = Tokens::of(&refresh(&world, &used.refresh, &[]).await).refresh;
    world.clock.advance(day);
    assert_eq!(refresh(&world, &idle.refresh, &[]).await.error(), "invalid_grant");
    world.clock.advance(11 * day);
    token = Tokens::of(&refresh(&world, &token, &[]).await).refresh;
    world.clock.advance(5 * day);
    let over = refresh(&world, &token, &[]).await;
    assert_eq!(over.status_and_error(), (400, "invalid_grant".into()));
    over.assert_barren();
}
