//! What is known of the provider, how old it is, and when to ask again. Time is the clock's, so that tests can move it.

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use openidconnect::core::CoreJsonWebKeySet;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{runtime::Handle, sync::watch, task::AbortHandle};

use super::metadata::Metadata;
use crate::{
    auth::{Outbound, Reach, WebUrl, max_age},
    clock::Clock,
    oauth::LoginError,
};

/// The largest document that is read, in bytes.
const MAX_DOCUMENT: usize = 256 * 1024;

/// How many keys of a set are looked at.
const MAX_KEYS: usize = 64;

/// How long both documents may take together.
const PATIENCE: Duration = Duration::from_secs(8);

/// How long they are fresh: what the provider says, within these bounds.
const FRESH: (Duration, Duration) = (Duration::from_secs(5 * 60), Duration::from_secs(24 * 60 * 60));
const FRESH_BY_DEFAULT: Duration = Duration::from_secs(60 * 60);

/// For how long they may be used after that while the provider is down, in milliseconds.
const STALE: u64 = 60 * 60 * 1000;

/// How often unknown keys may make us ask, in milliseconds.
const UNKNOWN_KEY_EVERY: u64 = 30_000;

/// How long to wait after the first attempt that failed, in milliseconds; twice as long after each further one.
const FIRST_WAIT: u64 = 1_000;
const LONGEST_WAIT: u64 = 60_000;

/// A provider as it described itself.
pub(super) struct Provider {
    pub(super) metadata: Arc<Metadata>,
    pub(super) keys: CoreJsonWebKeySet,
}

/// The provider of one issuer, looked up when it is first needed.
pub(super) struct Discovery {
    issuer: String,
    plain_http: bool,
    outbound: OnceLock<Result<Outbound, String>>,
    state: Mutex<State>,
}

/// A `Discovery` whose look-ups end with it.
pub(super) struct Owned(Arc<Discovery>);

impl Owned {
    pub(super) fn new(issuer: &str, plain_http: bool) -> Self {
        Self(Arc::new(Discovery::new(issuer, plain_http)))
    }

    pub(super) fn get(&self) -> &Arc<Discovery> {
        &self.0
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[derive(Default)]
struct State {
    known: Option<Known>,
    /// The look-up that is under way: everybody waits for the same one. Closed when it has ended, however it did.
    flight: Option<watch::Receiver<()>>,
    /// The same, to end it.
    task: Option<AbortHandle>,
    failures: u32,
    /// Before this moment nothing is asked.
    not_before: u64,
    /// When an unknown key last made us ask.
    asked_for_unknown: Option<u64>,
}

struct Known {
    provider: Arc<Provider>,
    fresh_until: u64,
}

/// What is asked for.
enum Wanted {
    Everything,
    /// Other keys; where they are is known, and how long that is good for.
    Keys(Arc<Metadata>, u64),
}

impl Discovery {
    fn new(issuer: &str, plain_http: bool) -> Self {
        Self { issuer: issuer.to_owned(), plain_http, outbound: OnceLock::new(), state: Mutex::default() }
    }

    /// What requests to the provider are sent with.
    pub(super) fn outbound(&self) -> Result<&Outbound, &str> {
        let make = || {
            let secure = WebUrl::split(&self.issuer).is_none_or(|url| url.secure);
            Outbound::new(Reach::Anywhere, true).or_else(|why| {
                // A provider on this machine needs no roots.
                if secure { Err(why) } else { Outbound::new(Reach::Anywhere, false) }
            })
        };
        self.outbound.get_or_init(make).as_ref().map_err(String::as_str)
    }

    /// The provider as it is known now. Asks in the background when that is getting old, and waits only if nothing is
    /// known.
    pub(super) async fn current(self: &Arc<Self>, clock: &Clock) -> Result<Arc<Provider>, LoginError> {
        let flight = {
            let mut state = self.state();
            let now = clock.millis();
            if state.known.as_ref().is_none_or(|known| now >= known.fresh_until) {
                self.start(&mut state, clock, Wanted::Everything);
            }
            match state.usable(now) {
                Some(provider) => return Ok(provider),
                None => state.flight(),
            }
        };
        landed(flight).await;
        self.state().usable(clock.millis()).ok_or(LoginError::Unavailable)
    }

    /// Begins to look the provider up where nothing is known of it; what is wrong is in the log.
    pub(super) fn begin(self: &Arc<Self>, clock: &Clock) {
        let mut state = self.state();
        if state.known.is_none() && Handle::try_current().is_ok() {
            self.start(&mut state, clock, Wanted::Everything);
        }
    }

    /// Ends what is under way.
    fn end(&self) {
        self.state().task.take().inspect(AbortHandle::abort);
    }

    /// The provider with other keys than these, if it has them and may be asked.
    pub(super) async fn newer(self: &Arc<Self>, seen: &Arc<Provider>, clock: &Clock) -> Option<Arc<Provider>> {
        let flight = {
            let mut state = self.state();
            let now = clock.millis();
            if state.flight().is_none() && state.has(seen) {
                if state.asked_for_unknown.is_some_and(|then| now.saturating_sub(then) < UNKNOWN_KEY_EVERY) {
                    return None;
                }
                let fresh_until = state.known.as_ref().map_or(now, |known| known.fresh_until);
                if self.start(&mut state, clock, Wanted::Keys(Arc::clone(&seen.metadata), fresh_until)) {
                    state.asked_for_unknown = Some(now);
                }
            }
            state.flight()
        };
        landed(flight).await;
        let state = self.state();
        state.usable(clock.millis()).filter(|_| !state.has(seen))
    }

    /// Begins a look-up in a task of its own, which nobody who goes away can stop; unless one is under way, or the last
    /// ones failed too recently.
    fn start(self: &Arc<Self>, state: &mut State, clock: &Clock, wanted: Wanted) -> bool {
        let began = clock.millis();
        if state.flight().is_some() || began < state.not_before {
            return false;
        }
        let (end, flight) = watch::channel(());
        state.flight = Some(flight);
        // As if it had failed: whatever becomes of the task, there is a wait before the next.
        state.failures = state.failures.saturating_add(1);
        state.not_before = began.saturating_add(wait_after(state.failures));
        let (this, clock) = (Arc::clone(self), clock.clone());
        let task = tokio::spawn(async move {
            let outcome = tokio::time::timeout(PATIENCE, this.ask(wanted, began)).await;
            let outcome = outcome.unwrap_or_else(|_| Err(format!("no answers within {} seconds", PATIENCE.as_secs())));
            let mut state = this.state();
            match outcome {
                Ok(known) => {
                    state.known = Some(known);
                    (state.failures, state.not_before) = (0, 0);
                }
                Err(reason) => {
                    this.warn(&reason, state.known.is_some());
                    state.not_before = clock.millis().saturating_add(wait_after(state.failures));
                }
            }
            state.flight = None;
            drop(state);
            drop(end);
        });
        state.task = Some(task.abort_handle());
        true
    }

    fn warn(&self, reason: &str, is_known: bool) {
        let issuer = &self.issuer;
        if is_known {
            tracing::warn!(issuer, reason, "an OpenID provider could not be looked up");
        } else {
            tracing::warn!(
                issuer,
                reason,
                "an OpenID provider could not be looked up, and nobody can log in with it: check that the issuer is written \
                 as its metadata has it, with or without a slash at its end, and that this server can reach it"
            );
        }
    }

    async fn ask(&self, wanted: Wanted, began: u64) -> Result<Known, String> {
        let fresh_until =
            |fresh_for: Duration| began.saturating_add(fresh_for.as_millis().try_into().unwrap_or(u64::MAX));
        let (metadata, until) = match wanted {
            Wanted::Keys(metadata, until) => (metadata, until),
            Wanted::Everything => {
                let (json, fresh_for) = self.get(&place(&self.issuer)).await?;
                let metadata = Metadata::parse(&json, &self.issuer, self.plain_http)?;
                (Arc::new(metadata), fresh_until(fresh_for))
            }
        };
        let (json, fresh_for) = self.get(&metadata.jwks_uri).await?;
        let keys = public_keys(&json)?;
        let provider = Arc::new(Provider { metadata, keys });
        Ok(Known { provider, fresh_until: until.min(fresh_until(fresh_for)) })
    }

    async fn get(&self, url: &str) -> Result<(Vec<u8>, Duration), String> {
        let answer = self.outbound()?.get_at(url, MAX_DOCUMENT).await.and_then(|answer| answer.ok());
        let answer = answer.map_err(|failure| format!("{url}: {failure}"))?;
        let fresh_for = max_age(&answer.headers).map_or(FRESH_BY_DEFAULT, |said| said.clamp(FRESH.0, FRESH.1));
        Ok((answer.body, fresh_for))
    }

    /// Waits for what is under way.
    #[cfg(test)]
    pub(super) async fn landed(&self) {
        let flight = self.state().flight();
        landed(flight).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn usable(&self, now: u64) -> Option<Arc<Provider>> {
        let known = self.known.as_ref()?;
        (now < known.fresh_until.saturating_add(STALE)).then(|| Arc::clone(&known.provider))
    }

    fn has(&self, provider: &Arc<Provider>) -> bool {
        self.known.as_ref().is_some_and(|known| Arc::ptr_eq(&known.provider, provider))
    }

    fn flight(&self) -> Option<watch::Receiver<()>> {
        // Closed, when the task is gone with its runtime.
        self.flight.clone().filter(|flight| flight.has_changed().is_ok())
    }
}

/// Where the metadata is (OpenID Connect Discovery 1.0 §4).
fn place(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer))
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

/// The keys of a set that only check signatures.
fn public_keys(json: &[u8]) -> Result<CoreJsonWebKeySet, &'static str> {
    let none = "its key set is none";
    let all: KeySet = serde_json::from_slice(json).map_err(|_| none)?;
    let public: Vec<Value> = all.keys.into_iter().filter(can_be_public).take(MAX_KEYS).collect();
    let keys: CoreJsonWebKeySet = serde_json::from_value(json!({ "keys": public })).map_err(|_| none)?;
    if keys.keys().is_empty() { Err("its key set has no key that can be used") } else { Ok(keys) }
}

/// Neither a shared secret nor a private key, with which whoever reads the set could sign, nor one that is too weak.
fn can_be_public(key: &Value) -> bool {
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    // 2048 bits in base64url.
    let is_weak = text("kty") == Some("RSA") && text("n").is_none_or(|modulus| modulus.len() < 342);
    text("kty") != Some("oct") && key.get("d").is_none() && !is_weak
}

fn wait_after(failures: u32) -> u64 {
    FIRST_WAIT.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST_WAIT)
}

/// Waits until a look-up has ended; whether it went well, the state tells.
async fn landed(flight: Option<watch::Receiver<()>>) {
    if let Some(mut flight) = flight {
        while flight.changed().await.is_ok() {}
    }
}
