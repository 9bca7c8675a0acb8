//! One call, four ways to deliver it, and what came of it in words that are the same for all four.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_runtime::{
    async_trait,
    auth::{AuthError, Authenticator, BearerToken, Identity, Scopes, Verify},
    testing::{Called, TestClient},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    client::{Answer, Call},
    world::{METADATA, World},
};

/// How a call gets to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// 2026-07-28: the headers name the tool.
    Headers,
    /// 2025-11-25: only the body does.
    Body,
    /// One message of a 2025-03-26 batch, behind another.
    Batch,
    /// No transport at all: the in-memory client of users' tests.
    Memory,
}

pub(crate) const DELIVERIES: [Delivery; 4] = [Delivery::Headers, Delivery::Body, Delivery::Batch, Delivery::Memory];

/// Where callers come from who do not say.
const HERE: &str = "203.0.113.9";

/// Who calls, through what, from where.
#[derive(Clone)]
pub(crate) struct Who {
    badge: Option<Badge>,
    address: &'static str,
}

/// What a token of [`Badges`] says.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Badge {
    issuer: String,
    subject: String,
    client: Option<String>,
    registered: bool,
    scopes: String,
}

/// Somebody of whom nothing is known.
pub(crate) fn anonymous() -> Who {
    Who { badge: None, address: HERE }
}

/// Somebody with these scopes.
pub(crate) fn user(subject: &str, scopes: &str) -> Who {
    let issuer = "https://badges.example".to_owned();
    let badge = Badge { issuer, subject: subject.into(), client: None, registered: false, scopes: scopes.into() };
    Who { badge: Some(badge), address: HERE }
}

impl std::fmt::Debug for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.badge.as_ref().map_or("anonymous", |badge| &badge.subject))
    }
}

impl Who {
    pub(crate) fn at(mut self, address: &'static str) -> Self {
        self.address = address;
        self
    }

    /// Through a client that anybody could have registered.
    pub(crate) fn through(self, client: &str) -> Self {
        self.client(client, false)
    }

    /// Through a client that the operator registered.
    pub(crate) fn through_registered(self, client: &str) -> Self {
        self.client(client, true)
    }

    fn client(mut self, client: &str, registered: bool) -> Self {
        let badge = self.badge.as_mut().unwrap();
        (badge.client, badge.registered) = (Some(client.into()), registered);
        self
    }

    /// Of another issuer.
    pub(crate) fn of(mut self, issuer: &str) -> Self {
        self.badge.as_mut().unwrap().issuer = issuer.into();
        self
    }

    /// The bearer token, if there is one.
    pub(crate) fn token(&self) -> Option<String> {
        let badge = self.badge.as_ref()?;
        Some(format!("badge-{}", URL_SAFE_NO_PAD.encode(serde_json::to_vec(badge).unwrap())))
    }
}

impl Badge {
    fn identity(&self) -> Identity {
        let identity = Identity::new(&*self.issuer, &*self.subject).scopes(Scopes::parse(&self.scopes));
        match &self.client {
            Some(client) if self.registered => identity.registered_client(&**client),
            Some(client) => identity.client(&**client),
            None => identity,
        }
        .build()
    }
}

/// Takes tokens at their word. Only tests may.
#[derive(Debug)]
pub(crate) struct Badges;

#[async_trait]
impl Authenticator for Badges {
    fn claims(&self, token: &BearerToken<'_>) -> bool {
        token.expose().starts_with("badge-")
    }

    async fn authenticate(&self, token: &BearerToken<'_>, _: &Verify<'_>) -> Result<Identity, AuthError> {
        let json = token.expose().strip_prefix("badge-").and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let badge: Option<Badge> = json.and_then(|json| serde_json::from_slice(&json).ok());
        badge.map(|badge| badge.identity()).ok_or(AuthError::invalid("no badge"))
    }
}

impl Delivery {
    /// Calls a tool this way. The id is 1.
    pub(crate) async fn call(self, world: &World, who: &Who, tool: &str, arguments: Value) -> Told {
        let call = match self {
            Self::Headers => Call::tool(tool, arguments),
            Self::Body => Call::legacy_tool(tool, arguments),
            Self::Batch => {
                let one = Call::legacy_tool(tool, arguments).body;
                let ping = r#"{"jsonrpc":"2.0","id":"before","method":"ping"}"#;
                Call::legacy(None, format!("[{ping},{}]", String::from_utf8(one).unwrap()))
            }
            Self::Memory => return Told::Called(self.client(world, who).call(tool, arguments).await),
        };
        Told::read(self, Self::send(call, world, who).await)
    }

    /// Lists the tools this caller is shown, all pages.
    pub(crate) async fn list(self, world: &World, who: &Who) -> Vec<String> {
        if self == Self::Memory {
            return self.client(world, who).tools().await;
        }
        let (mut names, mut params) = (Vec::new(), json!({}));
        loop {
            let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params}).to_string();
            let call = match self {
                Self::Headers => Call::modern("tools/list", params.clone()),
                Self::Body => Call::legacy(Some("2025-11-25"), message),
                _ => Call::legacy(None, format!("[{message}]")),
            };
            let page = Self::send(call, world, who).await.json();
            let result = if self == Self::Batch { page[0]["result"].clone() } else { page["result"].clone() };
            let tools = result["tools"].as_array().unwrap_or_else(|| panic!("no list: {page}"));
            names.extend(tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()));
            match result.get("nextCursor") {
                Some(cursor) => params["cursor"] = cursor.clone(),
                None => return names,
            }
        }
    }

    fn client(self, world: &World, who: &Who) -> TestClient {
        let client = TestClient::new(&world.server).from_address(who.address.parse().unwrap());
        match &who.badge {
            Some(badge) => client.as_identity(badge.identity()),
            None => client,
        }
    }

    async fn send(call: Call, world: &World, who: &Who) -> Answer {
        let call = call.from(who.address);
        match who.token() {
            Some(token) => call.token(&token).send(world).await,
            None => call.send(world).await,
        }
    }
}

/// What came of one call.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    /// An HTTP answer for this call alone.
    Alone(Answer),
    /// The answer to the call's message among others.
    Among(Value),
    Called(Called),
}

/// What may come of a call; texts say how they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The body ran and succeeded.
    Runs,
    /// 401 with a challenge that asks for these scopes.
    Login(&'static str),
    /// 403 with a challenge that asks for these scopes.
    Needs(&'static str),
    /// 403 without a challenge: the author's rule said no.
    Refused(&'static str),
    /// 503.
    Undecided,
    /// 429 of a limit, told with its name.
    Spent(&'static str),
    /// 429 of `concurrency`.
    Full,
    /// A failed result that tells the model what is wrong with its arguments.
    Wrong(&'static str),
    /// -32602, "unknown tool".
    Unknown,
}

use Outcome::{Full, Login, Needs, Refused, Runs, Spent, Undecided, Unknown, Wrong};

impl Told {
    fn read(delivery: Delivery, answer: Answer) -> Self {
        if delivery != Delivery::Batch || answer.status != 200 {
            return Self::Alone(answer);
        }
        let parts = answer.json();
        let mut parts = parts.as_array().unwrap().iter();
        let part = parts.find(|part| part["id"] == 1).unwrap_or_else(|| panic!("no answer: {answer:?}"));
        Self::Among(part.clone())
    }

    /// Asserts that this came of it, with everything that belongs to it, and that nothing else is said.
    #[track_caller]
    pub(crate) fn is(&self, outcome: Outcome) {
        match self {
            Self::Alone(answer) => {
                same_message(&answer.json(), outcome);
                same_head(answer, outcome);
            }
            Self::Among(message) => {
                assert!(!matches!(outcome, Login(_)), "a batch without a login is refused whole: {message}");
                same_message(message, outcome);
            }
            Self::Called(called) => same_called(called, outcome),
        }
    }

    /// All of it, as text: to compare, and to search.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Alone(answer) => format!("{} {:?} {}", answer.status, answer.headers, answer.text()),
            Self::Among(message) => message.to_string(),
            Self::Called(called) => format!("{called:?}"),
        }
    }

    pub(crate) fn ran(&self) -> bool {
        match self {
            Self::Alone(answer) => succeeded(&answer.json()),
            Self::Among(message) => succeeded(message),
            Self::Called(called) => called.is_ok(),
        }
    }

    /// The result, if there is one.
    #[track_caller]
    pub(crate) fn result(&self) -> Value {
        match self {
            Self::Alone(answer) => answer.result(),
            Self::Among(message) => message["result"].clone(),
            Self::Called(called) => called.result().clone(),
        }
    }
}

fn succeeded(message: &Value) -> bool {
    message["result"].is_object() && message["result"]["isError"] != true
}

/// The outcome as a JSON-RPC message.
#[track_caller]
fn same_message(message: &Value, outcome: Outcome) {
    let (error, data) = (&message["error"], &message["error"]["data"]);
    let (code, reason) = match outcome {
        Runs => return assert!(succeeded(message), "expected {outcome:?}: {message}"),
        Wrong(text) => {
            assert_eq!(message["result"]["isError"], true, "expected {outcome:?}: {message}");
            let told = message["result"]["content"][0]["text"].as_str().unwrap();
            return assert!(told.starts_with(text), "expected {text:?}: {told}");
        }
        Unknown => (-32602, None),
        Login(_) => (401, Some("unauthenticated")),
        Needs(_) => (403, Some("insufficient_scope")),
        Refused(_) => (403, Some("refused")),
        Spent(_) | Full => (429, Some("rate_limited")),
        Undecided => (503, Some("unavailable")),
    };
    assert_eq!(error["code"], code, "expected {outcome:?}: {message}");
    assert_eq!(data["reason"].as_str(), reason, "expected {outcome:?}: {message}");
    assert!(message.get("result").is_none(), "{message}");
    match outcome {
        Login("") => assert_eq!(data.get("required"), None, "{message}"),
        Login(scopes) | Needs(scopes) => {
            assert_eq!(data["required"], json!(scopes.split(' ').collect::<Vec<_>>()), "{message}");
        }
        Refused(text) => assert_eq!(error["message"], text, "{message}"),
        Unknown => assert_eq!(error["message"], "unknown tool", "{message}"),
        Spent(limit) => assert_eq!(data["limit"], limit, "{message}"),
        _ => {}
    }
    if matches!(outcome, Spent(_) | Full) {
        assert!(data["retryAfterMs"].as_u64().is_some_and(|wait| wait > 0), "{message}");
    }
}

/// The outcome as HTTP has it.
#[track_caller]
fn same_head(answer: &Answer, outcome: Outcome) {
    let status = match outcome {
        Runs | Wrong(_) | Unknown => 200,
        Login(_) => 401,
        Needs(_) | Refused(_) => 403,
        Spent(_) | Full => 429,
        Undecided => 503,
    };
    assert_eq!(answer.status, status, "expected {outcome:?}: {answer:?}");
    match challenge(outcome) {
        Some(challenge) => {
            assert_eq!(answer.header("www-authenticate"), challenge);
            assert_eq!(answer.headers.get_all("www-authenticate").iter().count(), 1);
        }
        None => answer.has_no("www-authenticate"),
    }
    match outcome {
        Spent(_) | Full | Undecided => assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0),
        _ => answer.has_no("retry-after"),
    }
    match outcome {
        Spent(limit) => assert!(answer.header("ratelimit").starts_with(&format!("\"{limit}\";r=0;t="))),
        Runs => {}
        _ => answer.has_no("ratelimit"),
    }
}

/// What `WWW-Authenticate` says (RFC 6750 §3).
pub(crate) fn challenge(outcome: Outcome) -> Option<String> {
    let (error, scopes) = match outcome {
        Login(scopes) => ("", scopes),
        Needs(scopes) => ("error=\"insufficient_scope\", ", scopes),
        _ => return None,
    };
    let scope = if scopes.is_empty() { String::new() } else { format!("scope=\"{scopes}\", ") };
    Some(format!("Bearer {error}{scope}resource_metadata=\"{METADATA}\""))
}

/// The outcome as users' own tests see it.
#[track_caller]
fn same_called(called: &Called, outcome: Outcome) {
    match outcome {
        Runs => assert!(called.is_ok(), "expected {outcome:?}: {called:?}"),
        Wrong(text) => assert!(called.error_text().starts_with(text), "expected {text:?}: {called:?}"),
        Unknown => assert_eq!(called.protocol_error(), (-32602, "unknown tool")),
        Login(_) => called.assert_unauthenticated(),
        Needs(scopes) => {
            let denial = format!("{:?}", called.denial());
            let required = format!("required: {:?}", scopes.split(' ').collect::<Vec<_>>());
            assert!(denial.contains("MissingScopes") && denial.contains(&required), "expected {outcome:?}: {called:?}");
        }
        Refused(text) => called.assert_refused(text),
        Spent(_) | Full => {
            assert!(called.assert_rate_limited() > std::time::Duration::ZERO);
            let word = if outcome == Full { "Busy" } else { "RateLimited" };
            assert!(format!("{:?}", called.denial()).contains(word), "expected {outcome:?}: {called:?}");
        }
        Undecided => assert_eq!(called.denial().map(|denial| denial.reason()), Some("unavailable"), "{called:?}"),
    }
}
