//! A server with its authorization server, users, clients and a clock; and what came out of it so far.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst},
    },
};

use axum::{body::Body, extract::ConnectInfo};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use mcp_runtime::{
    Server, State,
    oauth::{AuthorizationServer, AuthorizationServerBuilder, LocalUsers, RegisteredClient, StoreKey},
    store::{Kind, MemoryStore, Store},
    testing::ManualClock,
    tool, tools,
};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::log::{self, Secrets};

pub(crate) const ISSUER: &str = "https://mcp.example.com";
pub(crate) const RESOURCE: &str = "https://mcp.example.com/mcp";
pub(crate) const HOST: &str = "mcp.example.com";
pub(crate) const PASSWORD: &str = "correct-horse-battery-staple";
pub(crate) const SECRET: &str = "Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4OWFiY2RlZg";
pub(crate) const KEY: &str = "c3RvcmUga2V5IG9mIHRoZSBhdHRhY2tlZCBzZXJ2ZXI";

/// Counts bodies that ran.
#[derive(Debug, Clone, Default)]
pub(crate) struct Runs(Arc<AtomicUsize>);

/// Reads notes.
#[tool(scopes = "notes:read")]
async fn read(State(runs): State<Runs>) -> &'static str {
    runs.0.fetch_add(1, SeqCst);
    "a note"
}

/// Writes notes.
#[tool(scopes = "notes:write")]
async fn write(State(runs): State<Runs>) -> &'static str {
    runs.0.fetch_add(1, SeqCst);
    "written"
}

/// Administers.
#[tool(scopes = "notes:admin")]
async fn admin(State(runs): State<Runs>) -> &'static str {
    runs.0.fetch_add(1, SeqCst);
    "done"
}

/// The server under attack.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) router: axum::Router,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) users: LocalUsers,
    pub(crate) clock: ManualClock,
    pub(crate) secrets: Secrets,
    runs: Runs,
    addresses: AtomicU32,
    log: usize,
}

/// One HTTP request to be.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    method: Method,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    peer: Option<SocketAddr>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// How many entries of each sort there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Census(BTreeMap<&'static str, usize>);

/// What an attack must not bring into being.
const FRUITS: [&str; 5] = ["code", "grant", "user", "dynamic-client", "client-document"];

impl World {
    /// With `alice`, who may read and write, and `bob`, who may read.
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(change: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder) -> Self {
        let store = Arc::new(MemoryStore::new());
        let world = Self::on(store, ManualClock::new(), RESOURCE, change);
        world.add_users().await;
        world
    }

    pub(crate) async fn add_users(&self) {
        self.users.add("alice", PASSWORD, ["notes:read", "notes:write"]).await.unwrap();
        self.users.add("bob", PASSWORD, ["notes:read"]).await.unwrap();
    }

    /// On a store that others may use too.
    pub(crate) fn on(
        store: Arc<MemoryStore>,
        clock: ManualClock,
        resource: &str,
        change: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
    ) -> Self {
        Self::keyed(store, clock, resource, KEY, change)
    }

    pub(crate) fn keyed(
        store: Arc<MemoryStore>,
        clock: ManualClock,
        resource: &str,
        key: &str,
        change: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
    ) -> Self {
        let log = log::start();
        let (users, runs) = (LocalUsers::in_store(Arc::clone(&store)), Runs::default());
        let store_key = StoreKey::from_base64(key).unwrap();
        let builder = AuthorizationServer::builder(Arc::clone(&store), store_key)
            .issuer(ISSUER)
            .login(users.clone())
            .default_scopes(["notes:read"]);
        let builder = clients().into_iter().fold(builder, AuthorizationServerBuilder::client);
        let server = Server::builder("notes", "1.0")
            .public_url(resource)
            .clock(clock.clone())
            .state(runs.clone())
            .scope("notes:read", "Read your notes")
            .scope("notes:write", "Write notes")
            .scope("notes:admin", "Administer")
            .authorization_server(change(builder))
            .no_default_rate_limit()
            .no_address_rate_limit()
            // Somebody speaks https for it; not who calls here.
            .http(|http| http.trusted_proxies(["192.0.2.254"]))
            .tools(tools![read, write, admin])
            .build()
            .unwrap();
        let secrets = Secrets::default();
        [PASSWORD, SECRET, key].iter().for_each(|secret| secrets.add(secret));
        let (router, addresses) = (server.router(), AtomicU32::new(0));
        Self { server, router, store, users, clock, secrets, runs, addresses, log }
    }

    pub(crate) fn authorization(&self) -> &AuthorizationServer {
        self.server.authorization_server().unwrap()
    }

    /// An address that nobody has had before, so that limits of addresses are in nobody's way.
    pub(crate) fn address(&self) -> SocketAddr {
        let number = self.addresses.fetch_add(1, SeqCst) + 1;
        SocketAddr::new(Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + number).into(), 40_000)
    }

    /// Sends it through the routes, as the server would get it from its socket.
    pub(crate) async fn send(&self, ask: Ask) -> Reply {
        let mut request = Request::builder().method(ask.method.clone()).uri(&ask.target);
        for (name, value) in &ask.headers {
            request = request.header(name, value.as_slice());
        }
        let mut request = request.body(Body::from(ask.body.clone())).unwrap();
        request.extensions_mut().insert(ConnectInfo(ask.peer.unwrap_or_else(|| self.address())));
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let reply = Reply { status: parts.status, headers: parts.headers, text };
        self.note(&ask, &reply);
        reply
    }

    /// Remembers what in them is a secret.
    fn note(&self, ask: &Ask, reply: &Reply) {
        const SENT: [&str; 7] =
            ["password", "code", "code_verifier", "client_secret", "client_assertion", "refresh_token", "token"];
        for (name, value) in form_urlencoded::parse(&ask.body).filter(|(name, _)| SENT.contains(&&**name)) {
            // Some attacks send addresses and names in the place of secrets.
            if value.len() >= 32 && !value.contains("://") && name != "token" || value.starts_with("eyJ") {
                self.secrets.add(&value);
            }
        }
        for line in reply.headers.get_all("set-cookie") {
            let value = line.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap().1;
            self.secrets.add(value);
        }
        reply.told().get("code").into_iter().for_each(|code| self.secrets.add(code));
        if let Ok(json) = serde_json::from_str::<Value>(&reply.text) {
            let names = ["access_token", "refresh_token", "client_secret"];
            names.iter().filter_map(|name| json[*name].as_str()).for_each(|secret| self.secrets.add(secret));
        }
        let tokens = reply.text.split("name=\"token\" value=\"").skip(1).filter_map(|rest| rest.split('"').next());
        tokens.for_each(|token| self.secrets.add(token));
    }

    pub(crate) async fn get(&self, target: &str) -> Reply {
        self.send(Ask::get(target)).await
    }

    /// A form to an endpoint for programs.
    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.send(Ask::form(path, fields)).await
    }

    /// Calls a tool with a token; says the status, and whether it ran.
    pub(crate) async fn call(&self, tool: &str, token: &str) -> StatusCode {
        let before = self.runs.0.load(SeqCst);
        let status = self.send(Ask::call(tool, token)).await.status;
        let ran = self.runs.0.load(SeqCst) - before;
        assert_eq!(ran, usize::from(status == StatusCode::OK), "{status}");
        status
    }

    pub(crate) async fn entries(&self, kind: &'static str) -> Vec<(String, Vec<u8>)> {
        let found = self.store.list(Kind::new(kind), "", None, 100_000).await.unwrap();
        let now = self.clock.millis() / 1_000;
        let current = found.into_iter().filter(|(_, entry)| !entry.has_expired(now));
        current.map(|(name, entry)| (name, entry.value)).collect()
    }

    pub(crate) async fn count(&self, kind: &'static str) -> usize {
        self.entries(kind).await.len()
    }

    /// What came out so far.
    pub(crate) async fn census(&self) -> Census {
        let mut counts = BTreeMap::new();
        for kind in FRUITS {
            counts.insert(kind, self.count(kind).await);
        }
        Census(counts)
    }

    /// Every secret of everybody who came by stayed out of the log.
    #[track_caller]
    pub(crate) fn assert_log_is_clean(&self) {
        let log = log::since(self.log);
        let found = self.secrets.within(&log);
        let lines = |secret: &String| log.lines().find(|line| line.contains(secret.as_str())).unwrap_or("").to_owned();
        assert!(found.is_empty(), "in the log: {:?}", found.iter().map(lines).collect::<Vec<_>>());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.assert_log_is_clean();
        }
    }
}

fn clients() -> Vec<RegisteredClient> {
    vec![
        RegisteredClient::public("web").name("Notes on the web").redirect_uri("https://app.example.com/cb"),
        RegisteredClient::public("other").redirect_uri("https://other.example.com/cb"),
        RegisteredClient::public("desktop").redirect_uri("http://127.0.0.1/callback"),
        RegisteredClient::confidential("backend", SECRET).redirect_uri("https://backend.example.com/cb"),
        RegisteredClient::confidential("job", SECRET).client_credentials().scopes(["notes:read"]),
        RegisteredClient::confidential("reports", SECRET).may_introspect(),
    ]
}

impl Ask {
    pub(crate) fn new(method: Method, target: impl Into<String>) -> Self {
        let target = target.into();
        let target = target.strip_prefix(ISSUER).map_or(target.clone(), str::to_owned);
        Self { method, target, headers: Vec::new(), body: Vec::new(), peer: None }.header("host", HOST)
    }

    pub(crate) fn get(target: impl Into<String>) -> Self {
        Self::new(Method::GET, target)
    }

    pub(crate) fn form(target: impl Into<String>, fields: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self::raw_form(target, body)
    }

    pub(crate) fn raw_form(target: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self::new(Method::POST, target).header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    pub(crate) fn json(target: impl Into<String>, body: &Value) -> Self {
        Self::new(Method::POST, target).header("content-type", "application/json").body(body.to_string())
    }

    /// A tool call of 2026-07-28.
    pub(crate) fn call(tool: &str, token: &str) -> Self {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({"name": tool, "arguments": {}, "_meta": meta});
        Self::json("/mcp", &json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}))
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", tool)
            .header("authorization", format!("Bearer {token}"))
    }

    /// Adds a header line, beside any of the same name.
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Replaces a header.
    pub(crate) fn set(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self.header(name, value)
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn from(mut self, peer: SocketAddr) -> Self {
        self.peer = Some(peer);
        self
    }

    pub(crate) fn basic(self, id: &str, secret: &str) -> Self {
        use base64::Engine;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
        self.header("authorization", format!("Basic {pair}"))
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The word for what is wrong; empty if there is none.
    pub(crate) fn error(&self) -> String {
        let json = serde_json::from_str::<Value>(&self.text).unwrap_or_default();
        json["error"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn status_and_error(&self) -> (u16, String) {
        (self.status.as_u16(), self.error())
    }

    /// What a client would be told by way of the browser.
    pub(crate) fn told(&self) -> BTreeMap<String, String> {
        let query = self.location().split_once('?').map_or("", |(_, query)| query);
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    /// No code, no token, in whatever part.
    #[track_caller]
    pub(crate) fn assert_barren(&self) {
        assert!(!self.told().contains_key("code"), "{self:?}");
        for word in ["\"access_token\":", "\"refresh_token\":", "\"client_secret\":", "code="] {
            assert!(!self.text.contains(word) && !self.location().contains(&format!("&{word}")), "{word}: {self:?}");
        }
    }
}
