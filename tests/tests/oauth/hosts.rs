//! What a request says about where it was sent to changes no address that is given out.

use http::{Method, StatusCode};

use crate::{
    browser::{Browser, link},
    world::{Ask, HOST, ISSUER, Reply, World},
};

const PATHS: [&str; 13] = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
    "/jwks",
    "/authorize",
    "/login",
    "/logout",
    "/consent",
    "/token",
    "/register",
    "/revoke",
    "/introspect",
];

/// Headers by which programs behind proxies have been talked into other addresses.
const POISON: [(&str, &str); 16] = [
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-server", "evil.example"),
    ("x-host", "evil.example"),
    ("x-original-host", "evil.example"),
    ("x-forwarded-port", "6666"),
    ("x-forwarded-proto", "http"),
    ("x-forwarded-scheme", "http"),
    ("x-forwarded-prefix", "/evil"),
    ("x-script-name", "/evil"),
    ("x-original-url", "/evil"),
    ("x-rewrite-url", "/evil"),
    ("x-http-method-override", "PUT"),
    ("x-forwarded-for", "evil.example"),
    ("forwarded", "for=evil.example;host=evil.example;proto=http"),
    ("via", "1.1 evil.example"),
    ("x-forwarded-ssl", "off"),
];

/// Without what is new in every answer.
fn lasting(reply: &Reply) -> (StatusCode, String, String) {
    let mut text = String::new();
    for (at, part) in reply.text.split("value=\"").enumerate() {
        // Tokens of forms.
        let rest = if at == 0 { part } else { part.split_once('"').map_or(part, |(_, rest)| rest) };
        text.push_str(rest);
    }
    (reply.status, text, reply.location().to_owned())
}

fn asks() -> Vec<Ask> {
    let query = link(&[]).split_once('?').unwrap().1.to_owned();
    let mut asks = Vec::new();
    for path in PATHS {
        asks.push(Ask::get(path));
        asks.push(Ask::get(format!("{path}?{query}")));
        asks.push(Ask::form(path, &[("client_id", "web"), ("token", "x"), ("grant_type", "refresh_token")]));
        asks.push(Ask::new(Method::OPTIONS, path));
    }
    asks.push(Ask::call("read", "x"));
    asks
}

#[tokio::test]
async fn no_header_changes_an_address() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    for ask in asks() {
        let plain = alice.send(ask.clone()).await;
        for (name, value) in POISON {
            alice.address = world.address();
            let poisoned = alice.send(ask.clone().header(name, value)).await;
            assert_eq!(lasting(&poisoned), lasting(&plain), "{name}: {ask:?}");
            let headers = format!("{:?}", poisoned.headers);
            assert!(!headers.contains("evil") && !poisoned.text.contains("evil"), "{name}: {poisoned:?}");
        }
    }
}

#[tokio::test]
async fn other_hosts_are_not_answered_for() {
    let world = World::new().await;
    let before = world.census().await;
    for ask in asks() {
        for host in [
            "evil.example",
            "mcp.example.com.evil.example",
            "evil.example:443",
            "mcp.example.com@evil.example",
            "mcp.example.com, evil.example",
            "mcp.example.com:8443",
            "mcp.example.com evil.example",
            "127.0.0.1",
            "",
        ] {
            let reply = world.send(ask.clone().set("host", host)).await;
            // Documents about the resource are the same for everybody.
            let is_document = reply.status == StatusCode::OK && reply.text.contains("authorization_servers");
            assert!(is_document || reply.status.is_client_error(), "{host}: {ask:?} {reply:?}");
            assert!(!format!("{reply:?}").contains("evil"), "{host}: {reply:?}");
            reply.assert_barren();
        }
        // Said twice.
        let reply = world.send(ask.clone().header("host", "evil.example")).await;
        assert!(!format!("{reply:?}").contains("evil"), "{reply:?}");
        assert!(reply.status.is_client_error() || reply.text.contains("authorization_servers"), "{reply:?}");
    }
    assert_eq!(world.census().await, before);
}

/// Every address in every document, page and redirect is the configured one.
#[tokio::test]
async fn all_addresses_are_ours() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
        let document = world.get(path).await.json();
        for (name, value) in document.as_object().unwrap() {
            if name == "issuer" || name.ends_with("_endpoint") || name.ends_with("_uri") {
                assert!(value.as_str().unwrap().starts_with(ISSUER), "{name}: {value}");
            }
        }
    }
    let page = alice.get(&link(&[])).await;
    let login = Browser::new(&world).login_page(&link(&[])).await;
    for page in [page, login] {
        for part in page.text.split("action=\"").skip(1).chain(page.text.split("href=\"").skip(1)) {
            assert!(part.starts_with(&format!("{ISSUER}/")), "{part:.60}");
        }
    }
    let challenge = world.send(Ask::call("read", "x")).await;
    assert!(challenge.header("www-authenticate").contains(&format!("https://{HOST}/.well-known/")), "{challenge:?}");
}
