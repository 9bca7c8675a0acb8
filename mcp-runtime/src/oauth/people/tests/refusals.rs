//! Requests that are wrong: who is told, and how.

use super::*;

/// Nobody is sent anywhere.
#[tokio::test]
async fn without_a_client_and_its_address_there_is_a_page() {
    let world = World::new().await;
    let mut alice = Browser::new(&world);
    alice.log_in(&url(&[]), "alice").await;
    let long = "x".repeat(9_000);
    let twice = |more: &str| format!("{}&{more}", url(&[]));
    for link in [
        url(&[("client_id", "")]),
        url(&[("client_id", "nobody")]),
        url(&[("client_id", "https://unknown.example/client")]),
        url(&[("redirect_uri", "")]),
        url(&[("redirect_uri", "https://evil.example/cb")]),
        url(&[("redirect_uri", "https://app.example/cb/")]),
        url(&[("redirect_uri", "https://app.example/cb?x=1")]),
        url(&[("redirect_uri", "https://app.example@evil.example/cb")]),
        url(&[("redirect_uri", "https://dyn.example/cb")]),
        url(&[("redirect_uri", "//app.example/cb")]),
        url(&[("redirect_uri", "javascript:alert(1)")]),
        url(&[("redirect_uri", "https://app.example/cb"), ("client_id", "desktop")]),
        twice("client_id=web"),
        twice("client_id=desktop"),
        twice("redirect_uri=https%3A%2F%2Fevil.example%2Fcb"),
        twice("redirect_uri="),
        url(&[("nonsense", &long)]),
    ] {
        for mut browser in [alice.clone(), Browser::new(&world)] {
            let page = browser.get(&link).await;
            // A document that is unknown so far is a matter for after the login.
            let is_stranger = browser.jar.is_empty();
            if is_stranger
                && link.contains("unknown.example")
                && page.location().starts_with("https://auth.example/login?")
            {
                continue;
            }
            assert_eq!((page.status, page.location()), (StatusCode::BAD_REQUEST, ""), "{link}");
            assert!(!page.html.contains("evil.example"), "{link}: {}", page.html);
            // Nor by another door.
            let login = browser.get(&link.replace("/authorize?", "/login?")).await;
            assert!(login.status == StatusCode::BAD_REQUEST || link.contains("unknown.example"), "{link}");
        }
    }
    assert!(world.codes().await.is_empty());
}

/// The client is told, with our name and its state.
#[tokio::test]
async fn with_them_the_client_is_told() {
    let world = World::new().await;
    let mut alice = Browser::new(&world);
    alice.log_in(&url(&[]), "alice").await;
    let long = "x".repeat(2_049);
    let twice = |more: &str| format!("{}&{more}", url(&[]));
    let machine = ("redirect_uri", "https://app.example/machine");
    let small = ("redirect_uri", "https://app.example/small");
    for (link, error) in [
        (url(&[("response_type", "")]), "invalid_request"),
        (url(&[("response_type", "token")]), "unsupported_response_type"),
        (url(&[("response_type", "code token")]), "unsupported_response_type"),
        (url(&[("response_type", "CODE")]), "unsupported_response_type"),
        (url(&[("response_mode", "fragment")]), "invalid_request"),
        (url(&[("response_mode", "form_post")]), "invalid_request"),
        (url(&[("code_challenge", "")]), "invalid_request"),
        (url(&[("code_challenge_method", "")]), "invalid_request"),
        (url(&[("code_challenge_method", "plain")]), "invalid_request"),
        (url(&[("code_challenge_method", "s256")]), "invalid_request"),
        (url(&[("code_challenge", &CHALLENGE[1..])]), "invalid_request"),
        (url(&[("code_challenge", &format!("{CHALLENGE}="))]), "invalid_request"),
        (url(&[("code_challenge", &CHALLENGE.replace('-', "+"))]), "invalid_request"),
        (url(&[("scope", "read \"quoted\"")]), "invalid_scope"),
        (url(&[("scope", "unknown")]), "invalid_scope"),
        (url(&[("scope", "write"), ("client_id", "small"), small]), "invalid_scope"),
        (url(&[("resource", "https://other.example/mcp")]), "invalid_target"),
        (url(&[("resource", "https://auth.example/mcp/")]), "invalid_target"),
        (format!("{}&resource=x", url(&[("resource", "https://auth.example/mcp")])), "invalid_target"),
        (url(&[("request", "eyJ")]), "request_not_supported"),
        (url(&[("request_uri", "https://evil.example/r")]), "request_uri_not_supported"),
        (url(&[("prompt", "none login")]), "invalid_request"),
        (url(&[("client_id", MACHINE), machine]), "unauthorized_client"),
        (twice("scope=admin"), "invalid_request"),
        (twice("code_challenge_method=S256"), "invalid_request"),
        (twice("response_type=code"), "invalid_request"),
        (twice("state=other"), "invalid_request"),
        (url(&[("state", &long)]), "invalid_request"),
    ] {
        for mut browser in [alice.clone(), Browser::new(&world)] {
            if browser.jar.is_empty() && link.contains(MACHINE) {
                continue;
            }
            let page = browser.get(&link).await;
            let told = page.told();
            assert!(page.location().starts_with("https://app.example/"), "{link}: {page:?}");
            assert_eq!(told.get("error").map(String::as_str), Some(error), "{link}: {told:?}");
            assert_eq!(told.get("iss").map(String::as_str), Some(ISSUER), "{link}");
            assert!(!told.contains_key("code") && !told.contains_key("access_token"), "{link}");
            let state = told.get("state").map(String::as_str);
            let unclear = link.contains("state=other") || link.contains(&long);
            assert_eq!(state, if unclear { None } else { Some("xyz") }, "{link}");
        }
    }
    assert!(world.codes().await.is_empty());
}

/// Anybody can register an address to go back to: a link to this server must not lead there by itself, before anybody
/// saw who it is (RFC 9700 §4.11.2).
#[tokio::test]
async fn strangers_are_not_sent_on_to_clients_that_nobody_vouches_for() {
    let world = World::new().await;
    world.publish().await;
    let dynamic = [("client_id", DYNAMIC), ("redirect_uri", "https://dyn.example/cb")];
    let document = [("client_id", DOCUMENT), ("redirect_uri", "https://doc.example/cb")];
    for own in [dynamic, document] {
        for wrong in [("response_type", "x"), ("scope", "unknown"), ("code_challenge", ""), ("prompt", "none")] {
            let link = url(&[own[0], own[1], wrong]);
            let page = Browser::new(&world).get(&link).await;
            assert_eq!((page.status, page.location()), (StatusCode::BAD_REQUEST, ""), "{link}");
            let login = Browser::new(&world).get(&link.replace("/authorize?", "/login?")).await;
            assert!(login.location().is_empty(), "{link}");
        }
        // Who has logged in is told to the client.
        let mut alice = Browser::new(&world);
        alice.log_in(&url(&[]), "alice").await;
        let page = alice.get(&url(&[own[0], own[1], ("response_type", "x")])).await;
        assert_eq!(page.told()["error"], "unsupported_response_type");
    }
}

/// Else any client could find out what somebody may do here, without a question.
#[tokio::test]
async fn silence_does_not_tell_what_an_account_may_do() {
    let world = World::new().await;
    let dynamic = [("client_id", DYNAMIC), ("redirect_uri", "https://dyn.example/cb"), ("prompt", "none")];
    for own in [&dynamic[..], &dynamic[2..]] {
        for name in ["alice", "bob", "eve"] {
            let mut browser = Browser::new(&world);
            browser.log_in(&url(&[]), name).await;
            let page = browser.get(&url(&[own, &[("scope", "admin")]].concat())).await;
            assert_eq!(page.told()["error"], "consent_required", "{name}");
        }
    }
}

/// Whoever has an account does not fill the store, however many addresses they have.
#[tokio::test]
async fn one_account_decides_so_often_and_no_more() {
    let world = World::new().await.limited();
    let mut alice = Browser::new(&world);
    let question = alice.log_in(&url(&[]), "alice").await;
    let mut bob = Browser::new(&world);
    let other = bob.log_in(&url(&[]), "bob").await;
    let mut codes = 0;
    for at in 0..200_u32 {
        alice.address = ClientAddress::new(std::net::Ipv4Addr::from(0x0a00_0000 + at).into());
        let page = alice.decide(&question, "allow", &["read"]).await;
        if page.status == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        codes += 1;
    }
    assert_eq!(codes, 60);
    assert_eq!(world.codes().await.len(), 60);
    assert!(bob.decide(&other, "allow", &["read"]).await.told().contains_key("code"), "nobody else waits");
}

#[tokio::test]
async fn nothing_is_answered_to_other_methods_or_within_other_pages() {
    let world = World::new().await;
    let mut alice = Browser::new(&world);
    alice.log_in(&url(&[]), "alice").await;
    let own: &[(&str, &str)] = &[("origin", ISSUER), ("content-type", "application/x-www-form-urlencoded")];
    let (_, query) = url(&[]).split_once('?').map(|(path, query)| (path.to_owned(), query.to_owned())).unwrap();
    for (method, path, allowed) in [
        (Method::POST, "/authorize", "GET"),
        (Method::PUT, "/authorize", "GET"),
        (Method::GET, "/consent", "POST"),
        (Method::HEAD, "/authorize", "GET"),
        (Method::PUT, "/login", "GET, POST"),
        (Method::DELETE, "/logout", "GET, POST"),
    ] {
        let page = alice.send(method.clone(), &format!("{ISSUER}{path}?{query}"), own, String::new()).await;
        assert_eq!((page.status, page.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, allowed), "{method} {path}");
    }
    for path in ["/authorize", "/login", "/logout"] {
        for dest in ["iframe", "frame", "embed", "object", "fencedframe"] {
            let link = format!("{ISSUER}{path}?{query}");
            let page = alice.send(Method::GET, &link, &[("sec-fetch-dest", dest)], String::new()).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path} in {dest}");
            assert!(!page.html.contains("<form"), "{path} in {dest}");
        }
        let link = format!("{ISSUER}{path}?{query}");
        let page = alice.send(Method::GET, &link, &[("sec-fetch-dest", "document")], String::new()).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_hostile_name_is_only_text() {
    let world = World::new().await;
    let mut alice = Browser::new(&world);
    let question =
        alice.log_in(&url(&[("client_id", DYNAMIC), ("redirect_uri", "https://dyn.example/cb")]), "alice").await;
    assert!(question.html.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;'&gt;&lt;b&gt;"), "{}", question.html);
    let state = "\"><script>alert(2)</script>";
    let page = alice.get(&url(&[("state", state)])).await;
    assert!(!page.html.contains("alert(2)</script"), "{}", page.html);
}
