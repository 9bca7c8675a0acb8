//! Refreshing tokens: once, however many ask, on this node and on others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::timeout};

use crate::{
    caught::caught,
    oauth::{
        Core, LoginError,
        error::OAuthError,
        hash::digest,
        login::federated::UpstreamTokens,
        people::vault::{self, Held, Hold, Kept, Place},
    },
};

/// How long tokens must be good for, at least, in seconds.
const FRESH: u64 = 60;
/// How long tokens that can be refreshed are taken to be good where nobody says how long they are, in seconds.
const ASSUMED: u64 = 300;
/// How long a call waits for a refresh. That goes on, for those that come later.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the provider may take: less than the [lease](vault::hold) lasts.
const EXCHANGE: Duration = Duration::from_secs(20);
/// How often it is tried to write down what tokens were exchanged for: the old ones may be good for nothing any more.
const WRITES: u32 = 3;

/// What came of wanting tokens.
#[derive(Clone)]
pub(crate) enum Outcome {
    Tokens(UpstreamTokens),
    /// There are none, or none that are good for anything.
    Nothing,
    /// It cannot be told now.
    Unavailable,
}

/// The refreshes under way on this node.
#[derive(Default)]
pub(crate) struct Flights(Mutex<HashMap<String, watch::Receiver<Option<Outcome>>>>);

/// The tokens of a place, refreshed if they end soon.
pub(crate) async fn fresh(core: &Arc<Core>, place: Place<'_>) -> Outcome {
    let kept = match vault::kept(core, place).await {
        Ok(Some(kept)) => kept,
        Ok(None) => return Outcome::Nothing,
        Err(error) => return unavailable(place.1, &error),
    };
    let (now, tokens) = (core.records.now(), &kept.tokens);
    if is_fresh(&kept, now) {
        return Outcome::Tokens(kept.tokens);
    }
    let is_good = tokens.expires_at.is_none_or(|end| now < end);
    if tokens.refresh_token.is_none() {
        return if is_good { Outcome::Tokens(kept.tokens) } else { Outcome::Nothing };
    }
    match join(core, place).await {
        // The last minute of the old ones is better than nothing.
        Outcome::Unavailable if is_good => Outcome::Tokens(kept.tokens),
        outcome => outcome,
    }
}

fn is_fresh(kept: &Kept, now: u64) -> bool {
    match kept.tokens.expires_at {
        Some(end) => now.saturating_add(FRESH) < end,
        None => kept.tokens.refresh_token.is_none() || now < kept.given_at.saturating_add(ASSUMED),
    }
}

/// Waits for the refresh that is under way, or begins one. It is a task of its own: whoever waits may go away.
async fn join(core: &Arc<Core>, place: Place<'_>) -> Outcome {
    let mut outcome = core.flights.begin(core, place);
    match timeout(PATIENCE, outcome.wait_for(Option::is_some)).await {
        Ok(Ok(outcome)) => outcome.clone().unwrap_or(Outcome::Unavailable),
        // It takes too long, or broke.
        Ok(Err(_)) | Err(_) => Outcome::Unavailable,
    }
}

impl Flights {
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }

    fn begin(&self, core: &Arc<Core>, (subject, provider): Place<'_>) -> watch::Receiver<Option<Outcome>> {
        let name = digest(&[subject, provider]);
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = under_way.get(&name) {
            return outcome.clone();
        }
        let (told, outcome) = watch::channel(None);
        under_way.insert(name.clone(), outcome.clone());
        let (subject, provider) = (subject.to_owned(), provider.to_owned());
        let landing = Landing { core: Arc::clone(core), name };
        tokio::spawn(async move {
            let outcome = refresh(&landing.core, (&subject, &provider)).await;
            let _ = told.send(Some(outcome));
        });
        outcome
    }
}

/// Says that a refresh is over, however it ended.
struct Landing {
    core: Arc<Core>,
    name: String,
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.core.flights.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

async fn refresh(core: &Core, place: Place<'_>) -> Outcome {
    let held = match vault::hold(core, place, |kept| is_fresh(kept, core.records.now())).await {
        Ok(Hold::Mine(held)) => held,
        Ok(Hold::Fresh(kept)) => return Outcome::Tokens(kept.tokens),
        Ok(Hold::Nothing) => return Outcome::Nothing,
        Ok(Hold::Busy) => return Outcome::Unavailable,
        Err(error) => return unavailable(place.1, &error),
    };
    match exchange(core, place.1, &held.kept).await {
        Ok(tokens) => written(core, place, &held, tokens).await,
        Err(LoginError::Denied) => {
            tracing::info!(provider = place.1, subject = place.0, "tokens of a provider are not good any more");
            held.forget().await.map_or_else(|error| unavailable(place.1, &error), |()| Outcome::Nothing)
        }
        Err(LoginError::Unavailable) => {
            if let Err(error) = held.release().await {
                return unavailable(place.1, &error);
            }
            Outcome::Unavailable
        }
    }
}

async fn exchange(core: &Core, provider: &str, old: &Kept) -> Result<UpstreamTokens, LoginError> {
    let federated = core.federated(provider).ok_or(LoginError::Unavailable)?;
    match timeout(EXCHANGE, caught(federated.refresh(&old.account, &old.tokens))).await {
        Ok(Some(Ok(new))) => Ok(vault::completed(new, &old.tokens)),
        Ok(Some(Err(error))) => {
            tracing::warn!(provider, %error, "tokens of a provider are not refreshed");
            Err(error)
        }
        Ok(None) => {
            tracing::error!(provider, "refreshing tokens panicked");
            Err(LoginError::Unavailable)
        }
        Err(_) => {
            tracing::warn!(provider, "a provider did not refresh tokens in time");
            Err(LoginError::Unavailable)
        }
    }
}

/// Writes them down. What others put there meanwhile counts instead.
async fn written(core: &Core, place: Place<'_>, held: &Held<'_>, tokens: UpstreamTokens) -> Outcome {
    for _ in 0..WRITES {
        match held.put(&tokens).await {
            Ok(true) => return Outcome::Tokens(tokens),
            Ok(false) => {
                let there = vault::kept(core, place).await;
                let there = there.map(|kept| kept.map_or(Outcome::Nothing, |kept| Outcome::Tokens(kept.tokens)));
                return there.unwrap_or_else(|error| unavailable(place.1, &error));
            }
            Err(error) => drop(unavailable(place.1, &error)),
        }
    }
    tracing::error!(provider = place.1, subject = place.0, "refreshed tokens of a provider are lost");
    Outcome::Tokens(tokens)
}

fn unavailable(provider: &str, error: &OAuthError) -> Outcome {
    tracing::error!(provider, error = error.description, "tokens of a provider cannot be read or kept");
    Outcome::Unavailable
}
