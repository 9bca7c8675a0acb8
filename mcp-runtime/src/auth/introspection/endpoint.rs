//! The questions that are open: one for each token, not too many, and not all of one address.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::Url;
use serde_json::{Map, Value};
use tokio::sync::watch;

use super::Credentials;
use crate::{
    auth::{
        Asker, AuthError, BearerToken, ClientAddress, Verify,
        object::UniqueObject,
        outbound::{Outbound, Reach},
        verifier::{TokenDigest, digest},
    },
    clock::Clock,
};

/// How many questions may be open at once.
const MAX_OPEN: usize = 64;

/// How many of them may be one address's, and how many once it has failed too often: one, so that good tokens from there
/// still come through.
const SHARE: usize = 8;
const SHARE_AFTER_FAILURES: usize = 1;

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
    open: Mutex<Questions>,
    complained: Mutex<Option<u64>>,
}

/// The questions that are open, and how many each address asks: as many entries as there are questions at most.
#[derive(Default)]
struct Questions {
    of_tokens: HashMap<TokenDigest, watch::Receiver<Option<Answer>>>,
    of_addresses: HashMap<ClientAddress, usize>,
}

impl Questions {
    /// Whether there is a place for one more.
    fn room(&self, asker: Asker) -> Result<(), AuthError> {
        let share = if asker.has_failed_often { SHARE_AFTER_FAILURES } else { SHARE };
        if self.of_addresses.get(&asker.address).is_some_and(|open| *open >= share) {
            return Err(AuthError::Crowded { retry_after: FULL });
        }
        if self.of_tokens.len() < MAX_OPEN { Ok(()) } else { Err(AuthError::unavailable(FULL)) }
    }

    fn begin(&mut self, token: TokenDigest, address: ClientAddress, question: watch::Receiver<Option<Answer>>) {
        self.of_tokens.insert(token, question);
        *self.of_addresses.entry(address).or_default() += 1;
    }

    fn end(&mut self, token: &TokenDigest, address: ClientAddress) {
        self.of_tokens.remove(token);
        match self.of_addresses.get_mut(&address) {
            Some(open) if *open > 1 => *open -= 1,
            _ => drop(self.of_addresses.remove(&address)),
        }
    }
}

/// Ends a question when it is dropped, however it went.
struct Open {
    endpoint: Arc<Endpoint>,
    token: TokenDigest,
    address: ClientAddress,
}

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.endpoint.open).end(&self.token, self.address);
    }
}

impl Endpoint {
    pub(super) fn new(url: Url, credentials: Credentials, issuer: &str) -> Result<Self, String> {
        let outbound = Outbound::new(Reach::Anywhere, url.scheme() == "https")?;
        let (open, complained) = (Mutex::default(), Mutex::default());
        Ok(Self { url, credentials, issuer: issuer.into(), outbound, open, complained })
    }

    /// What the issuer says about a token. Several who ask about the same one wait for the same answer, in a task that
    /// nobody who goes away can stop.
    pub(super) async fn ask(self: &Arc<Self>, token: &BearerToken<'_>, verify: &Verify<'_>) -> Answer {
        let mut question = self.question(token, verify)?;
        match question.wait_for(Option::is_some).await {
            Ok(answer) => answer.clone().unwrap_or(Err(AuthError::unavailable(FAILED))),
            // The task is gone with its runtime.
            Err(_) => Err(AuthError::unavailable(FAILED)),
        }
    }

    fn question(
        self: &Arc<Self>,
        token: &BearerToken<'_>,
        verify: &Verify<'_>,
    ) -> Result<watch::Receiver<Option<Answer>>, AuthError> {
        let digest = digest(token.expose());
        let address = verify.asker.address;
        let mut all = lock(&self.open);
        if let Some(question) = all.of_tokens.get(&digest) {
            return Ok(question.clone());
        }
        all.room(verify.asker)?;
        let (answered, question) = watch::channel(None);
        all.begin(digest, address, question.clone());
        drop(all);
        let open = Open { endpoint: Arc::clone(self), token: digest, address };
        let (form, clock) = (self.credentials.form(token), verify.clock.clone());
        tokio::spawn(async move {
            let answer = open.endpoint.exchange(form, &clock).await;
            // First, so that nobody joins a question that has its answer.
            drop(open);
            answered.send_replace(Some(answer));
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
