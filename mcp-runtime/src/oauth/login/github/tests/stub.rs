//! A stub of GitHub: its token endpoint and the few pages of its API that are asked for.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    response::Response,
};
use http::{HeaderMap, Request};
use serde_json::{Value, json};

use super::{ID, TOKEN};

pub(crate) const TOKENS: &str = "POST /login/oauth/access_token";
pub(crate) const USER: &str = "GET /api/v3/user";
pub(crate) const EMAILS: &str = "GET /api/v3/user/emails?per_page=100";
pub(crate) const ACME: &str = "GET /api/v3/user/memberships/orgs/acme";
pub(crate) const OPS: &str = "GET /api/v3/orgs/acme/teams/ops/memberships/octocat";

/// What it was asked.
#[derive(Clone)]
pub(crate) struct Asked {
    /// Method, path and query.
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) form: String,
}

#[derive(Default)]
struct Page {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

#[derive(Default)]
struct Pages {
    /// One page is shown until there is another; several in their order.
    of: HashMap<String, Vec<Page>>,
    asked: Vec<Asked>,
}

#[derive(Clone)]
pub(crate) struct Stub {
    pub(crate) url: String,
    pages: Arc<Mutex<Pages>>,
}

impl Stub {
    /// With somebody who has a verified address, and is in no organisation.
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stub = Self { url, pages: Arc::default() };
        let pages = Router::new().fallback(answer).with_state(stub.clone());
        tokio::spawn(async move { axum::serve(listener, pages).await });
        stub.says(TOKENS, &json!({ "access_token": TOKEN, "scope": "read:user,user:email", "token_type": "bearer" }));
        stub.says(USER, &json!({ "id": ID, "login": "octocat", "name": "The Octocat", "type": "User", "email": null }));
        stub.says(EMAILS, &json!([address("other@example.org", false, true), address("Octo@example.com", true, true)]));
        stub
    }

    /// Whose token may see organisations.
    pub(crate) async fn with_organizations() -> Self {
        let stub = Self::start().await;
        stub.grants("read:org,read:user,user:email");
        stub
    }

    pub(crate) fn grants(&self, scopes: &str) {
        self.says(TOKENS, &json!({ "access_token": TOKEN, "scope": scopes, "token_type": "bearer" }));
    }

    pub(crate) fn says(&self, line: &str, body: &Value) {
        self.answers(line, 200, &[], body.to_string());
    }

    pub(crate) fn answers(&self, line: &str, status: u16, headers: &[(&'static str, &str)], body: impl Into<String>) {
        self.pages.lock().unwrap().of.insert(line.to_owned(), vec![page(status, headers, body.into())]);
    }

    /// After what it says there already, this.
    pub(crate) fn then_says(&self, line: &str, body: &Value) {
        let page = page(200, &[], body.to_string());
        self.pages.lock().unwrap().of.entry(line.to_owned()).or_default().push(page);
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.pages.lock().unwrap().asked.clone()
    }

    /// The lines of what it was asked.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }
}

fn page(status: u16, headers: &[(&'static str, &str)], body: String) -> Page {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Page { status, headers, body }
}

async fn answer(State(stub): State<Stub>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let line = format!("{} {}", parts.method, parts.uri);
    let form = String::from_utf8(to_bytes(body, 64 * 1024).await.unwrap().to_vec()).unwrap();
    let mut pages = stub.pages.lock().unwrap();
    pages.asked.push(Asked { line: line.clone(), headers: parts.headers, form });
    let page = match pages.of.get_mut(&line) {
        Some(several) if several.len() > 1 => several.remove(0),
        Some(one) => Page { status: one[0].status, headers: one[0].headers.clone(), body: one[0].body.clone() },
        None => page(404, &[], json!({ "message": "Not Found" }).to_string()),
    };
    let mut response = Response::builder().status(page.status).header("content-type", "application/json");
    for (name, value) in page.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(page.body)).unwrap()
}

pub(crate) fn address(email: &str, primary: bool, verified: bool) -> Value {
    json!({ "email": email, "primary": primary, "verified": verified, "visibility": null })
}

pub(crate) fn member(organization: &str, state: &str) -> Value {
    json!({ "state": state, "role": "member", "organization": { "login": organization }, "user": { "id": ID } })
}
