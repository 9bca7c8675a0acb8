//! Tokens that you hand out yourself: `ALICE_TOKEN=… BACKUP_TOKEN=… cargo run --bin static_tokens`.
//!
//! For a server without an identity provider: a few people and programs you know, each with a secret of its own. Only
//! hashes stay in memory, and a secret that could be guessed keeps the server from starting.

use std::error::Error;

use examples::notebook;
use mcp_runtime::{BuildError, Server, auth::StaticTokens};

fn secret(name: &str) -> Result<String, String> {
    // Never from the source, and not from the command line, which others on this machine can read.
    std::env::var(name).map_err(|_| format!("set {name} to a new secret: export {name}=$(openssl rand -base64 32)"))
}

fn build(alice: &str, backup: &str) -> Result<Server, BuildError> {
    let tokens = StaticTokens::new()
        // A person, with everything the notebook has.
        .token(alice, "alice", ["notes:write", "admin"])
        // A program that acts for itself: it may read, which needs no scope at all.
        .service(backup, "nightly-backup", []);
    notebook::add_to(Server::builder("static_tokens", env!("CARGO_PKG_VERSION"))).auth(tokens).build()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    examples::start(include_str!("static_tokens.rs"));
    let server = build(&secret("ALICE_TOKEN")?, &secret("BACKUP_TOKEN")?)?;
    println!("Listening on http://127.0.0.1:8000/mcp\n\n{}", server.policies());
    Ok(server.serve("127.0.0.1:8000").await?)
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::*;

    const ALICE: &str = "wQ7hYp3mZ0tRk9cLxV5nBg";
    const BACKUP: &str = "Zm9vYmFyYmF6cXV4MDEyMzQ1";

    async fn status(token: &str, tool: &str, arguments: Value) -> u16 {
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}});
        let request = Request::post("/mcp").header("Host", "127.0.0.1:8000").header("Content-Type", "application/json");
        let request = request.header("Authorization", format!("Bearer {token}")).body(Body::from(call.to_string()));
        let app = build(ALICE, BACKUP).unwrap().router();
        app.oneshot(request.unwrap()).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn each_token_opens_what_it_is_for() {
        let note = json!({"title": "Milk", "text": "two"});
        assert_eq!(status(ALICE, "add_note", note.clone()).await, 200);
        assert_eq!(status(BACKUP, "whoami", json!({})).await, 200);
        assert_eq!(status(BACKUP, "add_note", note).await, 403);
        assert_eq!(status("Zm9vYmFyYmF6cXV4MDEyMzQ2", "whoami", json!({})).await, 401);
    }

    #[test]
    fn a_secret_that_could_be_guessed_keeps_the_server_from_starting() {
        assert!(build("dev-token", BACKUP).is_err());
    }
}
