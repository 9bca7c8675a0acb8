//! Which clients there may be, as the operator configures it.

use std::{collections::HashSet, fmt, sync::Arc};

use super::{RegisteredClient, redirect};
use crate::{guard::Catalogue, oauth::AuthorizationServerBuilder};

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
    pub(crate) fn problems(&mut self, catalogue: &Catalogue) -> Vec<String> {
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
            let scopes = client.client.scopes.iter().flatten();
            problems.extend(scopes.filter(|scope| !catalogue.is_open() && !catalogue.knows(scope)).map(|scope| {
                let id = &client.client.id;
                format!("OAuth client {id:?}: {scope:?} is not declared; declare it with `.scope(name, description)`")
            }));
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

    /// Lets no client register itself (RFC 7591). Older MCP clients can do nothing else. Those that did so before stay.
    ///
    /// Otherwise one address (an IPv6 /64) may register 20 in an hour, all together 1,000 on each node. What nobody consents
    /// to within an hour is forgotten, and what nobody uses for 90 days.
    pub fn no_dynamic_registration(mut self) -> Self {
        self.clients.registers = false;
        self
    }

    /// Reads no documents of clients: an id that is a URL is an unknown one.
    ///
    /// Otherwise a document is fetched when somebody who is logged in comes with it: by https from the public Internet only,
    /// without redirects, in 5 seconds, 8 KiB at most; again when it is as old as its server says (5 minutes to 24 hours). One
    /// address may bring 60 in an hour, and one host is asked for 30 in a minute.
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

    /// Takes the limits of all routes away, and that of grants, for tests that do in a second what people do in a day.
    #[cfg(any(test, feature = "testing"))]
    #[doc(hidden)]
    pub fn without_limits(mut self) -> Self {
        self.limits_off = true;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        oauth::{AuthorizationServer, StoreKey},
        store::MemoryStore,
    };

    fn problems(configure: fn(AuthorizationServerBuilder) -> AuthorizationServerBuilder) -> Vec<String> {
        let mut catalogue = Catalogue::default();
        catalogue.declare("notes:read", "Read notes");
        let builder = AuthorizationServer::builder(MemoryStore::new(), StoreKey::generate().unwrap());
        configure(builder).clients.problems(&catalogue)
    }

    fn app() -> RegisteredClient {
        RegisteredClient::public("app").redirect_uri("http://localhost/callback")
    }

    fn editor() -> RegisteredClient {
        RegisteredClient::public("editor").redirect_uri("cursor://editor/callback")
    }

    #[test]
    fn what_is_wrong_with_all_clients_is_told_at_once() {
        assert_eq!(problems(|builder| builder.client(app().scopes(["notes:read"]))), Vec::<String>::new());
        // Whichever comes first.
        assert!(problems(|builder| builder.client(editor()).redirect_scheme("cursor")).is_empty());
        assert!(problems(|builder| builder.client(editor()).desktop_redirect_schemes()).is_empty());
        for (problems, word) in [
            (problems(|builder| builder.client(app()).client(app())), "registered twice"),
            (problems(|builder| builder.client(app().scopes(["notes:raed"]))), "not declared"),
            (problems(|builder| builder.redirect_scheme("javascript")), "redirect_scheme"),
            (problems(|builder| builder.redirect_scheme("cursor://")), "redirect_scheme"),
            (problems(|builder| builder.redirect_scheme("https")), "redirect_scheme"),
        ] {
            assert!(problems.len() == 1 && problems[0].contains(word), "{problems:?}");
        }
    }
}
