//! Other people's pages: forms that were not sent from ours, or not from this browser; frames; sessions that were planted.

use http::{Method, StatusCode};

use crate::{
    browser::{Browser, link},
    world::{Ask, ISSUER, PASSWORD, World},
};

type Headers = &'static [(&'static str, &'static str)];

/// What a form sent by another page looks like.
const FOREIGN: [Headers; 12] = [
    &[],
    &[("origin", "https://evil.example")],
    &[("origin", "null")],
    &[("origin", "")],
    &[("origin", "https://mcp.example.com.evil.example")],
    &[("origin", "http://mcp.example.com")],
    &[("origin", "https://mcp.example.com:8443")],
    &[("origin", "https://MCP.example.com/")],
    &[("origin", ISSUER), ("origin", "https://evil.example")],
    &[("origin", ISSUER), ("sec-fetch-site", "cross-site")],
    &[("origin", ISSUER), ("sec-fetch-site", "same-site")],
    &[("referer", "https://mcp.example.com/login")],
];

#[tokio::test]
async fn nobody_is_logged_in_by_another_page() {
    let world = World::new().await;
    let before = (world.census().await, world.count("session").await);
    // Mallory's own page and token, for what the victim's browser is made to send.
    let mut mallory = Browser::new(&world);
    let page = mallory.login_page(&link(&[])).await;
    let (action, token) = page.form_to("/login");
    let mut victim = Browser::new(&world);
    victim.login_page(&link(&[("state", "another")])).await;
    let with = |token: &str| [("token", token.to_owned()), ("username", "alice".into()), ("password", PASSWORD.into())];
    let own = victim.login_page(&link(&[])).await.form_to("/login").1;
    for headers in FOREIGN {
        let fields = with(&own);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
        let reply = victim.post_from(&action, headers, &fields).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{headers:?}");
        reply.assert_guarded();
    }
    // From our own page, with a token that is not this browser's, or none.
    for forged in [&token, "", "A", &own[1..], &own.to_lowercase(), &format!("{own}=")] {
        let fields = with(forged);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
        let reply = victim.post(&action, &fields).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{forged}");
        assert!(reply.headers.get("set-cookie").is_none(), "{reply:?}");
    }
    // For another request than the one the page was for.
    let other = link(&[("scope", "notes:admin")]).replace("/authorize", "/login");
    let fields = [("token", &*own), ("username", "alice"), ("password", PASSWORD)];
    assert_eq!(victim.post(&other, &fields).await.status, StatusCode::FORBIDDEN);
    // Without the cookie that the token belongs to.
    victim.jar.clear();
    assert_eq!(victim.post(&action, &fields).await.status, StatusCode::FORBIDDEN);
    assert_eq!((world.census().await, world.count("session").await), before);
    let page = victim.login_page(&link(&[])).await;
    assert_eq!(victim.enter(&page, "alice", PASSWORD).await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.count("session").await, before.1 + 1);
}

#[tokio::test]
async fn nobody_consents_by_another_page_or_in_another_browser() {
    let world = World::new().await;
    let (mut alice, mut bob) = (Browser::of(&world, "alice").await, Browser::of(&world, "bob").await);
    let mut second = Browser::of(&world, "alice").await;
    let page = alice.get(&link(&[])).await;
    let (action, token) = page.form_to("/consent");
    let fields = |token| [("token", token), ("decision", "allow"), ("scope:notes:read", "on")];
    let before = world.census().await;
    for headers in FOREIGN {
        let reply = alice.post_from(&action, headers, &fields(&token)).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{headers:?}");
        reply.assert_guarded();
        reply.assert_barren();
    }
    // The page that alice was shown, sent from elsewhere: bob's browser, her other one, nobody's.
    let mut nobody = Browser::new(&world);
    for browser in [&mut bob, &mut second, &mut nobody] {
        let reply = browser.post(&action, &fields(&token)).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{reply:?}");
        reply.assert_barren();
    }
    // A token for another purpose, or for another request.
    let logout = page.form_to("/logout").1;
    let larger = alice.get(&link(&[("scope", "notes:read")])).await.form_to("/consent").1;
    for forged in [&logout, &larger, "", "x", &token[1..]] {
        let reply = alice.post(&action, &fields(forged)).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{forged}");
        reply.assert_barren();
    }
    // After the session has ended the same page is worth nothing, also in the next session of the same browser.
    let (logout_action, logout_token) = page.form_to("/logout");
    alice.post(&logout_action, &[("token", &logout_token)]).await;
    assert_eq!(alice.post(&action, &fields(&token)).await.status, StatusCode::FORBIDDEN);
    alice.log_in(&link(&[]), "alice").await;
    let reply = alice.post(&action, &fields(&token)).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN, "{reply:?}");
    assert_eq!(world.census().await, before);
    let page = alice.get(&link(&[])).await;
    assert!(alice.decide(&page, "allow", &["notes:read"]).await.told().contains_key("code"));
    assert_ne!(world.census().await, before, "or nothing would be counted");
}

/// A link that somebody else put anywhere neither decides nor logs out.
#[tokio::test]
async fn links_decide_nothing() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let page = alice.get(&link(&[])).await;
    let (action, token) = page.form_to("/consent");
    let before = (world.census().await, world.count("session").await);
    for target in [format!("{action}&token={token}&decision=allow"), format!("{ISSUER}/logout?token={token}")] {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::OPTIONS] {
            let reply = alice.send(Ask::new(method.clone(), target.clone())).await;
            reply.assert_barren();
            assert!(reply.status != StatusCode::SEE_OTHER, "{method} {reply:?}");
        }
    }
    for headers in FOREIGN {
        let (logout, token) = page.form_to("/logout");
        let reply = alice.post_from(&logout, headers, &[("token", &token)]).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{headers:?}");
    }
    assert_eq!((world.census().await, world.count("session").await), before);
}

/// Every page there is, and every way on: none may be framed, kept, or read by another site.
#[tokio::test]
async fn no_page_is_shown_within_another() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let mut stranger = Browser::new(&world);
    let (query, consent) = (link(&[]), alice.get(&link(&[])).await);
    let login = query.replace("/authorize", "/login");
    let logout = format!("{ISSUER}/logout");
    let wrong = stranger.login_page(&query).await;
    let wrong = stranger.enter(&wrong, "alice", "not-her-password-at-all").await;
    assert!(wrong.text.contains("wrong"), "{wrong:?}");
    let mut pages = vec![consent, wrong];
    for target in [&*query, &login, &logout, &query.replace("web", "nobody"), &link(&[("prompt", "none")])] {
        for browser in [&mut alice, &mut stranger] {
            pages.push(browser.get(target).await);
            for method in [Method::POST, Method::PUT, Method::DELETE] {
                let bare = browser.send(Ask::new(method, target.to_owned())).await;
                assert!(bare.status.is_client_error(), "{bare:?}");
                if bare.header("content-type").starts_with("text/html") {
                    pages.push(bare);
                }
            }
        }
    }
    assert!(pages.len() > 15, "{}", pages.len());
    pages.iter().for_each(|page| page.assert_guarded());
    // Browsers that say that it is for a frame get nothing at all.
    for dest in ["iframe", "frame", "object", "embed", "image"] {
        for target in [&*query, &login, &logout] {
            let reply = alice.send(Ask::get(target).header("sec-fetch-dest", dest)).await;
            assert_eq!(reply.status, StatusCode::FORBIDDEN, "{dest} {target}");
            reply.assert_guarded();
            assert!(!reply.text.contains("<form"), "{reply:?}");
        }
    }
}

/// A session id that somebody else chose or knew never becomes anybody's.
#[tokio::test]
async fn planted_cookies_are_nobodys() {
    let world = World::new().await;
    let mut mallory = Browser::new(&world);
    let page = mallory.login_page(&link(&[])).await;
    let visit = mallory.jar.clone();
    assert_eq!(visit.len(), 1, "{visit:?}");
    // The victim logs in with the cookie of mallory's visit, and with session ids that mallory made up.
    let mut victim = mallory.clone();
    let session = "__Host-mcp-session".to_owned();
    for planted in ["", "A", &"A".repeat(43), visit.values().next().unwrap()] {
        victim.jar.insert(session.clone(), planted.to_owned());
        let entered = victim.enter(&page, "alice", PASSWORD).await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER, "{planted:?}");
        let given = victim.jar.get(&session).cloned().unwrap();
        assert_ne!(given, planted);
        assert_eq!(given.len(), 43, "{given}");
        victim.jar = visit.clone();
        for jar in [visit.clone(), [(session.clone(), planted.to_owned())].into()] {
            mallory.jar = jar;
            let reply = mallory.get(&link(&[])).await;
            assert!(reply.location().contains("/login?"), "{planted}: {reply:?}");
        }
    }
    // Mallory's session, put beside the victim's: neither counts.
    let (mut alice, bob) = (Browser::of(&world, "alice").await, Browser::of(&world, "bob").await);
    let two = format!("{session}={}; {session}={}", bob.jar[&session], alice.jar[&session]);
    let reply = world.send(Ask::get(link(&[])).header("cookie", &two)).await;
    assert!(reply.location().contains("/login?"), "{reply:?}");
    // The name in the store is not the secret, and is none itself.
    for (name, _) in world.entries("session").await {
        assert!(!alice.jar.values().any(|value| *value == name));
        alice.jar.insert(session.clone(), name);
        assert!(alice.get(&link(&[])).await.location().contains("/login?"));
    }
    // Logging in again ends the session before.
    let mut bob = bob;
    let old = bob.jar[&session].clone();
    bob.log_in(&link(&[("prompt", "login")]), "bob").await;
    assert_ne!(bob.jar[&session], old);
    bob.jar.insert(session, old);
    assert!(bob.get(&link(&[])).await.location().contains("/login?"), "the old one is over");
}
