//! A client of your own that logs in: registration, PKCE, the browser, the code, tokens.
//!
//! ```text
//! cargo run --bin quickstart                               # in one terminal
//! cargo run --bin pkce -- http://127.0.0.1:8000 admin      # in another: the server's host, and the scopes to ask for
//! ```
//!
//! A program on somebody's machine can keep no secret, so anybody could redeem a code that was caught on its way back. PKCE
//! (RFC 7636) ties it to who asked: the *challenge*, a hash, goes with the request in the browser; the *verifier*, which only
//! this program knows, goes with the code. The server takes S256 only, and no request without it.

use std::{collections::HashMap, error::Error};

use axum::http::Uri;
use mcp_runtime::oauth::pkce::Pkce;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

/// How much is read of what the browser sends.
const MOST: u64 = 16 * 1024;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    examples::start(include_str!("pkce.rs"));
    let mut words = std::env::args().skip(1);
    let origin = words.next().ok_or("say where the server is: cargo run --bin pkce -- http://127.0.0.1:8000")?;
    let scope = words.next().unwrap_or_default();
    let tokens = log_in(&origin, &scope, |link| println!("Open this in a browser:\n\n  {link}\n")).await?;
    println!("The token is for: {}", tokens["scope"]);
    println!("It ends in {} seconds; then the refresh token brings another.", tokens["expires_in"]);
    Ok(())
}

/// One login: `open` is given the link for the browser.
async fn log_in(origin: &str, scope: &str, open: impl FnOnce(&str)) -> Outcome<Value> {
    // 1. Where things are (RFC 8414).
    let metadata: Value = get(&format!("{origin}/.well-known/oauth-authorization-server")).await?;
    let endpoint = |name: &str| metadata[name].as_str().map(str::to_owned).ok_or(format!("no {name} in the metadata"));
    let methods = metadata["code_challenge_methods_supported"].as_array();
    if !methods.is_some_and(|methods| methods.contains(&json!("S256"))) {
        return Err("the server does not say that it knows PKCE: clients must not go on".into());
    }

    // 2. Who we are (RFC 7591): a program that is called back at a port of this machine.
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let redirect = format!("http://{}/callback", listener.local_addr()?);
    let about = json!({
        "client_name": "The example `pkce`",
        "redirect_uris": [redirect],
        "token_endpoint_auth_method": "none",
    });
    let registered = post(&endpoint("registration_endpoint")?, "application/json", about.to_string()).await?;
    let client = registered["client_id"].as_str().ok_or("no client_id")?;

    // 3. The browser, with the challenge. The state ties the answer to this very request.
    let pkce = Pkce::generate().ok_or("no randomness")?;
    let state = Pkce::generate().ok_or("no randomness")?.verifier().to_owned();
    let query = form(&[
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", &redirect),
        ("scope", scope),
        ("state", &state),
        ("code_challenge", pkce.challenge()),
        ("code_challenge_method", "S256"),
    ]);
    open(&format!("{}?{query}", endpoint("authorization_endpoint")?));

    // 4. The answer: for our state, and from the server that we asked (RFC 9207).
    let answer = called_back(&listener).await?;
    if answer.get("state") != Some(&state) || answer.get("iss").map(String::as_str) != metadata["issuer"].as_str() {
        return Err("somebody else's answer".into());
    }
    let code = answer.get("code").ok_or_else(|| format!("no code: {:?}", answer.get("error")))?;

    // 5. Tokens for the code and the verifier.
    let exchange = form(&[
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("redirect_uri", &redirect),
        ("code", code),
        ("code_verifier", pkce.verifier()),
    ]);
    post(&endpoint("token_endpoint")?, "application/x-www-form-urlencoded", exchange).await
}

/// Waits until the browser is sent back here; browsers ask for other things too.
async fn called_back(listener: &TcpListener) -> Outcome<HashMap<String, String>> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        let mut line = String::new();
        BufReader::new((&mut stream).take(MOST)).read_line(&mut line).await?;
        let target: Uri = line.split(' ').nth(1).unwrap_or_default().parse().unwrap_or_default();
        let is_ours = target.path() == "/callback";
        let text = if is_ours { "You can close this page.\n" } else { "There is nothing here.\n" };
        let status = if is_ours { "200 OK" } else { "404 Not Found" };
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
        stream.write_all(format!("{head}{text}").as_bytes()).await?;
        if is_ours {
            return Ok(form_urlencoded::parse(target.query().unwrap_or_default().as_bytes()).into_owned().collect());
        }
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

async fn get(url: &str) -> Outcome<Value> {
    let answer = reqwest::get(url).await.map_err(|error| format!("{url} does not answer: {error}"))?;
    let answer = answer.error_for_status().map_err(|error| error.to_string())?;
    Ok(serde_json::from_str(&answer.text().await?)?)
}

async fn post(url: &str, content_type: &str, body: String) -> Outcome<Value> {
    let answer = reqwest::Client::new().post(url).header("Content-Type", content_type).body(body).send().await?;
    let (status, text) = (answer.status(), answer.text().await?);
    if status.is_success() { Ok(serde_json::from_str(&text)?) } else { Err(format!("{url}: {status} {text}").into()) }
}

#[cfg(test)]
#[cfg(feature = "dev-login")]
mod tests {
    use examples::notebook;
    use mcp_runtime::{
        Server,
        oauth::{AuthorizationServer, AutoApprove, StoreKey},
        store::MemoryStore,
    };

    use super::*;

    /// A server where everybody is logged in as alice, without a page.
    async fn served() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let login = AuthorizationServer::builder(MemoryStore::new(), StoreKey::generate().unwrap());
        let server = notebook::add_to(Server::builder("pkce", "1.0"))
            .public_url(format!("{origin}/mcp"))
            .authorization_server(login.login(AutoApprove::new("alice")))
            .build()
            .unwrap();
        tokio::spawn(async move { server.serve_on(listener, std::future::pending()).await });
        origin
    }

    /// What a browser does with the link.
    fn browse(link: String) {
        tokio::spawn(async move { reqwest::get(link).await });
    }

    #[tokio::test]
    async fn the_verifier_brings_the_token() {
        let origin = served().await;
        let tokens = log_in(&origin, "notes:write", |link| browse(link.to_owned())).await.unwrap();
        assert_eq!(tokens["scope"], "notes:write");
        assert!(tokens["access_token"].is_string() && tokens["refresh_token"].is_string());
    }

    #[tokio::test]
    async fn another_challenge_or_none_brings_nothing() {
        let origin = served().await;
        let other = Pkce::generate().unwrap();
        let refused =
            log_in(&origin, "", |link| browse(with_challenge(link, Some(other.challenge())))).await.unwrap_err();
        assert!(refused.to_string().contains("invalid_grant"), "{refused}");
        let refused = log_in(&origin, "", |link| browse(with_challenge(link, None))).await.unwrap_err();
        assert!(refused.to_string().contains("invalid_request"), "{refused}");
        let refused = log_in(&origin, "", |link| browse(link.replace("=S256", "=plain"))).await.unwrap_err();
        assert!(refused.to_string().contains("invalid_request"), "{refused}");
        let refused = log_in(&origin, "", |link| browse(link.replace("state=", "state=x"))).await.unwrap_err();
        assert_eq!(refused.to_string(), "somebody else's answer");
    }

    fn with_challenge(link: &str, challenge: Option<&str>) -> String {
        let (before, after) = link.split_once("code_challenge=").unwrap();
        let after = after.split_once('&').unwrap().1;
        match challenge {
            Some(challenge) => format!("{before}code_challenge={challenge}&{after}"),
            None => format!("{before}{after}"),
        }
    }
}
