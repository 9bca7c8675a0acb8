//! Logging in elsewhere: the seam between the authorization server and other people's accounts.
//!
//! The server does what is the same for all of them: the page with the click, `state`, `nonce` and PKCE, the tie to the
//! browser, the callback, what is kept of an account, and when it is looked up again. A provider only knows how to ask.

use std::{fmt, time::Duration};

use axum::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Account, LoginError};
use crate::oauth::{pkce::Pkce, visit::Form};

/// What a provider says of somebody, by name.
pub(crate) type Claims = Map<String, Value>;

/// People who log in elsewhere. What [`LoginProvider::federated`](super::LoginProvider::federated) leads to.
#[async_trait::async_trait]
pub(crate) trait FederatedLogin: Send + Sync {
    /// Who vouches: accounts are told by it and by their id there. Never changes.
    fn issuer(&self) -> &str;

    /// Everything that is wrong with it, in sentences that say what to do. `for_login` is false if it is only there for
    /// tools that use its tokens: then nobody is admitted by it.
    fn problems(&self, callback: &str, for_login: bool) -> Vec<String>;

    /// What to type into the provider's console, as lines.
    fn console(&self, callback: &str) -> Vec<String>;

    /// Where the browser goes to log in; our own callback for one that logs in on a [page](Self::page) of ours.
    async fn depart(&self, trip: &Trip) -> Result<String, LoginError>;

    /// The page on which people log in, where that is not the provider's own.
    async fn page(&self, page: &SignIn<'_>) -> Option<Result<SignInPage, LoginError>> {
        let _ = page;
        None
    }

    /// Who came back, with what the browser brought: the query of the callback, or the form of the page.
    /// [`LoginError::Denied`] for whatever is wrong with it.
    async fn arrive(&self, trip: &Trip, brought: &Form) -> Result<Arrived, LoginError>;

    /// Who that is here and what they may, by the rules of the configuration alone; or which of these they do not fit.
    fn judge(&self, id: &str, claims: &Claims) -> Result<Account, NotAdmitted>;

    /// Every scope that the rules grant to anybody by name.
    fn granted(&self) -> Vec<&str>;

    /// Begins to look at what the provider says of itself, if it does, so that the log tells before the first login what is
    /// wrong with that. Does not wait.
    fn look_ahead(&self) {}

    /// Looks somebody up again. [`LoginError::Denied`] if they are gone, or cannot be vouched for any more;
    /// [`LoginError::Unavailable`] if that cannot be told now. The tokens are newer than those in the store if they were
    /// refreshed for it, and are stored then.
    ///
    /// `known` are the claims that were kept: some of a login can only be told from them, as when it was.
    async fn recheck(&self, id: &str, known: &Claims, tokens: Option<&UpstreamTokens>)
    -> Result<Rechecked, LoginError>;

    /// Exchanges a refresh token of this account. [`LoginError::Denied`] if it is not good any more, or gives tokens of
    /// somebody else as far as that can be told.
    async fn refresh(&self, id: &str, tokens: &UpstreamTokens) -> Result<UpstreamTokens, LoginError>;

    /// What tools may do there, beyond telling who somebody is.
    fn access(&self) -> &[UpstreamScope];

    /// How old the last look may be, and how much older while the provider cannot be asked.
    fn patience(&self) -> Patience;

    /// A claim that is an e-mail address which the provider says is verified, if accounts are to be linked by it.
    fn linked_email(&self, claims: &Claims) -> Option<String> {
        let _ = claims;
        None
    }
}

/// One way there and back.
pub(crate) struct Trip {
    /// Random, good once, for this browser.
    pub(crate) state: String,
    /// For the ID token.
    pub(crate) nonce: String,
    pub(crate) pkce: Pkce,
    /// The callback.
    pub(crate) redirect_uri: String,
    /// Whether the person must enter credentials although the provider knows them.
    pub(crate) login_again: bool,
    /// Whether what [tools may do there](FederatedLogin::access) is asked for too.
    pub(crate) for_tools: bool,
    /// When the person left, and now, in seconds since the Unix epoch.
    pub(crate) began: u64,
    pub(crate) now: u64,
}

/// What a sign-in page is made with.
pub(crate) struct SignIn<'a> {
    /// What the server calls itself.
    pub(crate) server: &'a str,
    /// Where the form goes, by POST.
    pub(crate) action: &'a str,
    /// Hidden fields that it must carry.
    pub(crate) hidden: &'a [(&'a str, &'a str)],
    /// For scripts and styles.
    pub(crate) nonce: &'a str,
    /// What to tell about the last try.
    pub(crate) message: Option<&'a str>,
}

/// A page with a content policy of its own.
pub(crate) struct SignInPage {
    pub(crate) html: Bytes,
    /// The whole `Content-Security-Policy`.
    pub(crate) policy: String,
}

/// Somebody who came back.
pub(crate) struct Arrived {
    /// Their id at the provider: `sub`.
    pub(crate) id: String,
    /// What is kept to judge them by: as little as the rules need.
    pub(crate) claims: Claims,
    pub(crate) tokens: Option<UpstreamTokens>,
    /// What must never have come before, where no code of the provider's makes sure of that.
    pub(crate) once: Option<Once>,
}

/// Something that is good once: whoever takes it in puts its key into the store as a record that must be new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Once {
    /// A hash of it.
    pub(crate) key: String,
    /// From when on it is not good anyway, in seconds since the Unix epoch.
    pub(crate) until: u64,
}

/// Why somebody is not admitted: for the log, with nothing of theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotAdmitted {
    /// The rule, as the operator wrote it.
    pub(crate) rule: String,
    /// What is wrong with what the provider said, as far as that can be told.
    pub(crate) why: &'static str,
}

/// Somebody who is still there.
pub(crate) struct Rechecked {
    pub(crate) claims: Claims,
    /// If they are others than before.
    pub(crate) tokens: Option<UpstreamTokens>,
}

/// What a provider gave for somebody. Sealed in the store; its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UpstreamTokens {
    pub(crate) access_token: String,
    pub(crate) refresh_token: Option<String>,
    /// When the access token ends, in seconds since the Unix epoch, if it is known.
    pub(crate) expires_at: Option<u64>,
    /// What it was granted, as far as it says.
    pub(crate) scopes: Vec<String>,
}

impl fmt::Debug for UpstreamTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamTokens").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Something that tools may do at a provider, in the name of whoever calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UpstreamScope {
    /// The provider's word.
    pub(crate) scope: String,
    /// For people, on the page that asks.
    pub(crate) description: String,
}

/// How old the last look at an account may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    pub(crate) recheck_every: Duration,
    /// So much more while the provider is down.
    pub(crate) grace: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { recheck_every: Duration::from_secs(24 * 3_600), grace: Duration::from_secs(24 * 3_600) }
    }
}

/// A `FederatedLogin` as the public trait shows it: of this crate only.
#[derive(Clone, Copy)]
pub struct Federated<'p>(pub(crate) &'p dyn FederatedLogin);

impl fmt::Debug for Federated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Federated").field(&self.0.issuer()).finish()
    }
}

/// Makes a type with a field `name`, a field `label` and a [`FederatedLogin`] of its own a way to log in.
#[cfg(any(test, feature = "firebase", feature = "github", feature = "oidc"))]
macro_rules! federated_login {
    ($type:ty) => {
        #[async_trait::async_trait]
        impl $crate::oauth::LoginProvider for $type {
            fn name(&self) -> &str {
                &self.name
            }

            fn label(&self) -> &str {
                &self.label
            }

            // The server keeps these accounts, and shows no form for them.
            fn page(&self, page: &$crate::oauth::LoginPage<'_>) -> String {
                $crate::oauth::login::default_page(page)
            }

            async fn log_in(
                &self,
                _: &$crate::oauth::LoginForm,
            ) -> Result<$crate::oauth::Account, $crate::oauth::LoginError> {
                Err($crate::oauth::LoginError::Denied)
            }

            async fn account(&self, _: &str) -> Result<Option<$crate::oauth::Account>, $crate::oauth::LoginError> {
                Err($crate::oauth::LoginError::Unavailable)
            }

            fn federated(&self) -> Option<$crate::oauth::login::Federated<'_>> {
                Some($crate::oauth::login::Federated(self))
            }
        }
    };
}

#[cfg(any(test, feature = "firebase", feature = "github", feature = "oidc"))]
pub(crate) use federated_login;
