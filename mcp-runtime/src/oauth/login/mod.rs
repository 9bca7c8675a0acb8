//! Ways to log in, one file each, and the seam between them and the authorization server.

#[cfg(feature = "dev-login")]
mod auto_approve;
// Each provider alone uses a part of it.
#[cfg_attr(not(all(feature = "firebase", feature = "github", feature = "oidc")), allow(dead_code))]
pub(crate) mod federated;
#[cfg(feature = "firebase")]
mod firebase;
#[cfg(feature = "github")]
pub(crate) mod github;
mod local;
#[cfg(feature = "oidc")]
mod oidc;
mod page;
mod passwords;
#[cfg(any(feature = "firebase", feature = "github", feature = "oidc"))]
pub(crate) mod rules;
#[cfg(test)]
pub(crate) mod tests;

use std::{any::Any, collections::HashMap, fmt};

#[cfg(feature = "dev-login")]
pub use auto_approve::AutoApprove;
pub use federated::Federated;
#[cfg(feature = "firebase")]
pub use firebase::Firebase;
#[cfg(feature = "github")]
pub use github::GitHub;
pub use local::{LocalUsers, UserError, UserInfo};
#[cfg(feature = "oidc")]
pub use oidc::Oidc;
pub use page::default_page;
pub(crate) use passwords::Waiter;

use crate::auth::ClientAddress;

/// A way to log in: who someone is, and what they may have at most.
///
/// The authorization server does the rest: sessions, cookies, CSRF, back-off, consent. Subjects in tokens are random and
/// never reused; they are linked to [`name`](Self::name) and [`Account::id`].
///
/// ```
/// use mcp_runtime::{
///     async_trait,
///     oauth::{Account, LoginError, LoginForm, LoginPage, LoginProvider, login::default_page},
/// };
///
/// struct Directory;
///
/// #[async_trait]
/// impl LoginProvider for Directory {
///     fn name(&self) -> &str {
///         "directory"
///     }
///
///     fn page(&self, page: &LoginPage<'_>) -> String {
///         default_page(page)
///     }
///
///     async fn log_in(&self, form: &LoginForm) -> Result<Account, LoginError> {
///         let (name, password) = (form.field("username"), form.field("password"));
///         # let is_right = |_: &str, _: &str| false;
///         // A number that is never given to anybody else, as names are.
///         # let number_of = |_: &str| "1001";
///         if !is_right(name, password) {
///             return Err(LoginError::Denied);
///         }
///         Ok(Account::new(number_of(name), name).scopes(["notes:read"]))
///     }
///
///     async fn account(&self, id: &str) -> Result<Option<Account>, LoginError> {
///         # let name_of = |id: &str| (id == "1001").then_some("alice");
///         Ok(name_of(id).map(|name| Account::new(id, name).scopes(["notes:read"])))
///     }
/// }
/// ```
#[async_trait::async_trait]
pub trait LoginProvider: Any + Send + Sync {
    /// A short lower-case word that never changes: accounts are linked by it.
    fn name(&self) -> &str;

    /// What people are told it is, on pages with other ways to log in: "Log in with …". Else its [name](Self::name).
    fn label(&self) -> &str {
        self.name()
    }

    /// The page with the form, in HTML. It must escape what it shows.
    fn page(&self, page: &LoginPage<'_>) -> String;

    /// The account that an entered form is about, whether there is one or not: wrong tries are counted by it. The field
    /// `username`, unless you say otherwise.
    fn counted_as(&self, form: &LoginForm) -> String {
        form.field("username").trim().to_lowercase()
    }

    /// Judges what was entered. Takes as long for an unknown user as for a wrong password.
    ///
    /// # Errors
    /// [`LoginError::Denied`] for anything wrong with it, [`LoginError::Unavailable`] if that cannot be told.
    async fn log_in(&self, form: &LoginForm) -> Result<Account, LoginError>;

    /// The account as it is now; `None` if it is gone or locked. Asked at every consent and every refresh: what it does not
    /// allow any more, grants lose.
    ///
    /// # Errors
    /// [`LoginError::Unavailable`] if that cannot be told.
    async fn account(&self, id: &str) -> Result<Option<Account>, LoginError>;

    /// Where people log in elsewhere; then all of the above but the name and the label is the server's own business. Of
    /// the providers in this crate only.
    #[doc(hidden)]
    fn federated(&self) -> Option<Federated<'_>> {
        None
    }
}

/// Somebody who can log in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// What never changes about it, and is never given to another: a number rather than a name. Not shown to clients.
    pub id: String,
    /// For people, on consent pages.
    pub name: String,
    /// The scopes it may grant at most, separated as in a list; `None` allows every declared one.
    pub scopes: Option<Vec<String>>,
    /// Changes whenever its credentials do, and with that ends whatever sessions it has. Kept in the store: nothing secret.
    pub credentials: Option<String>,
}

impl Account {
    /// An account that may grant nothing yet.
    #[must_use]
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), scopes: Some(Vec::new()), credentials: None }
    }

    /// Lets it grant these.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Lets it grant every declared scope.
    #[must_use]
    pub fn all_scopes(mut self) -> Self {
        self.scopes = None;
        self
    }

    /// Ends all its sessions when this changes: the number of its password, for example, or when that was set. Nothing
    /// secret.
    #[must_use]
    pub fn credentials(mut self, version: impl Into<String>) -> Self {
        self.credentials = Some(version.into());
        self
    }
}

/// What a login page shows.
///
/// The server makes it. In tests of a page of your own, [`new`](Self::new) does:
///
/// ```
/// use mcp_runtime::oauth::{LoginPage, LoginProblem, login::default_page};
///
/// let page = LoginPage::new("Notes", "https://notes.example.com/login")
///     .hidden(&[("token", "x")])
///     .problem(LoginProblem::Denied);
/// let html = default_page(&page);
/// assert!(html.contains(r#"name="token""#) && html.contains("is wrong"));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct LoginPage<'a> {
    /// Where the form goes, by POST.
    pub action: &'a str,
    /// Hidden fields that it must carry, as names and values.
    pub hidden: &'a [(&'a str, &'a str)],
    /// What to tell about the last try, in English and for the fields `username` and `password`.
    pub message: Option<&'a str>,
    /// The same for pages with words of their own: there whenever `message` is.
    pub problem: Option<LoginProblem>,
    /// What the server calls itself.
    pub server: &'a str,
    /// Other ways to log in, as their [labels](LoginProvider::label) and where links to them lead.
    pub others: &'a [(&'a str, String)],
    /// Style elements need it, as `<style nonce="…">`; style sheets and images may come from the server itself. Nothing
    /// else is loaded, and scripts do not run.
    pub nonce: &'a str,
}

impl<'a> LoginPage<'a> {
    /// A page without anything hidden, of a server with no other way to log in, before the first try.
    #[must_use]
    pub fn new(server: &'a str, action: &'a str) -> Self {
        Self { action, hidden: &[], message: None, problem: None, server, others: &[], nonce: "" }
    }

    /// With these hidden fields.
    #[must_use]
    pub fn hidden(mut self, hidden: &'a [(&'a str, &'a str)]) -> Self {
        self.hidden = hidden;
        self
    }

    /// After a try that ended like this; sets the message too.
    #[must_use]
    pub fn problem(mut self, problem: LoginProblem) -> Self {
        (self.problem, self.message) = (Some(problem), Some(problem.message()));
        self
    }

    /// With links to these other ways to log in.
    #[must_use]
    pub fn others(mut self, others: &'a [(&'a str, String)]) -> Self {
        self.others = others;
        self
    }

    /// With this nonce for style elements.
    #[must_use]
    pub fn nonce(mut self, nonce: &'a str) -> Self {
        self.nonce = nonce;
        self
    }
}

/// Why a login page is shown again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginProblem {
    /// What was entered is not right. Nobody is told what is wrong with it.
    Denied,
    /// There were too many tries at this account, or from this address. What was entered was not looked at.
    TooManyTries {
        /// How many seconds to wait.
        wait_secs: u64,
    },
}

impl LoginProblem {
    /// For pages without words of their own.
    fn message(self) -> &'static str {
        match self {
            Self::Denied => "The user name or the password is wrong.",
            Self::TooManyTries { .. } => "There were too many tries. Wait a little, then try again.",
        }
    }
}

/// The fields of a login form, as they were entered. Its `Debug` shows names only.
///
/// The server makes it; in tests of a login of your own, [`new`](Self::new) does.
pub struct LoginForm {
    fields: HashMap<String, String>,
    pub(crate) waiter: Waiter,
}

impl LoginForm {
    /// A form with these fields, as names and values; the last of those with the same name counts.
    ///
    /// ```
    /// use mcp_runtime::oauth::LoginForm;
    ///
    /// let form = LoginForm::new([("number", "1001"), ("pin", "4711")]);
    /// assert_eq!((form.field("number"), form.field("colour")), ("1001", ""));
    /// ```
    #[must_use]
    pub fn new(fields: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { fields, waiter: Waiter { address: ClientAddress::LOCAL, is_known: false } }
    }

    pub(crate) fn sent_by(self, waiter: Waiter) -> Self {
        Self { waiter, ..self }
    }

    /// What was entered into the field of this name; empty if there is none.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl fmt::Debug for LoginForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LoginForm").field(&self.fields.keys()).finish()
    }
}

/// Why nobody logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginError {
    /// Not with these credentials. Nobody is told what is wrong with them.
    Denied,
    /// It cannot be told now.
    Unavailable,
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Denied => "not with these credentials",
            Self::Unavailable => "the accounts cannot be read right now",
        })
    }
}

impl std::error::Error for LoginError {}

/// What is wrong with the ways to log in, for a server with this issuer. One that must not be met in production says at
/// every start that it is there.
#[cfg(feature = "dev-login")]
pub(crate) fn problems(logins: &[Box<dyn LoginProvider>], issuer: &str) -> Vec<String> {
    logins.iter().filter_map(|login| AutoApprove::among(&**login)?.problem(issuer)).collect()
}
