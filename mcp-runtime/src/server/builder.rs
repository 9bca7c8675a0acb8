//! Collects everything, then checks everything, then builds.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use super::{
    CallOutcome, Core, DenialStyle, Inner, ObservedCall, Observer, Policies, PolicyRow, Registry, Results, Server,
    Settings, Visibility, results::CacheScope,
};
use crate::{
    auth::{Authenticator, PublicUrl, Verifier},
    clock::Clock,
    guard::{Catalogue, Defaults, Gate, Limit, QuotaTable, RateLimit, StateMap},
    tool::{Bind, Requirements, ToolSet},
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

    /// Its tokens are known like those of any other issuer.
    #[cfg(feature = "oauth")]
    fn build_authorization_server(
        &mut self,
        public_url: Option<&PublicUrl>,
    ) -> Option<crate::oauth::AuthorizationServer> {
        let Some(mut builder) = self.authorization.take() else {
            self.check_upstream(|_| Some("there is no authorization server"));
            return None;
        };
        self.knows_callers = true;
        builder.used_by_tools = self.check_upstream(|name| {
            (!builder.knows_upstream(name)).then_some("the authorization server has no such provider")
        });
        builder.complained_of_elsewhere.extend(self.configured.iter().flat_map(|it| it.scopes.clone()));
        let around =
            crate::oauth::Surroundings { name: &self.name, public_url, catalogue: &self.catalogue, clock: &self.clock };
        let undeclared = if self.catalogue.is_open() { self.named_scopes(&builder.named_scopes()) } else { Vec::new() };
        let built = builder.build(&around);
        // One that cannot be used is complained of elsewhere.
        if self.public_url.is_none() {
            self.problems.push(
                "authorization server: its tokens are for the server's public URL, and there is none; add \
                 `.public_url(\"https://host/mcp\")`"
                    .to_owned(),
            );
        }
        if !undeclared.is_empty() {
            self.problems.push(format!(
                "authorization server: it grants declared scopes only; declare {} with `.scope(name, description)`",
                undeclared.join(", ")
            ));
        }
        match built {
            Ok(server) => {
                self.authenticators.push(Box::new(server.embedded()));
                self.states.insert(crate::oauth::Source(Arc::clone(&server.0)));
                Some(server)
            }
            Err(problems) => {
                self.problems.extend(problems);
                None
            }
        }
    }

    /// The providers whose tokens tools work with, each once. Complains of tools that cannot, or must not, have them.
    #[cfg(feature = "oauth")]
    fn check_upstream(&mut self, lack: impl Fn(&str) -> Option<&'static str>) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for tool in &self.tools {
            let mut needs = Requirements::default();
            tool.requirements(&mut needs);
            let (policy, location) = (tool.policy(), tool.info().location);
            for name in needs.upstream_providers() {
                let mut problem = |what: String| {
                    self.problems.push(format!(
                        "tool `{}` ({location}) takes `Upstream<_>` of the provider `{name}`, {what}",
                        tool.name()
                    ));
                };
                if policy.asks_for_no_scopes() {
                    problem(
                        "but needs no scopes: whoever calls it acts with people's accounts elsewhere; give it, or its                          group, `scopes = \"…\"`"
                            .to_owned(),
                    );
                }
                if let Some(lack) = lack(name) {
                    problem(format!(
                        "but {lack}; add it with `AuthorizationServer::builder(…).login(…)` or `.connection(…)`"
                    ));
                }
                if names.iter().all(|known| known != name) {
                    names.push((*name).to_owned());
                }
            }
        }
        names
    }

    /// The scopes of all tools and the default ones, each once, as they are shown.
    #[cfg(feature = "oauth")]
    fn named_scopes(&self, defaults: &[String]) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for tool in &self.tools {
            let policy = tool.policy();
            let exprs = policy.group_floor().map(|floor| floor.scopes).into_iter().chain([policy.required_scopes()]);
            names.extend(exprs.flat_map(|expr| self.catalogue.undeclared(expr)));
        }
        names.extend_from_slice(defaults);
        let mut seen = std::collections::HashSet::new();
        names.into_iter().filter(|name| seen.insert(name.clone())).map(|name| format!("`{name}`")).collect()
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

    fn check_public_url(&mut self) -> Option<PublicUrl> {
        let parsed = PublicUrl::parse(self.public_url.as_deref()?);
        parsed.map_err(|problem| self.problems.push(problem)).ok()
    }

    fn check(&mut self, verifier: &Verifier, public_url: Option<&PublicUrl>) {
        if self.name.is_empty() || self.version.is_empty() {
            self.problems.push("a server needs a name and a version".into());
        }
        self.check_names();
        self.check_states();
        self.check_schemas();
        self.check_scopes();
        self.check_auth(verifier, public_url);
        self.problems.extend(verifier.problems());
        #[cfg(feature = "http")]
        self.problems.extend(self.http.problems());
        #[cfg(feature = "http")]
        self.check_configured(public_url);
        #[cfg(feature = "tls")]
        self.check_tls(public_url);
    }

    #[cfg(feature = "tls")]
    fn check_tls(&mut self, public_url: Option<&PublicUrl>) {
        let Some(tls) = &self.tls else { return };
        self.problems.extend(tls.reload().err().map(|error| error.to_string()));
        if public_url.is_some_and(|url| url.as_str().starts_with("http:")) {
            self.problems
                .push("the public URL is plain http, and `.tls(…)` speaks https only; write `https://…`".into());
        }
    }

    fn check_names(&mut self) {
        let mut seen = HashMap::new();
        for tool in &self.tools {
            let here = tool.info().location;
            let Some(there) = seen.insert(tool.name(), here) else { continue };
            if there == here {
                self.problems.push(format!("tool `{}` ({here}) is listed twice; once is enough", tool.name()));
            } else {
                self.problems.push(format!(
                    "two tools are called `{}`: at {there} and at {here}; give one of them `#[tool(name = \"…\")]`",
                    tool.name()
                ));
            }
        }
    }

    fn check_states(&mut self) {
        for tool in &self.tools {
            let mut needs = Requirements::default();
            tool.requirements(&mut needs);
            for missing in needs.missing_from(&self.states) {
                self.problems.push(format!(
                    "tool `{}` ({}) takes `State<{missing}>`, but the server has none; add `.state(value)`",
                    tool.name(),
                    tool.info().location
                ));
            }
        }
    }

    fn check_schemas(&mut self) {
        for tool in &self.tools {
            for problem in tool.problems() {
                self.problems.push(format!("tool `{}` ({}): {problem}", tool.name(), tool.info().location));
            }
        }
    }

    fn check_scopes(&mut self) {
        self.problems.extend(self.catalogue.problems());
        for tool in &self.tools {
            let policy = tool.policy();
            let group = policy.group_floor().map(|floor| floor.scopes);
            let exprs = group.into_iter().chain([policy.required_scopes()]);
            for problem in exprs.flat_map(|expr| self.catalogue.check_declared(expr)) {
                self.problems.push(format!("tool `{}` ({}): {problem}", tool.name(), tool.info().location));
            }
        }
    }

    fn check_auth(&mut self, verifier: &Verifier, public_url: Option<&PublicUrl>) {
        let protected = self.tools.iter().find(|tool| !tool.policy().is_public());
        match (protected, verifier.is_empty(), self.defaults.no_auth) {
            (Some(tool), true, false) if !self.knows_callers => self.problems.push(format!(
                "tool `{}` is protected, but the server has no way to know callers; add `.auth(…)`{}, make the tool \
                 `#[tool(public)]`, or on your own machine `.insecure_no_auth()`",
                tool.name(),
                self.further_ways()
            )),
            (_, false, true) => self.problems.push(
                "`.insecure_no_auth()` and `.auth(…)` exclude each other: who asks for tokens must not ignore them"
                    .into(),
            ),
            _ => {}
        }
        if self.defaults.no_auth && public_url.is_some_and(|url| !url.is_loopback()) {
            self.problems.push("`.insecure_no_auth()` needs a `.public_url(…)` on loopback, or none".into());
        }
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

/// Everything that is wrong with a server's configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct BuildError(Vec<String>);

impl BuildError {
    /// The problems, each a sentence that says what to do.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server cannot be built:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl fmt::Debug for BuildError {
    /// The same as `Display`: this is what a `main` that returns it prints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for BuildError {}
