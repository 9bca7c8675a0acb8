//! People who log in with GitHub: its OAuth web flow, and its API for who came.
//!
//! GitHub is no OpenID provider. Nothing it gives is signed, so everything is asked for with the token that the code
//! bought, from GitHub itself.

mod answers;
mod exchange;
mod login;
mod person;
mod site;
#[cfg(test)]
pub(crate) mod tests;

use std::{fmt, sync::OnceLock};

use quick_cache::sync::Cache;

use super::{
    LoginError,
    federated::{Patience, UpstreamScope, UpstreamTokens, federated_login},
    rules::{Rules, account_rules},
};
use crate::{
    auth::{Outbound, Reach},
    clock::Clock,
};
use site::Site;

/// The claims that a person's organisations and teams are in.
const ORGANIZATIONS: &str = "organizations";
const TEAMS: &str = "teams";

/// How many exchanged refresh tokens are remembered.
const RENEWED: usize = 256;

/// People log in with GitHub.
///
/// Whoever is registered here is an OAuth App or a GitHub App; the callback URL to type in is
/// `https://your.host/callback/github`. Accounts are told by GitHub's number for them: whoever takes over a login name that
/// became free is somebody else, and whoever changes theirs stays who they are.
///
/// Say whom to admit: with an organisation, an e-mail domain, numbers, or everyone.
///
/// ```
/// # use std::sync::Arc;
/// use mcp_runtime::{
///     Server,
///     oauth::{AuthorizationServer, GitHub, StoreKey},
///     store::MemoryStore,
/// };
///
/// # fn build(client_secret: String) -> Result<(), Box<dyn std::error::Error>> {
/// let github = GitHub::app("Iv23liExample", client_secret)
///     .organization("acme")
///     .grants(["notes:read"])
///     .team("acme", "ops", ["notes:write"]);
/// let server = Server::builder("notes", "1.0")
///     .public_url("https://notes.example.com/mcp")
///     .scope("notes:read", "Read notes")
///     .scope("notes:write", "Write notes")
///     .authorization_server(AuthorizationServer::builder(MemoryStore::new(), StoreKey::generate()?).login(github));
/// # Ok(()) }
/// ```
///
/// # What its rules can look at
///
/// | claim | what it is |
/// |---|---|
/// | `sub` | GitHub's number for the account, as text |
/// | `login` | its login name; it can be changed, and be taken by others then |
/// | `name` | what the person calls themselves; anything |
/// | `email`, `email_verified` | the primary address, if GitHub has verified it; else neither is there |
/// | `organizations` | those that are named in your rules and of which the person is an active member, in lower case |
/// | `teams` | the same for teams, as `organisation/team` |
///
/// Organisations decide themselves which apps may see their members. One that has not approved yours is the same as one
/// that the person is no member of, and the log says so.
pub struct GitHub {
    name: String,
    label: String,
    site: Site,
    client_id: String,
    client_secret: String,
    rules: Rules,
    tools: Vec<UpstreamScope>,
    patience: Patience,
    links_by_email: bool,
    clock: Clock,
    outbound: OnceLock<Outbound>,
    /// What refresh tokens were exchanged for, under their hashes: each is good once, and what it bought is lost if it
    /// cannot be stored, or if GitHub fails a moment later.
    renewed: Cache<String, UpstreamTokens>,
}

federated_login!(GitHub);

impl GitHub {
    /// The app that you registered at GitHub, by the client id and a client secret from its page. An OAuth App and a GitHub
    /// App do equally.
    #[must_use]
    pub fn app(client_id: impl Into<String>, client_secret: impl Into<String>) -> Self {
        Self {
            name: "github".to_owned(),
            label: "GitHub".to_owned(),
            site: Site::public(),
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            rules: Rules::default(),
            tools: Vec::new(),
            patience: Patience::default(),
            links_by_email: false,
            clock: Clock::system(),
            outbound: OnceLock::new(),
            renewed: Cache::new(RENEWED),
        }
    }

    /// Your own GitHub Enterprise Server, or your own place on ghe.com, in the place of github.com:
    /// `https://github.example.com`. Accounts there are others than those of the same number elsewhere. Beside github.com it
    /// needs another [`name`](Self::name).
    #[must_use]
    pub fn enterprise(mut self, url: impl Into<String>) -> Self {
        self.site = Site::of(url.into());
        self
    }

    /// Admits active members of this organisation. Called several times, people must be in all of them;
    /// `.claim_any("organizations", ["acme", "umbrella"])` admits those of either.
    #[must_use]
    pub fn organization(mut self, organization: impl Into<String>) -> Self {
        let organization = organization.into().to_ascii_lowercase();
        self.rules.claim(ORGANIZATIONS.to_owned(), vec![organization]);
        self
    }

    /// Lets the members of a team grant these scopes. It is called as in its URL, `/orgs/acme/teams/ops`; members of the
    /// teams below it are among its own. Admits nobody who is not admitted anyway.
    #[must_use]
    pub fn team(mut self, organization: &str, team: &str, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let team = format!("{organization}/{team}").to_ascii_lowercase();
        self.rules.grant(Some((TEAMS.to_owned(), team)), scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Lets tools do something at GitHub in the name of whoever calls: a [scope] of OAuth Apps, and what people are told it
    /// is. Asked for only where a tool needs it. GitHub Apps have permissions in the place of scopes: what theirs is called
    /// here does not matter.
    ///
    /// [scope]: https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
    #[must_use]
    pub fn tools_may(mut self, scope: impl Into<String>, description: impl Into<String>) -> Self {
        self.tools.push(UpstreamScope { scope: scope.into(), description: description.into() });
        self
    }

    account_rules!();

    /// The client that asks; made when it is first needed.
    fn outbound(&self) -> Result<&Outbound, String> {
        if let Some(outbound) = self.outbound.get() {
            return Ok(outbound);
        }
        let outbound = Outbound::new(Reach::Anywhere, self.site.is_secure())?;
        Ok(self.outbound.get_or_init(|| outbound))
    }
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHub")
            .field("issuer", &self.site.web)
            .field("client_id", &self.client_id)
            .field("admits", &self.rules)
            .finish_non_exhaustive()
    }
}

/// Refuses whoever came, and says why: in words of ours.
fn denied(reason: &str) -> LoginError {
    tracing::info!(provider = "github", reason, "a login is refused");
    LoginError::Denied
}

/// It cannot be told.
fn unavailable(what: &str, reason: &str) -> LoginError {
    tracing::warn!(provider = "github", what, reason, "GitHub cannot be asked");
    LoginError::Unavailable
}

/// Something is wrong that only the operator can set right.
fn misconfigured(reason: &str) -> LoginError {
    tracing::error!(provider = "github", reason, "GitHub refuses this server");
    LoginError::Unavailable
}
