//! `subscriptions/listen`: a stream that says what it will tell, and stays open. Lists do not change while a server
//! runs, so after the acknowledgement there is nothing to tell; it is kept alive until the token ends.

use std::{
    collections::HashMap,
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use http::{
    HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use http_body::Frame;
use tokio::{
    sync::watch,
    time::{Instant, Sleep, sleep},
};

use super::{denial, router::App};
use crate::{
    auth::{Caller, CallerKey},
    protocol::{Id, Reply},
    server::Results,
};

/// How often a comment is sent, so that nothing on the way takes the stream for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often it is asked whether the caller's token was revoked.
const REVOCATIONS: Duration = Duration::from_secs(1);
/// How long a stream stays open at most; then the client asks again, and is judged again.
const LONGEST: Duration = Duration::from_secs(3600);
/// How many streams are open at once: for one caller, for all with credentials, and for all without.
const PER_CALLER: usize = 16;
const IDENTIFIED: usize = 2048;
const ANONYMOUS: usize = 256;

const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Opens a stream.
pub(super) fn respond(app: &Arc<App>, id: Id<'_>, caller: &Caller) -> Response {
    let Some(place) = Listeners::take(&app.listeners, caller) else {
        return denial::no_place(id, "too many streams are open; close one, or try again later", KEEP_ALIVE);
    };
    let core = app.server.core();
    let token_left = caller
        .identity()
        .and_then(|identity| identity.expires_at())
        .map_or(LONGEST, |end| Duration::from_secs(end.saturating_sub(core.gate.clock().unix_seconds())));
    let stream = Stream {
        first: Some(event(Results::acknowledged(id))),
        keep_alive: Box::pin(sleep(KEEP_ALIVE)),
        end: Box::pin(end(token_left.min(LONGEST), app.shutdown.clone(), revoked(Arc::clone(app), caller.clone()))),
        last: Some(event(core.results.listened(id))),
        _place: place,
    };
    let mut response = Response::new(Body::new(stream));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

/// One event; JSON text has no line breaks of its own.
fn event(message: Reply) -> Bytes {
    let mut event = b"data: ".to_vec();
    event.extend(message.into_bytes());
    event.extend(b"\n\n");
    event.into()
}

/// Waits until the token ends, by itself or not, or the server does.
async fn end(after: Duration, mut shutdown: watch::Receiver<bool>, revoked: impl Future<Output = ()>) {
    let stopped = async move {
        if shutdown.wait_for(|stop| *stop).await.is_err() {
            // Nobody can stop a server that was only mounted.
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = sleep(after) => {}
        () = stopped => {}
        () = revoked => {}
    }
}

/// Waits until the token of the caller is revoked; for ever, where nobody would say so.
async fn revoked(app: Arc<App>, caller: Caller) {
    let verifier = &app.server.core().verifier;
    let watched = caller.identity().and_then(|identity| Some((identity, verifier.epoch_of(identity)?)));
    let Some((identity, opened_at)) = watched else { return std::future::pending().await };
    while verifier.still_good(identity, opened_at) {
        sleep(REVOCATIONS).await;
    }
}

struct Stream {
    first: Option<Bytes>,
    keep_alive: Pin<Box<Sleep>>,
    end: Pin<Box<dyn Future<Output = ()> + Send>>,
    last: Option<Bytes>,
    _place: Place,
}

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let send = |bytes| Poll::Ready(Some(Ok(Frame::data(bytes))));
        if let Some(first) = self.first.take() {
            return send(first);
        }
        if self.last.is_none() {
            return Poll::Ready(None);
        }
        if self.end.as_mut().poll(cx).is_ready() {
            return self.last.take().map_or(Poll::Ready(None), send);
        }
        if self.keep_alive.as_mut().poll(cx).is_ready() {
            self.keep_alive.as_mut().reset(Instant::now() + KEEP_ALIVE);
            return send(Bytes::from_static(b":\n\n"));
        }
        Poll::Pending
    }
}

/// The streams that are open.
#[derive(Debug, Default)]
pub(super) struct Listeners(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    by_caller: HashMap<CallerKey, usize>,
    identified: usize,
    anonymous: usize,
}

impl Open {
    /// The number that a caller's streams count into.
    fn total(&mut self, is_anonymous: bool) -> &mut usize {
        if is_anonymous { &mut self.anonymous } else { &mut self.identified }
    }
}

impl Listeners {
    fn take(listeners: &Arc<Self>, caller: &Caller) -> Option<Place> {
        let is_anonymous = matches!(caller, Caller::Anonymous(_));
        let caller = caller.quota_key();
        let mut open = listeners.open();
        let most = if is_anonymous { ANONYMOUS } else { IDENTIFIED };
        let mine = open.by_caller.get(&caller).copied().unwrap_or(0);
        if mine >= PER_CALLER || *open.total(is_anonymous) >= most {
            return None;
        }
        open.by_caller.insert(caller, mine + 1);
        *open.total(is_anonymous) += 1;
        Some(Place { listeners: Arc::clone(listeners), caller, is_anonymous })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One stream's place, given back when it ends however it ends.
struct Place {
    listeners: Arc<Listeners>,
    caller: CallerKey,
    is_anonymous: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.listeners.open();
        *open.total(self.is_anonymous) -= 1;
        match open.by_caller.get_mut(&self.caller) {
            Some(mine) if *mine > 1 => *mine -= 1,
            _ => drop(open.by_caller.remove(&self.caller)),
        }
    }
}
