//! Who answers: `iss` beside every code and every error (RFC 9207), once, whatever the request says.

use http::StatusCode;

use crate::{
    browser::{Browser, CALLBACK, link},
    world::{ISSUER, Reply, World},
};

/// What the client is told, with `iss` and the state exactly once.
#[track_caller]
fn told(reply: &Reply, state: Option<&str>) -> Vec<(String, String)> {
    assert_eq!(reply.status, StatusCode::SEE_OTHER, "{reply:?}");
    let query = reply.location().strip_prefix(&format!("{CALLBACK}?")).unwrap_or_else(|| panic!("{reply:?}"));
    let told: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let values =
        |name: &str| told.iter().filter(|(known, _)| known == name).map(|(_, value)| value).collect::<Vec<_>>();
    assert_eq!(values("iss"), [ISSUER], "{reply:?}");
    assert_eq!(values("state"), state.into_iter().collect::<Vec<_>>(), "{reply:?}");
    assert_eq!(values("code").len() + values("error").len(), 1, "{reply:?}");
    assert!(!reply.location().contains('#'), "{reply:?}");
    told
}

#[tokio::test]
async fn with_a_code() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    for state in ["", "plain", "a&iss=https://evil.example&code=x", "x#fragment", "ä+ %20 \u{1f512}\r\nx: y"] {
        let reply = alice.allow(&link(&[("state", state)])).await;
        let told = told(&reply, Some(state).filter(|state| !state.is_empty()));
        assert_eq!(told[0].0, "code");
    }
    // What the request says of itself is not repeated.
    let reply = alice.allow(&format!("{}&iss=https%3A%2F%2Fevil.example&code=mine&error=x", link(&[]))).await;
    let told = told(&reply, Some("a state of the client"));
    assert!(told.iter().all(|(_, value)| value != "mine" && !value.contains("evil")), "{told:?}");
}

#[tokio::test]
async fn with_every_error() {
    let world = World::new().await;
    let alice = Browser::of(&world, "alice").await;
    let stranger = Browser::new(&world);
    let before = world.census().await;
    #[rustfmt::skip]
    let cases: [(&str, &[(&str, &str)]); 20] = [
        ("invalid_request",           &[("response_type", "")]),
        ("unsupported_response_type", &[("response_type", "token")]),
        ("unsupported_response_type", &[("response_type", "id_token")]),
        ("unsupported_response_type", &[("response_type", "code token")]),
        ("unsupported_response_type", &[("response_type", "code id_token")]),
        ("unsupported_response_type", &[("response_type", "none")]),
        ("unsupported_response_type", &[("response_type", "Code")]),
        ("invalid_request",           &[("response_mode", "fragment")]),
        ("invalid_request",           &[("response_mode", "form_post")]),
        ("invalid_request",           &[("response_mode", "web_message")]),
        ("invalid_request",           &[("code_challenge", "")]),
        ("invalid_request",           &[("code_challenge_method", "plain")]),
        ("invalid_target",            &[("resource", "https://evil.example/mcp")]),
        ("invalid_target",            &[("resource", "https://mcp.example.com/mcp/")]),
        ("invalid_target",            &[("resource", "https://mcp.example.com")]),
        ("invalid_scope",             &[("scope", "notes:read  notes:write")]),
        ("invalid_scope",             &[("scope", "no:such:thing")]),
        ("request_not_supported",     &[("request", "eyJhbGciOiJub25lIn0.e30.")]),
        ("request_uri_not_supported", &[("request_uri", "https://evil.example/request")]),
        ("invalid_request",           &[("prompt", "none login")]),
    ];
    for (error, changes) in cases {
        for mut browser in [alice.clone(), stranger.clone()] {
            let reply = browser.get(&link(changes)).await;
            let told = told(&reply, Some("a state of the client"));
            assert_eq!(told[0], ("error".to_owned(), error.to_owned()), "{changes:?}");
            assert!(!told.iter().any(|(_, value)| value.contains("evil")), "{told:?}");
        }
    }
    for (mut browser, error) in [(stranger, "login_required"), (alice.clone(), "consent_required")] {
        let reply = browser.get(&link(&[("prompt", "none")])).await;
        assert_eq!(told(&reply, Some("a state of the client"))[0].1, error);
    }
    let mut alice = alice;
    let page = alice.get(&link(&[])).await;
    let denied = alice.decide(&page, "deny", &["notes:read"]).await;
    assert_eq!(told(&denied, Some("a state of the client"))[0].1, "access_denied");
    // Nothing ticked is nothing allowed; nor is anything that was not offered.
    for scopes in [&[][..], &["notes:admin"], &["Notes:read"]] {
        let page = alice.get(&link(&[])).await;
        let none = alice.decide(&page, "allow", scopes).await;
        assert_eq!(told(&none, Some("a state of the client"))[0].1, "access_denied");
    }
    assert_eq!(world.census().await, before);
}
