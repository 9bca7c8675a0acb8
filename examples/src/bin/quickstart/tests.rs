//! The commands and the server, each with the store open for itself, as separate processes have it.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Request, StatusCode},
};
use clap::Parser;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use crate::{Cli, Command, grants, keys, run, serve};

const ME: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 40_000);
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A data directory that is gone afterwards.
struct Here(PathBuf);

impl Here {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("quickstart-{}-{name}", std::process::id())))
    }

    fn parse(&self, words: &[&str]) -> Cli {
        let data = self.0.to_str().unwrap();
        Cli::try_parse_from([&["quickstart"], words, &["--data", data]].concat()).unwrap()
    }

    async fn server(&self, words: &[&str]) -> Router {
        let options = self.parse(words).serve;
        let deployment = options.place.data.open().await.unwrap();
        serve::build(&options, &deployment, "http://127.0.0.1:8000/mcp").unwrap().router()
    }

    async fn token(&self, sub: &str, scope: &str) -> Result<String, String> {
        let Some(Command::Token { place, .. }) = self.parse(&["token", "--sub", sub]).command else {
            panic!("no token")
        };
        grants::mint(&place, sub, scope).await.map_err(|error| error.to_string())
    }

    async fn add(&self, name: &str, scopes: &[&str]) {
        let deployment = self.parse(&[]).serve.place.data.open().await.unwrap();
        deployment.users.add(name, "a long pass phrase", scopes.iter().copied()).await.unwrap();
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn send(app: &Router, request: axum::http::request::Builder, body: String) -> (StatusCode, HeaderMap, String) {
    let request = request.header("host", "127.0.0.1:8000").extension(ConnectInfo(ME)).body(Body::from(body)).unwrap();
    let (parts, body) = app.clone().oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

async fn call(app: &Router, tool: &str, arguments: Value, token: &str) -> StatusCode {
    let params = json!({"name": tool, "arguments": arguments});
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let request = Request::post("/mcp").header("content-type", "application/json");
    send(app, request.header("authorization", format!("Bearer {token}")), call.to_string()).await.0
}

#[tokio::test]
async fn a_token_has_its_scopes_and_ends_with_its_user() {
    let here = Here::new("tokens");
    let app = here.server(&[]).await;
    here.add("alice", &["notes:write"]).await;
    let refused = here.token("alice", "admin").await.unwrap_err();
    assert!(refused.contains("scope"), "{refused}");
    let (alice, script) =
        (here.token("alice", "notes:write").await.unwrap(), here.token("job", "admin").await.unwrap());
    let note = json!({"title": "Milk", "text": "two"});
    assert_eq!(call(&app, "add_note", note.clone(), &alice).await, 200);
    assert_eq!(call(&app, "delete_note", json!({"id": "1"}), &alice).await, 403);
    assert_eq!(call(&app, "delete_note", json!({"id": "1"}), &script).await, 200);

    run(here.parse(&["user", "remove", "alice"])).await.unwrap();
    let ended = async {
        while call(&app, "add_note", note.clone(), &alice).await != 401 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(5), ended).await.expect("her token is refused");
    assert_eq!(call(&app, "whoami", json!({}), &script).await, 200);
    // Whoever has her name now is a script, and nobody whom she was.
    assert!(here.token("alice", "admin").await.is_ok());
}

#[tokio::test]
async fn a_locked_user_gets_no_token_and_a_revoked_key_opens_nothing() {
    let here = Here::new("keys");
    let app = here.server(&[]).await;
    here.add("alice", &["notes:write"]).await;
    run(here.parse(&["user", "lock", "alice"])).await.unwrap();
    let refused = here.token("alice", "notes:write").await.unwrap_err();
    assert!(refused.contains("no such account"), "{refused}");
    run(here.parse(&["user", "unlock", "alice"])).await.unwrap();
    assert!(run(here.parse(&["user", "lock", "nobody"])).await.is_err());

    let token = here.token("alice", "notes:write").await.unwrap();
    assert_eq!(call(&app, "whoami", json!({}), &token).await, 200);
    let Some(Command::Keys(keys::Command::List { data })) = here.parse(&["keys", "list"]).command else {
        panic!("no list")
    };
    let list = async || {
        let desk = grants::Desk::open(&data, grants::ANY_URL).await.unwrap();
        desk.authorization().unwrap().signing_keys().await.unwrap()
    };
    let first = list().await.remove(0).kid;
    run(here.parse(&["keys", "rotate"])).await.unwrap();
    assert_eq!(list().await.len(), 2);
    assert_eq!(call(&app, "whoami", json!({}), &token).await, 200);
    assert!(run(here.parse(&["keys", "revoke", "nothing"])).await.is_err());
    run(here.parse(&["keys", "revoke", &first])).await.unwrap();
    let ended = async {
        while call(&app, "whoami", json!({}), &token).await != 401 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(5), ended).await.expect("its tokens are refused");
    assert!(list().await.iter().all(|key| key.kid != first));
}

#[cfg(feature = "dev-login")]
#[tokio::test]
async fn with_auto_approve_one_redirect_brings_a_code() {
    let here = Here::new("auto");
    let app = here.server(&["--auto-approve", "alice"]).await;
    let client = json!({"redirect_uris": ["http://127.0.0.1:9/cb"], "token_endpoint_auth_method": "none"});
    let register = Request::post("/register").header("content-type", "application/json");
    let (_, _, client) = send(&app, register, client.to_string()).await;
    let client = serde_json::from_str::<Value>(&client).unwrap()["client_id"].as_str().unwrap().to_owned();

    let link = format!(
        "/authorize?response_type=code&client_id={client}&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcb\
         &code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    let (status, headers, _) = send(&app, Request::get(&link), String::new()).await;
    assert_eq!(status, 302);
    let location = headers["location"].to_str().unwrap();
    let code = location.strip_prefix("http://127.0.0.1:9/cb?code=").unwrap().split('&').next().unwrap();
    let form = format!(
        "grant_type=authorization_code&code={code}&client_id={client}&code_verifier={VERIFIER}\
         &redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcb"
    );
    let redeem = Request::post("/token").header("content-type", "application/x-www-form-urlencoded");
    let (status, _, answer) = send(&app, redeem, form).await;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    // Nothing was asked for, so the default scopes were granted.
    assert_eq!((status, &answer["scope"]), (StatusCode::OK, &json!("notes:write")), "{answer}");
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(call(&app, "add_note", json!({"title": "a", "text": "b"}), token).await, 200);

    // Without the flag the same link leads to a login.
    let asked = here.server(&[]).await;
    let (status, headers, _) = send(&asked, Request::get(&link), String::new()).await;
    assert_eq!(status, 303);
    assert!(headers["location"].to_str().unwrap().starts_with("http://127.0.0.1:8000/login?"), "{headers:?}");
}

#[cfg(feature = "dev-login")]
#[tokio::test]
async fn what_tests_need_is_not_to_be_had_elsewhere() {
    let here = Here::new("elsewhere");
    for words in [["--access-token-seconds", "2"], ["--auto-approve", "alice"]] {
        let options = here.parse(&words).serve;
        let deployment = options.place.data.open().await.unwrap();
        assert!(serve::build(&options, &deployment, "http://127.0.0.1:8000/mcp").is_ok(), "{words:?}");
        assert!(serve::build(&options, &deployment, "https://notes.example.com/mcp").is_err(), "{words:?}");
    }
}
