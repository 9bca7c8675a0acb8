//! The client of the official Rust SDK, over HTTP, on the newest revision and on the handshake before it.
//!
//! Clients in other languages are in `tests/interop`, and `tests/run interop` runs them.

use std::time::Duration;

use examples::notebook;
use mcp_runtime::{Server, auth::Jwt, testing::TokenFactory};
use rmcp::{
    ClientLifecycleMode, ClientServiceExt, RoleClient, ServiceError,
    model::{CallToolRequestParams, CallToolResult, ErrorCode, ProtocolVersion},
    service::RunningService,
    transport::{StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, time::timeout};

type Client = RunningService<RoleClient, ()>;

/// The notebook of the quickstart, served until dropped.
struct Notebook {
    url: String,
    tokens: TokenFactory,
    _stop: oneshot::Sender<()>,
}

impl Notebook {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
        let tokens = TokenFactory::new("https://login.example.com", url.as_str());
        let server = notebook::add_to(Server::builder("notebook", "1.0"))
            .public_url(&url)
            .auth(Jwt::issuer("https://login.example.com").key(tokens.verifying_key()).anyone())
            .build()
            .expect("the notebook is in order");
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(async move { server.serve_on(listener, async { drop(stopped.await) }).await });
        Self { url, tokens, _stop: stop }
    }

    /// Connects as somebody with these scopes, or as nobody.
    async fn connect(&self, mode: &ClientLifecycleMode, scopes: Option<&[&str]>) -> Client {
        let mut config = StreamableHttpClientTransportConfig::with_uri(self.url.as_str());
        if let Some(scopes) = scopes {
            // Quotas are a caller's, and the modes must not share one.
            let subject = if *mode == newest() { "alice" } else { "bob" };
            config = config.auth_header(self.tokens.token(subject).scopes(scopes.iter().copied()).build());
        }
        let transport = StreamableHttpClientTransport::from_config(config);
        let connected = timeout(Duration::from_secs(30), ().serve_with_lifecycle(transport, mode.clone()));
        connected.await.expect("connected in time").expect("connected")
    }
}

fn newest() -> ClientLifecycleMode {
    // Falls back to the handshake unless the server proves that it need not.
    ClientLifecycleMode::Auto { preferred_versions: vec![ProtocolVersion::V_2026_07_28], legacy_version: None }
}

fn modes() -> [(ClientLifecycleMode, &'static str); 2] {
    [(newest(), "2026-07-28"), (ClientLifecycleMode::Initialize, "2025-11-25")]
}

async fn call(client: &Client, tool: &'static str, arguments: Value) -> Result<CallToolResult, ServiceError> {
    let params = CallToolRequestParams::new(tool).with_arguments(arguments.as_object().expect("an object").clone());
    timeout(Duration::from_secs(30), client.call_tool(params)).await.expect("answered in time")
}

fn text(result: &CallToolResult) -> &str {
    &result.content[0].as_text().expect("text").text
}

#[tokio::test]
async fn tools_are_listed_and_called() {
    let notebook = Notebook::open().await;
    for (mode, revision) in modes() {
        let client = notebook.connect(&mode, Some(&["notes:write"])).await;
        assert_eq!(client.peer_info().expect("negotiated").protocol_version.as_str(), revision);
        let tools = client.list_all_tools().await.unwrap();
        let mut names: Vec<_> = tools.iter().map(|tool| &*tool.name).collect();
        names.sort_unstable();
        assert_eq!(names, ["add_note", "delete_note", "list_notes", "whoami"], "{revision}");

        let added = call(&client, "add_note", json!({"title": "Milk", "text": "two"})).await.unwrap();
        let note = added.structured_content.as_ref().expect("structured content");
        assert_eq!((&note["title"], &note["text"]), (&json!("Milk"), &json!("two")), "{revision}");
        assert_eq!(serde_json::from_str::<Value>(text(&added)).unwrap(), *note, "{revision}");
        let listed = call(&client, "list_notes", json!({})).await.unwrap();
        let notes = listed.structured_content.expect("structured content");
        assert!(notes["notes"].as_array().unwrap().contains(note), "{revision}: {notes}");

        let wrong = call(&client, "add_note", json!({"title": "Milk"})).await.unwrap();
        assert_eq!(wrong.is_error, Some(true), "{revision}");
        assert!(text(&wrong).contains("text"), "{revision}: {}", text(&wrong));
        for name in ["no_such_tool", "Add_Note"] {
            match call(&client, name, json!({})).await {
                Err(ServiceError::McpError(error)) => assert_eq!(error.code, ErrorCode::INVALID_PARAMS, "{revision}"),
                other => panic!("{revision}: {other:?}"),
            }
        }
        client.cancel().await.unwrap();
    }
}

#[tokio::test]
async fn challenges_arrive() {
    let notebook = Notebook::open().await;
    for (mode, revision) in modes() {
        let stranger = notebook.connect(&mode, None).await;
        assert!(call(&stranger, "list_notes", json!({})).await.is_ok(), "{revision}");
        let denied = call(&stranger, "delete_note", json!({"id": "1"})).await.unwrap_err();
        let challenge = denied.auth_challenge().unwrap_or_else(|| panic!("{revision}: {denied}"));
        assert!(challenge.starts_with("Bearer "), "{revision}: {challenge}");
        assert!(challenge.contains(r#"scope="admin""#) && !challenge.contains("error"), "{revision}: {challenge}");

        let reader = notebook.connect(&mode, Some(&[])).await;
        let denied = call(&reader, "delete_note", json!({"id": "1"})).await.unwrap_err();
        let challenge = denied.auth_challenge().unwrap_or_else(|| panic!("{revision}: {denied}"));
        assert!(challenge.contains(r#"error="insufficient_scope", scope="admin""#), "{revision}: {challenge}");
        // The client is as good as before.
        assert!(call(&reader, "whoami", json!({})).await.is_ok(), "{revision}");
    }
}

#[tokio::test]
async fn the_sixth_delete_in_a_minute_is_one_too_many() {
    let notebook = Notebook::open().await;
    for (mode, revision) in modes() {
        let client = notebook.connect(&mode, Some(&["admin"])).await;
        for _ in 0..5 {
            let result = call(&client, "delete_note", json!({"id": "0"})).await.unwrap();
            assert!(text(&result).contains("no note 0"), "{revision}: {}", text(&result));
        }
        let denied = call(&client, "delete_note", json!({"id": "0"})).await.unwrap_err();
        assert!(denied.to_string().ends_with("HTTP 429"), "{revision}: {denied}");
        // Another tool is as good as before.
        assert!(call(&client, "whoami", json!({})).await.is_ok(), "{revision}");
    }
}
