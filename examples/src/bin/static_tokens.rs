//! Tokens that you hand out yourself: `ALICE_TOKEN=… BACKUP_TOKEN=… cargo run --bin static_tokens`.
//!
//! For a server without an identity provider: a few people and programs you know, each with a secret of its own. Only
//! hashes stay in memory, and a secret that could be guessed keeps the server from starting.

use std::error::Error;

use examples::notebook;
use mcp_runtime::{Server, auth::StaticTokens};

fn secret(name: &str) -> Result<String, String> {
    // Never from the source, and not from the command line, which others on this machine can read.
    std::env::var(name).map_err(|_| format!("set {name} to a new secret: export {name}=$(openssl rand -base64 32)"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    examples::log_to_stderr();
    let tokens = StaticTokens::new()
        // A person, with everything the notebook has.
        .token(secret("ALICE_TOKEN")?, "alice", ["notes:write", "admin"])
        // A program that acts for itself: it may read, which needs no scope at all.
        .service(secret("BACKUP_TOKEN")?, "nightly-backup", []);
    let server = notebook::add_to(Server::builder("static_tokens", env!("CARGO_PKG_VERSION"))).auth(tokens).build()?;
    println!("Listening on http://127.0.0.1:8000/mcp\n\n{}", server.policies());
    Ok(server.serve("127.0.0.1:8000").await?)
}
