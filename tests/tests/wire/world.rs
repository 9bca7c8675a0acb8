//! The server under attack, and an issuer whose tokens it takes.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use mcp_runtime::{
    Identity, Server, ServerBuilder, State, ToolError, ToolSet,
    auth::Jwt,
    testing::{ManualClock, TokenBuilder, TokenFactory},
    tool, tools,
};

pub(crate) const ISSUER: &str = "https://login.example.com";
pub(crate) const URL: &str = "http://127.0.0.1:8000/mcp";
pub(crate) const METADATA: &str = "http://127.0.0.1:8000/.well-known/oauth-protected-resource/mcp";

/// Counts bodies that ran, whichever tool's.
#[derive(Debug, Clone, Default)]
pub(crate) struct Runs(Arc<AtomicUsize>);

impl Runs {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Says hello to anybody.
#[tool(public)]
pub(crate) async fn hello(State(runs): State<Runs>) -> &'static str {
    runs.add();
    "hello"
}

/// Says who calls.
#[tool]
pub(crate) async fn whoami(me: Identity, State(runs): State<Runs>) -> String {
    runs.add();
    me.subject().to_owned()
}

/// Opens the vault.
#[tool(scopes = "vault:open")]
pub(crate) async fn vault(State(runs): State<Runs>, text: String, count: Option<u32>) -> Result<String, ToolError> {
    runs.add();
    Ok(text.repeat(usize::try_from(count.unwrap_or(1))?.min(9)))
}

/// May be called five times a minute.
#[tool(scopes = "vault:open", rate_limit = "5/m")]
pub(crate) async fn five(State(runs): State<Runs>, #[arg(default)] text: String) -> String {
    runs.add();
    text
}

/// A server, its issuer and its clock.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) router: axum::Router,
    pub(crate) runs: Runs,
    pub(crate) factory: TokenFactory,
    pub(crate) clock: ManualClock,
}

impl World {
    /// A server on which everything is protected.
    pub(crate) fn fenced() -> Self {
        Self::new(tools![whoami, vault, five], |builder| builder)
    }

    /// A server with one public tool.
    pub(crate) fn open() -> Self {
        Self::new(tools![hello, whoami, vault, five], |builder| builder)
    }

    /// A server with these tools, changed as you like.
    pub(crate) fn new(tools: impl ToolSet, change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        Self::at(URL, tools, change)
    }

    pub(crate) fn at(url: &str, tools: impl ToolSet, change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        let clock = ManualClock::new();
        let runs = Runs::default();
        let factory = TokenFactory::new(ISSUER, url).clock(clock.clone());
        let builder = Server::builder("attacked", "1.0")
            .public_url(url)
            .clock(clock.clone())
            .state(runs.clone())
            .auth(Jwt::issuer(ISSUER).key(factory.verifying_key()).anyone())
            .tools(tools);
        let server = change(builder).build().unwrap();
        let router = server.router();
        Self { server, router, runs, factory, clock }
    }

    /// A token without scopes.
    pub(crate) fn plain(&self, subject: &str) -> String {
        self.factory.token(subject).build()
    }

    /// A token that opens everything.
    pub(crate) fn full(&self, subject: &str) -> String {
        self.grant(subject, "vault:open").build()
    }

    /// A token with this very claim `scope`.
    pub(crate) fn grant(&self, subject: &str, scope: &str) -> TokenBuilder<'_> {
        self.factory.token(subject).claim("scope", scope)
    }

    /// Asserts how many bodies ran since the server was made.
    #[track_caller]
    pub(crate) fn ran(&self, times: usize) {
        assert_eq!(self.runs.count(), times, "bodies that ran");
    }
}
