//! All authenticators of one server, and a memory of what they said.

use std::{fmt, time::Duration};

use quick_cache::{Weighter, sync::Cache};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use super::{Asker, AuthError, Authenticator, BearerToken, Identity, Verify};
use crate::clock::Clock;

/// How long an authenticator may think about one token.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many verified tokens a server remembers, if each takes [`PLACE`] bytes at most. Larger ones take several places.
const CAPACITY: usize = 10_000;
const PLACE: usize = 4 * 1024;

/// Verifies tokens for one server. Bad tokens are not remembered, so they cannot push good ones out.
pub(crate) struct Verifier {
    authenticators: Vec<Box<dyn Authenticator>>,
    resource: Option<Box<str>>,
    clock: Clock,
    verified: Cache<TokenDigest, Entry, Places>,
}

#[derive(Clone)]
struct Entry {
    identity: Identity,
    /// On [`Clock::millis`], which setting the system's clock does not move.
    remembered_until: u64,
    places: u64,
    /// Who verified it, by its place, and at which of its epochs.
    by: usize,
    epoch: u64,
}

/// What an entry weighs.
#[derive(Clone)]
struct Places;

impl Weighter<TokenDigest, Entry> for Places {
    fn weight(&self, _: &TokenDigest, entry: &Entry) -> u64 {
        entry.places
    }
}

impl Verifier {
    pub(crate) fn new(
        mut authenticators: Vec<Box<dyn Authenticator>>,
        resource: Option<Box<str>>,
        clock: Clock,
    ) -> Self {
        // Stable: otherwise the order is the configuration's.
        authenticators.sort_by_cached_key(|authenticator| takes_any(&**authenticator));
        Self { authenticators, resource, clock, verified: memory(CAPACITY) }
    }

    /// Remembers `capacity` tokens instead of 10,000.
    #[cfg(test)]
    pub(crate) fn capacity(mut self, capacity: usize) -> Self {
        self.verified = memory(capacity);
        self
    }

    /// Whether anyone here could vouch for anybody.
    pub(crate) fn is_empty(&self) -> bool {
        self.authenticators.is_empty()
    }

    /// The identity of a token that was verified before and is still good.
    #[cfg(test)]
    pub(crate) fn cached(&self, token: &BearerToken<'_>) -> Option<Identity> {
        self.recall(&digest(token.expose()))
    }

    /// The identity of a token from nowhere in particular.
    pub(crate) async fn authenticate(&self, token: &BearerToken<'_>) -> Result<Identity, AuthError> {
        self.authenticate_from(token.expose().as_bytes(), || Asker::LOCAL).await
    }

    /// The identity of what was sent as a token: remembered (one hash, one look-up), or verified now. Only then it matters
    /// who asks, and whether it is a token at all: what is remembered was one.
    pub(crate) async fn authenticate_from(
        &self,
        sent: &[u8],
        asker: impl FnOnce() -> Asker,
    ) -> Result<Identity, AuthError> {
        let key = digest(sent);
        if let Some(identity) = self.recall(&key) {
            return Ok(identity);
        }
        let token = std::str::from_utf8(sent).ok().and_then(BearerToken::new);
        let token = &token.ok_or(AuthError::invalid("not a bearer token"))?;
        let mut all = self.authenticators.iter().enumerate();
        let (by, authenticator) =
            all.find(|(_, one)| one.claims(token)).ok_or(AuthError::invalid("no issuer is ours"))?;
        let asked_at = self.clock.millis();
        // Read first: what happens while the token is looked at makes another epoch.
        let epoch = authenticator.epoch(asked_at).unwrap_or(0);
        let verify = Verify::new(self.resource.as_deref(), &self.clock, asker());
        let identity = match timeout(PATIENCE, authenticator.authenticate(token, &verify)).await {
            Ok(verdict) => verdict?,
            Err(_) => return Err(AuthError::unavailable(PATIENCE)),
        };
        if !self.is_current(&identity) {
            return Err(AuthError::Expired);
        }
        if authenticator.issuer().is_some_and(|issuer| issuer != identity.issuer()) {
            return Err(AuthError::invalid("the authenticator speaks for another issuer"));
        }
        // Counted from the question: the answer may have been on its way for a while.
        let remembered_until = asked_at.saturating_add(millis(authenticator.cache_for(&identity)));
        if remembered_until > self.clock.millis() {
            let places = 1 + (size_of_claims(identity.claims()) / PLACE) as u64;
            self.verified.insert(key, Entry { identity: identity.clone(), remembered_until, places, by, epoch });
        }
        Ok(identity)
    }

    /// The epoch of whoever vouches for an identity, if that can change its mind: what happens to an identity without its
    /// token being sent again, as on an open stream.
    #[cfg(feature = "http")]
    pub(crate) fn epoch_of(&self, identity: &Identity) -> Option<u64> {
        self.issuer_of(identity)?.epoch(self.clock.millis()).filter(|epoch| *epoch > 0)
    }

    /// Whether an identity is still good that was so at this epoch, as far as can be told.
    #[cfg(feature = "http")]
    pub(crate) fn still_good(&self, identity: &Identity, epoch: u64) -> bool {
        self.issuer_of(identity).is_none_or(|issuer| issuer.still_good(identity, epoch))
    }

    #[cfg(feature = "http")]
    fn issuer_of(&self, identity: &Identity) -> Option<&dyn Authenticator> {
        let mut all = self.authenticators.iter().map(|authenticator| &**authenticator);
        all.find(|authenticator| authenticator.issuer() == Some(identity.issuer()))
    }

    fn recall(&self, key: &TokenDigest) -> Option<Identity> {
        let entry = self.verified.get(key)?;
        let now = self.clock.millis();
        let authenticator = self.authenticators.get(entry.by)?;
        if now >= entry.remembered_until || !self.is_current(&entry.identity) {
            self.verified.remove(key);
            return None;
        }
        // Where it cannot be told, the authenticator is asked about the token, and says so.
        let epoch = authenticator.epoch(now)?;
        if epoch != entry.epoch {
            if !authenticator.still_good(&entry.identity, entry.epoch) {
                self.verified.remove(key);
                return None;
            }
            self.verified.insert(*key, Entry { epoch, ..entry.clone() });
        }
        Some(entry.identity)
    }

    fn is_current(&self, identity: &Identity) -> bool {
        identity.expires_at().is_none_or(|end| self.clock.unix_seconds() < end)
    }

    /// Where clients get tokens, each once, in the order of configuration.
    pub(crate) fn authorization_servers(&self) -> Vec<&str> {
        let mut servers = Vec::new();
        for server in self.authenticators.iter().filter_map(|authenticator| authenticator.authorization_server()) {
            if !servers.contains(&server) {
                servers.push(server);
            }
        }
        servers
    }

    /// The issuers whose tokens are accepted, as far as they have a name, and whom they admit, as far as they say so.
    #[cfg(any(test, feature = "http", feature = "testing"))]
    pub(crate) fn issuers(&self) -> impl Iterator<Item = (&str, Option<String>)> {
        self.authenticators
            .iter()
            .filter_map(|authenticator| Some((authenticator.issuer()?, authenticator.admission())))
    }

    /// Everything that is wrong with the configuration.
    pub(crate) fn problems(&self) -> Vec<String> {
        let resource = self.resource.as_deref();
        let mut problems: Vec<String> = self.authenticators.iter().flat_map(|a| a.problems(resource)).collect();
        if self.authenticators.iter().filter(|authenticator| takes_any(&***authenticator)).count() > 1 {
            problems.push(
                "two authenticators take any opaque token, and the second would never be asked: nothing in such a token \
                 says whose it is"
                    .to_owned(),
            );
        }
        let mut issuers = Vec::new();
        // One that takes only opaque tokens may stand beside one for the signed tokens of the same issuer.
        let told_apart = self.authenticators.iter().filter(|authenticator| !takes_opaque_only(&***authenticator));
        for issuer in told_apart.filter_map(|authenticator| authenticator.issuer()) {
            if issuers.contains(&issuer) {
                problems.push(format!(
                    "two authenticators are for the issuer {issuer:?}, and the second would never be asked: \
                     put keys and tokens of one issuer into one"
                ));
            }
            issuers.push(issuer);
        }
        problems
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers: Vec<_> = self.authenticators.iter().map(|authenticator| authenticator.issuer()).collect();
        f.debug_struct("Verifier").field("issuers", &issuers).field("remembered", &self.verified.len()).finish()
    }
}

/// Whether an authenticator claims tokens that say nothing: a secret, which is nobody's, is claimed like any other.
fn takes_any(authenticator: &dyn Authenticator) -> bool {
    BearerToken::new("opaque").is_some_and(|token| authenticator.claims(&token))
}

/// Whether an authenticator takes any opaque token, and no signed one of its issuer.
fn takes_opaque_only(authenticator: &dyn Authenticator) -> bool {
    #[cfg(any(feature = "introspection", feature = "jwt"))]
    let takes_signed = authenticator.issuer().is_some_and(|issuer| {
        BearerToken::new(super::claims::unsigned(issuer)).is_some_and(|token| authenticator.claims(&token))
    });
    #[cfg(not(any(feature = "introspection", feature = "jwt")))]
    let takes_signed = false;
    takes_any(authenticator) && !takes_signed
}

/// SHA-256 of a token: the token itself is not kept, and a digest tells nothing to whoever reads memory.
pub(super) type TokenDigest = [u8; 32];

pub(super) fn digest(token: impl AsRef<[u8]>) -> TokenDigest {
    Sha256::digest(token).into()
}

fn memory(places: usize) -> Cache<TokenDigest, Entry, Places> {
    Cache::with_weighter(places, places as u64, Places)
}

/// How many bytes claims take in memory, about; that can be a hundred times their JSON. Their depth is bounded by its
/// parser.
fn size_of_claims(claims: &Map<String, Value>) -> usize {
    /// What a map allocates for its first few members.
    const NODE: usize = 640;
    let members = claims.iter().map(|(name, value)| size_of::<String>() + name.len() + size_of_value(value));
    members.fold(if claims.is_empty() { 0 } else { NODE }, usize::saturating_add)
}

fn size_of_value(value: &Value) -> usize {
    let inside = match value {
        Value::String(text) => text.len(),
        Value::Array(list) => list.iter().map(size_of_value).fold(0, usize::saturating_add),
        Value::Object(members) => size_of_claims(members),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    inside.saturating_add(size_of::<Value>())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "verifier_tests.rs"]
mod tests;
