//! A provider of our own making on loopback, a stub, and what becomes of what it says.

mod arrivals;
mod attacks;
mod lookups;
mod rechecks;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Body, body::to_bytes, extract::Request};
use http::Response;
use serde_json::{Value, json};

use super::*;
use crate::{
    auth::SigningKey,
    clock::ManualClock,
    oauth::{hash::sha256, pkce::Pkce},
};

const CALLBACK: &str = "https://notes.example.com/callback/stub";
const SECRET: &str = "kq3-Zr_81Hs+/&";

/// What the stub answers at one path.
#[derive(Clone)]
struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Reply {
    fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: vec![("content-type", "application/json".into())], body: body.to_string() }
    }
}

/// One request to the stub.
#[derive(Clone, Debug)]
struct Hit {
    path: String,
    authorization: String,
    body: String,
}

#[derive(Default)]
struct Script {
    replies: HashMap<String, Reply>,
    /// Paths at which nothing is ever answered.
    silent: Vec<String>,
    hits: Vec<Hit>,
}

/// An OpenID provider that says what a test wants.
struct Stub {
    issuer: String,
    script: Arc<Mutex<Script>>,
    key: SigningKey,
    clock: ManualClock,
}

impl Stub {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script::default()));
        let shared = Arc::clone(&script);
        let app = Router::new().fallback(move |request: Request| answer(Arc::clone(&shared), request));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let stub = Self { issuer, script, key: SigningKey::generate().unwrap(), clock: ManualClock::new() };
        stub.describes_itself(|_| {});
        stub.publishes(&[(&stub.key, "1")]);
        stub
    }

    fn describes_itself(&self, change: impl FnOnce(&mut Value)) {
        let at = |path: &str| format!("{}{path}", self.issuer);
        let mut metadata = json!({
            "issuer": self.issuer,
            "authorization_endpoint": at("/authorize?x=y"),
            "token_endpoint": at("/token"),
            "userinfo_endpoint": at("/userinfo"),
            "jwks_uri": at("/keys"),
            "id_token_signing_alg_values_supported": ["ES256", "RS256", "HS256", "none"],
            "scopes_supported": ["openid", "offline_access"],
        });
        change(&mut metadata);
        self.replies("/.well-known/openid-configuration", Reply::json(200, &metadata));
    }

    fn publishes(&self, keys: &[(&SigningKey, &str)]) {
        let key = |(key, kid): &(&SigningKey, &str)| {
            let [x, y] = key.coordinates().unwrap();
            json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid, "x": x, "y": y })
        };
        self.replies("/keys", Reply::json(200, &json!({ "keys": keys.iter().map(key).collect::<Vec<_>>() })));
    }

    fn replies(&self, path: &str, reply: Reply) {
        self.script.lock().unwrap().replies.insert(path.to_owned(), reply);
    }

    fn is_silent_at(&self, path: &str) {
        self.script.lock().unwrap().silent.push(path.to_owned());
    }

    fn hits(&self, path: &str) -> Vec<Hit> {
        self.script.lock().unwrap().hits.iter().filter(|hit| hit.path == path).cloned().collect()
    }

    fn now(&self) -> u64 {
        self.clock.millis() / 1000
    }

    /// The claims of a good ID token.
    fn claims(&self) -> Value {
        let now = self.now();
        json!({
            "iss": self.issuer, "aud": "me", "sub": "alice-1", "exp": now + 300, "iat": now, "nonce": "the-nonce",
            "name": "Alice",
        })
    }

    fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "kid": "1", "typ": "JWT" });
        self.key.sign_parts(header.to_string().as_bytes(), claims.to_string().as_bytes()).unwrap()
    }

    /// What the token endpoint gives, but for an ID token.
    fn gives(&self, id_token: Option<String>, change: impl FnOnce(&mut Value)) {
        let mut answer = json!({
            "access_token": "at-1", "refresh_token": "rt-1", "token_type": "Bearer", "expires_in": 3600,
            "scope": "openid profile email",
        });
        if let Some(token) = id_token {
            answer["id_token"] = token.into();
        }
        change(&mut answer);
        self.replies("/token", Reply::json(200, &answer));
    }

    /// Signs the good claims with one of them changed, and gives that.
    fn gives_with(&self, name: &str, value: impl Into<Value>) {
        let mut claims = self.claims();
        claims[name] = value.into();
        self.gives(Some(self.sign(&claims)), |_| {});
    }

    fn oidc(&self) -> Oidc {
        let mut oidc = Oidc::issuer("stub", &*self.issuer).client("me", SECRET).anyone();
        oidc.clock = self.clock.clone().into();
        oidc
    }

    fn trip(&self) -> Trip {
        Trip {
            state: "the-state".into(),
            nonce: "the-nonce".into(),
            pkce: Pkce::generate().unwrap(),
            redirect_uri: CALLBACK.into(),
            login_again: false,
            for_tools: false,
            began: self.now(),
            now: self.now(),
        }
    }

    /// What becomes of somebody who comes back with a code.
    async fn arrive(&self, oidc: &Oidc) -> Result<Arrived, LoginError> {
        oidc.arrive(&self.trip(), &form("code=c0de&state=the-state")).await
    }
}

async fn answer(script: Arc<Mutex<Script>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
    let path = parts.uri.path().to_owned();
    let authorization = parts.headers.get("authorization").map_or("", |value| value.to_str().unwrap()).to_owned();
    let (reply, silent) = {
        let mut script = script.lock().unwrap();
        script.hits.push(Hit { path: path.clone(), authorization, body });
        (script.replies.get(&path).cloned(), script.silent.contains(&path))
    };
    if silent {
        std::future::pending::<()>().await;
    }
    let reply = reply.unwrap_or(Reply { status: 404, headers: Vec::new(), body: String::new() });
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap()
}

fn form(query: &str) -> Form {
    Form::parse(query).unwrap()
}

/// The parameters of a URL.
fn query(url: &str) -> Form {
    form(url.split_once('?').unwrap().1)
}
