//! Clients that register themselves: too many of them, and those that call themselves something else than they are.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;

use crate::{
    browser::{Browser, CALLBACK, link},
    world::{Ask, World},
};

fn registration(name: &str) -> Ask {
    Ask::json("/register", &json!({"redirect_uris": [CALLBACK], "client_name": name}))
}

#[tokio::test]
async fn one_address_registers_few() {
    let world = World::new().await;
    let flooder = world.address();
    let mut made = 0;
    let refused = loop {
        let reply = world.send(registration("flood").from(flooder)).await;
        if reply.status != StatusCode::CREATED {
            break reply;
        }
        made += 1;
        assert!(made <= 20, "no end");
    };
    assert_eq!(refused.status_and_error(), (429, "slow_down".into()));
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
    refused.assert_barren();
    assert_eq!(world.count("dynamic-client").await, made);
    assert_eq!(world.send(registration("somebody else")).await.status, StatusCode::CREATED);
    // What is refused for another reason is counted too.
    let prober = world.address();
    let wrong = Ask::json("/register", &json!({"redirect_uris": ["javascript:alert(1)"]}));
    let mut last = StatusCode::OK;
    for _ in 0..21 {
        last = world.send(wrong.clone().from(prober)).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

/// From all over the world at once: bounded together, gone within the hour, and nobody else is in the way of it.
#[tokio::test]
async fn a_flood_from_everywhere_is_bounded_and_drains() {
    let world = World::new().await;
    let mut made = 0;
    for _ in 0..1_200 {
        made += usize::from(world.send(registration("flood")).await.status == StatusCode::CREATED);
    }
    assert_eq!(made, 1_000);
    assert_eq!(world.count("dynamic-client").await, 1_000);
    let mut alice = Browser::of(&world, "alice").await;
    let tokens = alice.tokens().await;
    assert_eq!(world.call("read", &tokens.access).await, StatusCode::OK);
    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(world.count("dynamic-client").await, 0);
    // Limits are counted in sixteenths of their time.
    world.clock.advance(Duration::from_secs(225));
    assert_eq!(world.send(registration("a client")).await.status, StatusCode::CREATED);
}

/// What is on the page is what was cleaned and escaped; what cannot be is not registered.
#[tokio::test]
async fn hostile_names_are_only_text() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    for (name, shown) in [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("\"><img src=x onerror=alert(1)>", "&quot;&gt;&lt;img src=x onerror=alert(1)&gt;"),
        (
            "</title></bdi><form action=https://evil.example>",
            "&lt;/title&gt;&lt;/bdi&gt;&lt;form action=https://evil.example&gt;",
        ),
        ("&lt;b&gt;", "&amp;lt;b&amp;gt;"),
        ("safe\u{202e}gnp.exe", "safegnp.exe"),
        ("\u{2066}Claude\u{2069}\u{200f}", "Claude"),
        ("Cla\u{200b}u\u{ad}de\u{feff}", "Claude"),
        ("Claude\u{0}\u{7}\u{1b}[2J\u{7f}", "Claude[2J"),
        ("Claude\r\nSet-Cookie: x=y", "Claude Set-Cookie: x=y"),
        ("line\u{2028}break\u{85}here", "linebreak here"),
        ("{{7*7}} ${7*7} #{7*7}", "{{7*7}} ${7*7} #{7*7}"),
    ] {
        let reply = world.send(registration(name)).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{name:?}: {reply:?}");
        let page = alice.get(&link(&[("client_id", reply.json()["client_id"].as_str().unwrap())])).await;
        assert_eq!(page.status, StatusCode::OK);
        page.assert_guarded();
        let title = page.text.split_once("<h1><bdi>").unwrap().1.split_once("</bdi>").unwrap().0;
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(squeezed(title) == shown || title.replace(' ', "") == shown.replace(' ', ""), "{name:?}: {title:?}");
        let hidden = |c: char| {
            (c.is_control() && c != '\n')
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
        };
        assert!(!page.text.contains(hidden), "{name:?}: {:?}", page.text);
        assert!(page.text.contains("Nobody has checked that it is what its name says"), "{page:?}");
        for foreign in ["<img", "<script", "action=https://evil", "action=\"https://evil"] {
            let escaped = page.text.replace("&lt;form action=https://evil", "");
            assert!(!escaped.contains(foreign), "{foreign}: {}", page.text);
        }
    }
    let before = world.census().await;
    let (long, wide, huge) = ("x".repeat(101), "ä".repeat(101), "x".repeat(10 * 1_024));
    let larger = "x".repeat(20 * 1_024);
    for name in [&*long, &wide, &huge, &larger, "\u{202e}\u{200b}", " \t\n"] {
        let reply = world.send(registration(name)).await;
        assert_eq!(reply.status_and_error(), (400, "invalid_client_metadata".into()), "{name:.20}");
        assert!(reply.text.len() < 300, "{reply:?}");
    }
    assert_eq!(world.census().await, before);
}

/// Links and pictures of somebody nobody knows are not on the page; nor can it say that it is somebody else.
#[tokio::test]
async fn what_else_it_says_is_not_shown() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let body = json!({
        "redirect_uris": [CALLBACK], "client_name": "A client",
        "client_id": "web", "client_secret": "chosen-by-the-client-itself", "origin": "operator", "may_introspect": true,
        "scope": "notes:read notes:write notes:admin", "scopes": ["notes:admin"], "metadata_hash": "x",
        "client_uri": "https://evil.example/", "logo_uri": "https://evil.example/logo.png", "id": "web",
        "tos_uri": "javascript:alert(1)", "policy_uri": "data:text/html,x", "software_statement": "eyJ.e30.x",
        "contacts": ["evil@evil.example"], "registration_access_token": "x",
    });
    let reply = world.send(Ask::json("/register", &body)).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    assert!(
        !reply.text.contains("evil") && !reply.text.contains("chosen-by") && !reply.text.contains("admin"),
        "{reply:?}"
    );
    let id = reply.json()["client_id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("dcr_"), "{id}");
    let scope = ("scope", "notes:read notes:admin");
    let page = alice.get(&link(&[("client_id", &id), scope])).await;
    assert!(!page.text.contains("evil") && page.text.contains("This app registered itself"), "{}", page.text);
    assert_eq!(page.offered(), ["notes:read"]);
    // Other clients are as they were.
    let page = alice.get(&link(&[])).await;
    assert!(page.text.contains("registered by whoever runs this server"), "{}", page.text);
}
