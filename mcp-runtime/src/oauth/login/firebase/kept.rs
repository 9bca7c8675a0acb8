//! What is fetched when it is needed and kept for a while.

use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::Clock;

/// How long nobody asks again after a failure: those who wait for the same answer do not wait one after the other.
const FAILED_FOR: Duration = Duration::from_secs(5);

/// One value, fetched by one at a time.
pub(super) struct Kept<T>(Mutex<State<T>>);

/// Until when each of them is so, in milliseconds of the clock.
enum State<T> {
    Nothing,
    Good(T, u64),
    Failed(u64),
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(State::Nothing))
    }
}

impl<T: Clone> Kept<T> {
    /// The value, with the future's help if there is none. That says for how long its value is good, or why there is none.
    pub(super) async fn get(
        &self,
        clock: &Clock,
        fetch: impl Future<Output = Result<(T, Duration), String>>,
    ) -> Option<T> {
        let mut state = self.0.lock().await;
        let now = clock.millis();
        match &*state {
            State::Good(value, until) if now < *until => return Some(value.clone()),
            State::Failed(until) if now < *until => return None,
            _ => {}
        }
        let fetched = fetch.await;
        // A failure is counted from its end: it may have taken longer than that.
        let (since, span) = match &fetched {
            Ok((_, good_for)) => (now, *good_for),
            Err(_) => (clock.millis(), FAILED_FOR),
        };
        let until = since.saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
        match fetched {
            Ok((value, _)) => {
                *state = State::Good(value.clone(), until);
                Some(value)
            }
            Err(reason) => {
                tracing::warn!(reason, "Firebase: Google did not answer as expected");
                *state = State::Failed(until);
                None
            }
        }
    }

    /// The value turned out to be no good.
    pub(super) async fn forget(&self) {
        *self.0.lock().await = State::Nothing;
    }
}
