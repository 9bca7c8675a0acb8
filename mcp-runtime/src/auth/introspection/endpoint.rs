//! The questions that are open: one for each token, and not too many.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::Url;
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, watch};

use super::Credentials;
use crate::{
    auth::{
        AuthError, BearerToken,
        object::UniqueObject,
        outbound::{Outbound, Reach},
        verifier::{TokenDigest, digest},
    },
    clock::Clock,
};

/// How many questions may be open at once.
const MAX_OPEN: usize = 64;

/// The largest answer that is read, in bytes: what is in it is remembered with its token.
const MAX_ANSWER: usize = 16 * 1024;

/// When to come back after a question that found no place, and after one that was not answered.
const FULL: Duration = Duration::from_secs(1);
const FAILED: Duration = Duration::from_secs(5);

/// How often the log says that questions fail, in milliseconds.
const COMPLAINT_EVERY: u64 = 10_000;

type Answer = Result<Arc<Map<String, Value>>, AuthError>;

pub(super) struct Endpoint {
    url: Url,
    credentials: Credentials,
    issuer: Box<str>,
    outbound: Outbound,
    places: Arc<Semaphore>,
    open: Mutex<HashMap<TokenDigest, watch::Receiver<Option<Answer>>>>,
    complained: Mutex<Option<u64>>,
}

/// Ends a question when it is dropped, however it went.
struct Open {
    endpoint: Arc<Endpoint>,
    token: TokenDigest,
}

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.endpoint.open).remove(&self.token);
    }
}

impl Endpoint {
    pub(super) fn new(url: Url, credentials: Credentials, issuer: &str) -> Result<Self, String> {
        let outbound = Outbound::new(Reach::Anywhere, url.scheme() == "https")?;
        let (places, issuer) = (Arc::new(Semaphore::new(MAX_OPEN)), issuer.into());
        let (open, complained) = (Mutex::default(), Mutex::default());
        Ok(Self { url, credentials, issuer, outbound, places, open, complained })
    }

    /// What the issuer says about a token. Several who ask about the same one wait for the same answer, in a task that
    /// nobody who goes away can stop.
    pub(super) async fn ask(self: &Arc<Self>, token: &BearerToken<'_>, clock: &Clock) -> Answer {
        let mut question = self.question(token, clock)?;
        match question.wait_for(Option::is_some).await {
            Ok(answer) => answer.clone().unwrap_or(Err(AuthError::unavailable(FAILED))),
            // The task is gone with its runtime.
            Err(_) => Err(AuthError::unavailable(FAILED)),
        }
    }

    fn question(
        self: &Arc<Self>,
        token: &BearerToken<'_>,
        clock: &Clock,
    ) -> Result<watch::Receiver<Option<Answer>>, AuthError> {
        let digest = digest(token);
        let mut all = lock(&self.open);
        if let Some(question) = all.get(&digest) {
            return Ok(question.clone());
        }
        let full = |_| AuthError::unavailable(FULL);
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(full)?;
        let (answered, question) = watch::channel(None);
        all.insert(digest, question.clone());
        drop(all);
        let open = Open { endpoint: Arc::clone(self), token: digest };
        let (form, clock) = (self.credentials.form(token), clock.clone());
        tokio::spawn(async move {
            let answer = open.endpoint.exchange(form, &clock).await;
            // First, so that nobody joins a question that has its answer.
            drop(open);
            answered.send_replace(Some(answer));
            drop(place);
        });
        Ok(question)
    }

    async fn exchange(&self, form: String, clock: &Clock) -> Answer {
        let sent = self.outbound.post(self.url.clone(), self.credentials.headers(), form, MAX_ANSWER).await;
        let reason = match sent {
            Ok(answer) if answer.status == 200 => match UniqueObject::parse(&answer.body) {
                Some(object) => return Ok(Arc::new(object)),
                None => "the answer is not a plain JSON object".to_owned(),
            },
            Ok(answer) if matches!(answer.status, 401 | 403) => {
                format!("the issuer refuses our client id and secret (status {})", answer.status)
            }
            Ok(answer) => format!("the answer has status {} instead of 200", answer.status),
            Err(failure) => failure.to_string(),
        };
        self.complain(&reason, clock);
        Err(AuthError::unavailable(FAILED))
    }

    /// Seldom: strangers could fill the log otherwise.
    fn complain(&self, reason: &str, clock: &Clock) {
        let now = clock.millis();
        let mut complained = lock(&self.complained);
        if complained.is_none_or(|then| now.saturating_sub(then) >= COMPLAINT_EVERY) {
            *complained = Some(now);
            tracing::error!(issuer = &*self.issuer, reason, "tokens cannot be introspected");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
