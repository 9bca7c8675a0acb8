//! 2025-03-26 to 2025-11-25 on the same endpoint, without sessions. There are no headers that name a tool, so the
//! same gate decides after the message was read.

use std::{sync::Arc, time::Duration};

use axum::{body::Bytes, response::Response};
use http::{StatusCode, request::Parts};
use serde_json::value::RawValue;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    body::Unread,
    denial,
    endpoint::{accepted, denied, identify, respond, rpc_error, text, unread},
    router::App,
};
use crate::{
    auth::{Caller, ClientAddress},
    guard::Denial,
    protocol::{ErrorCode, Message, PlainParams, Reply, Revision, RpcError},
    server::{Arrival, Outcome, denial_error, unreadable},
};

/// How many messages one batch may hold: each may be a call.
const MAX_BATCH: usize = 50;

/// How many requests are answered at once whose clients may have gone away meanwhile.
pub(super) const MAX_DETACHED: usize = 4096;

/// When to come back if there are more.
const DETACHED_WAIT: Duration = Duration::from_secs(5);

/// Answers a request without the headers of the stateless revision.
pub(super) async fn answer(
    app: &Arc<App>,
    parts: Parts,
    body: &mut Unread,
    address: ClientAddress,
    revision: Option<Revision>,
) -> Response {
    let caller = match identify(app, &parts.headers, address, false).await {
        Ok(caller) => caller,
        Err(denial) => return denied(app, &denial, None),
    };
    let bytes = match body.read(&app.server.settings().http).await {
        Ok(bytes) => bytes,
        Err(error) => return unread(error),
    };
    // A client of these revisions that goes away has not cancelled its call, so the call outlives the connection;
    // its timeout bounds it.
    let Ok(place) = Arc::clone(&app.detached).try_acquire_owned() else {
        return denied(app, &Denial::Unavailable { retry_after: DETACHED_WAIT }, None);
    };
    let app = Arc::clone(app);
    let request = Request { app, parts, caller, revision, _place: place };
    match tokio::spawn(async move { request.answer(&bytes).await }).await {
        Ok(response) => response,
        Err(_) => rpc_error(Revision::NEWEST_LEGACY, None, &RpcError::new(ErrorCode::Internal, "internal error")),
    }
}

struct Request {
    app: Arc<App>,
    parts: Parts,
    caller: Caller,
    revision: Option<Revision>,
    _place: OwnedSemaphorePermit,
}

impl Request {
    async fn answer(&self, bytes: &Bytes) -> Response {
        let text = match text(bytes) {
            Ok(text) => text,
            Err(response) => return response,
        };
        let revision = self.revision.unwrap_or(Revision::V2025_03_26);
        if self.app.server.core().is_closed_to(&self.caller) {
            return self.challenge(text);
        }
        if text.trim_ascii_start().starts_with('[') {
            return self.answer_batch(text, revision).await;
        }
        let message = match Message::parse(text) {
            Ok(message) => message,
            Err(error) => return rpc_error(revision, None, &unreadable(&error)),
        };
        if let Some(error) = self.wrong_era(&message) {
            return rpc_error(revision, message.id, &error);
        }
        let outcome = self.app.server.core().answer_parsed(message, self.arrival(revision)).await;
        respond(&self.app, outcome, revision, &self.caller)
    }

    /// A stranger to a server without anything public is told how to log in, and nothing about its message.
    fn challenge(&self, text: &str) -> Response {
        let denial = self.app.server.core().needs_login(text, &self.caller).unwrap_or_else(Denial::stranger);
        let id = Message::parse(text).ok().and_then(|message| message.id);
        denied(&self.app, &denial, id)
    }

    fn arrival(&self, revision: Revision) -> Arrival<'_> {
        Arrival { revision, caller: &self.caller, announced: None, http: Some(&self.parts) }
    }

    /// A message that says it belongs to the stateless revision must have come with its headers.
    fn wrong_era(&self, message: &Message<'_, &RawValue>) -> Option<RpcError> {
        let params = message.params.map(RawValue::get).filter(|json| json.starts_with('{'))?;
        let said = serde_json::from_str::<PlainParams<'_>>(params).ok()?.meta?.version?;
        let same = self.revision.is_some_and(|revision| *said == *revision.as_str());
        let error = "MCP-Protocol-Version differs from the version in params._meta";
        (!same).then(|| RpcError::new(ErrorCode::HeaderMismatch, error))
    }

    /// Each message is judged and charged on its own; but where a login is missing, nothing runs.
    async fn answer_batch(&self, text: &str, revision: Revision) -> Response {
        let refuse = |message: &str| rpc_error(revision, None, &RpcError::new(ErrorCode::InvalidRequest, message));
        if !revision.has_batches() {
            return refuse("this revision has no batches; send one message");
        }
        let parts: Vec<&RawValue> = match serde_json::from_str(text) {
            Ok(parts) => parts,
            Err(error) => return rpc_error(revision, None, &unreadable(&error)),
        };
        if parts.is_empty() || parts.len() > MAX_BATCH {
            return refuse("a batch holds 1 to 50 messages");
        }
        let core = self.app.server.core();
        if let Some(denial) = parts.iter().find_map(|part| core.needs_login(part.get(), &self.caller)) {
            return denied(&self.app, &denial, None);
        }
        let mut replies = Vec::new();
        for (number, part) in parts.into_iter().enumerate() {
            replies.extend(match self.charge_part(number) {
                Ok(()) => self.answer_part(part, revision).await,
                Err(denial) => refused_part(part, &denial),
            });
        }
        if replies.is_empty() { accepted() } else { denial::json_response(StatusCode::OK, Reply::batch(replies)) }
    }

    /// Without credentials every message of a batch pays like a request of its own; the first has paid already.
    fn charge_part(&self, number: usize) -> Result<(), Denial> {
        match &self.caller {
            Caller::Anonymous(address) if number > 0 => self.app.server.core().gate.charge_address(*address),
            _ => Ok(()),
        }
    }

    /// The answer to one message of a batch; `None` if it asks for none.
    async fn answer_part(&self, part: &RawValue, revision: Revision) -> Option<Reply> {
        let message = match Message::parse(part.get()) {
            Ok(message) => message,
            Err(error) => return Some(Reply::error(None, &unreadable(&error))),
        };
        let id = message.id;
        if let Some(error) = self.wrong_era(&message) {
            return Some(Reply::error(id, &error));
        }
        if message.method.as_deref() == Some("initialize") {
            let error = RpcError::new(ErrorCode::InvalidRequest, "`initialize` must not be part of a batch");
            return Some(Reply::error(id, &error));
        }
        match self.app.server.core().answer_parsed(message, self.arrival(revision)).await {
            Outcome::Reply(reply, _) => Some(reply),
            Outcome::Error(id, error) => Some(Reply::error(id, &error)),
            Outcome::Denied(id, denial) => Some(Reply::error(id, &denial_error(&denial))),
            Outcome::Accepted => None,
            Outcome::Listen(id) => {
                let error = RpcError::new(ErrorCode::MethodNotFound, "method not found");
                Some(Reply::error(Some(id), &error))
            }
        }
    }
}

/// The refusal of one message of a batch; `None` if it asks for no answer.
fn refused_part(part: &RawValue, denial: &Denial) -> Option<Reply> {
    let id = Message::parse(part.get()).ok()?.id?;
    Some(Reply::error(Some(id), &denial_error(denial)))
}
