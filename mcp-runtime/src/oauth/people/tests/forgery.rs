//! Forms that a person did not send, and sessions that are not theirs.

use super::*;
use crate::oauth::browser::{Bound, Purpose};

/// Everything that can be wrong with where a form comes from.
const FOREIGN: &[&[(&str, &str)]] = &[
    &[],
    &[("origin", "null")],
    &[("origin", "https://evil.example")],
    &[("origin", "https://auth.example.evil.example")],
    &[("origin", "http://auth.example")],
    &[("origin", "https://auth.example:8443")],
    &[("origin", "https://AUTH.example")],
    &[("origin", ISSUER), ("origin", "https://evil.example")],
    &[("origin", ISSUER), ("sec-fetch-site", "cross-site")],
    &[("origin", ISSUER), ("sec-fetch-site", "same-site")],
    &[("origin", ISSUER), ("sec-fetch-site", "none")],
    &[("sec-fetch-site", "same-origin")],
];

async fn login_page(browser: &mut Browser, link: &str) -> Page {
    let first = browser.get(link).await;
    browser.get(first.location()).await
}

#[tokio::test]
async fn nobody_is_logged_in_by_another_page() {
    let world = World::new().await;
    let mut victim = Browser::new(&world);
    let login = login_page(&mut victim, &url(&[])).await;
    let mut attacker = Browser::new(&world);
    let theirs = login_page(&mut attacker, &url(&[])).await.form("/login").1;
    let other = login_page(&mut victim, &url(&[("state", "other")])).await.form("/login").1;
    let (action, token) = login.form("/login");
    let runs = world.users.runs();
    let fields = |token| [("token", token), ("username", "alice"), ("password", PASSWORD)];
    for headers in FOREIGN {
        let page = victim.post_from(&action, headers, &fields(&token)).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{headers:?}");
    }
    let longer = format!("{token}A");
    for token in ["", "x", &theirs, &other, &token[1..], &longer] {
        assert_eq!(victim.post(&action, &fields(token)).await.status, StatusCode::FORBIDDEN, "{token}");
    }
    let mut bare = Browser::new(&world);
    assert_eq!(bare.post(&action, &fields(&token)).await.status, StatusCode::FORBIDDEN, "without the cookie");
    let elsewhere = url(&[("state", "other")]).replace("/authorize?", "/login?");
    assert_eq!(victim.post(&elsewhere, &fields(&token)).await.status, StatusCode::FORBIDDEN, "for another request");
    assert_eq!(world.users.runs(), runs, "no password was looked at");
    assert!(world.entries("session").await.is_empty());
    assert_eq!(victim.post(&action, &fields(&token)).await.status, StatusCode::SEE_OTHER, "the right one works");
}

#[tokio::test]
async fn nobody_consents_by_another_page() {
    let world = World::new().await;
    let mut victim = Browser::new(&world);
    let question = victim.log_in(&url(&[]), "alice").await;
    let (action, token) = question.form("/consent");
    let mut attacker = Browser::new(&world);
    let theirs = attacker.log_in(&url(&[]), "bob").await;
    let mut second = Browser::new(&world);
    let same_person = second.log_in(&url(&[]), "alice").await;
    let other_request = url(&[("client_id", DYNAMIC), ("redirect_uri", "https://dyn.example/cb")]);
    let other = victim.get(&other_request).await;
    let logout = question.form("/logout").1;
    let fields = |token| [("token", token), ("decision", "allow"), ("scope:read", "on")];
    for headers in FOREIGN {
        let page = victim.post_from(&action, headers, &fields(&token)).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{headers:?}");
    }
    let tokens = [
        ("none", String::new()),
        ("somebody else's", theirs.form("/consent").1),
        ("their own, of another browser", same_person.form("/consent").1),
        ("for another request", other.form("/consent").1),
        ("for logging out", logout),
        ("cut", token[..42].to_owned()),
    ];
    for (what, wrong) in &tokens {
        assert_eq!(victim.post(&action, &fields(wrong)).await.status, StatusCode::FORBIDDEN, "{what}");
    }
    for (what, browser) in [("nobody", &mut Browser::new(&world)), ("bob", &mut attacker), ("alice", &mut second)] {
        assert_eq!(browser.post(&action, &fields(&token)).await.status, StatusCode::FORBIDDEN, "{what}");
    }
    let elsewhere = other_request.replace("/authorize?", "/consent?");
    assert_eq!(victim.post(&elsewhere, &fields(&token)).await.status, StatusCode::FORBIDDEN);
    assert!(world.codes().await.is_empty() && world.entries("consent").await.is_empty());
    assert!(victim.post(&action, &fields(&token)).await.told().contains_key("code"), "the right one works");
}

#[tokio::test]
async fn a_client_that_changed_is_not_the_one_that_was_shown() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let question = browser.log_in(&url(&[]), "alice").await;
    let mut elsewhere = world.elsewhere(&browser);
    assert_eq!(elsewhere.decide(&question, "allow", &["read"]).await.status, StatusCode::FORBIDDEN);
    assert!(world.codes().await.is_empty());
    let question = elsewhere.get(&url(&[])).await;
    assert!(elsewhere.decide(&question, "allow", &["read"]).await.told().contains_key("code"), "asked anew it can be");
}

#[tokio::test]
async fn after_logging_out_nothing_of_before_counts() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let question = browser.log_in(&url(&[]), "alice").await;
    let (action, token) = question.form("/logout");
    let before = browser.clone();
    for headers in FOREIGN {
        let page = browser.post_from(&action, headers, &[("token", &token)]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{headers:?}");
    }
    for wrong in ["", &question.form("/consent").1] {
        assert_eq!(browser.post(&action, &[("token", wrong)]).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(world.entries("session").await.len(), 1, "still logged in");

    let out = browser.post(&action, &[("token", &token)]).await;
    assert_eq!(out.location(), format!("{}&prompt=select_account", url(&[])), "somebody else goes on with it");
    assert!(world.entries("session").await.is_empty());
    assert!(!browser.jar.contains_key("__Host-mcp-session"));
    // A copy of the cookie is worth nothing, nor is the page that was open.
    for mut browser in [browser, before] {
        assert_eq!(browser.decide(&question, "allow", &["read"]).await.status, StatusCode::FORBIDDEN);
        assert!(browser.get(&url(&[])).await.location().contains("/login?"));
    }
    let mut again = Browser::new(&world);
    again.log_in(&url(&[]), "alice").await;
    assert_eq!(again.decide(&question, "allow", &["read"]).await.status, StatusCode::FORBIDDEN);
    assert!(world.codes().await.is_empty());
}

#[tokio::test]
async fn logging_out_by_itself() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    browser.log_in(&url(&[]), "alice").await;
    let link = format!("{ISSUER}/logout");
    let page = browser.get(&link).await;
    assert!(world.entries("session").await.len() == 1, "a link does not do it");
    let token = page.html.split_once("name=\"token\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let out = browser.post(&link, &[("token", &token)]).await;
    assert_eq!((out.status, out.header("cross-origin-opener-policy")), (StatusCode::OK, "same-origin"));
    assert!(world.entries("session").await.is_empty());
    assert!(browser.get(&link).await.html.contains("Nobody is logged in"));
}

#[tokio::test]
async fn a_session_that_somebody_planted_is_never_anybodys() {
    let world = World::new().await;
    let mut victim = Browser::new(&world);
    let planted = "A".repeat(43);
    victim.jar.insert("__Host-mcp-session".to_owned(), planted.clone());
    victim.log_in(&url(&[]), "alice").await;
    assert_ne!(victim.jar["__Host-mcp-session"], planted);
    let mut attacker = Browser::new(&world);
    attacker.jar.insert("__Host-mcp-session".to_owned(), planted);
    assert!(attacker.get(&url(&[])).await.location().contains("/login?"));

    // The attacker's own session, planted: it ends, and the attacker does not become the victim.
    attacker.jar.clear();
    attacker.log_in(&url(&[]), "bob").await;
    let mut victim = Browser::new(&world);
    victim.jar.insert("__Host-mcp-session".to_owned(), attacker.jar["__Host-mcp-session"].clone());
    let login = login_page(&mut victim, &url(&[("prompt", "login")])).await;
    victim.enter(&login, "alice", PASSWORD).await;
    assert_ne!(victim.jar["__Host-mcp-session"], attacker.jar["__Host-mcp-session"]);
    assert!(attacker.get(&url(&[])).await.location().contains("/login?"), "it ended");
    // Two cookies of one name: one is not from here.
    let real = format!("__Host-mcp-session={}", victim.jar["__Host-mcp-session"]);
    victim.jar.clear();
    for (cookies, gets_in) in [
        (format!("{real}; __Host-mcp-session=x"), false),
        (format!("__Host-mcp-session=x; {real}"), false),
        (real, true),
    ] {
        let page = victim.send(Method::GET, &url(&[]), &[("cookie", &cookies)], String::new()).await;
        assert_eq!(page.status == StatusCode::OK, gets_in, "{cookies}");
    }
}

#[tokio::test]
async fn a_token_has_one_purpose() {
    let world = World::new().await;
    let core = &world.core;
    let bound = |purpose| Bound { purpose, holder: "holder", query: "query", shown: "" };
    let token = bound(Purpose::Logout).token(core);
    for (purpose, is_it) in [(Purpose::Logout, true), (Purpose::Login, false), (Purpose::Consent, false)] {
        assert_eq!(bound(purpose).is_token(core, Some(&token)), is_it, "{purpose:?}");
    }
    assert!(!bound(Purpose::Logout).is_token(core, None));
}
