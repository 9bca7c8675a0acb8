//! Which clients there may be, as the operator configures it.

use std::{collections::HashSet, fmt, sync::Arc};

use super::{RegisteredClient, redirect};
use crate::oauth::AuthorizationServerBuilder;

/// What native MCP clients are opened by, as far as they use schemes of their own: Cursor, Claude Desktop, Visual Studio
/// Code and its Insiders edition, Windsurf. All others are reached by https or on loopback.
const DESKTOP_SCHEMES: [&str; 5] = ["cursor", "claude", "vscode", "vscode-insiders", "windsurf"];

/// Says whether documents of clients may come from this host.
pub(super) type HostRule = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Which clients there may be.
pub(crate) struct ClientSettings {
    pub(super) clients: Vec<RegisteredClient>,
    pub(super) schemes: Vec<String>,
    pub(super) registers: bool,
    pub(super) documents: DocumentSettings,
}

/// Which documents about clients are read.
#[derive(Clone)]
pub(super) struct DocumentSettings {
    pub(super) read: bool,
    /// All must say yes.
    pub(super) rules: Vec<HostRule>,
    /// Plain http from this machine, in tests.
    pub(super) loopback: bool,
}

impl Default for ClientSettings {
    fn default() -> Self {
        let documents = DocumentSettings { read: true, rules: Vec::new(), loopback: false };
        Self { clients: Vec::new(), schemes: Vec::new(), registers: true, documents }
    }
}

impl ClientSettings {
    /// Whether programs can get tokens although no person can.
    pub(crate) fn act_for_themselves(&self) -> bool {
        self.clients.iter().any(|client| client.client.may(super::GrantType::ClientCredentials))
    }

    /// Finishes the clients, and says what is wrong with all this, in sentences.
    pub(crate) fn problems(&mut self) -> Vec<String> {
        let mut problems = Vec::new();
        for scheme in self.schemes.iter().filter(|scheme| !redirect::is_private_scheme(scheme)) {
            problems.push(format!(
                "`.redirect_scheme({scheme:?})`: write the scheme of one program, in lower case and without `://`; never one \
                 that browsers know themselves"
            ));
        }
        let mut known = HashSet::new();
        for client in &mut self.clients {
            problems.extend(client.finish(&self.schemes));
            if !known.insert(client.client.id.clone()) {
                problems.push(format!("OAuth client {:?}: its id is registered twice", client.client.id));
            }
        }
        problems
    }
}

impl fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSettings")
            .field("clients", &self.clients)
            .field("schemes", &self.schemes)
            .field("registers", &self.registers)
            .field("documents", &self.documents.read)
            .finish_non_exhaustive()
    }
}

/// Clients.
///
/// Besides those that the operator registers, a client may bring the URL of a document about itself as its id (Client ID
/// Metadata Documents), or register itself (RFC 7591): current MCP clients do one or the other. Neither proves anything,
/// which is why people are always asked, and shown where the code will be sent.
impl AuthorizationServerBuilder {
    /// Registers a client.
    ///
    /// ```
    /// use mcp_runtime::{oauth::{AuthorizationServer, RegisteredClient, StoreKey}, store::MemoryStore};
    ///
    /// let builder = AuthorizationServer::builder(MemoryStore::new(), StoreKey::generate()?)
    ///     .client(RegisteredClient::public("desktop").redirect_uri("http://127.0.0.1/callback"))
    ///     .redirect_scheme("cursor");
    /// # Ok::<(), mcp_runtime::oauth::StoreKeyError>(())
    /// ```
    pub fn client(mut self, client: RegisteredClient) -> Self {
        self.clients.clients.push(client);
        self
    }

    /// Lets redirect URIs have this scheme, besides https and http on loopback: `"cursor"` for `cursor://…`. Any program on
    /// a person's machine can say that a scheme is its own (RFC 8252 §8.1); PKCE keeps it from using the codes it gets.
    pub fn redirect_scheme(mut self, scheme: impl Into<String>) -> Self {
        self.clients.schemes.push(scheme.into());
        self
    }

    /// As [`redirect_scheme`](Self::redirect_scheme), for the MCP clients that are known to use one: Cursor (`cursor`), Claude
    /// Desktop (`claude`), Visual Studio Code (`vscode`, `vscode-insiders`), Windsurf (`windsurf`).
    pub fn desktop_redirect_schemes(mut self) -> Self {
        self.clients.schemes.extend(DESKTOP_SCHEMES.map(str::to_owned));
        self
    }

    /// Lets no client register itself (RFC 7591). Older MCP clients can do nothing else.
    pub fn no_dynamic_registration(mut self) -> Self {
        self.clients.registers = false;
        self
    }

    /// Reads no documents of clients: an id that is a URL is an unknown one.
    pub fn no_client_documents(mut self) -> Self {
        self.clients.documents.read = false;
        self
    }

    /// Reads documents of clients from these hosts only, compared exactly: `["claude.ai", "vscode.dev"]`.
    pub fn document_hosts(self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let hosts: HashSet<String> = hosts.into_iter().map(Into::into).collect();
        self.document_hosts_where(move |host| hosts.contains(host))
    }

    /// Reads documents of clients from hosts of which this says yes. It is asked at every use and must answer at once.
    /// Called several times: all must say yes.
    pub fn document_hosts_where(mut self, allowed: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.clients.documents.rules.push(Arc::new(allowed));
        self
    }

    /// Reads documents of clients, and their keys, from this machine by plain http, and from nowhere else by https.
    #[cfg(any(test, feature = "testing"))]
    #[doc(hidden)]
    pub fn allow_loopback_documents(mut self) -> Self {
        self.clients.documents.loopback = true;
        self
    }
}
