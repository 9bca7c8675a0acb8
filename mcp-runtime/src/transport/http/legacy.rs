//! 2025-03-26 to 2025-11-25 on the same endpoint, without sessions. There are no headers that name a tool, so the
//! same gate decides after the message was read.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{body::Bytes, response::Response};
use http::{StatusCode, request::Parts};
use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    body::Unread,
    denial,
    endpoint::{Sender, accepted, charge_stranger, denied, identify, observed, respond, rpc_error, text, unread},
    headers,
    router::App,
};
use crate::{
    auth::Caller,
    guard::{Denial, Slot, Slots},
    protocol::{CallParams, ErrorCode, Id, Message, PlainParams, Reply, Revision, RpcError},
    server::{Arrival, denial_error, unreadable},
};

/// How many messages one batch may hold: each may be a call.
const MAX_BATCH: usize = 50;

/// How long after its beginning a batch still begins with another message.
const BATCH_TIME: Duration = Duration::from_secs(60);

/// When to come back if there is no place or no time.
const WAIT: Duration = Duration::from_secs(5);

/// Answers a request without the headers of the stateless revision.
pub(super) async fn answer(
    app: &Arc<App>,
    parts: Parts,
    body: &mut Unread,
    sender: &Sender,
    revision: Option<Revision>,
) -> Response {
    let caller = match identify(app, &parts.headers, sender).await {
        Ok(caller) => caller,
        Err(denial) => return observed(app, None, &sender.stranger(), &denial),
    };
    if app.server.core().is_closed_to(&caller) && !app.server.core().tells_in_band(&Denial::stranger()) {
        return challenge(app, body, &caller).await;
    }
    if let Err(denial) = charge_stranger(app, &caller) {
        return observed(app, None, &caller, &denial);
    }
    let bytes = match body.read(&app.server.settings().http, false).await {
        Ok(bytes) => bytes,
        Err(error) => return unread(error),
    };
    let Some(place) = app.detached.take(&caller) else {
        return observed(app, None, &caller, &Denial::Unavailable { retry_after: WAIT });
    };
    // A client of these revisions that goes away has not cancelled its call, so the call outlives the connection;
    // its timeout bounds it.
    let app = Arc::clone(app);
    let request = Request { app, parts, caller, revision, _place: place };
    match tokio::spawn(async move { request.answer(&bytes).await }).await {
        Ok(response) => response,
        Err(_) => rpc_error(Revision::NEWEST_LEGACY, None, &RpcError::new(ErrorCode::Internal, "internal error")),
    }
}

/// A stranger to a server without anything public is told how to log in, and with which scopes; nothing runs.
async fn challenge(app: &App, body: &mut Unread, caller: &Caller) -> Response {
    let told = |denial: &Denial, id| {
        app.server.core().observer.denied(None, caller, denial);
        denied(app, denial, id)
    };
    let stranger = |id| told(&Denial::stranger(), id);
    if charge_stranger(app, caller).is_err() {
        return stranger(None);
    }
    let Ok(bytes) = body.read(&app.server.settings().http, true).await else { return stranger(None) };
    let Ok(text) = std::str::from_utf8(&bytes) else { return stranger(None) };
    let id = Message::parse(text).ok().and_then(|message| message.id);
    match app.server.core().needs_login(text, caller) {
        Some(denial) => told(&denial, id),
        None => stranger(id),
    }
}

/// The places for requests that outlive their connections. Strangers have an eighth of their own, so that they take none
/// from callers with credentials; and no caller can take more than a sixteenth, since leaving frees no place.
pub(super) struct Detached {
    identified: Places,
    anonymous: Places,
}

struct Places {
    free: Arc<Semaphore>,
    all: u32,
    shares: Arc<Slots>,
}

/// A place that is taken.
struct Place {
    _place: OwnedSemaphorePermit,
    _share: Slot,
}

impl Detached {
    pub(super) fn new(places: usize) -> Self {
        let some = |places: usize| {
            let all = u32::try_from(places.max(1)).unwrap_or(u32::MAX);
            Places { free: Arc::new(Semaphore::new(all as usize)), all, shares: Arc::new(Slots::new(all, all / 16)) }
        };
        Self { identified: some(places), anonymous: some(places / 8) }
    }

    fn take(&self, caller: &Caller) -> Option<Place> {
        let places = match caller {
            Caller::Anonymous(_) => &self.anonymous,
            Caller::Identified(..) => &self.identified,
        };
        let share = places.shares.take(caller).ok()?;
        Some(Place { _place: Arc::clone(&places.free).try_acquire_owned().ok()?, _share: share })
    }

    /// Ready when nothing runs any more: then all places are free.
    pub(super) async fn finished(&self) {
        for places in [&self.identified, &self.anonymous] {
            drop(places.free.acquire_many(places.all).await);
        }
    }
}

struct Request {
    app: Arc<App>,
    parts: Parts,
    caller: Caller,
    revision: Option<Revision>,
    _place: Place,
}

impl Request {
    async fn answer(&self, bytes: &Bytes) -> Response {
        let text = match text(bytes) {
            Ok(text) => text,
            Err(response) => return response,
        };
        let revision = self.revision.unwrap_or(Revision::V2025_03_26);
        if text.trim_ascii_start().starts_with('[') {
            return self.answer_batch(text, revision).await;
        }
        let message = match Message::parse(text) {
            Ok(message) => message,
            Err(error) => return self.refuse(None, unreadable(&error), revision),
        };
        let wrong = self.wrong_era(&message).or_else(|| self.wrong_headers(&message)).or_else(|| self.mirrors());
        if let Some(error) = wrong {
            return self.refuse(message.id, error, revision);
        }
        let outcome = self.app.server.core().answer_parsed(message, self.arrival(revision)).await;
        respond(&self.app, outcome, revision, &self.caller)
    }

    /// Refuses what is not in order, and counts it for who sent it.
    fn refuse(&self, id: Option<Id<'_>>, error: RpcError, revision: Revision) -> Response {
        let outcome = self.app.server.core().refuse(id, error, self.arrival(revision));
        respond(&self.app, outcome, revision, &self.caller)
    }

    fn arrival(&self, revision: Revision) -> Arrival<'_> {
        Arrival { revision, caller: &self.caller, announced: None, caller_asked: None, http: Some(&self.parts) }
    }

    /// A message that says it belongs to the stateless revision must have come with its headers.
    fn wrong_era(&self, message: &Message<'_, &RawValue>) -> Option<RpcError> {
        let params = message.params.map(RawValue::get).filter(|json| json.starts_with('{'))?;
        let said = serde_json::from_str::<PlainParams<'_>>(params).ok()?.meta?.version?;
        let same = self.revision.is_some_and(|revision| *said == *revision.as_str());
        let error = "MCP-Protocol-Version differs from the version in params._meta";
        (!same).then(|| RpcError::new(ErrorCode::HeaderMismatch, error))
    }

    fn has_mcp_headers(&self) -> bool {
        [headers::METHOD, headers::NAME].iter().any(|name| self.parts.headers.contains_key(name))
    }

    /// These revisions have no `Mcp-*` headers; but where something sends them, something on the way may judge by them,
    /// and they must not say one thing and the body another.
    fn wrong_headers(&self, message: &Message<'_, &RawValue>) -> Option<RpcError> {
        if !self.has_mcp_headers() {
            return None;
        }
        let announced = match headers::announced(&self.parts.headers) {
            Ok(announced) => announced,
            Err(error) => return Some(error),
        };
        let name = message.params.and_then(|params| CallParams::parse(params.get()).ok()).map(|call| call.name);
        let same = message.method.as_deref() == Some(announced.method) && name == announced.name;
        (!same).then(|| RpcError::new(ErrorCode::HeaderMismatch, "the Mcp-* headers differ from the body"))
    }

    /// Nor do these revisions mirror arguments in headers, so nothing here would compare what something on the way may
    /// judge by.
    fn mirrors(&self) -> Option<RpcError> {
        let mirrors = self.parts.headers.keys().any(|name| name.as_str().starts_with("mcp-param-"));
        mirrors.then(|| RpcError::new(ErrorCode::HeaderMismatch, "this revision has no Mcp-Param headers"))
    }

    /// Each message is judged and charged on its own; but where a login is missing, nothing runs.
    async fn answer_batch(&self, text: &str, revision: Revision) -> Response {
        let refuse = |message: &str| self.refuse(None, RpcError::new(ErrorCode::InvalidRequest, message), revision);
        if !revision.has_batches() {
            return refuse("this revision has no batches; send one message");
        }
        if self.has_mcp_headers() || self.mirrors().is_some() {
            return refuse("a batch cannot have Mcp-* headers");
        }
        let Batch(parts) = match serde_json::from_str(text) {
            Ok(batch) => batch,
            Err(error) => return self.refuse(None, unreadable(&error), revision),
        };
        if parts.is_empty() {
            return refuse("a batch holds 1 to 50 messages");
        }
        let core = self.app.server.core();
        // Where refusals are results, each message has its own.
        let asks = !core.tells_in_band(&Denial::stranger());
        if asks && let Some(denial) = parts.iter().find_map(|part| core.needs_login(part.get(), &self.caller)) {
            return observed(&self.app, None, &self.caller, &denial);
        }
        let mut replies = Vec::new();
        let begin = Instant::now();
        for (number, part) in parts.into_iter().enumerate() {
            replies.extend(match self.charge_part(number, begin) {
                Ok(()) => self.answer_part(part, revision).await,
                Err(denial) => {
                    core.observer.denied(None, &self.caller, &denial);
                    refused_part(part, &denial)
                }
            });
        }
        if replies.is_empty() { accepted() } else { denial::json_response(StatusCode::OK, Reply::batch(replies)) }
    }

    /// Without credentials every message of a batch pays like a request of its own; the first has paid already. What
    /// has not begun when the time is over is not begun.
    fn charge_part(&self, number: usize, begin: Instant) -> Result<(), Denial> {
        if begin.elapsed() > BATCH_TIME {
            return Err(Denial::Unavailable { retry_after: WAIT });
        }
        if number == 0 { Ok(()) } else { charge_stranger(&self.app, &self.caller) }
    }

    /// The answer to one message of a batch; `None` if it asks for none.
    async fn answer_part(&self, part: &RawValue, revision: Revision) -> Option<Reply> {
        let core = self.app.server.core();
        let refuse = |id, error| core.refuse(id, error, self.arrival(revision)).into_reply();
        let message = match Message::parse(part.get()) {
            Ok(message) => message,
            Err(error) => return refuse(None, unreadable(&error)),
        };
        let id = message.id;
        if let Some(error) = self.wrong_era(&message) {
            return refuse(id, error);
        }
        if message.method.as_deref() == Some("initialize") {
            return refuse(id, RpcError::new(ErrorCode::InvalidRequest, "`initialize` must not be part of a batch"));
        }
        // These revisions have no streams to be kept open.
        core.answer_parsed(message, self.arrival(revision)).await.into_reply()
    }
}

/// The refusal of one message of a batch; `None` if it asks for no answer.
fn refused_part(part: &RawValue, denial: &Denial) -> Option<Reply> {
    let id = Message::parse(part.get()).ok()?.id?;
    Some(Reply::error(Some(id), &denial_error(denial)))
}

/// The messages of a batch, no more than it may hold.
struct Batch<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Batch<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;

        impl<'de> Visitor<'de> for Parts {
            type Value = Batch<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of messages")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Batch<'de>, A::Error> {
                let mut batch = Vec::new();
                while let Some(part) = parts.next_element()? {
                    if batch.len() == MAX_BATCH {
                        return Err(de::Error::custom("a batch holds 1 to 50 messages"));
                    }
                    batch.push(part);
                }
                Ok(Batch(batch))
            }
        }

        deserializer.deserialize_seq(Parts)
    }
}
