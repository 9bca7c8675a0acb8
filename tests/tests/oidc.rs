//! A real OpenID provider, run by Node on loopback: its signed and its opaque tokens, its keys as they change, and the
//! server when it is gone. How it is spoken to: `tests/interop/oidc/provider.mjs`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{Router, body::Body};
use examples::notebook;
use http::Request;
use http_body_util::BodyExt;
use mcp_runtime::{
    Server,
    auth::{Authenticator, Introspection, Jwt},
    testing::ManualClock,
};
use serde_json::{Value, json};
use tower::ServiceExt;

const URL: &str = "http://127.0.0.1:8000/mcp";
const SECRET: &str = "a-secret-that-is:only+for/tests";

struct Provider {
    child: Child,
    commands: Option<ChildStdin>,
    answers: Receiver<String>,
    issuer: String,
}

impl Provider {
    fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/oidc/provider.mjs");
        let node = std::env::var_os("NODE").unwrap_or("node".into());
        let mut command = Command::new(node);
        // What it writes to standard error are warnings that it is only a test.
        command.arg(script).arg(URL).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child =
            command.spawn().expect("Node.js, and `npm ci` in tests/interop/oidc: `tests/run interop` does it");
        let (commands, lines) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()).lines());
        let (send, answers) = channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| send.send(line)));
        let mut provider = Self { child, commands, answers, issuer: String::new() };
        provider.issuer = provider.answer();
        assert!(provider.issuer.starts_with("http://127.0.0.1:"), "{}", provider.issuer);
        provider
    }

    fn answer(&self) -> String {
        self.answers.recv_timeout(Duration::from_secs(60)).expect("an answer of the provider")
    }

    fn ask(&mut self, command: &[&str]) -> Value {
        writeln!(self.commands.as_mut().unwrap(), "{}", command.join("\t")).unwrap();
        let answer: Value = serde_json::from_str(&self.answer()).unwrap();
        assert!(answer.get("error").is_none(), "{command:?}: {answer}");
        answer
    }

    fn token(&mut self, command: &[&str]) -> String {
        text(&self.ask(command), "access_token")
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}

/// The notebook, for tokens of the provider; on a clock that starts now and is moved by hand.
struct Notebook {
    router: Router,
    clock: ManualClock,
}

impl Notebook {
    fn new(auth: impl Authenticator) -> Self {
        let clock = ManualClock::new();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        clock.advance(now.saturating_sub(Duration::from_millis(clock.millis())));
        let server = notebook::add_to(Server::builder("notebook", "1.0")).public_url(URL).auth(auth);
        Self { router: server.clock(clock.clone()).build().unwrap().router(), clock }
    }

    /// Status, and what `whoami` says.
    async fn whoami(&self, token: &str) -> (u16, String) {
        let params = json!({ "name": "whoami", "arguments": {} });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
        let request = Request::post("/mcp")
            .header("Host", "127.0.0.1:8000")
            .header("Content-Type", "application/json")
            .header("Content-Length", body.len())
            .header("Authorization", format!("Bearer {token}"))
            .body(Body::from(body))
            .unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let answer: Value = serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap();
        let said = answer["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned();
        (parts.status.as_u16(), said)
    }

    #[track_caller]
    fn is(&self, (status, said): (u16, String), who: &str) {
        assert_eq!((status, said.as_str()), (200, who));
    }
}

fn signed(issuer: &str) -> Jwt {
    Jwt::issuer(issuer).discover().anyone()
}

#[tokio::test]
#[ignore = "needs Node.js and npm packages; run by tests/run"]
async fn oidc_provider_signed_tokens() {
    let mut provider = Provider::start();
    let issuer = provider.issuer.clone();
    let notebook = Notebook::new(signed(&issuer));
    let robot = provider.token(&["service", "robot", "notes:write"]);
    notebook.is(notebook.whoami(&robot).await, &format!("robot (issuer {issuer}), scopes: notes:write"));
    let alice = provider.ask(&["user", "web", "notes:write admin", "alice"]);
    let who = notebook.whoami(&text(&alice, "access_token")).await;
    notebook.is(who, &format!("alice (issuer {issuer}), scopes: admin notes:write"));
    // What else the same provider signs or hands out is no access token for us.
    for (what, other) in [
        ("ID token", text(&alice, "id_token")),
        ("refresh token", text(&alice, "refresh_token")),
        ("another resource's token", provider.token(&["elsewhere", "robot", "notes:write"])),
        ("an opaque token", provider.token(&["service", "opaque-robot", "notes:write"])),
    ] {
        assert_eq!(notebook.whoami(&other).await.0, 401, "{what}");
    }
}

#[tokio::test]
#[ignore = "needs Node.js and npm packages; run by tests/run"]
async fn oidc_provider_changes_its_keys_and_no_call_fails() {
    let mut provider = Provider::start();
    let issuer = provider.issuer.clone();
    let by_url = Jwt::issuer(issuer.as_str()).jwks(format!("{issuer}/jwks")).anyone();
    for notebook in [Notebook::new(signed(&issuer)), Notebook::new(by_url)] {
        let mut before = provider.token(&["service", "robot", "admin"]);
        for round in 0..4 {
            assert_eq!(notebook.whoami(&before).await.0, 200, "{round}: before");
            let key = provider.ask(&["rotate", "keep"]);
            let after = provider.token(&["service", "robot", "admin"]);
            assert_eq!(notebook.whoami(&after).await.0, 200, "{round}: {key}, at once");
            assert_eq!(notebook.whoami(&before).await.0, 200, "{round}: {key}, with the old key");
            before = after;
            // Unknown keys are looked for twice a minute.
            notebook.clock.advance(Duration::from_secs(30));
        }
        // Withdrawn: remembered for five minutes, then refused.
        provider.ask(&["rotate", "drop"]);
        let after = provider.token(&["service", "robot", "admin"]);
        assert_eq!(notebook.whoami(&after).await.0, 200);
        notebook.clock.advance(Duration::from_secs(300));
        assert_eq!(notebook.whoami(&before).await.0, 401);
    }
}

#[tokio::test]
#[ignore = "needs Node.js and npm packages; run by tests/run"]
async fn oidc_provider_goes_away() {
    let mut provider = Provider::start();
    let notebook = Notebook::new(signed(&provider.issuer));
    let tokens: Vec<_> = (0..5).map(|_| provider.token(&["service", "robot", "admin"])).collect();
    let stranger = Notebook::new(signed(&provider.issuer));
    assert_eq!(notebook.whoami(&tokens[0]).await.0, 200);
    provider.kill();
    assert_eq!(notebook.whoami(&tokens[1]).await.0, 200, "the keys are known");
    assert_eq!(stranger.whoami(&tokens[1]).await.0, 503, "no keys are known");
    // It says nothing about freshness: ten minutes, and one hour of grace.
    notebook.clock.advance(Duration::from_secs(70 * 60 - 1));
    assert_eq!(notebook.whoami(&tokens[2]).await.0, 200);
    notebook.clock.advance(Duration::from_secs(1));
    assert_eq!(notebook.whoami(&tokens[3]).await.0, 503);
}

#[tokio::test]
#[ignore = "needs Node.js and npm packages; run by tests/run"]
async fn oidc_provider_opaque_tokens() {
    let mut provider = Provider::start();
    let issuer = provider.issuer.clone();
    let asking = |secret: &str| {
        let url = format!("{issuer}/token/introspection");
        Introspection::new(url, "notes:server", secret).issuer(issuer.as_str()).anyone()
    };
    let notebook = Notebook::new(asking(SECRET));
    let bob = provider.ask(&["user", "opaque-web", "admin", "bob"]);
    let token = text(&bob, "access_token");
    notebook.is(notebook.whoami(&token).await, &format!("bob (issuer {issuer}), scopes: admin"));
    for (what, other) in [
        ("a refresh token, which is active too", text(&bob, "refresh_token")),
        ("a program's, in which nobody is named", provider.token(&["service", "opaque-robot", "admin"])),
        ("a signed one", provider.token(&["service", "robot", "admin"])),
        ("noise", "noise".to_owned()),
    ] {
        assert_eq!(notebook.whoami(&other).await.0, 401, "{what}");
    }
    provider.ask(&["revoke", "opaque-web", &token]);
    assert_eq!(notebook.whoami(&token).await.0, 200, "remembered for a minute");
    notebook.clock.advance(Duration::from_secs(60));
    assert_eq!(notebook.whoami(&token).await.0, 401);
    let another = text(&provider.ask(&["user", "opaque-web", "admin", "bob"]), "access_token");
    assert_eq!(Notebook::new(asking("wrong")).whoami(&another).await.0, 503, "our own secret is wrong");
    provider.kill();
    assert_eq!(notebook.whoami(&another).await.0, 503);
}
