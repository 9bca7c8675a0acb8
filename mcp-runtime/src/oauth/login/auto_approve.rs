//! Logging in without being asked, on this machine only.

use std::any::Any;

use http::{HeaderMap, header::HOST};

use super::{Account, LoginError, LoginForm, LoginPage, LoginProvider};
use crate::{
    auth::{WebUrl, is_loopback_host, split_port},
    http::{Peer, single},
    oauth::{Core, browser::is_cross_site, pages, visit::Visit},
};

/// Logs everybody in as one account with every scope, and grants what was asked, without a page: for first tries and headless
/// tests. Only with the feature `dev-login`, only where issuer, host, peer and redirect are this machine, and never
/// through a proxy or for another site's page.
///
/// ```
/// use mcp_runtime::oauth::AutoApprove;
///
/// let login = AutoApprove::new("alice");
/// ```
#[derive(Debug, Clone)]
pub struct AutoApprove {
    name: String,
}

impl AutoApprove {
    /// Everybody is this one.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    /// The provider as what it is, if it is this.
    pub(crate) fn among(login: &dyn LoginProvider) -> Option<&Self> {
        let login: &dyn Any = login;
        login.downcast_ref()
    }

    pub(super) fn problem(&self, issuer: &str) -> Option<String> {
        if WebUrl::split(issuer).is_some_and(|issuer| issuer.is_loopback()) {
            tracing::warn!(account = self.name, "EVERYBODY on this machine is logged in without being asked");
            return None;
        }
        Some(format!(
            "authorization server: `AutoApprove` would let everybody in at {issuer}: it is for issuers on this machine only"
        ))
    }

    pub(crate) fn account(&self) -> Account {
        Account::new(&*self.name, &*self.name).all_scopes()
    }

    /// Why a request is not let in, before anything is known about the client.
    pub(crate) fn refusal(core: &Core, visit: &Visit) -> Option<&'static str> {
        let headers = &visit.parts.headers;
        let host = single(headers, &HOST).flatten().and_then(|host| host.to_str().ok());
        let local_host = host.and_then(split_port).is_some_and(|(host, _)| is_loopback_host(host));
        let local_issuer = WebUrl::split(&core.issuer).is_some_and(|issuer| issuer.is_loopback());
        // A Unix socket is local too, but it is mostly a proxy who uses one.
        let local_peer = matches!(visit.peer, Peer::Tcp(_)) && visit.peer.is_local();
        match () {
            () if !local_issuer || !local_host => Some("this is only done for an address on this machine"),
            () if !local_peer || visit.is_forwarded || is_relayed(headers) => {
                Some("this is only done for callers on this machine")
            }
            () if is_cross_site(core, headers) => Some("this is not done for other sites' pages"),
            () => None,
        }
    }
}

/// Whether something stands in between, as tunnels and proxies say in one word or another.
fn is_relayed(headers: &HeaderMap) -> bool {
    let says_so = |name: &str| name.starts_with("x-forwarded-") || matches!(name, "via" | "x-real-ip" | "cf-ray");
    headers.keys().any(|name| says_so(name.as_str()))
}

#[async_trait::async_trait]
impl LoginProvider for AutoApprove {
    fn name(&self) -> &str {
        "auto-approve"
    }

    fn page(&self, page: &LoginPage<'_>) -> String {
        pages::message::render(
            page.server,
            "Nothing to enter",
            "This server logs in by itself, on its own machine only.",
        )
    }

    async fn log_in(&self, _: &LoginForm) -> Result<Account, LoginError> {
        Err(LoginError::Denied)
    }

    async fn account(&self, id: &str) -> Result<Option<Account>, LoginError> {
        Ok((id == self.name).then(|| self.account()))
    }
}
