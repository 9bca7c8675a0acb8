//! Request bodies: read within bounds, or left unread without losing the answer.

use std::{sync::Arc, time::Duration};

use axum::body::{Body, Bytes};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONNECTION, CONTENT_LENGTH, EXPECT},
};
use http_body_util::BodyExt;
use tokio::{sync::Semaphore, time::timeout};

use crate::{http::HttpSettings, in_time::in_time};

/// Bodies up to here are drained after an early answer, so that the connection stays usable.
const DRAIN_BYTES: usize = 64 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(2);
/// How many bodies are drained at once; past that connections are closed instead.
const DRAINS: usize = 256;

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyError {
    TooLarge,
    TooSlow,
    /// The connection broke, or the framing was wrong.
    Broken,
}

impl BodyError {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
        }
    }
}

/// A body until somebody reads it.
pub(super) struct Unread {
    body: Option<Body>,
    length: Option<usize>,
    /// The client waits for `100 Continue` before it sends the body.
    expects: bool,
}

impl Unread {
    pub(super) fn new(body: Body, headers: &HeaderMap) -> Self {
        let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        Self { body: Some(body), length, expects: headers.contains_key(EXPECT) }
    }

    /// Reads the whole body, within its bounds. `small` is for those to whom little is owed yet.
    pub(super) async fn read(&mut self, settings: &HttpSettings, small: bool) -> Result<Bytes, BodyError> {
        let max = if small { settings.max_body_bytes.min(DRAIN_BYTES) } else { settings.max_body_bytes };
        if self.length.is_some_and(|length| length > max) {
            return Err(BodyError::TooLarge);
        }
        let Some(mut body) = self.body.take() else { return Err(BodyError::Broken) };
        match in_time(settings.body_timeout, collect(&mut body, max)).await {
            Some(Ok(bytes)) => Ok(bytes),
            Some(Err(error)) => {
                self.body = Some(body);
                Err(error)
            }
            None => Err(BodyError::TooSlow),
        }
    }

    /// What becomes of a body that nobody wants after the answer is decided.
    ///
    /// hyper closes the connection under a client that is still sending, which then sees a broken pipe instead of
    /// our answer. So small bodies are swallowed; for others, and those of unknown length, the connection is closed
    /// openly (and by our own listener slowly, see `connection.rs`). A client that waits for `100 Continue` will never
    /// send its body.
    pub(super) fn dispose(self, drains: &Drains, response: &mut HeaderMap) {
        let Some(mut body) = self.body else { return };
        if http_body::Body::is_end_stream(&body) {
            return;
        }
        let small = self.length.is_some_and(|length| length <= DRAIN_BYTES) && !self.expects;
        let permit = drains.0.clone().try_acquire_owned();
        match permit {
            Ok(permit) if small => {
                tokio::spawn(async move {
                    // How it ends does not matter: the answer is on its way.
                    let _ = timeout(DRAIN_TIME, collect(&mut body, DRAIN_BYTES)).await;
                    drop(permit);
                });
            }
            _ => {
                response.insert(CONNECTION, HeaderValue::from_static("close"));
            }
        }
    }
}

/// The places for bodies being drained.
pub(super) struct Drains(Arc<Semaphore>);

impl Drains {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(DRAINS)))
    }
}

/// Collects at most `max` bytes. One frame, the usual case, is not copied.
async fn collect(body: &mut Body, max: usize) -> Result<Bytes, BodyError> {
    let mut first = Bytes::new();
    let mut rest = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        if first.len() + rest.len() + data.len() > max {
            return Err(BodyError::TooLarge);
        }
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&std::mem::take(&mut first));
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.into() })
}
