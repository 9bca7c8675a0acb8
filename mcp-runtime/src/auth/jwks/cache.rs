//! The keys there are, how old they are, and when to ask for others. Time is the clock's, so that tests can move it.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use super::fetch::{Cause, Fetch, Source};
use crate::{
    auth::{
        AuthError,
        jwt::{Algorithm, KeySet, NO_KEY_MADE_THIS, Signed},
    },
    clock::Clock,
};

/// For how long keys may be used after their freshness has ended, in milliseconds.
const STALE: u64 = 60 * 60 * 1000;

/// How often tokens with unknown keys may make us ask, in milliseconds.
const UNKNOWN_KEY_EVERY: u64 = 30_000;

/// How long to wait after the first attempt that failed, in milliseconds; twice as long after each further one.
const FIRST_WAIT: u64 = 1_000;
const LONGEST_WAIT: u64 = 60_000;

/// The keys of one issuer.
pub(super) struct KeyCache {
    fetch: Fetch,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: Option<Fetched>,
    /// The fetch that is under way: everybody waits for the same one. Closed when it has ended, however it did.
    flight: Option<watch::Receiver<()>>,
    failures: u32,
    /// Before this moment nothing is fetched.
    not_before: u64,
    /// When an unknown key last made us ask.
    asked_for_unknown: Option<u64>,
}

#[derive(Clone)]
struct Fetched {
    keys: Arc<KeySet>,
    fresh_until: u64,
}

/// What a token is judged by.
enum Current {
    Now(Arc<KeySet>),
    /// There were none, so somebody asked: there is no need to ask again.
    JustFetched(Arc<KeySet>),
}

impl KeyCache {
    pub(super) fn new(issuer: &str, source: Source, algorithms: Option<Box<[Algorithm]>>) -> Result<Self, String> {
        Ok(Self { fetch: Fetch::new(issuer, source, algorithms)?, state: Mutex::default() })
    }

    /// Whether a key of the issuer made this signature.
    pub(super) async fn check(self: &Arc<Self>, token: &Signed<'_>, clock: &Clock) -> Result<(), AuthError> {
        let refused = AuthError::invalid(NO_KEY_MADE_THIS);
        let seen = match self.current(clock).await? {
            Current::Now(keys) => keys,
            Current::JustFetched(keys) => return keys.made(token).then_some(()).ok_or(refused),
        };
        if seen.made(token) {
            return Ok(());
        }
        if seen.knows_key_of(token) {
            return Err(refused);
        }
        match self.newer(&seen, clock).await {
            Some(newer) if newer.made(token) => Ok(()),
            _ => Err(refused),
        }
    }

    /// The keys that may be used now. Asks for new ones in the background when these are getting old, and waits only if
    /// there are none.
    async fn current(self: &Arc<Self>, clock: &Clock) -> Result<Current, AuthError> {
        let flight = {
            let mut state = self.state();
            let now = clock.millis();
            if state.keys.as_ref().is_none_or(|fetched| now >= fetched.fresh_until) {
                self.start(&mut state, clock, Cause::Age);
            }
            match state.usable(now) {
                Some(keys) => return Ok(Current::Now(keys)),
                None => state.flight(),
            }
        };
        landed(flight).await;
        let (state, now) = (self.state(), clock.millis());
        match state.usable(now) {
            Some(keys) => Ok(Current::JustFetched(keys)),
            None => Err(AuthError::unavailable(state.wait(now))),
        }
    }

    /// Other keys than these, if the issuer has them and may be asked.
    async fn newer(self: &Arc<Self>, seen: &Arc<KeySet>, clock: &Clock) -> Option<Arc<KeySet>> {
        let flight = {
            let mut state = self.state();
            let now = clock.millis();
            if state.flight().is_none() && state.has(seen) {
                let asked = state.asked_for_unknown;
                if asked.is_some_and(|then| now.saturating_sub(then) < UNKNOWN_KEY_EVERY) {
                    return None;
                }
                if self.start(&mut state, clock, Cause::UnknownKey) {
                    state.asked_for_unknown = Some(now);
                }
            }
            state.flight()
        };
        landed(flight).await;
        let state = self.state();
        state.usable(clock.millis()).filter(|_| !state.has(seen))
    }

    /// Begins a fetch in a task of its own, which nobody who goes away can stop; unless one is under way, or the last
    /// ones failed too recently.
    fn start(self: &Arc<Self>, state: &mut State, clock: &Clock, cause: Cause) -> bool {
        let began = clock.millis();
        if state.flight().is_some() || began < state.not_before {
            return false;
        }
        let (end, flight) = watch::channel(());
        state.flight = Some(flight);
        // As if it had failed: whatever becomes of the task, there is a wait before the next.
        state.failed(began);
        let (cache, clock) = (Arc::clone(self), clock.clone());
        tokio::spawn(async move {
            let outcome = cache.fetch.run(cause).await;
            let issuer = cache.fetch.issuer();
            let mut state = cache.state();
            match outcome {
                Ok((keys, fresh_for)) => {
                    tracing::debug!(issuer, keys = keys.len(), "fetched keys");
                    state.succeeded(keys, cause, began, fresh_for);
                }
                Err(reason) => {
                    tracing::warn!(issuer, reason, "the keys of an issuer could not be fetched");
                    let wait = wait_after(state.failures);
                    state.not_before = clock.millis().saturating_add(wait);
                }
            }
            state.flight = None;
            drop(state);
            drop(end);
        });
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn usable(&self, now: u64) -> Option<Arc<KeySet>> {
        let fetched = self.keys.as_ref()?;
        (now < fetched.fresh_until.saturating_add(STALE)).then(|| Arc::clone(&fetched.keys))
    }

    fn has(&self, keys: &Arc<KeySet>) -> bool {
        self.keys.as_ref().is_some_and(|fetched| Arc::ptr_eq(&fetched.keys, keys))
    }

    fn flight(&self) -> Option<watch::Receiver<()>> {
        // Closed, when the task is gone with its runtime.
        self.flight.clone().filter(|flight| flight.has_changed().is_ok())
    }

    /// How long until it is worth asking again.
    fn wait(&self, now: u64) -> Duration {
        Duration::from_millis(self.not_before.saturating_sub(now)).max(Duration::from_secs(1))
    }

    fn failed(&mut self, now: u64) {
        self.failures = self.failures.saturating_add(1);
        self.not_before = now.saturating_add(wait_after(self.failures));
    }

    fn succeeded(&mut self, keys: KeySet, cause: Cause, began: u64, fresh_for: Duration) {
        // Counted from the question: the answer may have been on its way for a while.
        let fresh_until = began.saturating_add(u64::try_from(fresh_for.as_millis()).unwrap_or(u64::MAX));
        // Else whoever sends unknown keys again and again could keep us from ever asking where the keys are.
        let ends = self.keys.as_ref().filter(|_| cause == Cause::UnknownKey).map(|before| before.fresh_until);
        let fresh_until = ends.map_or(fresh_until, |ends| ends.min(fresh_until));
        self.keys = Some(Fetched { keys: Arc::new(keys), fresh_until });
        (self.failures, self.not_before) = (0, 0);
    }
}

fn wait_after(failures: u32) -> u64 {
    FIRST_WAIT.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST_WAIT)
}

/// Waits until a fetch has ended; whether it went well, the state tells.
async fn landed(flight: Option<watch::Receiver<()>>) {
    if let Some(mut flight) = flight {
        while flight.changed().await.is_ok() {}
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.state().keys.as_ref().map_or(0, |fetched| fetched.keys.len());
        f.debug_struct("KeyCache").field("keys", &keys).finish_non_exhaustive()
    }
}
