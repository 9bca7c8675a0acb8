//! Collects everything, then checks everything, then builds.

#[cfg(feature = "oauth")]
mod authorization;
mod checks;
mod error;

use std::{fmt, sync::Arc, time::Duration};

pub use error::BuildError;

use super::{
    CallOutcome, Core, DenialStyle, Inner, ObservedCall, Observer, Policies, PolicyRow, Registry, Results, Server,
    Settings, Visibility, results::CacheScope,
};
use crate::{
    auth::{Authenticator, PublicUrl, Verifier},
    clock::Clock,
    guard::{Catalogue, Defaults, Gate, Limit, QuotaTable, RateLimit, StateMap},
    tool::{Bind, ToolSet},
};

/// How often one caller may use one tool, unless the tool says otherwise: 100 a second, which no model reaches and
/// a runaway loop does.
const DEFAULT_LIMIT: Limit = Limit::new(RateLimit::new(6_000, 60));

/// How long one call may take, unless the tool says otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// Builds a [`Server`]. Mistakes are collected; [`build`](Self::build) lists them all.
#[must_use = "a builder does nothing until `build`"]
pub struct ServerBuilder {
    name: String,
    version: String,
    title: Option<String>,
    instructions: Option<String>,
    pub(super) public_url: Option<String>,
    pub(super) catalogue: Catalogue,
    last_scope: Option<String>,
    states: StateMap,
    tools: Vec<Box<dyn Bind>>,
    pub(super) authenticators: Vec<Box<dyn Authenticator>>,
    pub(super) defaults: Defaults,
    address_limit: Option<Limit>,
    quota_capacity: usize,
    visibility: Visibility,
    denial_style: DenialStyle,
    observer: Observer,
    clock: Clock,
    #[cfg(feature = "http")]
    http: crate::http::HttpSettings,
    #[cfg(feature = "http")]
    pub(super) configured: Option<super::Configured>,
    #[cfg(feature = "tls")]
    tls: Option<crate::http::Tls>,
    #[cfg(feature = "oauth")]
    pub(super) authorization: Option<crate::oauth::AuthorizationServerBuilder>,
    /// Whether callers are meant to be known, even if the way to do so could not be made.
    knows_callers: bool,
    pub(super) problems: Vec<String>,
}

impl ServerBuilder {
    pub(super) fn new(name: String, version: String) -> Self {
        Self {
            name,
            version,
            title: None,
            instructions: None,
            public_url: None,
            catalogue: Catalogue::default(),
            last_scope: None,
            states: StateMap::default(),
            tools: Vec::new(),
            authenticators: Vec::new(),
            defaults: Defaults { limit: Some(DEFAULT_LIMIT), timeout: Some(DEFAULT_TIMEOUT), no_auth: false },
            address_limit: Some(DEFAULT_LIMIT),
            quota_capacity: QuotaTable::DEFAULT_CAPACITY,
            visibility: Visibility::default(),
            denial_style: DenialStyle::default(),
            observer: Observer::default(),
            clock: Clock::system(),
            #[cfg(feature = "http")]
            http: crate::http::HttpSettings::default(),
            #[cfg(feature = "http")]
            configured: None,
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "oauth")]
            authorization: None,
            knows_callers: false,
            problems: Vec::new(),
        }
    }

    /// Names the server for people.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Tells models what the server is good for and how its tools go together.
    pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }

    /// The URL under which clients reach the MCP endpoint, byte for byte as they and their tokens write it.
    ///
    /// It is the audience tokens must name (RFC 8707), the `resource` of the metadata (RFC 9728), and its path is
    /// where the endpoint is served. It is never guessed from a request. Without it the endpoint is `/mcp`, only loopback
    /// names are answered as `Host`, and [`serve`](Server::serve) binds to loopback only.
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// Declares a scope and says to people what it allows. Once one is declared, tools may use no other. What tokens grant is
    /// not compared with it.
    ///
    /// The description is for whoever reviews `POLICY.md`, and for consent pages; clients are not sent it. A scope with
    /// an argument is declared as tools write it: `.scope("project:{project}:write", "Change a project")`.
    pub fn scope(mut self, name: impl Into<String>, description: impl Into<String>) -> Self {
        let name = name.into();
        self.catalogue.declare(name.clone(), description);
        self.last_scope = Some(name);
        self
    }

    /// Says that the scope declared just before includes these others: a token with `admin` may then do what needs
    /// `notes:write`.
    ///
    /// ```
    /// # use mcp_runtime::Server;
    /// # let builder =
    /// Server::builder("notes", "1.0")
    ///     .scope("notes:write", "Write notes")
    ///     .scope("admin", "Everything")
    ///     .implies(["notes:write"])
    /// # ;
    /// ```
    pub fn implies<'s>(mut self, scopes: impl IntoIterator<Item = &'s str>) -> Self {
        match &self.last_scope {
            Some(scope) => self.catalogue.imply(scope, scopes),
            None => self.problems.push("`.implies([…])` follows the `.scope(name, description)` it speaks of".into()),
        }
        self
    }

    /// Shares a value with tools that take [`State<T>`](crate::State). One value per type.
    pub fn state<T: Clone + Send + Sync + 'static>(mut self, state: T) -> Self {
        if !self.states.insert(state) {
            let name = std::any::type_name::<T>();
            self.problems.push(format!("there are two states of type `{name}`; wrap one of them in a type of its own"));
        }
        self
    }

    /// Adds tools: `tools![a, b]`, or a value whose `impl` carries `#[toolset]`.
    pub fn tools(mut self, tools: impl ToolSet) -> Self {
        self.tools.extend(tools.into_tools().into_list());
        self
    }

    /// Adds a way to know callers. With several, each token goes to the one that claims it.
    pub fn auth(mut self, authenticator: impl Authenticator) -> Self {
        #[cfg(feature = "http")]
        self.complain_of_second_way("auth");
        self.authenticators.push(Box::new(authenticator));
        self
    }

    /// Makes this server its own authorization server: people log in here, and its tokens are accepted. One at most; it may
    /// stand beside other ways to know callers. It needs a [`public_url`](Self::public_url), and every scope of the tools
    /// declared with [`scope`](Self::scope). See [`oauth`](crate::oauth).
    ///
    /// ```
    /// use mcp_runtime::{
    ///     Server,
    ///     oauth::{AuthorizationServer, LocalUsers, StoreKey},
    ///     store::MemoryStore,
    /// };
    ///
    /// // With the feature `sqlite`: `SqliteStore::open("./data/oauth.db").await?`, and the key from a file.
    /// let (store, key) = (std::sync::Arc::new(MemoryStore::new()), StoreKey::generate()?);
    /// let users = LocalUsers::in_store(store.clone());
    /// let server = Server::builder("notes", "1.0")
    ///     .public_url("https://notes.example.com/mcp")
    ///     .scope("notes:write", "Add notes")
    ///     .authorization_server(AuthorizationServer::builder(store, key).login(users))
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "oauth")]
    pub fn authorization_server(mut self, builder: crate::oauth::AuthorizationServerBuilder) -> Self {
        if self.authorization.replace(builder).is_some() {
            self.problems.push("there are two authorization servers; a server has one".to_owned());
        }
        self
    }

    /// Serves protected tools to *anybody* who can reach the server, without asking who they are.
    ///
    /// For trying things out on your own machine: such a server answers loopback peers only, and none that say they come
    /// through a proxy, nor HTTP/1.0; it warns at every start, and refuses to be built together with an authenticator.
    /// Never put a proxy or a tunnel before it: many mark nothing, and then everybody on the internet may call every tool.
    pub fn insecure_no_auth(mut self) -> Self {
        self.defaults.no_auth = true;
        self
    }

    /// Replaces the limit of tools that have none of their own, 6000 a minute for each caller and tool. It is each caller's
    /// general quota as well: for lists, unknown names, arguments that do not fit and guards that say no, all together.
    pub fn default_rate_limit(mut self, limit: &str) -> Self {
        self.defaults.limit = self.limit(limit);
        self
    }

    /// Leaves tools without a limit of their own unlimited, and lists, bad arguments and wrong guesses at guards too. Shows in [`policies`](Server::policies).
    pub fn no_default_rate_limit(mut self) -> Self {
        self.defaults.limit = None;
        self
    }

    /// Replaces the time that tools without a timeout of their own may take, 60 seconds.
    pub fn default_timeout(mut self, timeout: Duration) -> Self {
        self.defaults.timeout = Some(timeout);
        self
    }

    /// Lets tools without a timeout of their own run for ever. Shows in [`policies`](Server::policies).
    pub fn no_default_timeout(mut self) -> Self {
        self.defaults.timeout = None;
        self
    }

    /// Replaces how often one network address may fail to authenticate or call without credentials, 6000 a minute.
    /// Callers with valid tokens are never refused because of it, except while their issuer must be asked about a token
    /// (`Introspection`): then the address has one question at a time.
    pub fn address_rate_limit(mut self, limit: &str) -> Self {
        self.address_limit = self.limit(limit);
        self
    }

    /// Removes the limit on failures and anonymous calls per address, where something in front of the server has one.
    pub fn no_address_rate_limit(mut self) -> Self {
        self.address_limit = None;
        self
    }

    /// Replaces how many counters of quotas are kept at once, 917,504: one for each caller and limit, of callers with
    /// credentials, those without, addresses that limits count, and addresses that failed, each in a table of this size
    /// (16 at least) and of its own. When one is full, callers never seen before wait.
    pub fn quota_capacity(mut self, counters: usize) -> Self {
        self.quota_capacity = counters;
        self
    }

    /// Says who is shown which tools; [`Visibility::Advertise`] by default.
    pub fn visibility(mut self, visibility: Visibility) -> Self {
        self.visibility = visibility;
        self
    }

    /// Says how denied calls are told; [`DenialStyle::Status`] by default.
    pub fn denial_style(mut self, style: DenialStyle) -> Self {
        self.denial_style = style;
        self
    }

    /// Is told of every call and every refusal of the gate: for metrics, traces and audit logs. One hook; the last one given
    /// counts. Not told is what HTTP refuses before: 400 for header and body that differ, 403 for another `Host` or `Origin`,
    /// 415, unreadable JSON.
    ///
    /// It runs on the way of the answer, so it should only write down and return. It never sees arguments, results or
    /// tokens. Without a hook nothing is measured.
    ///
    /// ```
    /// # use mcp_runtime::Server;
    /// let builder = Server::builder("notes", "1.0").observe(|call, outcome| {
    ///     let who = call.caller.identity().map_or("nobody", |identity| identity.subject());
    ///     println!("{who} {} {} {:?}", call.tool.unwrap_or("-"), outcome.as_str(), call.ran_for);
    /// });
    /// ```
    pub fn observe(mut self, hook: impl Fn(&ObservedCall<'_>, &CallOutcome<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Observer::new(hook);
        self
    }

    /// Reads time from this clock. For tests.
    #[cfg(any(test, feature = "testing"))]
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Changes the limits of the HTTP endpoint: sizes, times, connections, hosts and origins.
    #[cfg(feature = "http")]
    pub fn http(mut self, change: impl FnOnce(crate::http::HttpSettings) -> crate::http::HttpSettings) -> Self {
        self.http = change(self.http);
        self
    }

    /// Without HTTP nothing is configured from the environment.
    #[cfg(not(feature = "http"))]
    fn further_ways(&self) -> &'static str {
        ""
    }

    /// Lets [`serve`](Server::serve) and [`serve_on`](Server::serve_on) speak https (TLS 1.2 and 1.3, HTTP/1.1) with this
    /// certificate. Unix sockets and routers in an app of yours stay as they are. See the guide
    /// [`https`](crate::guide::https).
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: crate::http::Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Checks everything and builds the server.
    ///
    /// # Errors
    /// Every problem there is, at once, each with what to do about it.
    pub fn build(mut self) -> Result<Server, BuildError> {
        let public_url = self.check_public_url();
        #[cfg(feature = "oauth")]
        let authorization = self.build_authorization_server(public_url.as_ref());
        let resource = public_url.as_ref().map(|url| url.as_str().into());
        let verifier = Verifier::new(std::mem::take(&mut self.authenticators), resource, self.clock.clone());
        self.check(&verifier, public_url.as_ref());
        if !self.problems.is_empty() {
            return Err(BuildError(self.problems));
        }
        let assembled = self.assemble(
            verifier,
            public_url,
            #[cfg(feature = "oauth")]
            authorization,
        );
        assembled.map_err(|error| BuildError(vec![format!("a schema cannot be written: {error}")]))
    }

    fn assemble(
        self,
        verifier: Verifier,
        public_url: Option<PublicUrl>,
        #[cfg(feature = "oauth")] authorization: Option<crate::oauth::AuthorizationServer>,
    ) -> Result<Server, serde_json::Error> {
        let rows = self
            .tools
            .iter()
            .map(|tool| PolicyRow::new(tool.name(), &tool.policy(), tool.info().location, self.defaults));
        let policies = Policies::new(rows.collect());
        let open_to_anonymous = self.defaults.no_auth || self.tools.iter().any(|tool| tool.policy().is_public());
        let all_public = self.tools.iter().all(|tool| tool.policy().is_public());
        let scope = if all_public { CacheScope::Public } else { CacheScope::Private };
        let (limit, capacity, states) = (self.address_limit, self.quota_capacity, Arc::new(self.states));
        let gate = Arc::new(Gate::new(self.clock, self.catalogue, self.defaults, limit, capacity, states));
        let core = Core {
            metadata_url: metadata_url(&verifier, public_url.as_ref()),
            registry: Registry::new(self.tools.into_iter().map(|tool| tool.bind(&gate)).collect())?,
            results: Results::new(&self.name, &self.version, self.title.as_deref(), self.instructions, scope)?,
            gate,
            verifier,
            visibility: self.visibility,
            denial_style: self.denial_style,
            observer: self.observer,
            open_to_anonymous,
        };
        let settings = Settings {
            name: self.name,
            public_url,
            no_auth: self.defaults.no_auth,
            #[cfg(feature = "http")]
            http: self.http,
            #[cfg(feature = "http")]
            configured: self.configured,
            #[cfg(feature = "tls")]
            tls: self.tls,
            #[cfg(feature = "oauth")]
            authorization,
        };
        Ok(Server(Arc::new(Inner { core, settings, policies })))
    }

    fn limit(&mut self, text: &str) -> Option<Limit> {
        let parsed: Result<RateLimit, crate::guard::RateLimitError> = text.parse();
        parsed.map(Limit::from).map_err(|error| self.problems.push(error.to_string())).ok()
    }
}

/// Where clients find out who hands out tokens (RFC 9728), if anybody does.
#[cfg(feature = "http")]
fn metadata_url(verifier: &Verifier, public_url: Option<&PublicUrl>) -> Option<String> {
    let url = public_url.filter(|_| !verifier.authorization_servers().is_empty())?;
    Some(crate::auth::well_known_path(url.as_str())?.url)
}

#[cfg(not(feature = "http"))]
fn metadata_url(_: &Verifier, _: Option<&PublicUrl>) -> Option<String> {
    None
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}
