//! An in-memory client: the same gate, no network.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    auth::{Caller, ClientAddress, Identity, Principal, Scopes},
    guard::Denial,
    protocol::Revision,
    server::{Announced, Arrival, Outcome, Server},
};

/// Calls a server's tools in memory, as whoever you say.
///
/// Everything but the transport and the token is real: scopes, quotas, arguments, timeouts, masking.
///
/// ```
/// use mcp_runtime::{Server, ToolError, testing::TestClient, tool, tools};
/// use serde_json::json;
///
/// /// Deletes a note.
/// #[tool(scopes = "notes:write", rate_limit = "1/h")]
/// async fn delete_note(id: u32) -> Result<String, ToolError> { Ok(format!("deleted {id}")) }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let server = Server::builder("notes", "1.0").tools(tools![delete_note]).auth(everyone()).build().unwrap();
/// let alice = TestClient::new(&server).as_user("alice").scopes(["notes:write"]);
///
/// assert_eq!(alice.call("delete_note", json!({"id": 1})).await.text(), "deleted 1");
/// alice.call("delete_note", json!({"id": 2})).await.assert_rate_limited();
/// TestClient::new(&server).as_user("bob").call("delete_note", json!({"id": 1})).await.assert_missing_scopes(["notes:write"]);
/// TestClient::new(&server).call("delete_note", json!({"id": 1})).await.assert_unauthenticated();
/// # }
/// # fn everyone() -> mcp_runtime::auth::StaticTokens {
/// #     mcp_runtime::auth::StaticTokens::new().token("wQ7hYp3mZ0tRk9cLxV5nBg", "alice", ["notes:write"])
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a client does nothing until it calls"]
pub struct TestClient {
    server: Server,
    who: Option<Who>,
    address: ClientAddress,
}

#[derive(Debug, Clone)]
enum Who {
    Made { subject: String, principal: Principal, client: Option<String>, scopes: Vec<String> },
    Given(Identity),
}

impl TestClient {
    /// A client without credentials.
    pub fn new(server: &Server) -> Self {
        Self { server: server.clone(), who: None, address: ClientAddress::LOCAL }
    }

    /// The same server, as this person, without scopes yet.
    pub fn as_user(&self, subject: impl Into<String>) -> Self {
        self.made(subject.into(), Principal::User, None)
    }

    /// The same server, as this program, acting for itself.
    pub fn as_service(&self, client: impl Into<String>) -> Self {
        let client = client.into();
        self.made(client.clone(), Principal::Service, Some(client))
    }

    /// The same server, as exactly this identity.
    pub fn as_identity(&self, identity: Identity) -> Self {
        Self { server: self.server.clone(), who: Some(Who::Given(identity)), address: self.address }
    }

    /// The same caller, from this network address.
    pub fn from_address(mut self, address: std::net::IpAddr) -> Self {
        self.address = ClientAddress::new(address);
        self
    }

    /// Grants these scopes as well.
    ///
    /// # Panics
    /// If there is nobody to grant them to: call [`as_user`](Self::as_user) first.
    #[track_caller]
    pub fn scopes<'s>(mut self, scopes: impl IntoIterator<Item = &'s str>) -> Self {
        match &mut self.who {
            Some(Who::Made { scopes: granted, .. }) => granted.extend(scopes.into_iter().map(str::to_owned)),
            _ => panic!("`.scopes(…)` follows `.as_user(…)` or `.as_service(…)`"),
        }
        self
    }

    /// Lets the person act through this OAuth client.
    ///
    /// # Panics
    /// If there is nobody: call [`as_user`](Self::as_user) first.
    #[track_caller]
    pub fn through(mut self, oauth_client: impl Into<String>) -> Self {
        match &mut self.who {
            Some(Who::Made { client, .. }) => *client = Some(oauth_client.into()),
            _ => panic!("`.through(…)` follows `.as_user(…)`"),
        }
        self
    }

    /// Calls a tool with an object of arguments.
    pub async fn call(&self, tool: &str, arguments: Value) -> Called {
        self.request("tools/call", Some(tool), json!({"name": tool, "arguments": arguments})).await
    }

    /// The names of the tools this caller is shown, all pages of them.
    ///
    /// # Panics
    /// If the caller may not list.
    pub async fn tools(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut params = json!({});
        loop {
            let page = self.request("tools/list", None, params.clone()).await;
            let result = page.result();
            let tools = result["tools"].as_array().into_iter().flatten();
            names.extend(tools.filter_map(|tool| tool["name"].as_str().map(str::to_owned)));
            match result.get("nextCursor") {
                Some(cursor) => params["cursor"] = cursor.clone(),
                None => return names,
            }
        }
    }

    async fn request(&self, method: &str, name: Option<&str>, mut params: Value) -> Called {
        let revision = Revision::V2026_07_28;
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": revision.as_str(),
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let announced = Announced { method, name: name.map(Into::into), params: None };
        let caller = self.caller();
        let arrival = Arrival {
            revision,
            caller: &caller,
            announced: Some(&announced),
            caller_asked: None,
            #[cfg(feature = "http")]
            http: None,
        };
        match self.server.core().answer(&body, arrival).await {
            Outcome::Denied(_, denial) => Called(Answer::Denied(denial)),
            Outcome::Reply(reply, _) => {
                let response: Value = serde_json::from_slice(&reply.into_bytes()).unwrap_or_default();
                Called(Answer::Result(response["result"].clone()))
            }
            Outcome::Error(_, error) => Called(Answer::Error(error.code as i32, error.message)),
            Outcome::Accepted | Outcome::Listen(_) => Called(Answer::Error(0, "no answer".to_owned())),
        }
    }

    fn caller(&self) -> Caller {
        match &self.who {
            None => Caller::Anonymous(self.address),
            Some(Who::Given(identity)) => Caller::Identified(identity.clone(), self.address),
            Some(Who::Made { subject, principal, client, scopes }) => {
                let scopes: Scopes = scopes.iter().map(String::as_str).collect();
                let identity = Identity::new("testing", subject.as_str()).principal(*principal).scopes(scopes);
                let identity = match client {
                    Some(client) => identity.client(client.as_str()),
                    None => identity,
                };
                Caller::Identified(identity.build(), self.address)
            }
        }
    }

    fn made(&self, subject: String, principal: Principal, client: Option<String>) -> Self {
        let who = Who::Made { subject, principal, client, scopes: Vec::new() };
        Self { server: self.server.clone(), who: Some(who), address: self.address }
    }
}

/// What came of a call. The readers panic with the whole answer if it is of another kind than they read.
#[derive(Debug, Clone)]
pub struct Called(Answer);

#[derive(Debug, Clone)]
enum Answer {
    Result(Value),
    Denied(Denial),
    Error(i32, String),
}

impl Called {
    /// Whether the body ran and succeeded.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        matches!(&self.0, Answer::Result(result) if result["isError"] != true)
    }

    /// Why the gate said no, if it did.
    #[must_use]
    pub fn denial(&self) -> Option<&Denial> {
        match &self.0 {
            Answer::Denied(denial) => Some(denial),
            _ => None,
        }
    }

    /// The JSON-RPC result, failed calls included.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    #[track_caller]
    pub fn result(&self) -> &Value {
        match &self.0 {
            Answer::Result(result) => result,
            other => panic!("expected a result, got {other:?}"),
        }
    }

    /// The text of a call that succeeded, its blocks joined by line breaks.
    ///
    /// # Panics
    /// If it did not succeed.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> String {
        assert!(self.is_ok(), "expected success, got {:?}", self.0);
        self.any_text()
    }

    /// The structured content of a call that succeeded.
    ///
    /// # Panics
    /// If it did not succeed, or has none of this type.
    #[must_use]
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        assert!(self.is_ok(), "expected success, got {:?}", self.0);
        match T::deserialize(&self.result()["structuredContent"]) {
            Ok(value) => value,
            Err(error) => panic!("the structured content is of another type: {error}; got {:?}", self.0),
        }
    }

    /// The text that a failed call shows to the model.
    ///
    /// # Panics
    /// If the call succeeded or never ran.
    #[must_use]
    #[track_caller]
    pub fn error_text(&self) -> String {
        assert_eq!(self.result()["isError"], true, "expected a failed call, got {:?}", self.0);
        self.any_text()
    }

    /// The code and message of a protocol error: an unknown tool, for one.
    ///
    /// # Panics
    /// If it is not one.
    #[must_use]
    #[track_caller]
    pub fn protocol_error(&self) -> (i32, &str) {
        match &self.0 {
            Answer::Error(code, message) => (*code, message),
            other => panic!("expected a protocol error, got {other:?}"),
        }
    }

    /// Asserts that a login is needed.
    #[track_caller]
    pub fn assert_unauthenticated(&self) {
        assert!(matches!(self.denial(), Some(Denial::Unauthenticated { .. })), "expected 401, got {:?}", self.0);
    }

    /// Asserts that the call was refused for lack of scopes, and needs exactly these.
    #[track_caller]
    pub fn assert_missing_scopes<const N: usize>(&self, needed: [&str; N]) {
        match self.denial() {
            Some(Denial::MissingScopes { required }) => assert_eq!(required, &needed, "other scopes are needed"),
            _ => panic!("expected 403 insufficient_scope, got {:?}", self.0),
        }
    }

    /// Asserts that the author's rule said no, in these words.
    #[track_caller]
    pub fn assert_refused(&self, message: &str) {
        match self.denial() {
            Some(Denial::Refused { message: said }) => assert_eq!(said, message, "the rule said something else"),
            _ => panic!("expected 403 refused, got {:?}", self.0),
        }
    }

    /// Asserts that the caller has spent its quota, or that the tool is full, and returns how long it has to wait.
    #[track_caller]
    pub fn assert_rate_limited(&self) -> Duration {
        match self.denial() {
            Some(Denial::RateLimited { limit }) => limit.wait(),
            Some(Denial::Busy { retry_after, .. }) => *retry_after,
            _ => panic!("expected 429, got {:?}", self.0),
        }
    }

    fn any_text(&self) -> String {
        let blocks = self.result()["content"].as_array().into_iter().flatten();
        blocks.filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
    }
}
