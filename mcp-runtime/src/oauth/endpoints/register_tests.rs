//! What may register itself, and what a flood of it does.

use std::{net::Ipv4Addr, sync::Arc};

use axum::body::{Body, to_bytes};
use http::{
    Request, StatusCode,
    header::{CONTENT_TYPE, ORIGIN},
};
use serde_json::{Value, json};

use super::register::handle;
use crate::{
    auth::ClientAddress,
    clock::ManualClock,
    http::Peer,
    oauth::{
        Core,
        clients::{
            RegisteredClient,
            dynamic::DynamicClient,
            support::{Configure, ISSUER, core},
        },
        visit::Visit,
    },
};

fn server(configure: Configure) -> Arc<Core> {
    core(&ManualClock::new(), configure)
}

async fn send(core: &Arc<Core>, from: u32, content_type: &str, body: impl Into<Body>) -> (StatusCode, Value) {
    send_by(core, from, Request::post("/register").header(CONTENT_TYPE, content_type).body(body.into()).unwrap()).await
}

/// What a page of this origin has its visitor send.
async fn send_from_page(core: &Arc<Core>, from: u32, origin: &str) -> StatusCode {
    let request = Request::post("/register").header(CONTENT_TYPE, "application/json").header(ORIGIN, origin);
    send_by(core, from, request.body(minimal().to_string().into()).unwrap()).await.0
}

async fn send_by(core: &Arc<Core>, from: u32, request: Request<Body>) -> (StatusCode, Value) {
    let (parts, body) = request.into_parts();
    let address = ClientAddress::new(Ipv4Addr::from(from).into());
    let peer = Peer::Unknown;
    let response = handle(core.clone(), Visit { parts, body, address, peer, is_forwarded: false }).await;
    let (status, headers) = (response.status(), response.headers().clone());
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers.contains_key("retry-after"), status == StatusCode::TOO_MANY_REQUESTS);
    (status, serde_json::from_slice(&to_bytes(response.into_body(), 1 << 20).await.unwrap()).unwrap())
}

async fn post(core: &Arc<Core>, body: &Value) -> (StatusCode, Value) {
    send(core, 1, "application/json", body.to_string()).await
}

async fn count(core: &Core) -> usize {
    core.records.list::<DynamicClient>("", None, 10_000).await.unwrap().len()
}

fn minimal() -> Value {
    json!({"redirect_uris": ["http://127.0.0.1/callback"]})
}

/// As an SDK's client, an editor, another, and a web client send it; with the method they get, and whether a secret.
fn current_clients() -> Vec<(Value, &'static str, bool)> {
    let sdk = json!({
        "client_name": "mcp", "redirect_uris": ["http://localhost:3118/callback"], "scope": "notes:read",
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
        "token_endpoint_auth_method": "none", "application_type": "native",
    });
    let code = json!({
        "client_name": "Visual Studio Code", "client_uri": "https://code.visualstudio.com",
        "redirect_uris": ["https://vscode.dev/redirect", "http://127.0.0.1/", "http://127.0.0.1:33418/"],
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        "response_types": ["code"], "token_endpoint_auth_method": "none", "application_type": "native",
    });
    let cursor = json!({
        "client_name": "Cursor", "token_endpoint_auth_method": "none", "application_type": "web",
        "redirect_uris": ["cursor://anysphere.cursor-mcp/oauth/callback", "http://localhost:8787/callback",
            "https://www.cursor.com/agents/mcp/oauth/callback"],
    });
    let web = json!({
        "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"], "software_statement": "a.b.c", "contacts": ["x"],
        "token_endpoint_auth_method": "client_secret_post", "jwks": null, "unknown": {"a": 1},
    });
    vec![
        (minimal(), "client_secret_basic", true),
        (sdk, "none", false),
        (code, "none", false),
        (cursor, "none", false),
        (web, "client_secret_post", true),
    ]
}

#[tokio::test]
async fn what_current_clients_send_is_registered() {
    let core = server(|builder| builder.desktop_redirect_schemes());
    for (said, method, has_secret) in current_clients() {
        let before = count(&core).await;
        let (status, answer) = post(&core, &said).await;
        assert_eq!((status, &answer["token_endpoint_auth_method"]), (StatusCode::CREATED, &json!(method)), "{answer}");
        let id = answer["client_id"].as_str().unwrap();
        assert!(id.starts_with("dcr_") && id.len() == 26, "{id}");
        assert_eq!(answer["redirect_uris"], said["redirect_uris"]);
        assert_eq!(answer["client_id_issued_at"], core.records.now());
        assert_eq!(answer["client_secret"].is_string(), has_secret);
        assert_eq!(answer["client_secret_expires_at"] == 0, has_secret);
        assert_eq!(answer["grant_types"], json!(["authorization_code", "refresh_token"]));
        assert!(answer.get("scope").is_none() && answer.get("unknown").is_none());
        let client = core.clients.known(&core, id).await.unwrap().unwrap();
        assert!(client.scopes.is_none() && !client.may_introspect && !client.metadata_hash.is_empty());
        assert_eq!(count(&core).await, before + 1);
    }
}

#[tokio::test]
async fn names_are_cleaned_before_anybody_sees_them() {
    let core = server(|builder| builder);
    for (name, shown) in [
        (json!("Claude\u{202e}\u{200b}\u{0}"), "Claude"),
        (json!("<b>x</b>"), "<b>x</b>"),
        (json!(null), "Unnamed client"),
        (json!(""), "Unnamed client"),
    ] {
        let mut said = minimal();
        said["client_name"] = name;
        let (status, answer) = post(&core, &said).await;
        assert_eq!((status, answer["client_name"].as_str()), (StatusCode::CREATED, Some(shown)));
    }
}

/// What is wrong, and with which word that is told.
fn hostile() -> Vec<(Value, &'static str)> {
    let with = |member: &str, value: Value| {
        let mut said = minimal();
        said[member] = value;
        said
    };
    let key = |members: Value| {
        let mut said = with("token_endpoint_auth_method", json!("private_key_jwt"));
        members.as_object().unwrap().iter().for_each(|(name, value)| said[name] = value.clone());
        said
    };
    let (uri, data) = ("invalid_redirect_uri", "invalid_client_metadata");
    let uris = |uris: Value| with("redirect_uris", uris);
    let ed25519 = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    vec![
        (json!({}), uri),
        (uris(json!([])), uri),
        (uris(json!(null)), uri),
        (uris(json!("https://app.example.com/callback")), uri),
        (uris(json!([1])), uri),
        (uris(json!(["http://app.example.com/callback"])), uri),
        (uris(json!(["http://127.0.0.1/callback", "https://app.example.com/*"])), uri),
        (uris(json!(["cursor://anysphere.cursor-mcp/oauth/callback"])), uri),
        (uris(json!(["javascript:alert(1)"])), uri),
        (uris(json!([format!("https://app.example.com/{}", "x".repeat(600))])), uri),
        (uris((0..17).map(|n| format!("https://app.example.com/{n}")).collect()), uri),
        (with("client_name", json!("x".repeat(10 * 1024))), data),
        (with("client_name", json!("x".repeat(101))), data),
        (with("client_name", json!("\u{202e}\u{2066}\u{200b}")), data),
        (with("client_name", json!({"de": "x"})), data),
        (with("token_endpoint_auth_method", json!("client_secret_jwt")), data),
        (with("token_endpoint_auth_method", json!("tls_client_auth")), data),
        (with("token_endpoint_auth_method", json!(["none"])), data),
        (with("grant_types", json!(["client_credentials"])), data),
        (with("grant_types", json!(["authorization_code", "client_credentials"])), data),
        (with("grant_types", json!(["implicit"])), data),
        (with("grant_types", json!(["refresh_token"])), data),
        (with("grant_types", json!("authorization_code")), data),
        (with("grant_types", (0..17).map(|_| "authorization_code").collect()), data),
        (with("grant_types", json!(["authorization_code", "x".repeat(300)])), data),
        (with("response_types", json!(["token"])), data),
        (with("response_types", json!([])), data),
        (key(json!({})), data),
        (key(json!({"jwks": {"keys": []}})), data),
        (key(json!({"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}})), data),
        (key(json!({"jwks": "x"})), data),
        // One that can be used, and one that anybody can sign with from now on.
        (
            key(
                json!({"jwks": {"keys": [ed25519, {"kty": "OKP", "crv": "Ed25519", "x": ed25519["x"], "d": ed25519["x"]}]}}),
            ),
            data,
        ),
        (key(json!({"jwks": {"keys": [ed25519, {"kty": "oct", "k": "AAAA"}]}})), data),
        (key(json!({"jwks": {"keys": [ed25519]}, "jwks_uri": "https://app.example.com/keys"})), data),
        (key(json!({"jwks_uri": "http://app.example.com/keys"})), data),
        (key(json!({"jwks_uri": "http://127.0.0.1/keys"})), data),
        (key(json!({"jwks_uri": "file:///etc/passwd"})), data),
        (key(json!({"jwks_uri": "https://app.example.com/../keys"})), data),
        (json!([minimal()]), data),
    ]
}

#[tokio::test]
async fn what_must_not_register() {
    for (said, word) in hostile() {
        let core = server(|builder| builder);
        let (status, answer) = post(&core, &said).await;
        assert_eq!((status, answer["error"].as_str()), (StatusCode::BAD_REQUEST, Some(word)), "{said}: {answer}");
        assert!(answer.get("client_id").is_none() && count(&core).await == 0, "{said}");
    }
}

#[tokio::test]
async fn bodies_that_are_none() {
    let core = server(|builder| builder);
    let good = minimal().to_string();
    for (content_type, body) in [
        ("text/plain", good.clone()),
        ("application/x-www-form-urlencoded", good.clone()),
        ("", good.clone()),
        ("application/json", String::new()),
        ("application/json", good.replace('}', "")),
        ("application/json", format!("{good}{good}")),
        ("application/json", good.replacen('{', r#"{"redirect_uris":["https://evil.example/"],"#, 1)),
        ("application/json", format!("{}{good}", " ".repeat(16 * 1024))),
        ("application/json", "[".repeat(10_000)),
    ] {
        let (status, answer) = send(&core, 1, content_type, body).await;
        assert_eq!(
            (status, &answer["error"]),
            (StatusCode::BAD_REQUEST, &json!("invalid_client_metadata")),
            "{answer}"
        );
    }
    assert_eq!(count(&core).await, 0);
    let (status, _) = send(&core, 1, "Application/JSON; charset=utf-8", good).await;
    assert_eq!(status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_flood_is_bounded() {
    let core = server(|builder| builder);
    let mut made = 0;
    for _ in 0..30 {
        made += usize::from(post(&core, &minimal()).await.0 == StatusCode::CREATED);
    }
    assert_eq!((made, count(&core).await), (20, 20));
    for from in 2..1_200 {
        let (status, _) = send(&core, from, "application/json", minimal().to_string()).await;
        made += usize::from(status == StatusCode::CREATED);
    }
    assert_eq!((made, count(&core).await), (1_000, 1_000));
}

/// A few addresses with nothing to register do not keep others from it.
#[tokio::test]
async fn garbage_uses_up_nothing_but_the_senders_own() {
    let core = server(|builder| builder);
    let nowhere = json!({"redirect_uris": []}).to_string();
    for from in 100..200 {
        for _ in 0..10 {
            assert_eq!(send(&core, from, "application/json", "{").await.0, StatusCode::BAD_REQUEST);
            assert_eq!(send(&core, from, "application/json", nowhere.clone()).await.0, StatusCode::BAD_REQUEST);
        }
        assert_eq!(send(&core, from, "application/json", "{").await.0, StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(count(&core).await, 0);
    assert_eq!(post(&core, &minimal()).await.0, StatusCode::CREATED);
}

/// Nor does a page that has its visitors register what is good.
#[tokio::test]
async fn pages_of_others_are_counted_apart() {
    let core = server(|builder| builder);
    let mut made = 0;
    for from in 100..200 {
        for origin in ["https://evil.example", "null"].repeat(6) {
            made += usize::from(send_from_page(&core, from, origin).await == StatusCode::CREATED);
        }
        // Each visitor lends it ten, and all together two hundred.
        assert_eq!(made, 200.min((from as usize - 99) * 10));
    }
    assert_eq!(count(&core).await, 200);
    // Its visitors' own programs, our own pages, and everybody else are not in it.
    assert_eq!(send(&core, 100, "application/json", minimal().to_string()).await.0, StatusCode::CREATED);
    assert_eq!(send_from_page(&core, 100, ISSUER).await, StatusCode::CREATED);
    assert_eq!(post(&core, &minimal()).await.0, StatusCode::CREATED);
    assert_eq!(count(&core).await, 203);
}

#[tokio::test]
async fn the_operator_may_keep_registration_for_himself() {
    let core = server(|builder| {
        let app = RegisteredClient::public("app").redirect_uri("https://app.example.com/");
        builder.no_dynamic_registration().client(app)
    });
    assert!(!core.clients.registers());
    let (status, answer) = post(&core, &minimal()).await;
    assert_eq!((status, &answer["error"]), (StatusCode::BAD_REQUEST, &json!("access_denied")));
    assert_eq!(count(&core).await, 0);
    assert!(core.clients.known(&core, "app").await.unwrap().is_some());
}

#[tokio::test]
async fn a_scheme_that_is_taken_back_is_gone_for_everybody() {
    let allowed = server(|builder| builder.redirect_scheme("cursor"));
    let said = json!({"redirect_uris": ["cursor://app/callback", "http://127.0.0.1/callback"]});
    let id = post(&allowed, &said).await.1["client_id"].as_str().unwrap().to_owned();
    let row = allowed.records.get::<DynamicClient>(&id).await.unwrap().unwrap();
    let now = server(|builder| builder);
    let _inserted = now.records.commit(&[crate::store::insert(id.clone(), &row.record)]).await.unwrap();
    for (core, expected) in [(&allowed, 2), (&now, 1)] {
        assert_eq!(core.clients.known(core, &id).await.unwrap().unwrap().redirect_uris.len(), expected);
        let resolved = core.clients.resolve(core, &id, ClientAddress::LOCAL).await.unwrap().unwrap();
        assert_eq!(resolved.redirect_uris.len(), expected);
    }
}
