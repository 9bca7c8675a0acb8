//! The client of the official Rust SDK logs in to a server that is its own authorization server: 401, discovery,
//! registration, PKCE, tool, 403, step-up, tool, refresh, and out.
//!
//! Clients in other languages are in `tests/interop`, and `tests/run interop` runs them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod person;
#[path = "../../interop/oauth/under_test.rs"]
#[expect(dead_code, reason = "shared with tests that need more")]
mod under_test;

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, routing::get};
use person::Person;
use rmcp::{
    ClientLifecycleMode, ClientServiceExt, RoleClient, ServiceError,
    model::{CallToolRequestParams, CallToolResult, ProtocolVersion},
    service::RunningService,
    transport::{
        StreamableHttpClientTransport,
        auth::{AuthClient, AuthorizationManager, AuthorizationRequest, OAuthState},
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::timeout};
use under_test::{Login, UnderTest};

const REDIRECT: &str = "http://127.0.0.1:39543/callback";
const PASSWORD: &str = "correct horse battery";
const DISCOVERED: [&str; 2] =
    ["GET /.well-known/oauth-protected-resource/mcp 200", "GET /.well-known/oauth-authorization-server 200"];

/// The notebook, served until the test ends.
struct World {
    server: Arc<UnderTest>,
    person: Person,
    data: std::path::PathBuf,
}

impl World {
    async fn open(name: &str, person: Person) -> Self {
        let data = std::env::temp_dir().join(format!("login-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&data).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let login = match &person.entries {
            None => Login::AutoApprove("alice".to_owned()),
            Some((name, password)) => {
                Login::User { name: name.clone(), password: password.clone(), scopes: "notes:write admin".to_owned() }
            }
        };
        let server = Arc::new(UnderTest::new(listener.local_addr().unwrap(), &data, vec![login], None).await.unwrap());
        tokio::spawn({
            let server = Arc::clone(&server);
            async move { server.serve(listener).await }
        });
        Self { server, person, data }
    }

    fn origin(&self) -> &str {
        self.server.url.strip_suffix("/mcp").unwrap()
    }

    /// What was asked since the last time, in short, but for what every connection begins with.
    fn seen(&self) -> Vec<String> {
        let answers = self.server.take_seen().into_iter();
        let path = |answer: &Value| answer["target"].as_str().unwrap().split('?').next().unwrap().to_owned();
        answers
            .filter(|answer| answer["status"] != 202 && answer["status"] != 405)
            .map(|answer| format!("{} {} {}", answer["method"].as_str().unwrap(), path(&answer), answer["status"]))
            .collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // What the store has open stays readable.
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

/// A client, and what it keeps about its login.
struct Connection {
    client: RunningService<RoleClient, ()>,
    auth: AuthClient<reqwest::Client>,
}

impl Connection {
    async fn open(world: &World, mode: &ClientLifecycleMode) -> Self {
        let manager = AuthorizationManager::new(&*world.server.url).await.unwrap();
        let auth = AuthClient::new(person::client(), manager);
        let config = StreamableHttpClientTransportConfig::with_uri(&*world.server.url);
        let transport = StreamableHttpClientTransport::with_client(auth.clone(), config);
        let connected = timeout(Duration::from_secs(30), ().serve_with_lifecycle(transport, mode.clone()));
        Self { client: connected.await.unwrap().unwrap(), auth }
    }

    async fn call(&self, tool: &'static str, arguments: Value) -> Result<CallToolResult, ServiceError> {
        let params = CallToolRequestParams::new(tool).with_arguments(arguments.as_object().unwrap().clone());
        timeout(Duration::from_secs(30), self.client.call_tool(params)).await.unwrap()
    }

    async fn notes(&self) -> Vec<Value> {
        let listed = self.call("list_notes", json!({})).await.unwrap();
        listed.structured_content.unwrap()["notes"].as_array().unwrap().clone()
    }

    async fn tokens(&self) -> Value {
        let (client, tokens) = self.auth.auth_manager.lock().await.get_credentials().await.unwrap();
        let mut tokens = serde_json::to_value(tokens.unwrap()).unwrap();
        tokens["client_id"] = Value::from(client);
        tokens
    }

    /// Lets the person allow what the challenge asks for.
    async fn authorize(&self, world: &World, challenge: &str, client_id: Option<&str>) {
        let mut slot = self.auth.auth_manager.lock().await;
        let fresh = AuthorizationManager::new(&*world.server.url).await.unwrap();
        let mut state = OAuthState::Unauthorized(std::mem::replace(&mut *slot, fresh));
        let mut request =
            AuthorizationRequest::new(REDIRECT).with_client_name("interop of Rust").with_challenge(challenge);
        if let Some(id) = client_id {
            request = request.with_preregistered_client(id);
        }
        state.start_authorization(request).await.unwrap();
        let url = state.get_authorization_url().await.unwrap();
        assert!(url.contains("code_challenge_method=S256") && url.contains("&resource="), "{url}");
        state.handle_callback_url(&world.person.visit(&url).await).await.unwrap();
        *slot = state.into_authorization_manager().unwrap();
    }

    async fn step_up(&self, world: &World, scope: &str) {
        let manager = self.auth.auth_manager.lock().await;
        let url = manager.request_scope_upgrade(scope).await.unwrap();
        let back = rmcp::transport::auth::AuthorizationCallback::from_redirect_url(&world.person.visit(&url).await);
        let back = back.unwrap();
        let issuer = back.issuer.as_deref();
        manager.exchange_code_for_token_with_issuer(&back.code, &back.csrf_token, issuer).await.unwrap();
    }
}

fn text(result: &CallToolResult) -> &str {
    &result.content[0].as_text().unwrap().text
}

fn scopes(tokens: &Value) -> Vec<&str> {
    let mut scopes: Vec<_> = tokens["scope"].as_str().unwrap().split(' ').collect();
    scopes.sort_unstable();
    scopes
}

fn expected<'a>(parts: impl IntoIterator<Item = &'a [&'a str]>) -> Vec<&'a str> {
    parts.into_iter().flatten().copied().collect()
}

/// From the 401 to the 401.
async fn life_of_a_client(world: &World, mode: &ClientLifecycleMode, client_id: Option<&str>) {
    let it = Connection::open(world, mode).await;
    let before = it.notes().await;
    world.seen();

    let denied = it.call("add_note", json!({"title": "a", "text": "b"})).await.unwrap_err();
    let challenge = denied.auth_challenge().unwrap();
    let metadata = format!("{}/.well-known/oauth-protected-resource/mcp", world.origin());
    assert_eq!(challenge, format!(r#"Bearer scope="notes:write", resource_metadata="{metadata}""#));
    assert_eq!(world.seen(), ["POST /mcp 401"]);
    assert_eq!(it.notes().await, before, "the tool did not run");
    world.seen();

    it.authorize(world, challenge, client_id).await;
    let registered: &[&str] = if client_id.is_some() { &[] } else { &["POST /register 201"] };
    let pages = world.person.requests(true);
    assert_eq!(world.seen(), expected([&DISCOVERED[..], registered, pages, &["POST /token 200"]]));
    let first = it.tokens().await;
    assert_eq!(scopes(&first), ["notes:write"]);
    let added = it.call("add_note", json!({"title": "with a login", "text": "Rust"})).await.unwrap();
    let note = added.structured_content.unwrap();
    assert_eq!(it.notes().await.len(), before.len() + 1, "the tool ran");
    world.seen();

    let denied = it.call("delete_note", json!({"id": note["id"]})).await.unwrap_err();
    let challenge = denied.auth_challenge().unwrap();
    let wanted = format!(r#"Bearer error="insufficient_scope", scope="admin", resource_metadata="{metadata}""#);
    assert_eq!(challenge, wanted);
    assert_eq!(world.seen(), ["POST /mcp 403"]);
    assert!(it.notes().await.contains(&note), "the tool did not run");
    world.seen();
    it.step_up(world, "admin").await;
    assert_eq!(world.seen(), expected([world.person.requests(false), &["POST /token 200"]]));
    let second = it.tokens().await;
    assert_eq!((scopes(&second), &second["client_id"]), (vec!["admin", "notes:write"], &first["client_id"]));
    let deleted = it.call("delete_note", json!({"id": note["id"]})).await.unwrap();
    assert_eq!(text(&deleted), "deleted `with a login`");
    assert_eq!(it.notes().await, before, "the tool ran");

    let life = Duration::from_secs(second["expires_in"].as_u64().unwrap());
    world.server.clock.advance(life - Duration::from_secs(1));
    world.seen();
    assert!(it.call("whoami", json!({})).await.is_ok());
    assert_eq!(world.seen(), ["POST /mcp 200"], "good until it expires");
    world.server.clock.advance(Duration::from_secs(2));
    assert!(text(&it.call("whoami", json!({})).await.unwrap()).contains("admin"));
    assert_eq!(world.seen(), ["POST /mcp 401", "POST /token 200", "POST /mcp 200"]);
    let third = it.tokens().await;
    assert_eq!(scopes(&third), ["admin", "notes:write"]);
    for field in ["access_token", "refresh_token"] {
        assert_ne!(third[field], second[field], "{field}");
    }

    let revoked = [("token", &third["refresh_token"]), ("client_id", &third["client_id"])]
        .map(|(name, value)| (name.to_owned(), value.as_str().unwrap().to_owned()));
    let revoke = person::post(format!("{}/revoke", world.origin()).parse().unwrap(), &revoked);
    assert_eq!(revoke.send().await.unwrap().status(), 200);
    world.seen();
    let denied = it.call("whoami", json!({})).await.unwrap_err();
    assert!(denied.auth_challenge().unwrap().starts_with(r#"Bearer error="invalid_token""#), "{denied}");
    assert_eq!(world.seen(), ["POST /mcp 401", "POST /token 400"]);
    it.client.cancel().await.unwrap();
    world.person.forget();
}

/// A document about a client on this machine; its URL, which is the client's id.
async fn document() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let id = format!("http://{}/client.json", listener.local_addr().unwrap());
    let document = json!({
        "client_id": id, "client_name": "interop of Rust", "redirect_uris": [REDIRECT],
        "token_endpoint_auth_method": "none",
    });
    let app = Router::new().route("/client.json", get(move || async move { Json(document) }));
    tokio::spawn(async move { axum::serve(listener, app).await });
    id
}

async fn lives(world: &World) {
    let document = document().await;
    let newest =
        ClientLifecycleMode::Auto { preferred_versions: vec![ProtocolVersion::V_2026_07_28], legacy_version: None };
    for mode in [newest, ClientLifecycleMode::Initialize] {
        life_of_a_client(world, &mode, None).await;
        // The SDK takes https URLs only where it would choose this itself, so it is told.
        life_of_a_client(world, &mode, Some(&document)).await;
    }
}

#[tokio::test]
async fn clients_log_in_by_themselves() {
    lives(&World::open("approved", Person::nobody()).await).await;
}

#[tokio::test]
async fn people_log_in_and_are_asked() {
    lives(&World::open("asked", Person::named("alice", PASSWORD)).await).await;
}
