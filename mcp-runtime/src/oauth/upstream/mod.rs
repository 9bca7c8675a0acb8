//! What people have elsewhere, for tools: access tokens of other providers, in the name of whoever calls.

mod flight;
#[cfg(test)]
mod tests;
pub(crate) mod ticket;

use std::{fmt, marker::PhantomData, sync::Arc};

pub(crate) use flight::Flights;
use flight::Outcome;

use super::{Core, login::federated::UpstreamTokens, tokens::GRANT};
use crate::{
    auth::{Caller, Principal},
    tool::{CallContext, Inject, Requirements, ToolError},
};

/// A provider with whose tokens tools work, by the name that it has in
/// [`login`](super::AuthorizationServerBuilder::login) or [`connection`](super::AuthorizationServerBuilder::connection).
///
/// ```
/// use mcp_runtime::oauth::UpstreamProvider;
///
/// struct Google;
///
/// impl UpstreamProvider for Google {
///     const NAME: &'static str = "google";
/// }
/// ```
pub trait UpstreamProvider: 'static {
    /// The [`name`](super::LoginProvider::name) of the login or connection.
    const NAME: &'static str;
}

/// Gives a tool the access token that its caller has at another provider: a parameter that is injected.
///
/// The token is sealed in the store and never leaves the server but to where the tool sends it. It is refreshed in time,
/// once for all calls that need it. Callers who have not connected their account, or have taken that back, are answered
/// with a link by which they do. Callers that did not log in with the built-in authorization server have none, nor have
/// programs that act for themselves.
///
/// A tool that takes it must have scopes, its own or those of its group: whoever may call it acts with the person's account
/// elsewhere. What it may do there is said with the provider (`.tools_may(scope, description)`), and people read it on the
/// consent page.
///
/// ```
/// use mcp_runtime::{ToolError, oauth::{Upstream, UpstreamProvider}, tool};
///
/// struct Google;
///
/// impl UpstreamProvider for Google {
///     const NAME: &'static str = "google";
/// }
///
/// /// Lists what is in the caller's calendar today.
/// #[tool(scopes = "calendar:read")]
/// async fn today(google: Upstream<Google>) -> Result<String, ToolError> {
///     let token = google.token().await?;
///     let header = format!("Bearer {}", token.secret());
///     # let _ = header;
///     Ok("nothing".to_owned())
/// }
/// ```
pub struct Upstream<P> {
    /// Nobody, if no account elsewhere can be the caller's.
    whose: Option<(Arc<Core>, String)>,
    provider: PhantomData<fn() -> P>,
}

/// An access token of another provider. Its `Debug` shows nothing of it, and it cannot be written into an answer by
/// mistake: it is neither text nor serializable.
pub struct UpstreamToken {
    secret: String,
    scopes: Vec<String>,
}

impl UpstreamToken {
    /// The token itself: for a request to the provider, and for nothing else.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// What it was granted, as far as the provider says. People may have allowed less than was asked for.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().map(|scope| &**scope)
    }
}

#[cfg(feature = "github")]
impl UpstreamProvider for super::GitHub {
    const NAME: &'static str = "github";
}

impl From<UpstreamTokens> for UpstreamToken {
    fn from(tokens: UpstreamTokens) -> Self {
        Self { secret: tokens.access_token, scopes: tokens.scopes }
    }
}

impl fmt::Debug for UpstreamToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamToken").finish_non_exhaustive()
    }
}

impl<P: UpstreamProvider> fmt::Debug for Upstream<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Upstream").field(&P::NAME).finish()
    }
}

impl<P: UpstreamProvider> Upstream<P> {
    /// The caller's access token, good for another minute at least, or for as long as the provider says nothing else.
    ///
    /// # Errors
    /// With a text for the model, and a link for the person, where they have to connect their account first; also if the
    /// provider cannot be reached to refresh it.
    pub async fn token(&self) -> Result<UpstreamToken, ToolError> {
        let Some((core, subject)) = &self.whose else { return Err(ToolError::visible(NOT_A_PERSON)) };
        match flight::fresh(core, (subject, P::NAME)).await {
            Outcome::Tokens(tokens) => Ok(tokens.into()),
            Outcome::Nothing => Err(not_connected(core, (subject, P::NAME))),
            Outcome::Unavailable => Err(ToolError::visible(format!(
                "access to the account at {} cannot be renewed right now; try again later",
                core.label_of(P::NAME)
            ))),
        }
    }
}

const NOT_A_PERSON: &str = "this tool works with the caller's account at another provider, and only people who logged in \
                            to this server itself can have one";

fn not_connected(core: &Core, place: (&str, &str)) -> ToolError {
    let (label, link) = (core.label_of(place.1), ticket::link(core, place));
    ToolError::visible(format!(
        "this tool works with the caller's account at {label}, which is not connected. Ask them to open this link in the \
         browser in which they logged in, within 10 minutes, and then try again: {link}"
    ))
}

impl<P: UpstreamProvider> Inject for Upstream<P> {
    fn requirements(needs: &mut Requirements) {
        needs.upstream(P::NAME);
    }

    fn inject(call: &CallContext<'_>) -> Result<Self, ToolError> {
        // `build()` has checked that it is there.
        let Source(core) = call.state::<Source>().ok_or_else(|| ToolError::internal("no authorization server"))?;
        let whose = subject_of(&core, call.caller()).map(str::to_owned).map(|subject| (core, subject));
        Ok(Self { whose, provider: PhantomData })
    }
}

/// The subject of a person who logged in here. Another issuer may call somebody else the same.
fn subject_of<'c>(core: &Core, caller: &'c Caller) -> Option<&'c str> {
    let identity = caller.identity()?;
    let is_of_ours = identity.issuer() == core.issuer && identity.claims().contains_key(GRANT);
    (is_of_ours && identity.principal() == Principal::User).then(|| identity.subject())
}

/// Where tools' handles come from: a state of the server's own.
#[derive(Clone)]
pub(crate) struct Source(pub(crate) Arc<Core>);

impl Core {
    /// What people call a provider.
    pub(crate) fn label_of<'a>(&'a self, provider: &'a str) -> &'a str {
        self.provider(provider).map_or(provider, |known| known.label())
    }

    /// What tools may do with accounts of people: for each provider that a tool works with its label, and what is said to
    /// people of it.
    pub(crate) fn tools_access(&self) -> Vec<(&str, Vec<&str>)> {
        let used = self.used_by_tools.iter().filter_map(|name| Some((&**name, self.federated(name)?.access())));
        used.map(|(name, access)| (self.label_of(name), access.iter().map(|scope| &*scope.description).collect()))
            .collect()
    }
}
