//! What the environment said of a server, for its start and for a last look when it is built.

use std::net::SocketAddr;

use super::ServerBuilder;
use crate::auth::PublicUrl;

#[derive(Debug)]
pub(crate) struct Configured {
    /// Where to listen.
    pub(crate) bind: SocketAddr,
    /// What callbacks were compared with.
    pub(crate) public_url: Option<String>,
    /// Whether callers are known by what the environment said.
    pub(crate) knows_callers: bool,
    /// The scopes that it grants by name.
    #[cfg_attr(not(feature = "oauth"), allow(dead_code))]
    pub(crate) scopes: Vec<String>,
    /// Lines of the summary: what each is about, and what it says.
    pub(crate) facts: Vec<(&'static str, String)>,
}

impl Configured {
    pub(crate) fn new(bind: SocketAddr, public_url: Option<String>) -> Self {
        Self { bind, public_url, knows_callers: false, scopes: Vec::new(), facts: Vec::new() }
    }
}

/// What `config` asks and tells the builder.
impl ServerBuilder {
    pub(crate) fn configured(mut self, configured: Configured) -> Self {
        self.configured = Some(configured);
        self
    }

    pub(crate) fn known_public_url(&self) -> Option<&str> {
        self.public_url.as_deref()
    }

    /// The method by which the code said how callers are known, if it did.
    pub(crate) fn callers_known_by(&self) -> Option<&'static str> {
        #[cfg(feature = "oauth")]
        if self.authorization.is_some() {
            return Some(".authorization_server(…)");
        }
        match (self.authenticators.is_empty(), self.defaults.no_auth) {
            (false, _) => Some(".auth(…)"),
            (true, true) => Some(".insecure_no_auth()"),
            (true, false) => None,
        }
    }

    /// Whose word would count, if code and environment both said how callers are known?
    pub(super) fn complain_of_second_way(&mut self, method: &str) {
        if self.configured.as_ref().is_some_and(|configured| configured.knows_callers) {
            self.problems.push(format!(
                "the environment says how callers are known, and so does the code, with `.{method}(…)` after \
                 `.from_env()`: leave one of them out"
            ));
        }
    }

    /// What could be done besides, where callers are not known.
    pub(super) fn further_ways(&self) -> &'static str {
        if self.configured.is_none() {
            return "";
        }
        ", name a provider in the environment (`OIDC_ISSUER`, `AUTH0_DOMAIN`, `GITHUB_CLIENT_ID`, `FIREBASE_PROJECT_ID`) \
         or an issuer (`JWT_ISSUER`)"
    }

    /// What was compared with one thing is not to be used with another.
    pub(super) fn check_configured(&mut self, public_url: Option<&PublicUrl>) {
        let Some(configured) = &self.configured else { return };
        let now = public_url.map(PublicUrl::as_str);
        if configured.public_url.is_some() && now.is_some() && configured.public_url.as_deref() != now {
            self.problems.push(
                "`.public_url(…)` comes after `.from_env()`, which has read it already: call it before, or set \
                 `MCP_PUBLIC_URL`"
                    .to_owned(),
            );
        }
    }
}
