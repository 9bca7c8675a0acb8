//! The keys of an issuer from where it publishes them, so that it can change them.

mod cache;
#[cfg(feature = "firebase")]
mod certificates;
#[cfg(feature = "oauth")]
mod client_keys;
mod discovery;
mod document;
mod fetch;
mod jwk;
#[cfg(feature = "firebase")]
mod published;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

#[cfg(feature = "oauth")]
pub(crate) use self::client_keys::{ClientAssertion, ClientKeys, RemoteClientKeys};
#[cfg(feature = "oauth")]
pub(crate) use self::fetch::max_age;
#[cfg(feature = "firebase")]
pub(crate) use self::published::PublishedKeys;
use self::{cache::KeyCache, fetch::Source};
use super::{
    AuthError,
    jwt::{Algorithm, Jwt, Signed},
    outbound::operator_url,
    web_url::WebUrl,
};
use crate::clock::Clock;

/// The largest document that is read, in bytes.
const MAX_DOCUMENT: usize = 256 * 1024;

/// Where an issuer's keys are to be found, as configured; and those that were found.
#[derive(Default)]
pub(super) struct RemoteKeys {
    url: Option<Box<str>>,
    discover: bool,
    /// Whether that was not said, but comes with a preset.
    assumed: bool,
    algorithms: Option<Box<[Algorithm]>>,
    plain_http: bool,
    cache: OnceLock<Result<Arc<KeyCache>, String>>,
}

/// Keys that the issuer publishes, with the feature `jwks`.
///
/// They are fetched when the first token comes, and again in the background when they are older than the issuer says
/// (`Cache-Control: max-age`, at least 5 minutes and at most 24 hours; 10 minutes if it says nothing). A token with an
/// unknown `kid`, or one without `kid` that no key fits, makes the server look for new keys, and is judged by those:
/// once in 30 seconds at most, in between it is refused. When the issuer cannot be reached, its last keys are good for
/// one hour more; then calls are answered with 503 until it is back. Attempts that fail come ever more seldom, up to
/// one in a minute. A token that was verified with a key which the issuer has withdrawn since is remembered for at most
/// five minutes, as any other. A token without `kid` is tried with four keys of its algorithm at most, in the order of the
/// set.
///
/// Only public keys for signatures are used, at most 16, each with the one algorithm that its entry names (RSA keys that
/// name none: `RS256`, or those given to [`algorithms`](Self::algorithms)). Neither redirects nor proxies are followed,
/// and one fetch takes at most 5 seconds and 256 KiB.
impl Jwt {
    /// Takes the issuer's keys from this key set (RFC 7517): an https URL, which may lead into your private network;
    /// plain http is for loopback.
    ///
    /// ```
    /// # use mcp_runtime::auth::Jwt;
    /// let auth = Jwt::issuer("https://login.example.com")
    ///     .jwks("https://login.example.com/oauth2/keys")
    ///     .claim("tenant", "example");
    /// # use mcp_runtime::auth::Authenticator;
    /// # assert_eq!(auth.problems(Some("https://api.example.com/mcp")), Vec::<String>::new());
    /// ```
    #[must_use]
    pub fn jwks(mut self, url: impl Into<Box<str>>) -> Self {
        let remote = self.remote_mut();
        remote.discover &= !remote.assumed;
        remote.url = Some(url.into());
        self
    }

    /// Finds the key set in the issuer's own metadata: RFC 8414's, else OpenID Connect's, which must name the issuer
    /// byte for byte. The key set may be on another host if that is reached by https and is not in a private network;
    /// in one only if the issuer is itself. The metadata is read again whenever keys are fetched because of their age.
    ///
    /// ```
    /// # use mcp_runtime::auth::Jwt;
    /// let auth = Jwt::issuer("https://login.example.com").discover().subjects(["alice"]);
    /// # use mcp_runtime::auth::Authenticator;
    /// # assert_eq!(auth.problems(Some("https://api.example.com/mcp")), Vec::<String>::new());
    /// ```
    #[must_use]
    pub fn discover(mut self) -> Self {
        let remote = self.remote_mut();
        (remote.discover, remote.assumed) = (true, false);
        self
    }

    /// Uses only keys of these algorithms, and RSA keys that name none with each of them.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.remote_mut().algorithms = Some(algorithms.into_iter().collect());
        self
    }

    /// Fetches keys over plain http from other machines too. Whoever can change packets on the way can then make
    /// tokens: for networks that nobody else is in.
    #[must_use]
    pub fn insecure_plain_http(mut self) -> Self {
        self.remote_mut().plain_http = true;
        self
    }

    fn remote_mut(&mut self) -> &mut RemoteKeys {
        self.remote.get_or_insert_default()
    }
}

impl RemoteKeys {
    /// Found through the issuer's metadata, unless another place is said later.
    pub(super) fn found_by_default() -> Self {
        Self { discover: true, assumed: true, ..Self::default() }
    }

    /// Whether keys are to be fetched at all.
    pub(super) fn is_configured(&self) -> bool {
        self.url.is_some() || self.discover
    }

    /// Whether a key of the issuer made this signature; asks the issuer where that is needed and allowed.
    pub(super) async fn check(&self, issuer: &str, token: &Signed<'_>, clock: &Clock) -> Result<(), AuthError> {
        match self.cache(issuer) {
            Ok(cache) => cache.check(token, clock).await,
            // Reported when the server was built; here it only must not panic.
            Err(_) => Err(AuthError::invalid("no keys can be fetched")),
        }
    }

    fn cache(&self, issuer: &str) -> Result<&Arc<KeyCache>, &str> {
        let make = || {
            let source = self.source(issuer)?;
            Ok(Arc::new(KeyCache::new(issuer, source, self.algorithms.clone())?))
        };
        self.cache.get_or_init(make).as_ref().map_err(String::as_str)
    }

    fn source(&self, issuer: &str) -> Result<Source, String> {
        match &self.url {
            Some(url) => operator_url(url, self.plain_http)
                .map(Source::Url)
                .map_err(|why| format!("the URL of its key set {why}")),
            None => {
                let found = operator_url(issuer, self.plain_http)
                    .ok()
                    .filter(|_| WebUrl::split(issuer).is_some_and(|url| url.query.is_empty()));
                found.map(Source::Issuer).ok_or_else(|| {
                    "`.discover()` needs an issuer that is an https URL (http on loopback only), without a query: \
                     give the address of its keys with `.jwks(url)`"
                        .to_owned()
                })
            }
        }
    }

    /// What is wrong with all this, in half sentences.
    pub(super) fn problems(&self, issuer: &str, has_pinned: bool) -> Vec<String> {
        let mut problems = Vec::new();
        let mut problem = |wrong: bool, what: &str| problems.extend(wrong.then(|| what.to_owned()));
        let (configured, algorithms) = (self.is_configured(), self.algorithms.as_deref().unwrap_or_default());
        problem(
            configured && has_pinned,
            "it has keys by `.key(…)` and fetches others: a key that is withdrawn must not live on in the configuration; \
             choose one",
        );
        problem(self.url.is_some() && self.discover, "`.jwks(url)` and `.discover()` exclude each other: choose one");
        problem(
            !configured,
            "`.algorithms(…)` and `.insecure_plain_http()` are for keys that are fetched: call `.jwks(url)` or \
             `.discover()` too, or leave them out",
        );
        problem(self.algorithms.is_some() && algorithms.is_empty(), "`.algorithms([])` allows none: name some");
        problem(
            algorithms.iter().any(|algorithm| algorithm.is_symmetric()),
            "`.algorithms(…)` names one with a shared secret, which nobody can publish: leave out HS256, HS384, HS512",
        );
        if configured {
            problems.extend(self.cache(issuer).err().map(str::to_owned));
        }
        problems
    }
}

impl fmt::Debug for RemoteKeys {
    /// A query may hold a secret, and is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.as_deref().and_then(WebUrl::split).map(|url| format!("{}{}", url.origin, url.path));
        f.debug_struct("RemoteKeys")
            .field("url", &url)
            .field("discover", &self.discover)
            .field("algorithms", &self.algorithms)
            .field("plain_http", &self.plain_http)
            .field("cache", &self.cache.get())
            .finish()
    }
}
