//! The keys of one issuer, and which of them may have signed a token.

use super::{Signed, VerifyingKey};

/// How many keys one issuer may have: with one bad token every key of its algorithm may be tried.
pub(in crate::auth) const MAX_KEYS: usize = 16;

/// How many keys of a published set are tried with a token that names none of them. An issuer that changes its keys has
/// two or three, and some name keys in their set and not in their tokens.
#[cfg(feature = "jwks")]
const MAX_TRIES: usize = 4;

/// Keys of one issuer.
#[derive(Debug)]
pub(in crate::auth) struct KeySet {
    keys: Vec<VerifyingKey>,
    /// How many may be tried with one token.
    tries: usize,
}

impl Default for KeySet {
    fn default() -> Self {
        Self { keys: Vec::new(), tries: MAX_KEYS }
    }
}

impl KeySet {
    /// Keys that an issuer published.
    #[cfg(feature = "jwks")]
    pub(in crate::auth) fn published(keys: Vec<VerifyingKey>) -> Self {
        Self { keys, tries: MAX_TRIES }
    }

    pub(super) fn push(&mut self, key: VerifyingKey) {
        self.keys.push(key);
    }

    #[cfg(feature = "jwks")]
    pub(in crate::auth) fn len(&self) -> usize {
        self.keys.len()
    }

    #[cfg(feature = "jwks")]
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether one of these keys made the token's signature.
    pub(in crate::auth) fn made(&self, token: &Signed<'_>) -> bool {
        self.candidates(token).any(|key| key.verifies(token.message, token.signature))
    }

    /// Whether the key that the token names is here; then there is no point in looking for others.
    #[cfg(feature = "jwks")]
    pub(in crate::auth) fn knows_key_of(&self, token: &Signed<'_>) -> bool {
        token.header.key_id.as_deref().is_some_and(|kid| self.has(kid))
    }

    fn has(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid() == Some(kid))
    }

    /// The keys that may have signed it: of the algorithm that the header names, which is never taken from there.
    fn candidates(&self, token: &Signed<'_>) -> impl Iterator<Item = &VerifyingKey> {
        let header = &token.header;
        let named = header.key_id.as_deref().is_some_and(|kid| self.has(kid));
        let may_be = move |key: &&VerifyingKey| match (&header.key_id, named) {
            (Some(kid), true) => key.kid() == Some(kid),
            (Some(_), false) => key.kid().is_none(),
            (None, _) => true,
        };
        let same_algorithm = |key: &&VerifyingKey| key.algorithm().as_str() == &*header.algorithm;
        self.keys.iter().filter(same_algorithm).filter(may_be).take(self.tries)
    }

    /// What is wrong with keys from a configuration.
    pub(super) fn problems(&self) -> impl Iterator<Item = &'static str> {
        let mut names: Vec<&str> = self.keys.iter().filter_map(VerifyingKey::kid).collect();
        let named = names.len();
        names.sort_unstable();
        names.dedup();
        let none = self.keys.is_empty().then_some(NO_KEY);
        let many = (self.keys.len() > MAX_KEYS).then_some("it has more than 16 keys: remove those out of use");
        let same = (names.len() < named).then_some("two of its keys have the same `kid`: name each differently");
        [none, many, same].into_iter().flatten()
    }
}

const NO_KEY: &str = "it has no key: give it one with `.key(VerifyingKey::…)`, or, with the feature `jwks`, let it fetch \
                      them: `.jwks(url)` or `.discover()`";
