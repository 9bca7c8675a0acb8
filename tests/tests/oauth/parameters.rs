//! Parameters that are missing, said twice, or said in the wrong place, at every endpoint.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    browser::{Browser, CALLBACK, Tokens, VERIFIER, link},
    world::{Ask, RESOURCE, SECRET, World},
};

/// A parameter, and what its absence is answered with.
type Absent = (&'static str, u16, &'static str);
type Fields<'a> = Vec<(&'a str, String)>;

fn fields<'a>(fields: &[(&'a str, &str)]) -> Fields<'a> {
    fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

fn encoded(fields: &Fields<'_>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// A request that is right, per endpoint for programs, and what each parameter's absence means.
fn requests(code: &str, tokens: &Tokens) -> Vec<(&'static str, Fields<'static>, Vec<Absent>)> {
    let client = ("client_id", "reports");
    vec![
        (
            "/token",
            fields(&[
                ("grant_type", "authorization_code"),
                ("client_id", "web"),
                ("code", code),
                ("code_verifier", VERIFIER),
                ("redirect_uri", CALLBACK),
            ]),
            vec![
                ("grant_type", 400, "invalid_request"),
                ("client_id", 401, "invalid_client"),
                ("code", 400, "invalid_request"),
                ("code_verifier", 400, "invalid_request"),
            ],
        ),
        (
            "/token",
            fields(&[
                ("grant_type", "refresh_token"),
                ("client_id", "web"),
                ("refresh_token", &tokens.refresh),
                ("scope", "notes:read"),
            ]),
            vec![
                ("grant_type", 400, "invalid_request"),
                ("client_id", 401, "invalid_client"),
                ("refresh_token", 400, "invalid_request"),
            ],
        ),
        (
            "/token",
            fields(&[
                ("grant_type", "client_credentials"),
                ("client_id", "job"),
                ("client_secret", SECRET),
                ("scope", "notes:read"),
            ]),
            vec![
                ("grant_type", 400, "invalid_request"),
                ("client_id", 401, "invalid_client"),
                ("client_secret", 401, "invalid_client"),
            ],
        ),
        (
            "/revoke",
            fields(&[("token", &tokens.refresh), ("client_id", "web"), ("token_type_hint", "refresh_token")]),
            vec![("token", 400, "invalid_request"), ("client_id", 401, "invalid_client")],
        ),
        (
            "/introspect",
            fields(&[("token", &tokens.access), client, ("client_secret", SECRET)]),
            vec![
                ("token", 400, "invalid_request"),
                ("client_id", 401, "invalid_client"),
                ("client_secret", 401, "invalid_client"),
            ],
        ),
    ]
}

#[tokio::test]
async fn what_programs_send() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let (tokens, code) = (alice.tokens().await, alice.code(&[]).await);
    let before = world.census().await;
    for (path, right, absent) in requests(&code, &tokens) {
        for (name, status, error) in absent {
            let without: Fields<'_> = right.iter().filter(|(known, _)| *known != name).cloned().collect();
            let empty: Fields<'_> = right
                .iter()
                .map(|(known, value)| (*known, if *known == name { String::new() } else { value.clone() }))
                .collect();
            for spoilt in [without, empty] {
                let reply = world.send(Ask::raw_form(path, encoded(&spoilt))).await;
                assert_eq!(reply.status_and_error(), (status, error.to_owned()), "{path} without {name}");
                reply.assert_barren();
            }
        }
        for (name, value) in &right {
            for second in [value.as_str(), "", "x"] {
                let twice = [&right[..], &[(*name, second.to_owned())]].concat();
                let reply = world.send(Ask::raw_form(path, encoded(&twice))).await;
                assert_eq!(reply.status_and_error(), (400, "invalid_request".into()), "{path}: {name} twice");
                reply.assert_barren();
            }
        }
        // In the address, in another format, in none.
        let body = encoded(&right);
        let json: Value = right
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let multipart = "--b\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nclient_credentials\r\n--b--";
        for ask in [
            Ask::raw_form(format!("{path}?{body}"), ""),
            Ask::json(path, &json),
            Ask::raw_form(path, body.clone()).set("content-type", "text/plain"),
            Ask::raw_form(path, body.clone()).set("content-type", "application/x-www-form-urlencodedx"),
            Ask::raw_form(path, multipart).set("content-type", "multipart/form-data; boundary=b"),
            Ask::raw_form(path, [body.as_bytes(), b"&x=\xff"].concat()),
            Ask::raw_form(path, format!("{body}&x=%ff")),
        ] {
            let reply = world.send(ask.clone()).await;
            assert!(reply.status == 400 || reply.status == 401, "{ask:?}: {reply:?}");
            reply.assert_barren();
        }
    }
    assert_eq!(world.census().await, before);
    assert_eq!(world.call("read", &tokens.access).await, StatusCode::OK, "nothing was revoked");
    // They are right.
    for (path, right, _) in requests(&code, &tokens) {
        let reply = world.send(Ask::raw_form(path, encoded(&right))).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {reply:?}");
    }
}

/// Every parameter of an authorization request, said twice: a page where it is not certain whom to tell, else an error.
#[tokio::test]
async fn what_links_say_twice() {
    let world = World::new().await;
    let alice = Browser::of(&world, "alice").await;
    let before = world.census().await;
    for name in [
        "response_type",
        "client_id",
        "redirect_uri",
        "code_challenge",
        "code_challenge_method",
        "state",
        "scope",
        "prompt",
    ] {
        for (mut browser, value) in
            [alice.clone(), Browser::new(&world)].into_iter().flat_map(|it| [(it.clone(), "x"), (it, "")])
        {
            let first = link(&[("prompt", "consent")]);
            let reply = browser.get(&format!("{first}&{name}={value}")).await;
            if matches!(name, "client_id" | "redirect_uri") {
                assert_eq!((reply.status, reply.location()), (StatusCode::BAD_REQUEST, ""), "{name}");
            } else {
                assert_eq!(reply.told().get("error").map(String::as_str), Some("invalid_request"), "{name}: {reply:?}");
            }
            reply.assert_barren();
        }
    }
    // Of this one there may be several, all of which must be ours.
    let mut alice = alice;
    let reply = alice.get(&format!("{}&resource=https%3A%2F%2Fevil.example", link(&[]))).await;
    assert_eq!(reply.told()["error"], "invalid_target");
    let same = form_urlencoded::byte_serialize(RESOURCE.as_bytes()).collect::<String>();
    assert_eq!(alice.get(&format!("{}&resource={same}", link(&[]))).await.status, StatusCode::OK);
    assert_eq!(world.census().await, before);
}

/// A field of a form said twice, left out, or put into the address.
#[tokio::test]
async fn what_forms_say() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let before = world.census().await;
    let consent = alice.get(&link(&[])).await;
    let mut stranger = Browser::new(&world);
    let login = stranger.login_page(&link(&[])).await;
    let sessions = world.count("session").await;
    let (allow, allow_token) = consent.form_to("/consent");
    let (enter, enter_token) = login.form_to("/login");
    let consent = fields(&[("token", &allow_token), ("decision", "allow"), ("scope:notes:read", "on")]);
    let login = fields(&[("token", &enter_token), ("username", "alice"), ("password", crate::world::PASSWORD)]);
    for (browser, action, right) in [(&mut alice, allow, consent), (&mut stranger, enter, login)] {
        let mut spoilt = Vec::new();
        for (at, (name, value)) in right.iter().enumerate() {
            spoilt.push((action.clone(), [&right[..at], &right[at + 1..]].concat()));
            for second in [value.as_str(), "", "deny"] {
                spoilt.push((action.clone(), [&right[..], &[(*name, second.to_owned())]].concat()));
            }
        }
        spoilt.push((format!("{action}&{}", encoded(&right)), Vec::new()));
        for (action, fields) in spoilt {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let reply = browser.post(&action, &fields).await;
            reply.assert_barren();
            reply.assert_guarded();
            let went_on = reply.location().contains("/authorize");
            assert!(!went_on && reply.status != StatusCode::OK, "{fields:?}: {reply:?}");
        }
        assert_eq!(world.census().await, before);
        assert_eq!(world.count("session").await, sessions);
        let fields: Vec<(&str, &str)> = right.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let reply = browser.post(&action, &fields).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{reply:?}");
        if reply.told().contains_key("code") {
            assert_ne!(world.census().await, before);
            break;
        }
    }
}

/// Registrations that say something twice, nothing, or not as an object.
#[tokio::test]
async fn what_registrations_say() {
    let world = World::new().await;
    let before = world.census().await;
    let uri = r#""redirect_uris":["https://app.example.com/cb"]"#;
    for body in [
        String::new(),
        "{}".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        format!("{{{uri}"),
        format!("[{{{uri}}}]"),
        format!("{{{uri},{uri}}}"),
        format!(r#"{{{uri},"client_name":"a","client_name":"b"}}"#),
        format!(r#"{{{uri},"client_n\u0061me":"a","client_name":"b"}}"#),
        format!(r#"{{{uri}}} {{}}"#),
        format!(r#"{{{uri},"grant_types":["client_credentials"]}}"#),
        format!(r#"{{{uri},"grant_types":["authorization_code","client_credentials"]}}"#),
        format!(r#"{{{uri},"grant_types":["implicit"]}}"#),
        format!(r#"{{{uri},"grant_types":["password"]}}"#),
        format!(r#"{{{uri},"grant_types":"authorization_code"}}"#),
        format!(r#"{{{uri},"response_types":["token"]}}"#),
        format!(r#"{{{uri},"token_endpoint_auth_method":"tls_client_auth"}}"#),
        format!(r#"{{{uri},"token_endpoint_auth_method":"client_secret_jwt"}}"#),
        format!(r#"{{{uri},"token_endpoint_auth_method":"private_key_jwt"}}"#),
        format!(r#"{{{uri},"token_endpoint_auth_method":["none"]}}"#),
        format!(r#"{{{uri},"client_name":["x"]}}"#),
        r#"{"redirect_uris":[]}"#.to_owned(),
        r#"{"redirect_uris":"https://app.example.com/cb"}"#.to_owned(),
        r#"{"redirect_uris":[1]}"#.to_owned(),
        json!({"redirect_uris": vec!["https://app.example.com/cb"; 17]}).to_string(),
    ] {
        let ask = Ask::json("/register", &json!(null)).body(body.clone());
        let reply = world.send(ask).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body}: {reply:?}");
        assert!(matches!(&*reply.error(), "invalid_client_metadata" | "invalid_redirect_uri"), "{body}: {reply:?}");
        reply.assert_barren();
    }
    let right = Ask::json("/register", &json!({"redirect_uris": ["https://app.example.com/cb"]}));
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        let reply = world.send(right.clone().set("content-type", kind)).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{kind}");
    }
    assert_eq!(world.census().await, before);
}
