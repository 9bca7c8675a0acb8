//! What answers must not do: be kept by a cache, repeat what was sent, or be read by pages of others.

use http::StatusCode;
use serde_json::json;

use crate::{
    browser::{Browser, CALLBACK, Tokens, VERIFIER, link, redeem, refresh},
    world::{Ask, ISSUER, Reply, SECRET, World},
};

#[track_caller]
fn assert_not_kept(what: &str, reply: &Reply) {
    assert_eq!(reply.header("cache-control"), "no-store", "{what}: {reply:?}");
    assert_eq!(reply.headers.get_all("cache-control").iter().count(), 1, "{what}: {reply:?}");
    assert_eq!(reply.header("x-content-type-options"), "nosniff", "{what}: {reply:?}");
    assert!(reply.headers.get("etag").is_none() && reply.headers.get("last-modified").is_none(), "{what}");
}

#[tokio::test]
async fn nothing_secret_is_kept() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let code = alice.code(&[]).await;
    let got = redeem(&world, &code, &[]).await;
    assert_eq!(got.header("pragma"), "no-cache", "RFC 6749 §5.1");
    let tokens = Tokens::of(&got);
    let registered = world.send(Ask::json("/register", &json!({"redirect_uris": [CALLBACK]}))).await;
    assert_eq!(registered.status, StatusCode::CREATED);
    let job = [("grant_type", "client_credentials"), ("client_id", "job"), ("client_secret", SECRET)];
    let about = |token: &str| Ask::form("/introspect", &[("token", token)]).basic("reports", SECRET);
    for (what, reply) in [
        ("a code", alice.allow(&link(&[])).await),
        ("tokens", got),
        ("refreshed", refresh(&world, &tokens.refresh, &[]).await),
        ("for itself", world.form("/token", &job).await),
        ("a secret", registered),
        ("active", world.send(about(&tokens.access)).await),
        ("inactive", world.send(about("x")).await),
        ("revoked", world.form("/revoke", &[("token", &tokens.refresh), ("client_id", "web")]).await),
        ("replayed", redeem(&world, &code, &[]).await),
        ("no client", redeem(&world, &code, &[("client_id", "x")]).await),
        ("no form", world.send(Ask::json("/token", &json!({}))).await),
        ("no registration", world.send(Ask::json("/register", &json!({}))).await),
        ("no introspection", world.form("/introspect", &[("token", "x")]).await),
        ("no revocation", world.form("/revoke", &[("token", "x")]).await),
        ("wrong link", world.get("/authorize?x").await),
        ("logged out", world.get("/logout").await),
    ] {
        assert_not_kept(what, &reply);
    }
}

/// Where programs on pages may ask, cookies count for nothing; where cookies count, no page may read the answer.
#[tokio::test]
async fn pages_of_others_read_nothing_that_is_somebodys() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let evil = ("origin", "https://evil.example");
    for path in ["/authorize", "/login", "/consent", "/logout", "/introspect"] {
        for ask in [Ask::get(path), Ask::form(path, &[]), Ask::new(http::Method::OPTIONS, path)] {
            let ask = ask.header(evil.0, evil.1).header("access-control-request-method", "POST");
            let reply = alice.send(ask).await;
            let cors = reply.headers.keys().filter(|name| name.as_str().starts_with("access-control"));
            assert_eq!(cors.count(), 0, "{path}: {reply:?}");
        }
    }
    for path in ["/token", "/register", "/revoke", "/jwks", "/.well-known/oauth-authorization-server"] {
        for ask in [Ask::get(path), Ask::form(path, &[]), Ask::new(http::Method::OPTIONS, path)] {
            let reply = alice.send(ask.header(evil.0, evil.1)).await;
            assert_eq!(reply.header("access-control-allow-origin"), "*", "{path}: {reply:?}");
            assert!(reply.headers.get("access-control-allow-credentials").is_none(), "{path}: {reply:?}");
            assert!(reply.headers.get("set-cookie").is_none(), "{path}: {reply:?}");
        }
    }
}

const CANARY: &str = "c4n4ry\"'><script>alert(1)</script>";
const NAMES: [&str; 24] = [
    "client_id",
    "client_secret",
    "redirect_uri",
    "response_type",
    "response_mode",
    "state",
    "scope",
    "resource",
    "code",
    "code_verifier",
    "code_challenge",
    "code_challenge_method",
    "grant_type",
    "refresh_token",
    "token",
    "token_type_hint",
    "client_assertion",
    "client_assertion_type",
    "username",
    "password",
    "decision",
    "prompt",
    "provider",
    "nonsense",
];

/// With one parameter after the other made into something that would be seen.
#[tokio::test]
async fn errors_repeat_nothing() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let page = alice.get(&link(&[])).await;
    let (consent, token) = page.form_to("/consent");
    let mut stranger = Browser::new(&world);
    let (login, login_token) = stranger.login_page(&link(&[])).await.form_to("/login");
    let query = link(&[]).replacen(ISSUER, "", 1);
    let right: [(&str, Vec<(&str, &str)>); 4] = [
        (
            "/token",
            vec![
                ("grant_type", "authorization_code"),
                ("client_id", "web"),
                ("code", "x"),
                ("code_verifier", VERIFIER),
            ],
        ),
        ("/token", vec![("grant_type", "refresh_token"), ("client_id", "web"), ("refresh_token", "x")]),
        ("/revoke", vec![("client_id", "backend"), ("client_secret", "x"), ("token", "x")]),
        ("/introspect", vec![("client_id", "reports"), ("client_secret", "x"), ("token", "x")]),
    ];
    let mut seen = 0;
    for name in NAMES {
        let mut replies = Vec::new();
        for (path, fields) in &right {
            replies.push(world.form(path, &crate::browser::changed(fields, &[(name, CANARY)])).await);
            replies.push(world.send(Ask::get(format!("{path}?{}", encoded(name)))).await);
        }
        for browser in [&mut alice, &mut stranger] {
            browser.address = world.address();
            let changed = link(&[(name, CANARY)]);
            replies.push(browser.get(&changed).await);
            replies.push(browser.get(&changed.replace("/authorize", "/logout")).await);
            for (action, token) in [(&consent, &token), (&login, &login_token)] {
                replies
                    .push(browser.post(action, &crate::browser::changed(&[("token", token)], &[(name, CANARY)])).await);
                replies.push(browser.post(&format!("{action}&{}", encoded(name)), &[("token", token)]).await);
            }
            replies.push(browser.get(&format!("{query}&{}", encoded(name))).await);
        }
        replies.push(world.send(Ask::json("/register", &json!({"redirect_uris": [CANARY], name: CANARY}))).await);
        for reply in replies {
            // Nowhere in what somebody reads; escaped in an address that leads on with the same request.
            assert!(!reply.text.contains("<script>alert"), "{name}: {reply:?}");
            if reply.status.is_client_error() {
                assert!(!format!("{reply:?}").contains("c4n4ry"), "{name}: {reply:?}");
                seen += 1;
            }
            let location = reply.location();
            assert!(!location.contains(['"', '<', '>', ' ']), "{name}: {location}");
            assert!(
                location.is_empty() || location.starts_with(ISSUER) || location.starts_with(CALLBACK),
                "{location}"
            );
        }
    }
    assert!(seen > 200, "{seen}");
    for (name, value) in [("authorization", "Basic c4n4ry"), ("content-type", "text/c4n4ry"), ("cookie", "c4n4ry=1")] {
        for path in ["/token", "/register", "/revoke", "/introspect", "/login", "/consent", "/authorize"] {
            for ask in [Ask::form(path, &[]), Ask::get(path)] {
                let reply = world.send(ask.set(name, value)).await;
                assert!(reply.status.is_client_error(), "{path}: {reply:?}");
                assert!(!format!("{reply:?}").contains("c4n4ry"), "{path} {name}: {reply:?}");
            }
        }
    }
}

fn encoded(name: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair(name, CANARY).finish()
}
