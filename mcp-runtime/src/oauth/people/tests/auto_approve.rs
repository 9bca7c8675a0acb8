//! Without a page, on this machine and nowhere else.

use super::*;
use crate::oauth::AutoApprove;

fn link(changes: &[(&str, &str)]) -> String {
    let own = [("client_id", "desktop"), ("redirect_uri", "http://127.0.0.1:9000/cb")];
    url_at(LOCAL, &[&own, changes].concat())
}

async fn world(issuer: &str) -> World {
    World::at(issuer, vec![Box::new(AutoApprove::new("carol"))]).await
}

#[tokio::test]
async fn one_redirect_and_no_question() {
    let world = world(LOCAL).await;
    let mut browser = Browser::new(&world);
    let page = browser.get(&link(&[])).await;
    assert_eq!(page.status, StatusCode::FOUND);
    assert!(page.location().starts_with("http://127.0.0.1:9000/cb?code="), "{}", page.location());
    assert_eq!((&*page.told()["state"], &*page.told()["iss"]), ("xyz", LOCAL));
    browser.get(&link(&[("scope", "")])).await;
    let mut granted: Vec<String> = world.codes().await.iter().map(|code| code["scopes"].to_string()).collect();
    granted.sort();
    assert_eq!(granted, ["[\"read\",\"write\"]", "[\"read\"]"], "what was asked, or the default");
    let subject = world.codes().await[0]["subject"].as_str().unwrap().to_owned();
    let account = crate::oauth::people::account_of(&world.core, &subject).await.unwrap().unwrap();
    assert_eq!((&*account.name, account.scopes), ("carol", None));
    let wrong = browser.get(&link(&[("code_challenge_method", "plain")])).await;
    assert_eq!(wrong.told()["error"], "invalid_request");
}

#[tokio::test]
async fn nowhere_else() {
    let world = world(LOCAL).await;
    let core = &world.core;
    type Change = fn(&mut Visit);
    let changes: [(&str, Change); 14] = [
        ("foreign host", |visit| drop(visit.parts.headers.insert("host", "evil.example".parse().unwrap()))),
        ("rebound host", |visit| drop(visit.parts.headers.insert("host", "127.0.0.1.evil.example".parse().unwrap()))),
        ("two hosts", |visit| {
            let _ = visit.parts.headers.append("host", "127.0.0.1:8000".parse().unwrap());
        }),
        ("no host", |visit| drop(visit.parts.headers.remove("host"))),
        ("foreign peer", |visit| visit.peer = Peer::Tcp(([192, 0, 2, 1], 1).into())),
        ("unknown peer", |visit| visit.peer = Peer::Unknown),
        ("a socket, so a proxy", |visit| visit.peer = Peer::Unix),
        ("forwarded", |visit| visit.is_forwarded = true),
        ("for another host", |visit| drop(visit.parts.headers.insert("x-forwarded-host", "a".parse().unwrap()))),
        ("for another address", |visit| drop(visit.parts.headers.insert("x-real-ip", "192.0.2.1".parse().unwrap()))),
        ("through a proxy", |visit| drop(visit.parts.headers.insert("via", "1.1 proxy".parse().unwrap()))),
        ("another site", |visit| drop(visit.parts.headers.insert("sec-fetch-site", "cross-site".parse().unwrap()))),
        ("another port", |visit| drop(visit.parts.headers.insert("sec-fetch-site", "same-site".parse().unwrap()))),
        ("a foreign page", |visit| drop(visit.parts.headers.insert("origin", "https://evil.example".parse().unwrap()))),
    ];
    for (what, change) in changes {
        let mut visit = visit(&link(&[]));
        change(&mut visit);
        let response = answer(Arc::clone(core), Endpoint::Authorize, visit).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{what}");
        assert!(!response.headers().contains_key("location"), "{what}");
    }
    let far = link(&[("client_id", "web"), ("redirect_uri", "https://app.example/cb")]);
    let response = answer(Arc::clone(core), Endpoint::Authorize, visit(&far)).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN, "a redirect that leaves this machine");
    assert!(world.codes().await.is_empty() && world.entries("link").await.is_empty());
    assert_eq!(answer(Arc::clone(core), Endpoint::Authorize, visit(&link(&[]))).await.status(), StatusCode::FOUND);
}

fn visit(link: &str) -> Visit {
    let path = link.strip_prefix(LOCAL).unwrap();
    let (parts, ()) = Request::get(path).header("host", "127.0.0.1:8000").body(()).unwrap().into_parts();
    let peer = Peer::Tcp(([127, 0, 0, 1], 40_000).into());
    Visit { parts, body: Body::empty(), address: ClientAddress::LOCAL, peer, is_forwarded: false }
}

#[tokio::test]
async fn an_issuer_elsewhere_is_not_built() {
    let store = Arc::new(MemoryStore::new());
    let users = LocalUsers::cheap(Arc::clone(&store));
    let build = |issuer: &str| {
        let auto: Box<dyn LoginProvider> = Box::new(AutoApprove::new("carol"));
        let core = core(issuer, Arc::clone(&store), Clock::system(), vec![auto], &users, ("The web", false));
        core.err().unwrap_or_default()
    };
    for issuer in [ISSUER, "https://127.0.0.1.evil.example", "https://localhost.evil.example"] {
        let problems = build(issuer);
        assert!(problems.len() == 1 && problems[0].contains("`AutoApprove` would let everybody in"), "{problems:?}");
    }
    for issuer in [LOCAL, "http://localhost:1", "https://[::1]:8443"] {
        assert_eq!(build(issuer), Vec::<String>::new(), "{issuer}");
    }
}
