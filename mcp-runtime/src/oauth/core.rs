//! Everything the endpoints share, made once.

use std::sync::{Arc, Weak};

use super::{
    AuthorizationServerBuilder, LoginProvider, StoreKey,
    clients::Clients,
    endpoints::Documents,
    error::{ErrorCode, OAuthError},
    limits::RouteLimits,
    login::federated::FederatedLogin,
    people::{Backoff, Undeclared, attempts::callback_of},
    seal::{Mac, Seal},
    settings::Lifetimes,
    tokens::{Embedded, Keys, News},
    upstream::Flights,
    visit::Form,
};
use crate::{
    auth::{PublicUrl, is_scope_token},
    clock::Clock,
    guard::Catalogue,
    store::{Records, Store, StoreError},
};

/// The most scopes of one request, and the bytes they may take together.
const MAX_SCOPES: usize = 64;
const MAX_SCOPE_BYTES: usize = 2 * 1024;

/// The authorization server of a [`Server`](crate::Server): what the operator does with it from code. Clones are the
/// same.
///
/// ```
/// use std::{sync::Arc, time::Duration};
///
/// use mcp_runtime::{
///     Server,
///     oauth::{AuthorizationServer, LocalUsers, StoreKey},
///     store::MemoryStore,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Arc::new(MemoryStore::new());
/// let users = LocalUsers::in_store(Arc::clone(&store));
/// users.add("alice", "a long pass phrase", ["notes:write"]).await?;
/// let server = Server::builder("notes", "1.0")
///     .public_url("http://127.0.0.1:8000/mcp")
///     .scope("notes:write", "Add notes")
///     .authorization_server(AuthorizationServer::builder(store, StoreKey::generate()?).login(users.clone()))
///     .build()?;
///
/// let oauth = server.authorization_server().ok_or("there is one")?;
/// let alice = users.get("alice").await?.ok_or("she was added")?;
/// let token = oauth.mint(LocalUsers::NAME, &alice.id, ["notes:write"], Duration::from_secs(3600)).await?;
/// let subject = oauth.subject_of(LocalUsers::NAME, &alice.id).await?.ok_or("she has a token")?;
/// assert_eq!(oauth.grants_of(&subject).await?[0].scopes, ["notes:write"]);
/// assert_eq!(oauth.revoke_all_of(&subject).await?, 1); // the token is refused from now on
/// # drop(token);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct AuthorizationServer(pub(crate) Arc<Core>);

impl AuthorizationServer {
    /// Starts the configuration of an authorization server that keeps its state in this store.
    pub fn builder(store: impl Store, key: StoreKey) -> AuthorizationServerBuilder {
        AuthorizationServerBuilder::new(Arc::new(store), key)
    }

    /// Loads the signing keys (the first start makes one) and what was revoked, and starts what goes on beside requests.
    /// [`Server::serve`](crate::Server::serve) does this before it listens; where the server is mounted in an app of yours,
    /// the first request does, unless you call it.
    ///
    /// # Errors
    /// If the store cannot be used, or was made with another [`StoreKey`].
    pub async fn ready(&self) -> Result<(), StoreError> {
        let core = &self.0;
        core.keys.load(core).await?;
        core.news.read(core).await?;
        core.keys.rotate_if_due(core).await?;
        core.wake();
        Ok(())
    }

    /// Begins to look at what providers say of themselves: what is wrong with that is in the log before somebody logs in.
    /// Does not wait; ends with the server.
    pub(crate) fn look_ahead(&self) {
        self.0.providers().filter_map(LoginProvider::federated).for_each(|provider| provider.0.look_ahead());
    }

    /// What to type into the console of each provider that people have their accounts with: its name here, and lines for
    /// people. [`Server::summary`](crate::Server::summary), which a server writes into the log when it starts, has them too.
    #[must_use]
    pub fn provider_setup(&self) -> Vec<(String, Vec<String>)> {
        let core = &self.0;
        let lines = |name: &str| core.federated(name).map(|it| it.console(&callback_of(core, name)));
        core.providers().filter_map(|provider| Some((provider.name().to_owned(), lines(provider.name())?))).collect()
    }

    pub(crate) fn embedded(&self) -> Embedded {
        Embedded::new(Arc::clone(&self.0))
    }
}

impl std::fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizationServer").field("issuer", &self.0.issuer).finish_non_exhaustive()
    }
}

/// What every endpoint needs.
pub(crate) struct Core {
    /// Itself, for what goes on when whoever asked for it has gone away.
    this: Weak<Self>,
    /// The exact text of `iss`: scheme, host and port, and a prefix if there is one; no slash at its end.
    pub(crate) issuer: String,
    /// The exact text of `aud`: the one resource that tokens are for.
    pub(crate) resource: String,
    /// What the MCP server calls itself.
    pub(crate) name: String,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) default_scopes: Vec<String>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) records: Records,
    pub(crate) clock: Clock,
    pub(crate) secrets: Secrets,
    pub(crate) clients: Clients,
    pub(crate) logins: Vec<Box<dyn LoginProvider>>,
    /// Providers that nobody logs in with: only for tools that use accounts there.
    pub(crate) connections: Vec<Box<dyn LoginProvider>>,
    /// The names of the providers whose tokens tools work with.
    pub(crate) used_by_tools: Vec<String>,
    pub(crate) flights: Flights,
    pub(crate) limits: RouteLimits,
    /// How often somebody may try to log in.
    pub(crate) backoff: Backoff,
    /// Whose scopes the operator was told about.
    pub(crate) undeclared: Undeclared,
    /// What anybody may read, rendered.
    pub(crate) documents: Documents,
    pub(crate) keys: Keys,
    pub(crate) news: News,
}

/// What a server knows that its authorization server is built with.
pub(crate) struct Surroundings<'a> {
    pub(crate) name: &'a str,
    pub(crate) public_url: Option<&'a PublicUrl>,
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) clock: &'a Clock,
}

impl AuthorizationServerBuilder {
    /// Checks everything and makes the authorization server, which does nothing yet.
    pub(crate) fn build(mut self, around: &Surroundings<'_>) -> Result<AuthorizationServer, Vec<String>> {
        let mut problems = self.clients.problems(around.catalogue);
        problems.extend(self.problems(around.public_url, around.catalogue));
        let (Some(issuer), Some(url), true) =
            (self.issuer_for(around.public_url), around.public_url, problems.is_empty())
        else {
            return Err(problems);
        };
        let no_crypto = || vec!["authorization server: the keys of its store cannot be derived".to_owned()];
        let secrets = Secrets::new(&self.key).ok_or_else(no_crypto)?;
        let clock = around.clock.clone();
        let clients = Clients::new(self.clients);
        let documents = Documents::new(&issuer, &self.default_scopes, &clients, !self.logins.is_empty());
        Ok(AuthorizationServer(Arc::new_cyclic(|this| Core {
            this: Weak::clone(this),
            documents,
            issuer,
            resource: url.as_str().to_owned(),
            name: around.name.to_owned(),
            catalogue: Arc::new(around.catalogue.clone()),
            default_scopes: self.default_scopes,
            keys: Keys::new(self.signing_key_lifetime),
            lifetimes: self.lifetimes,
            records: Records::new(self.store, clock.clone()),
            limits: if self.limits_off { RouteLimits::off(clock.clone()) } else { RouteLimits::new(clock.clone()) },
            backoff: Backoff::new(clock.clone()),
            undeclared: Undeclared::default(),
            clock,
            secrets,
            clients,
            logins: self.logins,
            connections: self.connections,
            used_by_tools: self.used_by_tools,
            flights: Flights::default(),
            news: News::default(),
        })))
    }
}

impl Core {
    /// The path before every endpoint: empty, or `/prefix`.
    pub(crate) fn prefix(&self) -> &str {
        let host = self.issuer.find("://").map_or(0, |at| at + 3);
        self.issuer[host..].find('/').map_or("", |at| &self.issuer[host + at..])
    }

    /// The scopes of a request that can be granted at all (RFC 6749 §3.3): those that are declared, or made of a declared
    /// one, each once. Others are left out, as a client may be granted less than it asks for; a client that asks for
    /// nothing gets the default ones.
    pub(crate) fn grantable(&self, asked: Option<&str>) -> Result<Vec<String>, OAuthError> {
        let Some(asked) = asked else { return Ok(self.default_scopes.clone()) };
        let malformed =
            Err(OAuthError::new(ErrorCode::InvalidScope, "`scope` is not a list of scopes with single spaces"));
        if asked.len() > MAX_SCOPE_BYTES {
            return malformed;
        }
        let mut scopes: Vec<String> = Vec::new();
        for (at, scope) in asked.split(' ').enumerate() {
            if at == MAX_SCOPES || !is_scope_token(scope) {
                return malformed;
            }
            if self.catalogue.knows(scope) && scopes.iter().all(|known| known != scope) {
                scopes.push(scope.to_owned());
            }
        }
        Ok(scopes)
    }

    /// Whether people can log in at all; otherwise there are only programs that act for themselves.
    pub(crate) fn has_logins(&self) -> bool {
        !self.logins.is_empty()
    }

    /// Itself; nothing while it is being made or is gone.
    pub(crate) fn arc(&self) -> Option<Arc<Self>> {
        self.this.upgrade()
    }

    /// Where people log in, and what is only connected.
    pub(crate) fn providers(&self) -> impl Iterator<Item = &dyn LoginProvider> {
        self.logins.iter().chain(&self.connections).map(|provider| &**provider)
    }

    /// The provider of this name.
    pub(crate) fn provider(&self, name: &str) -> Option<&dyn LoginProvider> {
        self.providers().find(|known| known.name() == name)
    }

    /// The same, if people have their accounts elsewhere there.
    pub(crate) fn federated(&self, name: &str) -> Option<&dyn FederatedLogin> {
        self.provider(name)?.federated().map(|federated| federated.0)
    }

    /// What a scope allows, for people.
    pub(crate) fn describe(&self, scope: &str) -> Option<String> {
        self.catalogue.description(scope)
    }

    /// Those of the scopes that may be granted by whoever may grant `allowed`, and what it implies; `None` is all that is
    /// declared.
    pub(crate) fn within(&self, scopes: &[String], allowed: &Option<Vec<String>>) -> Vec<String> {
        let may = |scope: &String| match allowed {
            None => self.catalogue.knows(scope),
            Some(allowed) => allowed.iter().any(|allowed| self.catalogue.covers(allowed, scope)),
        };
        scopes.iter().filter(|scope| may(scope)).cloned().collect()
    }

    /// For which resource a token is asked (RFC 8707 §2): there is one, which may be left unsaid.
    pub(crate) fn resource_of(&self, form: &Form) -> Result<String, OAuthError> {
        if form.all("resource").all(|resource| resource == self.resource) {
            return Ok(self.resource.clone());
        }
        Err(OAuthError::new(
            ErrorCode::InvalidTarget,
            "tokens are given out for one resource, which its metadata names",
        ))
    }
}

/// The keys that are derived from the store's key, each for one purpose.
pub(crate) struct Secrets {
    pub(crate) refresh_tokens: Mac,
    pub(crate) forms: Mac,
    pub(crate) cookies: Mac,
    /// What providers are told in the place of secrets: nonces and verifiers.
    pub(crate) attempts: Mac,
    /// Links by which people connect accounts.
    pub(crate) tickets: Mac,
    pub(crate) signing_keys: Seal,
    /// What other providers said of people.
    pub(crate) accounts: Seal,
    /// What other providers gave for people.
    pub(crate) upstream: Seal,
}

impl Secrets {
    fn new(key: &StoreKey) -> Option<Self> {
        Some(Self {
            refresh_tokens: Mac::new(key, b"refresh tokens")?,
            forms: Mac::new(key, b"forms")?,
            cookies: Mac::new(key, b"cookies")?,
            attempts: Mac::new(key, b"federated logins")?,
            tickets: Mac::new(key, b"tickets to connect")?,
            accounts: Seal::new(key, b"federated accounts")?,
            signing_keys: Seal::new(key, b"signing keys")?,
            upstream: Seal::new(key, b"upstream tokens")?,
        })
    }
}
