//! Browsers, in memory, against the endpoints that people meet.

#[cfg(feature = "dev-login")]
mod auto_approve;
mod connect;
mod federated;
mod forgery;
#[cfg(feature = "github")]
mod github;
mod journey;
mod links;
mod logins;
mod rechecks;
mod refusals;
mod stub;

use std::{collections::BTreeMap, sync::Arc};

use axum::body::{Body, to_bytes};
use http::{HeaderMap, Method, Request, StatusCode, header};

use serde_json::{Value, json};

use crate::{
    auth::{ClientAddress, PublicUrl},
    clock::{Clock, ManualClock},
    guard::Catalogue,
    http::Peer,
    oauth::{
        AuthorizationServer, Core, Endpoint, LocalUsers, LoginProvider, RegisteredClient, StoreKey, Surroundings,
        Visit, answer,
        clients::{Authentication, Client, GrantType, Origin},
    },
    store::{Commit, Entry, Key, Kind, MemoryStore, Step, Store},
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

pub(super) const DOCUMENT: &str = "https://doc.example/client.json";
pub(super) const DYNAMIC: &str = "dcr_dynamic";
/// May not ask people.
pub(super) const MACHINE: &str = "dcr_machine";
const DESCRIPTIONS: [(&str, &str); 3] =
    [("read", "Read notes"), ("write", "Write notes"), ("admin", "Manage everything")];

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
        let core = core(issuer, Arc::clone(&store), clock.clone().into(), before, &users, ("The web", false)).unwrap();
        let world = Self { core, users, clock, store };
        let hostile = client(DYNAMIC, Origin::Dynamic, "<script>alert(1)</script>\"'><b>", "https://dyn.example/cb");
        let machine = client(MACHINE, Origin::Dynamic, "A machine", "https://app.example/machine");
        let machine = Client { grant_types: vec![GrantType::RefreshToken], ..machine };
        for client in [hostile, machine] {
            let now = world.clock.millis() / 1000;
            let record = json!({"client": client, "registered_at": now, "kept_at": null, "ends_at": now + 3_600_000});
            world.put("dynamic-client", &client.id, &record).await;
        }
        world
    }

    /// The same with all limits of its routes.
    pub(super) fn limited(mut self) -> Self {
        let (store, clock) = (Arc::clone(&self.store), self.clock.clone().into());
        self.core = core(&self.core.issuer, store, clock, Vec::new(), &self.users, ("The web", true)).unwrap();
        self
    }

    /// As if the document of the client had been fetched.
    pub(super) async fn publish(&self) {
        let client = client(DOCUMENT, Origin::Document, "The document", "https://doc.example/cb");
        let now = self.clock.millis() / 1000;
        let record = json!({"client": client, "fetched_at": now, "fresh_until": now + 3_600, "kept": false});
        self.put("client-document", DOCUMENT, &record).await;
    }

    async fn put(&self, kind: &'static str, name: &str, record: &Value) {
        let step = Step::insert(Key::new(Kind::new(kind), name), record.to_string().into_bytes(), None);
        assert_eq!(self.store.commit(&[step], self.clock.millis() / 1000).await.unwrap(), Commit::Done);
    }

    /// Another process on the same store, to which the client `web` has another name; and the same browser there.
    pub(super) fn elsewhere(&self, browser: &Browser) -> Browser {
        let (store, clock) = (Arc::clone(&self.store), self.clock.clone().into());
        let core = core(&self.core.issuer, store, clock, Vec::new(), &self.users, ("Another", false)).unwrap();
        Browser { core, ..browser.clone() }
    }

    pub(super) async fn entries(&self, kind: &'static str) -> Vec<(String, Entry)> {
        self.store.list(Kind::new(kind), "", None, 10_000).await.unwrap()
    }

    /// What came out of it all.
    pub(super) async fn codes(&self) -> Vec<Value> {
        let entries = self.entries("code").await;
        let code = |entry: &Entry| serde_json::from_slice::<Value>(&entry.value).unwrap()["granted"].take();
        entries.iter().map(|(_, entry)| code(entry)).collect()
    }
}

fn client(id: &str, origin: Origin, name: &str, redirect_uri: &str) -> Client {
    Client {
        id: id.to_owned(),
        origin,
        name: name.to_owned(),
        redirect_uris: vec![redirect_uri.to_owned()],
        authentication: Authentication::None,
        grant_types: vec![GrantType::AuthorizationCode],
        scopes: None,
        may_introspect: false,
        metadata_hash: format!("hash of {id}"),
    }
}

pub(super) fn core(
    issuer: &str,
    store: impl Store,
    clock: Clock,
    before: Vec<Box<dyn LoginProvider>>,
    users: &LocalUsers,
    (web, limited): (&str, bool),
) -> Result<Arc<Core>, Vec<String>> {
    let key = StoreKey::from_base64(CHALLENGE).unwrap();
    let mut catalogue = Catalogue::default();
    DESCRIPTIONS.iter().for_each(|(scope, description)| catalogue.declare(*scope, *description));
    catalogue.imply("admin", ["write"]);
    let public = RegisteredClient::public;
    let mut builder = AuthorizationServer::builder(store, key)
        .default_scopes(["read"])
        .redirect_scheme("com.example.app")
        .document_hosts(["doc.example"])
        .client(public("web").name(web).redirect_uri("https://app.example/cb"))
        .client(public("query").redirect_uri("https://app.example/cb?tenant=1"))
        .client(public("desktop").redirect_uri("http://127.0.0.1:9000/cb"))
        .client(public("port").redirect_uri("https://app.example:8443/cb"))
        .client(public("editor").redirect_uri("com.example.app://evil.ext/cb"))
        .client(public("native").redirect_uri("com.example.app:/cb"))
        .client(public("small").redirect_uri("https://app.example/small").scopes(["read"]));
    builder.logins.extend(before);
    let used = builder.logins.iter().map(|login| login.name().to_owned()).filter(|name| name != "unused");
    builder.used_by_tools = used.collect();
    let url = PublicUrl::parse(&format!("{issuer}/mcp")).unwrap();
    let around = Surroundings { name: "Notes & Co", public_url: Some(&url), catalogue: &catalogue, clock: &clock };
    builder.limits_off = !limited;
    Ok(builder.login(users.clone()).build(&around)?.0)
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
        let endpoint = match &*name {
            "/authorize" => Endpoint::Authorize,
            "/login" => Endpoint::Login,
            "/consent" => Endpoint::Consent,
            "/logout" => Endpoint::Logout,
            "/connect" => Endpoint::Connect,
            other if other.starts_with("/callback/") => Endpoint::Callback,
            other => panic!("nothing at {other}"),
        };
        let response = answer(core, endpoint, visit).await;
        let (parts, body) = response.into_parts();
        let html = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
        let page = Page { status: parts.status, headers: parts.headers, html };
        if page.status != StatusCode::METHOD_NOT_ALLOWED {
            page.assert_guarded();
        }
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
