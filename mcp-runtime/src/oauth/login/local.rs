//! Users with passwords, in the server's own store.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    Account, LoginError, LoginForm, LoginPage, LoginProvider, default_page,
    passwords::{Busy, Passwords},
};
use crate::{
    clock::Clock,
    oauth::{browser::secret, error::OAuthError, hash::digest},
    store::{Commit, Kind, Record, Records, Row, Step, Store, StoreError, insert},
};

/// How often a change is tried again that others got in the way of.
const TRIES: usize = 8;

const MIN_PASSWORD_CHARS: usize = 8;
/// More would be work for nothing.
const MAX_PASSWORD_BYTES: usize = 1_024;

/// Users with names and passwords (argon2id), kept in a store. Clones share it.
///
/// Changes count at once: whoever is locked, removed or allowed less loses that with the next refresh, and their sessions
/// with the next page. Access tokens that are out already last until they expire.
///
/// ```
/// use std::sync::Arc;
///
/// use mcp_runtime::{oauth::LocalUsers, store::MemoryStore};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let store = Arc::new(MemoryStore::new());
/// let users = LocalUsers::in_store(Arc::clone(&store));
/// users.add("alice", "a long pass phrase", ["notes:read", "notes:write"]).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct LocalUsers {
    records: Records,
    passwords: Passwords,
}

/// A user, without its password.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserInfo {
    /// What never changes about it: the [`id`](Account::id) of its account.
    pub id: String,
    /// What it logs in with.
    pub name: String,
    /// The scopes it may grant at most; `None` allows every declared one.
    pub scopes: Option<Vec<String>>,
    /// Whether it is kept out.
    pub is_locked: bool,
}

/// A user as it is stored, under its name.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct User {
    /// The name and something random: whoever gets the name of somebody who was removed is somebody else.
    id: String,
    password_hash: String,
    /// `None`: all.
    scopes: Option<Vec<String>>,
    is_locked: bool,
}

impl Record for User {
    const KIND: Kind = Kind::new("user");

    fn expires_at(&self) -> Option<u64> {
        None
    }
}

impl LocalUsers {
    /// Its [`name`](LoginProvider::name) as a way to log in: what [`mint`](crate::oauth::AuthorizationServer::mint) and
    /// [`subject_of`](crate::oauth::AuthorizationServer::subject_of) know its users under.
    pub const NAME: &str = "local";

    /// The users of a store: that of the authorization server (give both a clone of one `Arc`), or another.
    #[must_use]
    pub fn in_store(store: impl Store) -> Self {
        Self { records: Records::new(Arc::new(store), Clock::system()), passwords: Passwords::new() }
    }

    #[cfg(test)]
    pub(crate) fn cheap(store: impl Store) -> Self {
        Self { passwords: super::passwords::tests::cheap(1), ..Self::in_store(store) }
    }

    /// How many passwords were hashed or compared.
    #[cfg(test)]
    pub(crate) fn runs(&self) -> usize {
        self.passwords.runs.all()
    }

    /// Adds a user who may grant these scopes at most. Names are 1 to 64 of `a-z`, `0-9`, `.`, `_`, `-` and `@`, and are the
    /// same in upper case; passwords have 8 characters to 1,024 bytes. Scopes that the server does not declare allow
    /// nothing: the log warns of them when the user logs in.
    ///
    /// # Errors
    /// [`UserError::Exists`] if there is one of that name; others as they say.
    pub async fn add(
        &self,
        name: &str,
        password: &str,
        scopes: impl IntoIterator<Item = impl Into<String>> + Send,
    ) -> Result<(), UserError> {
        let name = user_name(name).ok_or(UserError::InvalidName)?;
        let scopes = Some(scopes.into_iter().map(Into::into).collect());
        if self.records.get::<User>(&name).await?.is_some() {
            return Err(UserError::Exists);
        }
        let id = format!("{name}/{}", secret().map_err(|_: OAuthError| UserError::Busy)?);
        let user = User { id, password_hash: self.hash(password).await?, scopes, is_locked: false };
        match self.records.commit(&[insert(name, &user)]).await? {
            Commit::Done => Ok(()),
            Commit::Conflict => Err(UserError::Exists),
        }
    }

    /// Gives a user another password, which ends all sessions of the user. What clients were allowed goes on:
    /// [`revoke_all_of`](crate::oauth::AuthorizationServer::revoke_all_of) ends that.
    ///
    /// # Errors
    /// [`UserError::Unknown`] if there is none of that name; others as they say.
    pub async fn set_password(&self, name: &str, password: &str) -> Result<(), UserError> {
        let password_hash = self.hash(password).await?;
        self.change(name, |user| User { password_hash: password_hash.clone(), ..user }).await
    }

    /// Changes what a user may grant at most.
    ///
    /// # Errors
    /// [`UserError::Unknown`] if there is none of that name; others as they say.
    pub async fn set_scopes(
        &self,
        name: &str,
        scopes: impl IntoIterator<Item = impl Into<String>> + Send,
    ) -> Result<(), UserError> {
        let scopes: Vec<String> = scopes.into_iter().map(Into::into).collect();
        self.change(name, |user| User { scopes: Some(scopes.clone()), ..user }).await
    }

    /// Lets a user grant every declared scope, also those that are declared later.
    ///
    /// # Errors
    /// [`UserError::Unknown`] if there is none of that name; others as they say.
    pub async fn allow_all_scopes(&self, name: &str) -> Result<(), UserError> {
        self.change(name, |user| User { scopes: None, ..user }).await
    }

    /// Keeps a user out until it is unlocked.
    ///
    /// # Errors
    /// [`UserError::Unknown`] if there is none of that name; others as they say.
    pub async fn lock(&self, name: &str) -> Result<(), UserError> {
        self.change(name, |user| User { is_locked: true, ..user }).await
    }

    /// Lets a locked user in again.
    ///
    /// # Errors
    /// [`UserError::Unknown`] if there is none of that name; others as they say.
    pub async fn unlock(&self, name: &str) -> Result<(), UserError> {
        self.change(name, |user| User { is_locked: false, ..user }).await
    }

    /// Removes a user. Another one of the same name will be somebody else.
    ///
    /// # Errors
    /// [`UserError::Unknown`] if there is none of that name; others as they say.
    pub async fn remove(&self, name: &str) -> Result<(), UserError> {
        self.step(name, Row::delete).await
    }

    /// The user of this name.
    ///
    /// # Errors
    /// [`UserError::Store`] if that cannot be told.
    pub async fn get(&self, name: &str) -> Result<Option<UserInfo>, UserError> {
        Ok(self.find(name).await?.map(UserInfo::from))
    }

    /// At most `limit` users whose names come after `after`, in the order of their names.
    ///
    /// # Errors
    /// [`UserError::Store`] if they cannot be read.
    pub async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<UserInfo>, UserError> {
        let rows = self.records.list::<User>("", after, limit).await?;
        Ok(rows.into_iter().map(UserInfo::from).collect())
    }

    async fn change(&self, name: &str, change: impl Fn(User) -> User) -> Result<(), UserError> {
        self.step(name, |row| row.replace(&change(row.record.clone()))).await
    }

    async fn step(&self, name: &str, step: impl Fn(&Row<User>) -> Step) -> Result<(), UserError> {
        for _ in 0..TRIES {
            let row = self.find(name).await?.ok_or(UserError::Unknown)?;
            if self.records.commit(&[step(&row)]).await? == Commit::Done {
                return Ok(());
            }
        }
        Err(UserError::Busy)
    }

    async fn find(&self, name: &str) -> Result<Option<Row<User>>, StoreError> {
        match user_name(name) {
            Some(name) => self.records.get(&name).await,
            None => Ok(None),
        }
    }

    async fn hash(&self, password: &str) -> Result<String, UserError> {
        if password.chars().count() < MIN_PASSWORD_CHARS || password.len() > MAX_PASSWORD_BYTES {
            return Err(UserError::InvalidPassword);
        }
        self.passwords.hash(password).await.map_err(|Busy| UserError::Busy)
    }
}

#[async_trait::async_trait]
impl LoginProvider for LocalUsers {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn page(&self, page: &LoginPage<'_>) -> String {
        default_page(page)
    }

    async fn log_in(&self, form: &LoginForm) -> Result<Account, LoginError> {
        let name = form.field("username").trim();
        let found = self.find(name).await.map_err(|error| unavailable(&error))?.map(|row| row.record);
        let entered = form.field("password");
        // Too long for any password: the same work for nothing.
        let (password, hash) = match entered.len() {
            0..=MAX_PASSWORD_BYTES => (entered, found.as_ref().map(|user| &*user.password_hash)),
            _ => ("", None),
        };
        let is_right =
            self.passwords.verify(password, hash, form.waiter).await.map_err(|Busy| LoginError::Unavailable)?;
        // A lock is looked at last, so that it does not show.
        let user = found.filter(|user| is_right && !user.is_locked);
        user.map(User::into_account).ok_or(LoginError::Denied)
    }

    async fn account(&self, id: &str) -> Result<Option<Account>, LoginError> {
        let name = id.split_once('/').map_or(id, |(name, _)| name);
        let found = self.find(name).await.map_err(|error| unavailable(&error))?.map(|row| row.record);
        Ok(found.filter(|user| user.id == id && !user.is_locked).map(User::into_account))
    }
}

impl User {
    fn into_account(self) -> Account {
        let name = self.id.split_once('/').map_or(&*self.id, |(name, _)| name);
        // Salted anew with every password.
        let credentials = Some(digest(&[&self.password_hash]));
        Account { name: name.to_owned(), scopes: self.scopes, id: self.id, credentials }
    }
}

impl From<Row<User>> for UserInfo {
    fn from(row: Row<User>) -> Self {
        let User { id, scopes, is_locked, .. } = row.record;
        Self { id, name: row.name, scopes, is_locked }
    }
}

fn user_name(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-@".contains(&b);
    ((1..=64).contains(&name.len()) && name.bytes().all(plain)).then_some(name)
}

fn unavailable(error: &StoreError) -> LoginError {
    tracing::error!(%error, "local users cannot be read");
    LoginError::Unavailable
}

/// Why a user was not added or changed.
#[non_exhaustive]
pub enum UserError {
    /// Not 1 to 64 of `a-z`, `0-9`, `.`, `_`, `-` and `@`.
    InvalidName,
    /// Fewer than 8 characters, or more than 1,024 bytes.
    InvalidPassword,
    /// There is one of that name.
    Exists,
    /// There is none of that name.
    Unknown,
    /// Too much is going on: try again.
    Busy,
    /// The store cannot be used.
    Store(StoreError),
}

impl From<StoreError> for UserError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Debug for UserError {
    /// The same as `Display`: this is what a `main` that returns it prints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidName => f.write_str("a user's name must be 1 to 64 of a-z, 0-9, `.`, `_`, `-` and `@`"),
            Self::InvalidPassword => f.write_str("a password must have 8 characters to 1,024 bytes"),
            Self::Exists => f.write_str("there is a user of that name"),
            Self::Unknown => f.write_str("there is no user of that name"),
            Self::Busy => f.write_str("too much is going on, try again"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for UserError {}
