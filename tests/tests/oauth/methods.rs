//! Wrong methods, addresses that are nearly right, and too much of everything.

use http::{Method, StatusCode};
use serde_json::json;

use crate::{
    browser::{Browser, link},
    world::{Ask, World},
};

/// Every endpoint with what it takes.
const ENDPOINTS: [(&str, &[&str]); 11] = [
    ("/.well-known/oauth-authorization-server", &["GET", "HEAD", "OPTIONS"]),
    ("/.well-known/openid-configuration", &["GET", "HEAD", "OPTIONS"]),
    ("/jwks", &["GET", "HEAD", "OPTIONS"]),
    ("/authorize", &["GET"]),
    ("/login", &["GET", "POST"]),
    ("/logout", &["GET", "POST"]),
    ("/consent", &["POST"]),
    ("/token", &["POST", "OPTIONS"]),
    ("/register", &["POST", "OPTIONS"]),
    ("/revoke", &["POST", "OPTIONS"]),
    ("/introspect", &["POST"]),
];

#[tokio::test]
async fn wrong_methods() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let query = link(&[]).split_once('?').unwrap().1.to_owned();
    let before = world.census().await;
    for (path, taken) in ENDPOINTS {
        for method in
            ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"]
        {
            if taken.contains(&method) {
                continue;
            }
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let reply = alice.send(Ask::new(method.clone(), format!("{path}?{query}"))).await;
            assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}: {reply:?}");
            let allowed: Vec<&str> = reply.header("allow").split(", ").collect();
            assert!(taken.iter().all(|one| allowed.contains(one)), "{method} {path}: {allowed:?}");
            assert!(!allowed.contains(&method.as_str()), "{method} {path}: {allowed:?}");
            reply.assert_barren();
        }
    }
    assert_eq!(world.census().await, before);
    for (path, _) in &ENDPOINTS[..3] {
        let (get, head) = (world.get(path).await, world.send(Ask::new(Method::HEAD, *path)).await);
        assert_eq!((get.status, head.status), (StatusCode::OK, StatusCode::OK), "{path}");
        assert_eq!(get.header("content-type"), head.header("content-type"));
        assert!(head.text.is_empty(), "{path}: {head:?}");
    }
}

#[tokio::test]
async fn nearly_the_right_address() {
    let world = World::new().await;
    let before = world.census().await;
    for (path, taken) in ENDPOINTS {
        let method = if taken.contains(&"GET") { Method::GET } else { Method::POST };
        let upper = path.to_uppercase();
        let titled = format!("/{}{}", path[1..2].to_uppercase(), &path[2..]);
        for near in [
            format!("{path}/"),
            format!("{path}//"),
            format!("/{path}"),
            format!("{path}/x"),
            format!("{path}.json"),
            format!("{path};x"),
            format!("/x/..{path}"),
            format!("/mcp{path}"),
            upper,
            titled,
        ] {
            if near.starts_with("//") || near == path {
                continue;
            }
            let reply = world.send(Ask::new(method.clone(), near.clone())).await;
            assert!(matches!(reply.status.as_u16(), 404 | 405), "{near}: {reply:?}");
            reply.assert_barren();
        }
    }
    assert_eq!(world.census().await, before);
}

#[tokio::test]
async fn too_much_of_everything() {
    let world = World::new().await;
    let alice = Browser::of(&world, "alice").await;
    let before = world.census().await;
    let (long, huge) = ("x".repeat(9 * 1_024), "x".repeat(70 * 1_024));
    let many: String = (0..200).map(|at| format!("&p{at}=x")).collect();
    let mut asks = vec![
        Ask::get(format!("{}&nonsense={long}", link(&[]))),
        Ask::get(format!("{}{many}", link(&[]))),
        Ask::get(link(&[("state", &"x".repeat(2_049))])),
        Ask::get(link(&[("client_id", &"x".repeat(600))])),
        Ask::get(link(&[("scope", &"notes:read ".repeat(300))])),
        Ask::get(link(&[("redirect_uri", &format!("https://app.example.com/cb?{}", "x".repeat(600)))])),
        Ask::get(format!("/login?{}", "x=y&".repeat(1_000))),
        Ask::json("/register", &json!({"redirect_uris": ["https://app.example.com/cb"], "padding": huge})),
        Ask::json("/register", &json!({"redirect_uris": [format!("https://app.example.com/{}", "x".repeat(600))]})),
        Ask::json("/register", &json!(null)).body("[".repeat(10_000)),
        Ask::json("/register", &json!(null)).body(format!("{{\"redirect_uris\":{}", "[".repeat(10_000))),
        Ask::get("/authorize").header("cookie", format!("__Host-mcp-session={long}")),
    ];
    for path in ["/token", "/revoke", "/introspect", "/login", "/consent"] {
        asks.push(Ask::form(path, &[("client_id", "web"), ("padding", &huge)]));
        asks.push(Ask::raw_form(path, format!("client_id=web{many}")));
        asks.push(Ask::form(path, &[("client_id", &long)]));
        asks.push(Ask::form(path, &[]).basic("job", &long));
        asks.push(Ask::raw_form(path, "&=&=&%&%zz&".repeat(5_000)));
        asks.push(Ask::raw_form(path, "=").header("content-length", "99999999999999999999"));
    }
    for mut ask in asks {
        for browser in [Some(alice.clone()), None] {
            let reply = match browser {
                Some(mut browser) => {
                    browser.address = world.address();
                    browser.send(ask.clone()).await
                }
                None => world.send(ask.clone()).await,
            };
            let went_on = reply.status == StatusCode::SEE_OTHER && reply.location().contains("error=");
            let to_login = reply.status == StatusCode::SEE_OTHER && reply.location().contains("/login?");
            assert!(reply.status.is_client_error() || went_on || to_login, "{reply:?}");
            assert!(!to_login || reply.location().len() < 9_000, "{reply:?}");
            assert!(reply.text.len() < 4_000, "{reply:?}");
            reply.assert_barren();
        }
        ask = ask.header("x-padding", "x".repeat(30_000));
        let padded = world.send(ask).await;
        padded.assert_barren();
        assert!(!padded.status.is_server_error(), "{padded:?}");
    }
    assert_eq!(world.census().await, before);
}
