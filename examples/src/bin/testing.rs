//! A server and its tests: `cargo test --bin testing`.
//!
//! The tests call the tools in memory, as whoever they say, through the same gate as any request. Time is moved by
//! hand, so a quota of an hour is tested in a millisecond.

use std::error::Error;

use mcp_runtime::{
    BuildError, Identity, Server, ServerBuilder, ToolError,
    auth::{Authenticator, StaticTokens},
    tool, tools,
};

/// Send a letter. It cannot be called back.
#[tool(scopes = "letters:send", rate_limit = "2/h", open_world)]
async fn send_letter(
    me: Identity,
    /// Where it goes.
    to: String,
    /// What it says.
    text: String,
) -> Result<String, ToolError> {
    if !to.contains('@') {
        return Err(ToolError::invalid("to", "must be an address"));
    }
    Ok(format!("{} wrote {} characters to {to}", me.subject(), text.chars().count()))
}

/// The part that does not differ between tests and production.
fn letters() -> ServerBuilder {
    Server::builder("letters", env!("CARGO_PKG_VERSION"))
        .scope("letters:send", "Send letters in your name")
        .tools(tools![send_letter])
}

fn build(auth: impl Authenticator) -> Result<Server, BuildError> {
    letters().auth(auth).build()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = std::env::var("LETTERS_TOKEN")
        .map_err(|_| "set LETTERS_TOKEN to a secret of 22 characters or more: `openssl rand -base64 32`")?;
    let server = build(StaticTokens::new().token(&secret, "operator", ["letters:send"]))?;
    println!("Listening on http://127.0.0.1:8000/mcp");
    Ok(server.serve("127.0.0.1:8000").await?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mcp_runtime::testing::{ManualClock, TestClient, TokenFactory};
    use serde_json::json;

    use super::*;

    fn server(clock: &ManualClock) -> Server {
        let issuer = TokenFactory::new("https://login.example.com", "http://127.0.0.1:8000/mcp");
        let jwt = mcp_runtime::auth::Jwt::issuer("https://login.example.com").key(issuer.verifying_key());
        letters().public_url("http://127.0.0.1:8000/mcp").auth(jwt.anyone()).clock(clock.clone()).build().unwrap()
    }

    #[tokio::test]
    async fn a_letter_is_sent_in_the_callers_name() {
        let alice = TestClient::new(&server(&ManualClock::new())).as_user("alice").scopes(["letters:send"]);
        let sent = alice.call("send_letter", json!({"to": "bob@example.com", "text": "Hi"})).await;
        assert_eq!(sent.text(), "alice wrote 2 characters to bob@example.com");
    }

    #[tokio::test]
    async fn who_may_not_send_does_not() {
        let client = TestClient::new(&server(&ManualClock::new()));
        let letter = json!({"to": "bob@example.com", "text": "Hi"});
        client.call("send_letter", letter.clone()).await.assert_unauthenticated();
        client.as_user("mallory").call("send_letter", letter).await.assert_missing_scopes(["letters:send"]);
    }

    #[tokio::test]
    async fn the_third_letter_of_an_hour_waits() {
        let clock = ManualClock::new();
        let alice = TestClient::new(&server(&clock)).as_user("alice").scopes(["letters:send"]);
        let letter = || json!({"to": "bob@example.com", "text": "Hi"});
        for _ in 0..2 {
            assert!(alice.call("send_letter", letter()).await.is_ok());
        }
        let wait = alice.call("send_letter", letter()).await.assert_rate_limited();
        clock.advance(wait - Duration::from_secs(1));
        alice.call("send_letter", letter()).await.assert_rate_limited();
        clock.advance(Duration::from_secs(1));
        assert!(alice.call("send_letter", letter()).await.is_ok());
    }

    #[tokio::test]
    async fn models_are_told_what_to_correct() {
        let alice = TestClient::new(&server(&ManualClock::new())).as_user("alice").scopes(["letters:send"]);
        let refused = alice.call("send_letter", json!({"to": "bob", "text": "Hi"})).await;
        assert_eq!(refused.error_text(), "invalid argument `to`: must be an address");
        let incomplete = alice.call("send_letter", json!({"to": "bob@example.com"})).await;
        assert_eq!(incomplete.error_text(), "invalid arguments: `text` is missing");
    }
}
