//! Requests, well formed until a test spoils them.

use std::net::SocketAddr;

use axum::{body::Body, extract::ConnectInfo};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::world::World;

pub(crate) const MODERN: &str = "2026-07-28";

/// One HTTP request to be. Header names keep their case on a socket; their order is kept everywhere.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    peer: Option<SocketAddr>,
    version: http::Version,
}

/// `_meta` of a stateless request.
pub(crate) fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// The parameters with their `_meta`.
pub(crate) fn with_meta(mut params: Value) -> Value {
    params["_meta"] = meta();
    params
}

impl Call {
    /// A POST with nothing but what JSON needs.
    pub(crate) fn bare(body: impl Into<Vec<u8>>) -> Self {
        let headers = [("Host", "127.0.0.1:8000"), ("Content-Type", "application/json")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).into();
        Self {
            method: "POST",
            target: "/mcp".to_owned(),
            headers,
            body: body.into(),
            peer: None,
            version: http::Version::HTTP_11,
        }
    }

    /// A request of 2026-07-28.
    pub(crate) fn modern(method: &str, params: Value) -> Self {
        let name = params.get("name").and_then(Value::as_str).map(str::to_owned);
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": with_meta(params)}).to_string();
        let call = Self::bare(body).header("MCP-Protocol-Version", MODERN).header("Mcp-Method", method);
        match name {
            Some(name) => call.header("Mcp-Name", name),
            None => call,
        }
    }

    /// A tool call of 2026-07-28.
    pub(crate) fn tool(name: &str, arguments: Value) -> Self {
        Self::modern("tools/call", json!({"name": name, "arguments": arguments}))
    }

    /// The headers of a tool call of 2026-07-28 around any body.
    pub(crate) fn around(name: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::tool(name, json!({})).with_body(body)
    }

    /// A request of an older revision; without a revision there is no header.
    pub(crate) fn legacy(revision: Option<&str>, body: impl Into<Vec<u8>>) -> Self {
        let call = Self::bare(body);
        match revision {
            Some(revision) => call.header("MCP-Protocol-Version", revision),
            None => call,
        }
    }

    /// A tool call of 2025-11-25.
    pub(crate) fn legacy_tool(name: &str, arguments: Value) -> Self {
        let params = json!({"name": name, "arguments": arguments});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        Self::legacy(Some("2025-11-25"), body.to_string())
    }

    pub(crate) fn with_method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    pub(crate) fn target(mut self, target: &str) -> Self {
        target.clone_into(&mut self.target);
        self
    }

    pub(crate) fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Adds a header line, beside any of the same name.
    pub(crate) fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Removes all header lines of this name.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    /// Replaces a header.
    pub(crate) fn set(self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.without(name).header(name, value)
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    /// Comes from this address.
    pub(crate) fn from(mut self, address: &str) -> Self {
        self.peer = Some(SocketAddr::new(address.parse().unwrap(), 40_000));
        self
    }

    /// In this version of HTTP, when it is sent in memory.
    pub(crate) fn version(mut self, version: http::Version) -> Self {
        self.version = version;
        self
    }

    /// As bytes for a socket.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head(self.body.len());
        bytes.extend(&self.body);
        bytes
    }

    /// Only the head, which promises a body of this length.
    pub(crate) fn head(&self, length: usize) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        bytes.extend(format!("Content-Length: {length}\r\n\r\n").as_bytes());
        bytes
    }

    fn request(self) -> Request<Body> {
        let length = self.body.len();
        let mut request = Request::new(Body::from(self.body));
        *request.version_mut() = self.version;
        *request.method_mut() = self.method.parse().unwrap();
        *request.uri_mut() = self.target.parse().unwrap();
        for (name, value) in &self.headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, HeaderValue::from_bytes(value).unwrap());
        }
        request.headers_mut().insert("content-length", length.into());
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        request
    }

    /// Sends it through the router, in memory.
    pub(crate) async fn send(self, world: &World) -> Answer {
        self.send_to(&world.router).await
    }

    pub(crate) async fn send_to(self, router: &axum::Router) -> Answer {
        let (parts, body) = self.open(router).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Sends it, and leaves the answer's body to be read.
    pub(crate) async fn open(self, router: &axum::Router) -> http::Response<Body> {
        router.clone().oneshot(self.request()).await.unwrap()
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(json) => json,
            Err(error) => panic!("{error}: {self:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        match self.headers.get(name) {
            Some(value) => value.to_str().unwrap(),
            None => panic!("no {name}: {self:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn has_no(&self, name: &str) {
        assert!(!self.headers.contains_key(name), "{name} in {self:?}");
    }

    /// Asserts a JSON-RPC error with this HTTP status and code, and returns it.
    #[track_caller]
    pub(crate) fn error(&self, status: u16, code: i64) -> Value {
        let json = self.json();
        assert_eq!((self.status, json["error"]["code"].as_i64()), (status, Some(code)), "{}", self.text());
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(json["jsonrpc"], "2.0");
        assert!(json.get("result").is_none());
        json
    }

    /// Asserts a JSON-RPC result, and returns it.
    #[track_caller]
    pub(crate) fn result(&self) -> Value {
        let json = self.json();
        assert_eq!(self.status, 200, "{}", self.text());
        assert_eq!((&json["jsonrpc"], json.get("error")), (&json!("2.0"), None), "{json}");
        json["result"].clone()
    }

    /// Asserts a call that succeeded, and returns its text.
    #[track_caller]
    pub(crate) fn ok(&self) -> String {
        let result = self.result();
        assert_ne!(result["isError"], true, "{result}");
        result["content"][0]["text"].as_str().unwrap_or_default().to_owned()
    }

    /// Asserts a call that failed visibly, and returns its text.
    #[track_caller]
    pub(crate) fn failed(&self) -> String {
        let result = self.result();
        assert_eq!(result["isError"], true, "{result}");
        result["content"][0]["text"].as_str().unwrap().to_owned()
    }

    /// Asserts an accepted notification.
    #[track_caller]
    pub(crate) fn accepted(&self) {
        assert_eq!((self.status, self.text().as_str()), (202, ""));
    }

    /// Asserts 401 with a challenge, which says `invalid_token` if and only if something was sent.
    #[track_caller]
    pub(crate) fn unauthenticated(&self, token_sent: bool) {
        let json = self.error(401, 401);
        assert_eq!(json["error"]["data"]["reason"], "unauthenticated");
        let challenge = self.header("www-authenticate");
        assert!(challenge.starts_with("Bearer "), "{challenge}");
        assert!(challenge.contains(&format!("resource_metadata=\"{}\"", crate::world::METADATA)), "{challenge}");
        assert_eq!(challenge.contains("error=\"invalid_token\""), token_sent, "{challenge}");
    }
}
