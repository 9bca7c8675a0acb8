//! From tools and rules to something that answers.

mod builder;
mod calls;
#[cfg(feature = "http")]
mod configured;
mod core;
mod failure;
mod observe;
mod outcome;
mod policies;
mod registry;
mod results;
mod style;

use std::sync::Arc;

#[cfg(any(test, feature = "http", feature = "testing"))]
pub(crate) use self::core::Announced;
#[cfg(feature = "http")]
pub(crate) use self::core::ParamHeaders;
pub(crate) use self::core::{Arrival, Core, unreadable, unsupported_version};
pub use builder::{BuildError, ServerBuilder};
#[cfg(feature = "http")]
pub(crate) use configured::Configured;
pub(crate) use observe::Observer;
pub use observe::{CallOutcome, ObservedCall};
#[cfg(feature = "http")]
pub(crate) use outcome::challenge;
pub(crate) use outcome::{Outcome, denial_error};
pub use policies::{Policies, PolicyRow};
use registry::Registry;
pub use style::{DenialStyle, Visibility};

use crate::auth::PublicUrl;
pub(crate) use results::Results;

/// A server with its tools, its rules and its way to know callers; built once, never changed.
///
/// Clones share everything. See [`Server::builder`].
#[derive(Clone)]
pub struct Server(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) core: Core,
    pub(crate) settings: Settings,
    policies: Policies,
}

/// What transports need to know.
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) public_url: Option<PublicUrl>,
    /// Loopback only, because nobody is asked who they are.
    pub(crate) no_auth: bool,
    #[cfg(feature = "http")]
    pub(crate) http: crate::http::HttpSettings,
    /// What the environment said.
    #[cfg(feature = "http")]
    pub(crate) configured: Option<Configured>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<crate::http::Tls>,
    #[cfg(feature = "oauth")]
    pub(crate) authorization: Option<crate::oauth::AuthorizationServer>,
}

impl Server {
    /// Starts a server called `name`; `version` is your own, usually `env!("CARGO_PKG_VERSION")`.
    ///
    /// ```
    /// use mcp_runtime::{Server, auth::StaticTokens, tool, tools};
    ///
    /// /// Adds two numbers.
    /// #[tool(scopes = "math")]
    /// async fn add(a: i64, b: i64) -> String { (a + b).to_string() }
    ///
    /// let server = Server::builder("calculator", env!("CARGO_PKG_VERSION"))
    ///     .tools(tools![add])
    ///     .auth(StaticTokens::new().token("wQ7hYp3mZ0tRk9cLxV5nBg", "alice", ["math"]))
    ///     .build()?;
    /// println!("{}", server.policies());
    /// # Ok::<(), mcp_runtime::BuildError>(())
    /// ```
    pub fn builder(name: impl Into<String>, version: impl Into<String>) -> ServerBuilder {
        ServerBuilder::new(name.into(), version.into())
    }

    /// What is protected by what, one row per tool.
    #[must_use]
    pub fn policies(&self) -> &Policies {
        &self.0.policies
    }

    /// Everything that a review of protection is about, as Markdown.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn policy_document(&self) -> String {
        let core = self.core();
        let issuers = core.verifier.issuers().map(|(issuer, admission)| {
            let whom = admission.map_or_else(String::new, |whom| format!(" of {whom}"));
            format!("* Tokens of `{issuer}`{whom} are accepted.")
        });
        let mut lines = vec![
            "# What protects what".to_owned(),
            String::new(),
            "Written by `assert_policies!`. A change here is a change of protection.".to_owned(),
            String::new(),
        ];
        if core.gate.is_open() {
            lines.push("* Nobody is asked who they are.".to_owned());
        }
        lines.extend(issuers);
        lines.push(format!("* Visibility: {:?}. Denials: {:?}.", core.visibility, core.denial_style));
        lines.push(format!("* {}", core.gate.limits_line()));
        #[cfg(feature = "http")]
        lines.extend(self.settings().http.policy_lines());
        lines.extend(core.gate.scope_lines().map(|line| format!("* {line}")));
        format!("{}\n\n{}", lines.join("\n"), self.policies())
    }

    /// The built-in authorization server, if the server was built with one.
    #[cfg(feature = "oauth")]
    #[must_use]
    pub fn authorization_server(&self) -> Option<&crate::oauth::AuthorizationServer> {
        self.settings().authorization.as_ref()
    }

    pub(crate) fn core(&self) -> &Core {
        &self.0.core
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("name", &self.0.settings.name)
            .field("tools", &self.0.policies.rows().len())
            .finish_non_exhaustive()
    }
}
