//! Strings that have led codes to somebody else, at every door that one could pass with them.

use http::StatusCode;
use serde_json::json;

use crate::{
    browser::{Browser, link},
    world::{Ask, World},
};

/// The client that is imitated, and where its code is to go instead.
#[rustfmt::skip]
const BYPASSES: &[(&str, &str)] = &[
    // Somebody else's host, made to look like the client's.
    ("web", "https://evil.example/cb"),
    ("web", "https://app.example.com@evil.example/cb"),
    ("web", "https://app.example.com:443@evil.example/cb"),
    ("web", "https://evil.example#@app.example.com/cb"),
    ("web", "https://evil.example?@app.example.com/cb"),
    ("web", "https://evil.example\\@app.example.com/cb"),
    ("web", "https://evil.example%2f@app.example.com/cb"),
    ("web", "https://app.example.com.evil.example/cb"),
    ("web", "https://evil-app.example.com/cb"),
    ("web", "https://app.example.comevil.example/cb"),
    ("web", "https://app.example.com%2eevil.example/cb"),
    ("web", "https://app.example.com%00.evil.example/cb"),
    ("web", "https://app.example.com%0d%0alocation:evil/cb"),
    ("web", "https://user@app.example.com/cb"),
    ("web", "https://user:pass@app.example.com/cb"),
    ("web", "https://@app.example.com/cb"),
    ("web", "//app.example.com/cb"),
    ("web", "///app.example.com/cb"),
    ("web", "https:app.example.com/cb"),
    ("web", "https:/app.example.com/cb"),
    ("web", "https:\\\\app.example.com\\cb"),
    ("web", "https:///app.example.com/cb"),
    // The same host in another spelling.
    ("web", "https://APP.example.com/cb"),
    ("web", "HTTPS://app.example.com/cb"),
    ("web", "https://app.example.com./cb"),
    ("web", "https://app%2eexample.com/cb"),
    ("web", "https://app.example.com:443/cb"),
    ("web", "https://app.example.com:/cb"),
    ("web", "https://app.example.com:8443/cb"),
    ("web", "https://app.exämple.com/cb"),
    ("web", "https://ａpp.example.com/cb"),
    ("web", "https://app。example。com/cb"),
    ("web", "https://*.example.com/cb"),
    ("web", "https://*/cb"),
    ("web", "*"),
    // Another place on it.
    ("web", "https://app.example.com/"),
    ("web", "https://app.example.com"),
    ("web", "https://app.example.com/cb/"),
    ("web", "https://app.example.com/CB"),
    ("web", "https://app.example.com/cb/../open-redirect"),
    ("web", "https://app.example.com/x/../cb"),
    ("web", "https://app.example.com/./cb"),
    ("web", "https://app.example.com/%2e%2e/cb"),
    ("web", "https://app.example.com/..%2fcb"),
    ("web", "https://app.example.com//cb"),
    ("web", "https://app.example.com/c%62"),
    ("web", "https://app.example.com/cb%20"),
    ("web", "https://app.example.com/cb;x"),
    ("web", "https://app.example.com/cb?x=y"),
    ("web", "https://app.example.com/cb?"),
    ("web", "https://app.example.com/cb#"),
    ("web", "https://app.example.com/cb#fragment"),
    ("web", "https://app.example.com/cb*"),
    ("web", " https://app.example.com/cb"),
    ("web", "https://app.example.com/cb "),
    ("web", "https://app.example.com/cb\t"),
    ("web", "https://app.example.com/cb\r\nLocation: https://evil.example"),
    // Another scheme.
    ("web", "http://app.example.com/cb"),
    ("web", "javascript:alert(1)//https://app.example.com/cb"),
    ("web", "data:text/html,https://app.example.com/cb"),
    ("web", "vscode://app.example.com/cb"),
    // Another client's.
    ("web", "https://other.example.com/cb"),
    ("web", "http://127.0.0.1/callback"),
    // Loopback, written so that somebody reads something else.
    ("desktop", "http://127.1/callback"),
    ("desktop", "http://0x7f.1/callback"),
    ("desktop", "http://2130706433/callback"),
    ("desktop", "http://0177.0.0.1/callback"),
    ("desktop", "http://localhost/callback"),
    ("desktop", "http://[::1]/callback"),
    ("desktop", "http://127.0.0.1:80@evil.example/callback"),
    ("desktop", "http://127.0.0.1.evil.example/callback"),
    ("desktop", "http://127.0.0.1:0/callback"),
    ("desktop", "http://127.0.0.2/callback"),
    ("desktop", "https://127.0.0.1/callback"),
];

#[tokio::test]
async fn nobody_is_sent_where_the_client_did_not_register() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let page = alice.get(&link(&[])).await;
    let (_, token) = page.form_to("/consent");
    let before = world.census().await;
    for &(client, uri) in BYPASSES {
        let changes = [("client_id", client), ("redirect_uri", uri)];
        for (mut browser, path) in [
            (Browser::new(&world), "/authorize"),
            (Browser::new(&world), "/login"),
            (alice.clone(), "/authorize"),
            (alice.clone(), "/login"),
        ] {
            browser.address = world.address();
            let reply = browser.get(&link(&changes).replace("/authorize", path)).await;
            assert_eq!((reply.status, reply.location()), (StatusCode::BAD_REQUEST, ""), "{path} {client} {uri:?}");
            reply.assert_guarded();
            assert!(!reply.text.contains("evil.example"), "{uri:?}: {}", reply.text);
        }
        let mut forger = alice.clone();
        forger.address = world.address();
        let form = [("token", &*token), ("decision", "allow"), ("scope:notes:read", "on")];
        for decision in ["allow", "deny"] {
            let form = form.map(|(name, value)| (name, if name == "decision" { decision } else { value }));
            let reply = forger.post(&link(&changes).replace("/authorize", "/consent"), &form).await;
            assert_eq!((reply.status, reply.location()), (StatusCode::BAD_REQUEST, ""), "{client} {uri:?}");
        }
    }
    assert_eq!(world.census().await, before);
}

/// What cannot be matched cannot be registered either, unless it is another address that is as good as any.
#[tokio::test]
async fn what_reads_in_two_ways_is_not_registered() {
    let world = World::new().await;
    let before = world.census().await;
    let fine = |uri: &str| {
        let plain = uri.strip_prefix("https://").or(uri.strip_prefix("http://127.0.0.1"));
        let plain = plain.or(uri.strip_prefix("http://localhost")).or(uri.strip_prefix("http://[::1]"));
        let odd = ['@', '#', '*', '\\', ' ', '\t', '\r', '%'];
        let dots = [
            "/..",
            "/./",
            "./cb",
            "app.exä",
            "ａ",
            "。",
            "APP",
            "app.example.com:/",
            "https:///",
            ".evil.example/callback",
            ":0/",
        ];
        plain.is_some() && !odd.iter().any(|c| uri.contains(*c)) && !dots.iter().any(|part| uri.contains(part))
    };
    let mut refused = 0;
    for (_, uri) in
        BYPASSES.iter().filter(|(_, uri)| !fine(uri) && !["?@", "c%62", "cb%20"].iter().any(|fine| uri.contains(fine)))
    {
        // Also behind one that is right.
        for uris in [json!([uri]), json!(["https://app.example.com/cb", uri])] {
            let reply = world.send(Ask::json("/register", &json!({"redirect_uris": uris}))).await;
            assert_eq!(reply.status_and_error(), (400, "invalid_redirect_uri".into()), "{uri:?}");
            assert!(!reply.text.contains("client_id"), "{reply:?}");
            refused += 1;
        }
    }
    assert!(refused >= 80, "{refused}");
    assert_eq!(world.census().await, before);
    let good = world.send(Ask::json("/register", &json!({"redirect_uris": ["https://app.example.com/cb"]}))).await;
    assert_eq!(good.status, StatusCode::CREATED);
    assert_ne!(world.census().await, before, "or nothing would be counted");
}

/// The one freedom there is.
#[tokio::test]
async fn a_program_on_this_machine_takes_any_port() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    for uri in ["http://127.0.0.1/callback", "http://127.0.0.1:33418/callback", "http://127.0.0.1:1/callback"] {
        let reply = alice.allow(&link(&[("client_id", "desktop"), ("redirect_uri", uri)])).await;
        assert!(reply.location().starts_with(&format!("{uri}?code=")), "{reply:?}");
    }
}
