//! How an authorization server is configured, and what is wrong with that.

use std::{sync::Arc, time::Duration};

use super::{LoginProvider, StoreKey, clients::ClientSettings, endpoints};
use crate::{
    auth::{PublicUrl, WebUrl},
    guard::Catalogue,
    store::Store,
};

/// How long things last. Everything that a stolen copy could be used for is short.
#[derive(Debug, Clone)]
pub(crate) struct Lifetimes {
    /// Of an access token.
    pub(crate) access_token: Duration,
    /// Of an authorization code.
    pub(crate) code: Duration,
    /// Of a grant that nobody refreshes.
    pub(crate) refresh_idle: Duration,
    /// Of a grant, whatever happens.
    pub(crate) grant: Duration,
    /// How long a refresh token still works after it was rotated, if its successor was not used before.
    pub(crate) refresh_grace: Duration,
    /// Of a login that nobody uses.
    pub(crate) session_idle: Duration,
    /// Of a login.
    pub(crate) session: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            access_token: Duration::from_secs(15 * 60),
            code: Duration::from_secs(60),
            refresh_idle: Duration::from_secs(14 * 24 * 3600),
            grant: Duration::from_secs(30 * 24 * 3600),
            refresh_grace: Duration::from_secs(60),
            session_idle: Duration::from_secs(12 * 3600),
            session: Duration::from_secs(7 * 24 * 3600),
        }
    }
}

/// Configures the built-in authorization server; made by [`AuthorizationServer::builder`](super::AuthorizationServer::builder)
/// and given to [`ServerBuilder::authorization_server`](crate::ServerBuilder::authorization_server).
///
/// ```
/// use std::time::Duration;
///
/// use mcp_runtime::{oauth::{AuthorizationServer, LocalUsers, StoreKey}, store::MemoryStore};
///
/// # let (store, key) = (std::sync::Arc::new(MemoryStore::new()), StoreKey::generate()?);
/// let builder = AuthorizationServer::builder(store.clone(), key)
///     .issuer("https://example.com/auth") // below which its endpoints are; else the host of the public URL
///     .login(LocalUsers::in_store(store))
///     .default_scopes(["notes:read"])
///     .access_token_lifetime(Duration::from_secs(5 * 60))
///     .grant_lifetime(Duration::from_secs(24 * 3600), Duration::from_secs(7 * 24 * 3600));
/// # Ok::<(), mcp_runtime::oauth::StoreKeyError>(())
/// ```
#[must_use = "a builder does nothing until a server is built with it"]
pub struct AuthorizationServerBuilder {
    pub(super) store: Arc<dyn Store>,
    pub(super) key: StoreKey,
    pub(super) issuer: Option<String>,
    pub(super) logins: Vec<Box<dyn LoginProvider>>,
    pub(super) connections: Vec<Box<dyn LoginProvider>>,
    /// The names of the providers whose tokens tools work with.
    pub(crate) used_by_tools: Vec<String>,
    /// Scopes that the environment lets providers grant.
    pub(crate) granted_by_environment: Vec<String>,
    /// Granted where a client asks for nothing in particular.
    pub(super) default_scopes: Vec<String>,
    pub(super) lifetimes: Lifetimes,
    /// How long a key signs.
    pub(super) signing_key_lifetime: Duration,
    pub(super) clients: ClientSettings,
    /// For tests only.
    pub(super) limits_off: bool,
}

impl AuthorizationServerBuilder {
    pub(super) fn new(store: Arc<dyn Store>, key: StoreKey) -> Self {
        let (issuer, default_scopes) = (None, Vec::new());
        let signing_key_lifetime = Duration::from_secs(90 * 24 * 3600);
        Self {
            store,
            key,
            issuer,
            logins: Vec::new(),
            connections: Vec::new(),
            used_by_tools: Vec::new(),
            granted_by_environment: Vec::new(),
            default_scopes,
            lifetimes: Lifetimes::default(),
            signing_key_lifetime,
            clients: ClientSettings::default(),
            limits_off: false,
        }
    }

    /// The name that the authorization server goes by, and below which its endpoints are: `https://host`, or with a path
    /// `https://host/prefix`, no slash at its end. By default scheme, host and port of the server's public URL. Tokens
    /// carry it byte for byte as `iss`.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Adds a way for people to log in.
    pub fn login(mut self, provider: impl LoginProvider) -> Self {
        self.logins.push(Box::new(provider));
        self
    }

    /// Adds a provider that nobody logs in with: only for tools that use people's accounts there, after these have
    /// connected them.
    pub fn connection(mut self, provider: impl LoginProvider) -> Self {
        self.connections.push(Box::new(provider));
        self
    }

    /// What is granted to clients that ask for nothing in particular, and what the metadata shows of the declared scopes
    /// (`scopes_supported`): clients that are not told what they need ask for all of these, so name few.
    pub fn default_scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.default_scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// How long an access token is good for; 15 minutes by default, from 1 minute to 1 hour. With the feature `dev-login`,
    /// and on this machine only, from 1 second, so that tests see them end.
    pub fn access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetimes.access_token = lifetime;
        self
    }

    /// How long a client may act for somebody without asking again: as long as it refreshes its tokens at least every
    /// `idle`, and never longer than `absolute`. 14 days and 30 days by default.
    pub fn grant_lifetime(mut self, idle: Duration, absolute: Duration) -> Self {
        self.lifetimes.refresh_idle = idle;
        self.lifetimes.grant = absolute;
        self
    }

    /// How long a key signs tokens before a new one takes its place; 90 days by default, one day at least.
    pub fn signing_key_lifetime(mut self, lifetime: Duration) -> Self {
        self.signing_key_lifetime = lifetime;
        self
    }

    /// Where people log in, and what is only connected.
    fn providers(&self) -> impl Iterator<Item = &dyn LoginProvider> {
        self.logins.iter().chain(&self.connections).map(|provider| &**provider)
    }

    /// Whether people can have accounts at this provider, for tools to work with.
    pub(crate) fn knows_upstream(&self, provider: &str) -> bool {
        self.providers().any(|known| known.name() == provider && known.federated().is_some())
    }

    /// Every scope that the code names in it.
    pub(crate) fn named_scopes(&self) -> Vec<String> {
        let granted = self.grants().map(|(_, scope)| scope).filter(|scope| !self.is_of_environment(scope));
        self.default_scopes.iter().map(String::as_str).chain(granted).map(str::to_owned).collect()
    }

    fn is_of_environment(&self, scope: &str) -> bool {
        self.granted_by_environment.iter().any(|granted| granted == scope)
    }

    /// The scopes that providers grant by name, each with the provider's.
    fn grants(&self) -> impl Iterator<Item = (&str, &str)> {
        let federated = self.providers().filter_map(|login| Some((login.name(), login.federated()?.0)));
        federated.flat_map(|(name, login)| login.granted().into_iter().map(move |scope| (name, scope)))
    }

    /// Those of them that nobody can be granted.
    fn grant_problems(&self, catalogue: &Catalogue) -> Vec<String> {
        if catalogue.is_open() {
            return Vec::new();
        }
        let mut problems: Vec<String> = Vec::new();
        for (name, scope) in self.grants().filter(|(_, scope)| !catalogue.knows(scope) && !catalogue.declares(scope)) {
            let problem = if self.is_of_environment(scope) {
                format!(
                    "`MCP_GRANTS` (or that of a provider) grants `{scope}`, which is not declared: correct it, or declare \
                     it with `.scope(name, description)`"
                )
            } else {
                let advice = catalogue.advice(scope, "declare it with `.scope(name, description)`");
                format!("login `{name}`: it grants `{}`, which is not declared{advice}", scope.escape_debug())
            };
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        problems
    }

    /// The exact issuer, if it can be told.
    pub(super) fn issuer_for(&self, public_url: Option<&PublicUrl>) -> Option<String> {
        self.issuer.clone().or_else(|| public_url.map(|url| url.origin().to_owned()))
    }

    /// Everything that is wrong with it, in sentences that say what to do.
    pub(super) fn problems(&self, public_url: Option<&PublicUrl>, catalogue: &Catalogue) -> Vec<String> {
        let mut problems = Vec::new();
        let mut problem =
            |wrong: bool, what: &str| problems.extend(wrong.then(|| format!("authorization server: {what}")));
        problem(
            self.logins.is_empty() && !self.clients.act_for_themselves(),
            "nobody could log in; add `.login(…)`, or clients that act for themselves",
        );
        // Where nothing is declared, the server's builder says so of all scopes together.
        let is_undeclared = |scope: &&String| !catalogue.is_open() && !catalogue.knows(scope);
        let undeclared: Vec<_> =
            self.default_scopes.iter().filter(is_undeclared).map(|scope| format!("`{scope}`")).collect();
        problem(
            !undeclared.is_empty(),
            &format!(
                "its default scopes are not all declared; declare {} with `.scope(name, description)`",
                undeclared.join(", ")
            ),
        );
        let (hour, day) = (Duration::from_secs(3600), Duration::from_secs(24 * 3600));
        problem(
            !(self.shortest_token(public_url)..=hour).contains(&self.lifetimes.access_token),
            "access tokens last from 1 minute to 1 hour",
        );
        problem(
            self.lifetimes.refresh_idle < self.lifetimes.access_token
                || self.lifetimes.grant < self.lifetimes.refresh_idle,
            "a grant lasts at least as long as it may be idle, and that at least as long as an access token",
        );
        problem(self.signing_key_lifetime < day, "a signing key lasts one day at least");
        problems.extend(self.issuer_problem(public_url));
        problems.extend(self.login_problems());
        problems.extend(self.federated_problems(public_url));
        problems.extend(self.grant_problems(catalogue));
        #[cfg(feature = "dev-login")]
        if let Some(issuer) = self.issuer_for(public_url) {
            problems.extend(super::login::problems(&self.logins, &issuer));
        }
        problems
    }

    fn shortest_token(&self, public_url: Option<&PublicUrl>) -> Duration {
        let issuer = self.issuer_for(public_url);
        let is_local = issuer.as_deref().and_then(WebUrl::split).is_some_and(|issuer| issuer.is_loopback());
        Duration::from_secs(if cfg!(feature = "dev-login") && is_local { 1 } else { 60 })
    }

    fn issuer_problem(&self, public_url: Option<&PublicUrl>) -> Option<String> {
        let issuer = self.issuer_for(public_url)?;
        let fail = |what: &str| Some(format!("authorization server: the issuer `{}` {what}", issuer.escape_debug()));
        let Ok(url) = PublicUrl::parse(&issuer) else {
            return fail("must be `https://host` or `https://host/prefix` in lower case (http is for loopback only)");
        };
        if issuer.ends_with('/') {
            return fail("ends with a slash; leave it out, clients compare issuers byte for byte");
        }
        let prefix = if url.path() == "/" { "" } else { url.path() };
        let resource = public_url.filter(|resource| resource.authority() == url.authority())?;
        let callbacks = format!("{prefix}/callback/");
        let taken = endpoints::paths(prefix).any(|(path, _)| path == resource.path())
            || resource.path().starts_with(&callbacks);
        if taken { fail("has an endpoint at the very path of the public URL; give one of them another") } else { None }
    }

    fn federated_problems(&self, public_url: Option<&PublicUrl>) -> Vec<String> {
        let Some(issuer) = self.issuer_for(public_url) else { return Vec::new() };
        let logins = self.logins.iter().map(|login| (login, true));
        let all = logins.chain(self.connections.iter().map(|connection| (connection, false)));
        let mut problems = Vec::new();
        for (provider, for_login) in all {
            let name = provider.name();
            match provider.federated() {
                Some(federated) => {
                    let found = federated.0.problems(&format!("{issuer}/callback/{name}"), for_login);
                    problems.extend(found.into_iter().map(|what| format!("login `{name}`: {what}")));
                }
                None if !for_login => problems.push(format!(
                    "authorization server: `{name}` has no accounts that tools could use; use `.login(…)` for it"
                )),
                None => {}
            }
        }
        problems
    }

    fn login_problems(&self) -> Vec<String> {
        let names: Vec<&str> = self.providers().map(LoginProvider::name).collect();
        let is_word = |name: &str| {
            (1..=32).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        let mut problems = Vec::new();
        for (at, name) in names.iter().enumerate() {
            if !is_word(name) {
                problems.push(format!("authorization server: {name:?} names a login; use a short lower-case word"));
            }
            if names[..at].contains(name) {
                problems.push(format!("authorization server: two logins are called `{name}`; accounts are told by it"));
            }
        }
        problems
    }
}
