//! One fetch of a key set, from the first look-up to keys that can be used.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use reqwest::{
    Url,
    header::{AGE, CACHE_CONTROL, HeaderMap},
};

use super::{
    MAX_DOCUMENT,
    discovery::{self, Found},
    document,
};
use crate::auth::{
    jwt::{Algorithm, KeySet},
    outbound::{Answer, Outbound, Reach},
};

/// How long a fetch may take with everything it needs; less than a request waits for its authenticator.
const PATIENCE: Duration = Duration::from_secs(8);

/// How long keys are fresh: what the issuer says, within these bounds.
const FRESH: (Duration, Duration) = (Duration::from_secs(5 * 60), Duration::from_secs(24 * 60 * 60));
const FRESH_BY_DEFAULT: Duration = Duration::from_secs(10 * 60);

/// How to get at the keys.
pub(super) enum Source {
    Url(Url),
    /// The issuer's own URL, whose metadata says where they are.
    Issuer(Url),
    /// A URL that a client wrote, asked with what is allowed to go there.
    #[cfg(feature = "oauth")]
    Client(Url, Outbound),
    /// A key set, and where the same keys are as certificates: those are for when the set is of no use.
    #[cfg(feature = "firebase")]
    Either {
        keys: Url,
        certificates: Url,
        outbound: Outbound,
    },
}

/// Why keys are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// There are none, or they are getting old: then where they are may be old as well.
    Age,
    /// A token names a key that is not among them.
    UnknownKey,
}

pub(super) struct Fetch {
    issuer: Box<str>,
    source: Source,
    algorithms: Option<Box<[Algorithm]>>,
    outbound: Outbound,
    /// What the metadata said last, until a fetch from there fails.
    found: Mutex<Option<Found>>,
}

impl Fetch {
    pub(super) fn new(issuer: &str, source: Source, algorithms: Option<Box<[Algorithm]>>) -> Result<Self, String> {
        let outbound = match &source {
            Source::Url(url) | Source::Issuer(url) => Outbound::new(Reach::Anywhere, is_secure(url))?,
            #[cfg(feature = "oauth")]
            Source::Client(_, outbound) => outbound.clone(),
            #[cfg(feature = "firebase")]
            Source::Either { outbound, .. } => outbound.clone(),
        };
        Ok(Self { issuer: issuer.into(), source, algorithms, outbound, found: Mutex::default() })
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Fetches the keys, and says for how long they are fresh.
    pub(super) async fn run(&self, cause: Cause) -> Result<(KeySet, Duration), String> {
        match tokio::time::timeout(PATIENCE, self.attempt(cause)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("no keys within {} seconds", PATIENCE.as_secs())),
        }
    }

    async fn attempt(&self, cause: Cause) -> Result<(KeySet, Duration), String> {
        let found = match &self.source {
            Source::Url(url) => return self.read(&self.get(&self.outbound, url).await?),
            #[cfg(feature = "oauth")]
            Source::Client(url, outbound) => return self.read(&self.get(outbound, url).await?),
            #[cfg(feature = "firebase")]
            Source::Either { keys, certificates, outbound } => return self.either(outbound, keys, certificates).await,
            Source::Issuer(_) => self.look_up(cause).await?,
        };
        let outbound = match found.reach {
            Reach::Anywhere if !is_secure(&found.url) => self.outbound.clone(),
            reach => Outbound::new(reach, true)?,
        };
        let fetched = self.read(&self.get(&outbound, &found.url).await?)?;
        *self.found() = Some(found);
        Ok(fetched)
    }

    /// Where the keys are. An issuer that moves them may leave the old ones where they were, so what was found before is
    /// good for an unknown key only.
    async fn look_up(&self, cause: Cause) -> Result<Found, String> {
        // Taken out: it comes back only if it was right.
        let known = self.found().take();
        match known.filter(|_| cause == Cause::UnknownKey) {
            Some(found) => Ok(found),
            None => discovery::find(&self.outbound, &self.issuer).await,
        }
    }

    #[cfg(feature = "firebase")]
    async fn either(&self, outbound: &Outbound, keys: &Url, certificates: &Url) -> Result<(KeySet, Duration), String> {
        let reason = match self.get(outbound, keys).await.and_then(|answer| self.read(&answer)) {
            Ok(fetched) => return Ok(fetched),
            Err(reason) => reason,
        };
        tracing::warn!(issuer = &*self.issuer, reason, "no keys from the key set: asking for the certificates");
        let answer = self.get(outbound, certificates).await?;
        let keys = super::certificates::parse(&answer.body, &self.issuer)?;
        Ok((keys, fresh_for(&answer.headers)))
    }

    fn read(&self, answer: &Answer) -> Result<(KeySet, Duration), String> {
        let keys = document::parse(&answer.body, &self.issuer, self.algorithms.as_deref())?;
        Ok((keys, fresh_for(&answer.headers)))
    }

    async fn get(&self, outbound: &Outbound, url: &Url) -> Result<Answer, String> {
        let answer = outbound.get(url.clone(), MAX_DOCUMENT).await.and_then(Answer::ok);
        answer.map_err(|failure| failure.to_string())
    }

    fn found(&self) -> std::sync::MutexGuard<'_, Option<Found>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_secure(url: &Url) -> bool {
    url.scheme() == "https"
}

fn fresh_for(headers: &HeaderMap) -> Duration {
    max_age(headers).map_or(FRESH_BY_DEFAULT, |said| said.clamp(FRESH.0, FRESH.1))
}

/// How long an answer says that it is fresh (RFC 9111 §4.2), as far as that is understood.
pub(crate) fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let texts = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let max_age = texts.flat_map(|text| text.split(',')).find_map(|directive| {
        let (name, seconds) = directive.trim().split_once('=')?;
        name.eq_ignore_ascii_case("max-age").then(|| seconds.trim_matches('"').parse::<u64>().ok())?
    });
    let age = headers.get(AGE).and_then(|value| value.to_str().ok()?.parse::<u64>().ok()).unwrap_or(0);
    max_age.map(|seconds| Duration::from_secs(seconds.saturating_sub(age)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freshness_is_what_the_issuer_says_within_bounds() {
        for (cache_control, age, minutes) in [
            ("", "", 10),
            ("public", "", 10),
            ("max-age=soon", "", 10),
            ("no-cache", "", 10),
            ("public, max-age=3600", "", 60),
            ("Public,MAX-AGE=3600,must-revalidate", "", 60),
            ("max-age=\"3600\"", "", 60),
            ("max-age=3600", "1200", 40),
            ("max-age=3600", "99999", 5),
            ("max-age=3600", "-1", 60),
            ("max-age=0", "", 5),
            ("s-maxage=9000", "", 10),
            ("max-age=99999999999", "", 24 * 60),
            ("max-age=99999999999999999999999", "", 10),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, cache_control.parse().unwrap());
            headers.insert(AGE, age.parse().unwrap());
            assert_eq!(fresh_for(&headers), Duration::from_secs(minutes * 60), "{cache_control} {age}");
        }
        assert_eq!(fresh_for(&HeaderMap::new()), FRESH_BY_DEFAULT);
    }
}
