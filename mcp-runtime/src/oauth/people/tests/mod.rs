//! Browsers, in memory, against the endpoints that people meet.

#[cfg(feature = "dev-login")]
mod auto_approve;
mod forgery;
mod journey;
mod logins;
mod refusals;

use std::{collections::BTreeMap, sync::Arc};

use axum::body::{Body, to_bytes};
use http::{HeaderMap, Method, Request, StatusCode, header};

use crate::{
    auth::ClientAddress,
    clock::{Clock, ManualClock},
    guard::Catalogue,
    http::Peer,
    oauth::{
        Core, LocalUsers, LoginProvider, StoreKey,
        clients::{Authentication, Client, Clients, GrantType, Origin},
        core::Secrets,
        endpoints::{authorize, consent, login, logout},
        limits::RouteLimits,
        people::Backoff,
        seal::{Mac, Seal},
        settings::Lifetimes,
        visit::Visit,
    },
    store::{Entry, Kind, MemoryStore, Records, Store},
};

pub(super) const ISSUER: &str = "https://auth.example";
pub(super) const LOCAL: &str = "http://127.0.0.1:8000";
pub(super) const PASSWORD: &str = "correct horse";
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A server with users, clients and a clock.
pub(super) struct World {
    pub(super) core: Arc<Core>,
    pub(super) users: LocalUsers,
    pub(super) clock: ManualClock,
    pub(super) store: Arc<MemoryStore>,
}

pub(super) fn client(id: &str, origin: Origin, redirect_uri: &str) -> Client {
    Client {
        id: id.to_owned(),
        origin,
        name: format!("The {id}"),
        redirect_uris: vec![redirect_uri.to_owned()],
        authentication: Authentication::None,
        grant_types: vec![GrantType::AuthorizationCode],
        scopes: None,
        may_introspect: false,
        metadata_hash: format!("hash of {id}"),
    }
}

pub(super) const DOCUMENT: &str = "https://doc.example/client.json";

fn clients() -> Clients {
    let mut hostile = client("dynamic", Origin::Dynamic, "https://dyn.example/cb");
    hostile.name = "<script>alert(1)</script>\"'><b>".to_owned();
    let machine = Client {
        grant_types: vec![GrantType::ClientCredentials],
        ..client("machine", Origin::Operator, "https://app.example/machine")
    };
    let small = Client {
        scopes: Some(vec!["read".to_owned()]),
        ..client("small", Origin::Operator, "https://app.example/small")
    };
    Clients {
        all: vec![
            client("web", Origin::Operator, "https://app.example/cb"),
            client("query", Origin::Operator, "https://app.example/cb?tenant=1"),
            client("desktop", Origin::Operator, "http://127.0.0.1:9000/cb"),
            client("native", Origin::Operator, "com.example.app:/cb"),
            hostile,
            machine,
            small,
        ],
        documents: vec![client(DOCUMENT, Origin::Document, "https://doc.example/cb")],
    }
}

impl World {
    /// With `alice`, who may grant all, `bob`, who may grant `read`, and `eve`, who may grant nothing.
    pub(super) async fn new() -> Self {
        Self::at(ISSUER, Vec::new()).await
    }

    pub(super) async fn at(issuer: &str, before: Vec<Box<dyn LoginProvider>>) -> Self {
        let (store, clock) = (Arc::new(MemoryStore::new()), ManualClock::new());
        let users = LocalUsers::cheap(Arc::clone(&store));
        users.add("alice", PASSWORD, ["read"]).await.unwrap();
        users.allow_all_scopes("alice").await.unwrap();
        users.add("bob", PASSWORD, ["read"]).await.unwrap();
        users.add("eve", PASSWORD, [""; 0]).await.unwrap();
        let core = core(issuer, Arc::clone(&store), clock.clone().into(), &users, before);
        Self { core: Arc::new(core), users, clock, store }
    }

    pub(super) fn with(self, change: impl FnOnce(&mut Core)) -> Self {
        let mut core = Arc::into_inner(self.core).unwrap();
        change(&mut core);
        Self { core: Arc::new(core), ..self }
    }

    pub(super) async fn entries(&self, kind: &'static str) -> Vec<(String, Entry)> {
        self.store.list(Kind::new(kind), "", None, 10_000).await.unwrap()
    }

    /// What came out of it all.
    pub(super) async fn codes(&self) -> Vec<serde_json::Value> {
        let entries = self.entries("stub_code").await;
        entries.iter().map(|(_, entry)| serde_json::from_slice(&entry.value).unwrap()).collect()
    }
}

fn core(
    issuer: &str,
    store: Arc<MemoryStore>,
    clock: Clock,
    users: &LocalUsers,
    mut logins: Vec<Box<dyn LoginProvider>>,
) -> Core {
    let key = StoreKey::generate().unwrap();
    let mut catalogue = Catalogue::default();
    for (scope, description) in [("read", "Read notes"), ("write", "Write notes"), ("admin", "Manage everything")] {
        catalogue.declare(scope, description);
    }
    logins.push(Box::new(users.clone()));
    Core {
        issuer: issuer.to_owned(),
        resource: format!("{issuer}/mcp"),
        name: "Notes & Co".to_owned(),
        catalogue: Arc::new(catalogue),
        default_scopes: vec!["read".to_owned()],
        lifetimes: Lifetimes::default(),
        records: Records::new(store, clock.clone()),
        secrets: Secrets {
            refresh_tokens: Mac::new(&key, b"refresh tokens"),
            forms: Mac::new(&key, b"forms"),
            cookies: Mac::new(&key, b"cookies"),
            signing_keys: Seal::new(&key, b"signing keys").unwrap(),
        },
        clients: clients(),
        logins,
        limits: RouteLimits::new(clock.clone()),
        backoff: Backoff::new(clock.clone()),
        clock,
    }
}

/// A browser: it keeps cookies and says where its forms come from.
#[derive(Clone)]
pub(super) struct Browser {
    core: Arc<Core>,
    pub(super) jar: BTreeMap<String, String>,
    pub(super) address: ClientAddress,
}

/// An answer, as people see it.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) html: String,
}

impl Browser {
    pub(super) fn new(world: &World) -> Self {
        let address = ClientAddress::new([192, 0, 2, 1].into());
        Self { core: Arc::clone(&world.core), jar: BTreeMap::new(), address }
    }

    pub(super) async fn get(&mut self, url: &str) -> Page {
        self.send(Method::GET, url, &[], String::new()).await
    }

    pub(super) async fn post(&mut self, url: &str, fields: &[(&str, &str)]) -> Page {
        let origin = self.core.issuer.clone();
        self.post_from(url, &[("origin", &origin), ("sec-fetch-site", "same-origin")], fields).await
    }

    pub(super) async fn post_from(&mut self, url: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let form = ("content-type", "application/x-www-form-urlencoded");
        self.send(Method::POST, url, &[headers, &[form]].concat(), body).await
    }

    pub(super) async fn send(&mut self, method: Method, url: &str, headers: &[(&str, &str)], body: String) -> Page {
        let path = url.strip_prefix(&self.core.issuer).expect("an address of ours");
        let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:8000");
        let cookies = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        request = request.header(header::COOKIE, cookies);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let name = parts.uri.path().to_owned();
        let peer = Peer::Tcp(([127, 0, 0, 1], 40_000).into());
        let visit = Visit { parts, body: Body::from(body), address: self.address, peer, is_forwarded: false };
        let core = Arc::clone(&self.core);
        let response = match &*name {
            "/authorize" => authorize::handle(core, visit).await,
            "/login" => login::handle(core, visit).await,
            "/consent" => consent::handle(core, visit).await,
            "/logout" => logout::handle(core, visit).await,
            other => panic!("nothing at {other}"),
        };
        let (parts, body) = response.into_parts();
        let html = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
        let page = Page { status: parts.status, headers: parts.headers, html };
        page.assert_guarded();
        self.keep_cookies(&page);
        page
    }

    fn keep_cookies(&mut self, page: &Page) {
        for line in page.set_cookies() {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// From the client's link to the page with the question, or beyond.
    pub(super) async fn log_in(&mut self, url: &str, name: &str) -> Page {
        let page = self.get(url).await;
        let login = self.get(page.location()).await;
        let entered = self.enter(&login, name, PASSWORD).await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}", entered.html);
        self.get(entered.location()).await
    }

    pub(super) async fn enter(&mut self, login: &Page, name: &str, password: &str) -> Page {
        let (action, token) = login.form("/login");
        self.post(&action, &[("token", &token), ("username", name), ("password", password)]).await
    }

    pub(super) async fn decide(&mut self, page: &Page, decision: &str, scopes: &[&str]) -> Page {
        let (action, token) = page.form("/consent");
        let names: Vec<String> = scopes.iter().map(|scope| format!("scope:{scope}")).collect();
        let mut fields = vec![("token", &*token), ("decision", decision)];
        fields.extend(names.iter().map(|name| (&**name, "on")));
        self.post(&action, &fields).await
    }
}

impl Page {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn location(&self) -> &str {
        self.header("location")
    }

    pub(super) fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all(header::SET_COOKIE).iter().map(|line| line.to_str().unwrap()).collect()
    }

    /// What the client would be told, if anything.
    pub(super) fn told(&self) -> BTreeMap<String, String> {
        let query = self.location().split_once('?').map_or("", |(_, query)| query);
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    /// Where the form that leads to this path goes, and its token.
    pub(super) fn form(&self, path: &str) -> (String, String) {
        let start = self.html.find(&format!("{path}?")).unwrap_or_else(|| panic!("no form to {path}: {}", self.html));
        let begin = self.html[..start].rfind('"').unwrap() + 1;
        let action = self.html[begin..].split('"').next().unwrap().replace("&amp;", "&");
        let token = self.html[start..].split_once("name=\"token\" value=\"").unwrap().1.split('"').next().unwrap();
        (action, token.to_owned())
    }

    /// Every answer is kept by nobody and framed by nobody; every page brings nothing from elsewhere.
    fn assert_guarded(&self) {
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
        ] {
            assert_eq!(self.header(name), value, "{name}: {self:?}");
        }
        assert_eq!(self.header("access-control-allow-origin"), "");
        if self.html.is_empty() {
            return;
        }
        let policy = self.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("form-action"), "{policy}");
        assert!(!self.html.contains("<script") && !self.html.contains(" style="), "{}", self.html);
    }
}

/// A client's request: the usual one, with these parameters in the place of its own; empty ones are left out.
pub(super) fn url(changes: &[(&str, &str)]) -> String {
    url_at(ISSUER, changes)
}

pub(super) fn url_at(issuer: &str, changes: &[(&str, &str)]) -> String {
    let mut fields: Vec<(&str, &str)> = vec![
        ("response_type", "code"),
        ("client_id", "web"),
        ("redirect_uri", "https://app.example/cb"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "xyz"),
        ("scope", "read write"),
    ];
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        fields.push((name, value));
    }
    fields.retain(|(_, value)| !value.is_empty());
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    format!("{issuer}/authorize?{query}")
}
