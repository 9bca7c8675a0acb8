//! Ways to log in, one file each, and the seam between them and the authorization server.

use std::{collections::HashMap, fmt};

/// A way to log in: who someone is, and what they may have at most.
///
/// The authorization server does the rest: sessions, cookies, CSRF, back-off, consent. Subjects in tokens are random and
/// never reused; they are linked to [`name`](Self::name) and [`Account::id`].
#[async_trait::async_trait]
pub trait LoginProvider: Send + Sync + 'static {
    /// A short lower-case word that never changes: accounts are linked by it.
    fn name(&self) -> &str;

    /// The page with the form, in HTML. It must escape what it shows.
    fn page(&self, page: &LoginPage<'_>) -> String;

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
}

/// Somebody who can log in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// What never changes about it; not shown to clients.
    pub id: String,
    /// For people, on consent pages.
    pub name: String,
    /// The scopes it may grant at most, separated as in a list; `None` allows every declared one.
    pub scopes: Option<Vec<String>>,
}

impl Account {
    /// An account that may grant nothing yet.
    #[must_use]
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), scopes: Some(Vec::new()) }
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
}

/// What a login page shows.
#[derive(Debug)]
#[non_exhaustive]
pub struct LoginPage<'a> {
    /// Where the form goes, by POST.
    pub action: &'a str,
    /// Hidden fields that it must carry, as names and values.
    pub hidden: &'a [(&'a str, &'a str)],
    /// What to tell about the last try.
    pub message: Option<&'a str>,
    /// What the server calls itself.
    pub server: &'a str,
}

/// The fields of a login form, as they were entered. Its `Debug` shows names only.
pub struct LoginForm(HashMap<String, String>);

impl LoginForm {
    pub(crate) fn new(fields: HashMap<String, String>) -> Self {
        Self(fields)
    }

    /// What was entered into the field of this name; empty if there is none.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

impl fmt::Debug for LoginForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LoginForm").field(&self.0.keys()).finish()
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
