//! Answers messages. Knows no transport: HTTP, stdio and the in-memory client of tests all end here.

use std::{borrow::Cow, sync::Arc};

use serde::Deserialize;
use serde_json::{json, value::RawValue};

use super::{DenialStyle, Observer, Outcome, Registry, Results, Visibility};
use crate::{
    auth::{Caller, Verifier},
    guard::{CallerAsked, Denial, Gate, is_scope_value},
    protocol::{
        CallParams, ErrorCode, Id, InitializeParams, ListParams, ListenParams, Message, Meta, PlainParams, Revision,
        RpcError, SubscriptionFilter, brief,
    },
    tool::{CallSite, Head, Mirrored, Registered, is_canonical},
};

/// Everything that is fixed once a server is built.
pub(crate) struct Core {
    pub(crate) gate: Arc<Gate>,
    pub(crate) registry: Registry,
    pub(crate) results: Results,
    pub(crate) verifier: Verifier,
    pub(crate) visibility: Visibility,
    pub(crate) denial_style: DenialStyle,
    pub(crate) observer: Observer,
    /// Where clients find out who hands out tokens (RFC 9728), for challenges.
    pub(crate) metadata_url: Option<String>,
    /// Whether callers without credentials may see lists: some tool is for them.
    pub(crate) open_to_anonymous: bool,
}

/// How a message arrived.
#[derive(Clone, Copy)]
pub(crate) struct Arrival<'a> {
    pub(crate) revision: Revision,
    pub(crate) caller: &'a Caller,
    /// What was said of the message ahead of it.
    pub(crate) announced: Option<&'a Announced<'a>>,
    /// That the author's rule about the caller has let the announced call through.
    pub(crate) caller_asked: Option<&'a CallerAsked>,
    #[cfg(feature = "http")]
    pub(crate) http: Option<&'a http::request::Parts>,
}

/// Method and name as HTTP headers gave them (MCP 2026-07-28, "Standard request headers").
pub(crate) struct Announced<'a> {
    pub(crate) method: &'a str,
    pub(crate) name: Option<Cow<'a, str>>,
    /// What the headers say of arguments; `None` where nothing could.
    pub(crate) params: Option<&'a dyn ParamHeaders>,
}

/// The `Mcp-Param-…` headers of a request (MCP 2026-07-28, "Custom headers from tool parameters").
pub(crate) trait ParamHeaders: Sync {
    /// The decoded value of one, by the part of its name behind `Mcp-Param-`.
    ///
    /// # Errors
    /// If it was sent twice, or cannot be decoded.
    fn get(&self, name: &str) -> Result<Option<Cow<'_, str>>, RpcError>;
}

impl std::fmt::Debug for Announced<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Announced").field("method", &self.method).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Announced<'_> {
    /// The name of the tool, if a call was announced.
    fn called(&self) -> Option<&str> {
        self.name.as_deref().filter(|_| self.method == "tools/call")
    }
}

/// What headers say of arguments that may stand in scopes, as far as it can be said before the arguments are read.
fn early_value<'h>(tool: &dyn Registered, announced: &'h Announced<'_>, at: usize) -> Option<Cow<'h, str>> {
    let value = announced.params?.get(tool.header_of(at)?).ok()??;
    // A number may be written in several ways, and stands in a scope in one.
    (is_scope_value(&value) && is_canonical(&value)).then_some(value)
}

impl Core {
    /// Answers one message of JSON text.
    ///
    /// A call that was announced is read in one pass straight into the tool's arguments. Whatever does not fit is
    /// read again, piece by piece, to say precisely what is wrong with it.
    pub(crate) async fn answer<'b>(&self, body: &'b str, arrival: Arrival<'_>) -> Outcome<'b> {
        if let Some(tool) = self.announced_tool(arrival)
            && let Some(outcome) = self.call_announced(body, tool, arrival).await
        {
            return outcome;
        }
        match Message::parse(body) {
            // In a box, as only what is no call in order gets here.
            Ok(message) => Box::pin(self.answer_parsed(message, arrival)).await,
            Err(error) => self.refuse(None, unreadable(&error), arrival),
        }
    }

    /// Refuses a message that is not in order. It costs its sender something: reading it cost us something.
    pub(crate) fn refuse<'b>(&self, id: Option<Id<'b>>, error: RpcError, arrival: Arrival<'_>) -> Outcome<'b> {
        match self.gate.charge_other(arrival.caller) {
            Ok(()) => Outcome::Error(id, error),
            Err(denial) => {
                self.observer.denied(None, arrival.caller, &denial);
                Outcome::Denied(id, denial)
            }
        }
    }

    /// Answers one message whose envelope has been read.
    pub(crate) async fn answer_parsed<'b>(
        &self,
        message: Message<'b, &'b RawValue>,
        arrival: Arrival<'_>,
    ) -> Outcome<'b> {
        let (Some(method), false) = (message.method.as_deref(), message.is_response) else {
            return match (message.is_response, arrival.revision.is_stateless()) {
                // Nothing is ever asked of clients, so no answer of theirs means anything; the older revisions have
                // it accepted all the same.
                (true, false) => match self.gate.charge_other(arrival.caller) {
                    Ok(()) => Outcome::Accepted,
                    Err(denial) => Outcome::Denied(None, denial),
                },
                _ => {
                    let error = RpcError::new(ErrorCode::InvalidRequest, "this is not a request or a notification");
                    self.refuse(message.id, error, arrival)
                }
            };
        };
        let Some(id) = message.id else {
            return match self.gate.charge_other(arrival.caller) {
                Ok(()) => Outcome::Accepted,
                Err(denial) => {
                    self.observer.denied(None, arrival.caller, &denial);
                    Outcome::Denied(None, denial)
                }
            };
        };
        if let Err(error) = self.check_head(method, message.params, arrival) {
            return self.refuse(Some(id), error, arrival);
        }
        if let Err(denial) = self.may_ask(method, arrival) {
            self.observer.denied(None, arrival.caller, &denial);
            return Outcome::Denied(Some(id), denial);
        }
        self.dispatch(id, method, message.params, arrival).await
    }

    async fn dispatch<'b>(
        &self,
        id: Id<'b>,
        method: &str,
        params: Option<&'b RawValue>,
        arrival: Arrival<'_>,
    ) -> Outcome<'b> {
        match (method, arrival.revision.is_stateless()) {
            ("tools/call", _) => self.call(id, params, arrival).await,
            ("tools/list", _) => self.list(id, params, arrival),
            ("server/discover", true) => Outcome::Reply(self.results.discover(id), None),
            ("subscriptions/listen", true) => match subscription(params) {
                Ok(()) => Outcome::Listen(id),
                Err(error) => Outcome::Error(Some(id), error),
            },
            ("initialize", false) => match object::<InitializeParams<'_>>(params) {
                Ok(params) => Outcome::Reply(self.results.initialize(id, &params.protocol_version), None),
                Err(error) => Outcome::Error(Some(id), error),
            },
            ("ping", false) => Outcome::Reply(Results::empty(id), None),
            ("initialize", true) => {
                let message = format!("method not found; this revision has no handshake, use one of: {}", supported());
                Outcome::error(Some(id), ErrorCode::MethodNotFound, message)
            }
            _ => Outcome::error(Some(id), ErrorCode::MethodNotFound, "method not found"),
        }
    }

    fn list<'b>(&self, id: Id<'b>, params: Option<&'b RawValue>, arrival: Arrival<'_>) -> Outcome<'b> {
        let params = match object::<ListParams<'_>>(params) {
            Ok(params) => params,
            Err(error) => return Outcome::Error(Some(id), error),
        };
        let visible_to = (self.visibility != Visibility::Advertise).then_some(arrival.caller);
        match self.registry.page(arrival.revision, params.cursor.as_deref(), visible_to) {
            Ok(Some(page)) => Outcome::Reply(self.results.tools(id, arrival.revision, &page), None),
            Err(_) => Outcome::error(Some(id), ErrorCode::Internal, "internal error"),
            Ok(None) => {
                Outcome::error(Some(id), ErrorCode::InvalidParams, "this cursor was not given out by this server")
            }
        }
    }

    /// The tool that was announced, if a call was.
    fn announced_tool(&self, arrival: Arrival<'_>) -> Option<&dyn Registered> {
        self.tool(arrival.announced?.called()?, arrival.caller)
    }

    /// The tool of this name, as far as this caller may know of it. Nothing asks the registry otherwise, so that a hidden
    /// tool and one that does not exist are the same everywhere.
    pub(crate) fn tool(&self, name: &str, caller: &Caller) -> Option<&dyn Registered> {
        self.registry.get(name).filter(|tool| self.visibility != Visibility::Hidden || tool.is_open_to(caller))
    }

    /// Whether nothing here is for this caller but the way to log in.
    pub(crate) fn is_closed_to(&self, caller: &Caller) -> bool {
        matches!(caller, Caller::Anonymous(_)) && !self.open_to_anonymous
    }

    /// What headers alone already decide against a request, before its body is read. It admits nothing. What is to be a
    /// result for the model to read needs the body for its id.
    pub(crate) fn deny_early(&self, announced: &Announced<'_>, caller: &Caller) -> Result<(), Denial> {
        let tool = announced.name.as_deref().and_then(|name| self.tool(name, caller));
        let denied = match (announced.method, tool) {
            ("server/discover", _) => return Ok(()),
            ("tools/call", Some(tool)) => tool.test(caller, &|at| early_value(tool, announced, at)),
            ("tools/call", None) if self.hides_from(caller) || self.is_closed_to(caller) => Err(Denial::stranger()),
            // Lists are refused as HTTP has it.
            _ if self.is_closed_to(caller) => return Err(Denial::stranger()),
            _ => return Ok(()),
        };
        denied.or_else(|denial| if self.tells_in_band(&denial) { Ok(()) } else { Err(denial) })
    }

    /// Asks the author's rule about the caller of an announced call, before the body is read. `None` if there is nothing
    /// to ask about, or if the answer is told later.
    pub(crate) async fn ask_early(
        &self,
        announced: &Announced<'_>,
        caller: &Caller,
    ) -> Result<Option<CallerAsked>, Denial> {
        let tool = announced.called().and_then(|name| self.tool(name, caller)).filter(|tool| tool.asks_caller());
        let Some(tool) = tool else { return Ok(None) };
        if tool.test(caller, &|at| early_value(tool, announced, at)).is_err() {
            return Ok(None);
        }
        tool.ask_caller(caller).await.map(Some)
    }

    /// The name of an announced tool, for observers.
    pub(crate) fn announced_name(&self, announced: &Announced<'_>) -> Option<&'static str> {
        self.observed_name(announced.called()?)
    }

    /// The tool of this name. Observers are told of hidden ones too: they answer to nobody outside.
    pub(crate) fn observed_name(&self, name: &str) -> Option<&'static str> {
        self.registry.get(name).map(Registered::name)
    }

    /// Whether this caller gets one and the same answer for every name that is not public.
    pub(crate) fn hides_from(&self, caller: &Caller) -> bool {
        self.visibility == Visibility::Hidden && matches!(caller, Caller::Anonymous(_)) && !self.gate.is_open()
    }

    /// Whether a denial of a call is a result for the model to read.
    pub(crate) fn tells_in_band(&self, denial: &Denial) -> bool {
        let tellable = matches!(
            denial,
            Denial::Unauthenticated { token_sent: false, .. }
                | Denial::MissingScopes { .. }
                | Denial::RateLimited { .. }
                | Denial::Busy { .. }
        );
        self.denial_style == DenialStyle::InBand && tellable
    }

    /// The scopes an announced call needs, for a challenge.
    #[cfg(feature = "http")]
    pub(crate) fn scopes_of(&self, announced: &Announced<'_>) -> Vec<String> {
        let nobody = Caller::Anonymous(crate::auth::ClientAddress::LOCAL);
        let tool = announced.called().and_then(|name| self.tool(name, &nobody));
        match tool.map(|tool| tool.test(&nobody, &|at| early_value(tool, announced, at))) {
            Some(Err(Denial::Unauthenticated { scopes, .. })) => scopes,
            _ => Vec::new(),
        }
    }

    /// The denial, if this message of a batch needs a login that is not there. Nothing runs, nothing is charged.
    #[cfg(feature = "http")]
    pub(crate) fn needs_login(&self, message: &str, caller: &Caller) -> Option<Denial> {
        let message = Message::parse(message).ok()?;
        let (method, _) = (message.method?, message.id?);
        let call = (method == "tools/call").then(|| CallParams::parse(message.params?.get()).ok()).flatten();
        let announced = Announced { method: &method, name: call.map(|call| call.name), params: None };
        self.deny_early(&announced, caller).err().filter(|denial| matches!(denial, Denial::Unauthenticated { .. }))
    }

    /// Whether this caller may use a method at all; tools decide for themselves.
    pub(crate) fn may_ask(&self, method: &str, arrival: Arrival<'_>) -> Result<(), Denial> {
        match (method, arrival.revision.is_stateless()) {
            ("server/discover", true) | ("tools/call", _) => Ok(()),
            _ => self.may_guess(arrival.caller),
        }
    }

    /// Whether this caller may see lists and try names. Each try counts.
    pub(crate) fn may_guess(&self, caller: &Caller) -> Result<(), Denial> {
        if self.is_closed_to(caller) {
            return Err(Denial::stranger());
        }
        self.gate.charge_other(caller)
    }

    /// In the stateless revision every message repeats what its headers said of it.
    fn check_head(&self, method: &str, params: Option<&RawValue>, arrival: Arrival<'_>) -> Result<(), RpcError> {
        if !arrival.revision.is_stateless() {
            return Ok(());
        }
        let meta = object::<PlainParams<'_>>(params)?.meta.ok_or_else(RpcError::missing_meta)?;
        let call = (method == "tools/call").then(|| CallParams::parse(params.map_or("{}", RawValue::get)));
        let call = call.transpose().map_err(|error| RpcError::new(ErrorCode::InvalidParams, brief(&error)))?;
        let name = call.as_ref().map(|call| &*call.name);
        verify_head(&Head { method: Some(method), name, meta: Some(&meta) }, arrival)
    }

    #[cfg_attr(not(feature = "http"), expect(unused_variables, reason = "only HTTP brings something along"))]
    pub(crate) fn site<'a>(&'a self, arrival: Arrival<'a>) -> CallSite<'a> {
        CallSite {
            states: self.gate.states(),
            #[cfg(feature = "http")]
            http: arrival.http,
        }
    }
}

/// Compares a message with its headers; of two readings, an intermediary could act on one and we on the other.
pub(crate) fn verify_head(head: &Head<'_>, arrival: Arrival<'_>) -> Result<(), RpcError> {
    let mismatch = |what: &str| Err(RpcError::new(ErrorCode::HeaderMismatch, format!("{what} differs from the body")));
    if let Some(announced) = arrival.announced {
        if head.method != Some(announced.method) {
            return mismatch("Mcp-Method");
        }
        if head.name.is_some() && head.name != announced.name.as_deref() {
            return mismatch("Mcp-Name");
        }
    }
    match head.meta {
        Some(Meta { version: Some(version), has_capabilities: true }) => {
            if *version == *arrival.revision.as_str() {
                Ok(())
            } else {
                mismatch("MCP-Protocol-Version")
            }
        }
        _ => Err(RpcError::missing_meta()),
    }
}

/// Compares what a header says of an argument with the argument (MCP 2026-07-28, "Custom headers from tool parameters").
pub(crate) fn verify_param(header: &str, says: Option<Mirrored<'_>>, arrival: Arrival<'_>) -> Result<(), RpcError> {
    let Some(params) = arrival.announced.and_then(|announced| announced.params) else { return Ok(()) };
    let wrong = match (params.get(header)?, says) {
        (Some(sent), Some(value)) if value.is(&sent) => return Ok(()),
        (None, None) => return Ok(()),
        (Some(_), Some(_)) => "differs from the body",
        (Some(_), None) => "stands for an argument that is not in the body",
        (None, Some(_)) => "is missing: the argument it mirrors is in the body",
    };
    Err(RpcError::new(ErrorCode::HeaderMismatch, format!("Mcp-Param-{header} {wrong}")))
}

/// Reads parameters that must be an object: positional ones mean nothing in MCP.
fn object<'b, T: Deserialize<'b>>(params: Option<&'b RawValue>) -> Result<T, RpcError> {
    let json = params.map_or("{}", RawValue::get);
    if !json.starts_with('{') {
        return Err(RpcError::new(ErrorCode::InvalidParams, "params must be an object"));
    }
    serde_json::from_str(json).map_err(|error| RpcError::new(ErrorCode::InvalidParams, brief(&error)))
}

/// Whether the parameters of `subscriptions/listen` are in order. What they ask for does not matter: nothing changes.
fn subscription(params: Option<&RawValue>) -> Result<(), RpcError> {
    let filter = object::<ListenParams<'_>>(params)?.notifications;
    object::<SubscriptionFilter>(Some(filter)).map(drop)
}

/// Why a body is no message.
pub(crate) fn unreadable(error: &serde_json::Error) -> RpcError {
    match error.classify() {
        serde_json::error::Category::Data => RpcError::new(ErrorCode::InvalidRequest, brief(error)),
        _ => RpcError::new(ErrorCode::Parse, "the body is not valid JSON"),
    }
}

/// The error for a protocol version that is not ours (MCP 2026-07-28, `UnsupportedProtocolVersionError`).
pub(crate) fn unsupported_version(requested: &str) -> RpcError {
    let requested: String = requested.chars().take(64).collect();
    RpcError::new(ErrorCode::UnsupportedProtocolVersion, "this protocol version is not supported")
        .with_data(json!({"supported": Revision::SUPPORTED.map(Revision::as_str), "requested": requested}))
}

fn supported() -> String {
    Revision::SUPPORTED.map(Revision::as_str).join(", ")
}
