//! A JWT server in a program with two of jsonwebtoken's crypto providers. jsonwebtoken by itself panics here.

use axum::body::Body;
use http::{Request, StatusCode};
use mcp_runtime::{
    Server,
    auth::{Jwt, SigningKey},
    testing::TokenFactory,
    tool, tools,
};
use serde_json::json;
use tower::ServiceExt;

const URL: &str = "http://127.0.0.1:8000/mcp";
const ISSUER: &str = "https://login.example.com";

/// Says hello to whoever is known.
#[tool]
async fn hello() -> &'static str {
    "hello"
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if std::env::args().nth(1).as_deref() == Some("too-late") {
        return too_late();
    }
    let factory = TokenFactory::new(ISSUER, URL);
    let server = Server::builder("providers", "1.0")
        .public_url(URL)
        .auth(Jwt::issuer(ISSUER).key(factory.verifying_key()).anyone())
        .tools(tools![hello])
        .build()
        .expect("a server can be built");
    let good = factory.token("alice").build();
    assert_eq!(call(&server, &good).await, StatusCode::OK);
    let bad = factory.token("alice").claim("aud", "https://other.example").build();
    assert_eq!(call(&server, &bad).await, StatusCode::UNAUTHORIZED);
    let stranger = TokenFactory::new(ISSUER, URL).token("alice").build();
    assert_eq!(call(&server, &stranger).await, StatusCode::UNAUTHORIZED);
    println!("both providers: a good token is taken, a bad one is not");
}

/// Somebody used jsonwebtoken before a provider was chosen. It panicked, and can no longer be repaired; we say so.
fn too_late() {
    std::panic::set_hook(Box::new(|_| ()));
    let undecided = std::panic::catch_unwind(|| {
        let key = jsonwebtoken::EncodingKey::from_secret(b"secret");
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), &json!({}), &key)
    });
    assert!(undecided.is_err(), "there is only one provider: this shows nothing");
    drop(std::panic::take_hook());
    let key = SigningKey::generate().expect("randomness needs no provider");
    let error = key.verifying_key().expect_err("no signature can be checked");
    assert!(error.to_string().contains("install_crypto_provider"), "{error}");
    println!("too late: an error says what to do");
}

async fn call(server: &Server, token: &str) -> StatusCode {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "hello"}});
    let request = Request::post("/mcp")
        .header("Host", "127.0.0.1:8000")
        .header("Content-Type", "application/json")
        .header("Authorization", format!("Bearer {token}"))
        .body(Body::from(body.to_string()))
        .expect("a request");
    server.router::<()>().oneshot(request).await.expect("an answer").status()
}
