//! Credentials of your own: `ALICE_KEY=… cargo run --bin custom_authenticator`.
//!
//! API keys of the form `nk_NAME_SECRET`, as they would lie in a database: found by their name, compared by the hash of
//! their secret, and withdrawn at any time. Everything after that (scopes, quotas, refusals on the wire) is the same as
//! for any other credentials.

use std::{collections::HashMap, error::Error, sync::RwLock, time::Duration};

use examples::notebook;
use mcp_runtime::{
    Server,
    auth::{AuthError, Authenticator, BearerToken, Identity, Scopes, Verify},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Marks our keys, so that no other issuer's tokens come here, and leak scanners find them.
const PREFIX: &str = "nk_";

struct Key {
    /// Of the secret, which nobody stores. It is random and long, so one round of SHA-256 is enough.
    hash: [u8; 32],
    owner: String,
    scopes: &'static str,
}

/// All keys by name.
#[derive(Default)]
struct ApiKeys(RwLock<HashMap<String, Key>>);

impl ApiKeys {
    fn add(&self, name: &str, secret: &str, owner: &str, scopes: &'static str) -> Result<(), Box<dyn Error>> {
        if secret.len() < 22 || !secret.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=-".contains(&b)) {
            return Err("a secret has 128 random bits or more: `openssl rand -base64 32` makes one".into());
        }
        let key = Key { hash: Sha256::digest(secret).into(), owner: owner.to_owned(), scopes };
        self.0.write().map_err(|_| "poisoned")?.insert(name.to_owned(), key);
        Ok(())
    }
}

/// `nk_NAME_SECRET`, in its two parts.
fn parts(token: &str) -> Option<(&str, &str)> {
    token.strip_prefix(PREFIX)?.split_once('_')
}

#[mcp_runtime::async_trait]
impl Authenticator for ApiKeys {
    /// Only looks: whether the key is good is not the question yet.
    fn claims(&self, token: &BearerToken<'_>) -> bool {
        token.expose().starts_with(PREFIX)
    }

    async fn authenticate(&self, token: &BearerToken<'_>, _: &Verify<'_>) -> Result<Identity, AuthError> {
        let (name, secret) = parts(token.expose()).ok_or(AuthError::invalid("not an API key"))?;
        // A store that cannot be read is not a bad key: 503, and try again.
        let keys = self.0.read().map_err(|_| AuthError::unavailable(Duration::from_secs(5)))?;
        let key = keys.get(name).ok_or(AuthError::invalid("no such API key"))?;
        let hash: [u8; 32] = Sha256::digest(secret).into();
        if !bool::from(key.hash.ct_eq(&hash)) {
            return Err(AuthError::invalid("another secret"));
        }
        // The name of the key as the client: an audit shows which of the owner's keys was used.
        let identity = Identity::new("api-keys", key.owner.as_str()).client(name);
        Ok(identity.scopes(Scopes::parse(key.scopes)).build())
    }

    fn issuer(&self) -> Option<&str> {
        Some("api-keys")
    }

    /// A withdrawn key stops working after this long.
    fn cache_for(&self, _: &Identity) -> Duration {
        Duration::from_secs(10)
    }

    fn problems(&self, _: Option<&str>) -> Vec<String> {
        let none = self.0.read().is_ok_and(|keys| keys.is_empty());
        none.then(|| "there are no API keys: nobody could come in".to_owned()).into_iter().collect()
    }
}

fn build(secret: &str) -> Result<Server, Box<dyn Error>> {
    let keys = ApiKeys::default();
    keys.add("laptop", secret, "alice", "notes:write admin")?;
    Ok(notebook::add_to(Server::builder("custom_authenticator", env!("CARGO_PKG_VERSION"))).auth(keys).build()?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    examples::start(include_str!("custom_authenticator.rs"));
    let secret = std::env::var("ALICE_KEY")
        .map_err(|_| "set ALICE_KEY to a new secret: export ALICE_KEY=$(openssl rand -base64 32)")?;
    let server = build(&secret)?;
    println!("Listening on http://127.0.0.1:8000/mcp; alice's token is nk_laptop_$ALICE_KEY");
    Ok(server.serve("127.0.0.1:8000").await?)
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use serde_json::json;
    use tower::ServiceExt;

    use super::*;

    const SECRET: &str = "wQ7hYp3mZ0tRk9cLxV5nBg";

    async fn status(token: &str) -> u16 {
        let arguments = json!({"title": "Milk", "text": "two"});
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "add_note", "arguments": arguments}});
        let request = Request::post("/mcp").header("Host", "127.0.0.1:8000").header("Content-Type", "application/json");
        let request = request.header("Authorization", format!("Bearer {token}")).body(Body::from(call.to_string()));
        build(SECRET).unwrap().router().oneshot(request.unwrap()).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn the_key_opens_and_nothing_like_it_does() {
        assert_eq!(status(&format!("nk_laptop_{SECRET}")).await, 200);
        for wrong in
            ["nk_laptop_wQ7hYp3mZ0tRk9cLxV5nBh", "nk_phone_wQ7hYp3mZ0tRk9cLxV5nBg", "nk_laptop_", "nk_laptop", SECRET]
        {
            assert_eq!(status(wrong).await, 401, "{wrong}");
        }
    }

    #[test]
    fn a_secret_that_could_be_guessed_keeps_the_server_from_starting() {
        assert!(build("secret").is_err());
    }
}
