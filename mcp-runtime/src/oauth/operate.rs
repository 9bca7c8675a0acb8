//! What the operator does with the authorization server from code.

use std::{fmt, time::Duration};

use super::{
    AuthorizationServer,
    error::OAuthError,
    people::{self, Consent, Whose, vault},
    tokens::{Access, Grant, Holder, LONGEST_TOKEN, insert_steps, random_id},
};
use crate::store::{Commit, Row, StoreError};

/// The client that tokens of the operator's own making name.
const MINTED: &str = "operator";

/// What somebody let a client do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrantInfo {
    /// Its id; access tokens carry it.
    pub id: String,
    /// Who granted it: the `sub` of its tokens.
    pub subject: String,
    /// To whom.
    pub client_id: String,
    /// What.
    pub scopes: Vec<String>,
    /// Since when, in seconds since the Unix epoch.
    pub created_at: u64,
    /// Until when at most.
    pub ends_at: u64,
}

/// A key that access tokens are signed with, without what is secret about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SigningKeyInfo {
    /// Its name, which tokens carry in their header: what [`revoke_signing_key`](AuthorizationServer::revoke_signing_key)
    /// is told.
    pub kid: String,
    /// What it does.
    pub state: SigningKeyState,
    /// Since when it signs, did so first, or will: in seconds since the Unix epoch.
    pub since: u64,
}

/// What a signing key does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningKeyState {
    /// It is published and will sign when every copy of the key set has it.
    Waiting,
    /// It signs.
    Signing,
    /// It signs no more; tokens that it signed are still accepted, until the last of them has ended.
    Retired,
}

impl From<Row<Grant>> for GrantInfo {
    fn from(row: Row<Grant>) -> Self {
        let Grant { subject, client_id, scopes, created_at, ends_at, .. } = row.record;
        Self { id: row.name, subject, client_id, scopes, created_at, ends_at }
    }
}

/// An account at another provider that somebody lets tools work with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// The [`name`](super::LoginProvider::name) of the login or connection.
    pub provider: String,
    /// Since when, in seconds since the Unix epoch.
    pub since: u64,
}

impl AuthorizationServer {
    /// The `sub` that tokens of an account have; `None` if it never logged in. `provider` is the
    /// [`name`](super::LoginProvider::name) of the login, `account` the id there.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub async fn subject_of(&self, provider: &str, account: &str) -> Result<Option<String>, StoreError> {
        people::known_subject(&self.0, provider, account).await
    }

    /// Whose tokens have this `sub`: the [`name`](super::LoginProvider::name) of the login, and the id of the account there.
    /// The way back from [`subject_of`](Self::subject_of), for a tool that knows its caller by
    /// [`Identity::subject`](crate::Identity::subject) and looks something up in your own table of accounts. An account
    /// that is locked or gone is still named. `None` for whatever never logged in, and for clients that act for themselves.
    ///
    /// # Errors
    /// If the store cannot be used.
    ///
    /// ```
    /// # use mcp_runtime::{oauth::AuthorizationServer, store::StoreError};
    /// async fn staff_number(oauth: &AuthorizationServer, subject: &str) -> Result<Option<String>, StoreError> {
    ///     let account = oauth.account_of(subject).await?;
    ///     Ok(account.filter(|(provider, _)| provider == "directory").map(|(_, id)| id))
    /// }
    /// ```
    pub async fn account_of(&self, subject: &str) -> Result<Option<(String, String)>, StoreError> {
        people::linked_account(&self.0, subject).await
    }

    /// The grants of somebody, by the `sub` of its tokens.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub async fn grants_of(&self, subject: &str) -> Result<Vec<GrantInfo>, StoreError> {
        let rows = self.0.grants_of(Holder::Subject(subject)).await?;
        Ok(rows.into_iter().map(GrantInfo::from).collect())
    }

    /// Ends a grant: its tokens are refused at once by this process, within a second by others on the same store. Says
    /// whether there was one.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub async fn revoke_grant(&self, id: &str) -> Result<bool, StoreError> {
        self.0.end_grant(id).await
    }

    /// Ends all grants of somebody, also those that clients have a code for but no token yet, and says how many there were.
    /// Nothing that they allowed is remembered either: they are asked again. What other providers gave for them is forgotten.
    /// Sessions go on: change the password, or lock the account, before. Those of people who log in at another provider end:
    /// they are let in again if that provider still knows them.
    ///
    /// # Errors
    /// If the store cannot be used; some may have ended then.
    pub async fn revoke_all_of(&self, subject: &str) -> Result<usize, StoreError> {
        // Nothing that was allowed before becomes a grant after they were listed.
        people::end_era(&self.0, subject).await?;
        Consent::forget(&self.0, subject, None).await?;
        let ended = self.0.end_all(Holder::Subject(subject)).await?;
        vault::forget_all(&self.0, subject).await?;
        Ok(ended)
    }

    /// Where somebody, by the `sub` of its tokens, has accounts that tools may work with: those whose tokens are kept here.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub async fn connections_of(&self, subject: &str) -> Result<Vec<ConnectionInfo>, StoreError> {
        let found = vault::connections(&self.0, subject).await?;
        Ok(found.into_iter().map(|(provider, since)| ConnectionInfo { provider, since }).collect())
    }

    /// Forgets the tokens that a provider gave for somebody, by the `sub` of its tokens: tools ask to be connected again. Says
    /// whether there were any. The provider is not told; people take access back there.
    ///
    /// ```
    /// # use mcp_runtime::{oauth::AuthorizationServer, store::StoreError};
    /// async fn forget_everything(oauth: &AuthorizationServer, subject: &str) -> Result<(), StoreError> {
    ///     for connection in oauth.connections_of(subject).await? {
    ///         oauth.disconnect(subject, &connection.provider).await?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// If the store cannot be used.
    pub async fn disconnect(&self, subject: &str, provider: &str) -> Result<bool, StoreError> {
        vault::disconnect(&self.0, (subject, provider)).await
    }

    /// Takes back what somebody, by the `sub` of its tokens, allowed a client: ends its grants from them, also those that it
    /// has a code for but no token yet, and asks them again next time. Says how many grants there were.
    ///
    /// # Errors
    /// If the store cannot be used; some may have ended then.
    pub async fn withdraw_consent(&self, subject: &str, client_id: &str) -> Result<usize, StoreError> {
        let core = &self.0;
        Whose::Both(subject, client_id).end_era(core).await?;
        Consent::forget(core, subject, Some(client_id)).await?;
        let mut ended = 0;
        for row in core.grants_of(Holder::Subject(subject)).await? {
            if row.record.client_id == client_id {
                ended += usize::from(core.end_grant(&row.name).await?);
            }
        }
        Ok(ended)
    }

    /// Ends all grants that a client has, of whomever, also those that it has a code for but no token yet, and says how
    /// many there were. Everybody is asked again.
    ///
    /// # Errors
    /// If the store cannot be used; some may have ended then.
    pub async fn revoke_all_for_client(&self, client_id: &str) -> Result<usize, StoreError> {
        // Nothing that was allowed before becomes a grant after they were listed, nor counts as a consent.
        Whose::Client(client_id).end_era(&self.0).await?;
        self.0.end_all(Holder::Client(client_id)).await
    }

    /// The signing keys, in the order in which they sign: those that signed before, the one that does, and one that waits to.
    ///
    /// ```
    /// # use mcp_runtime::{oauth::{AuthorizationServer, SigningKeyState}, store::StoreError};
    /// async fn current(oauth: &AuthorizationServer) -> Result<Option<String>, StoreError> {
    ///     let keys = oauth.signing_keys().await?;
    ///     Ok(keys.into_iter().find(|key| key.state == SigningKeyState::Signing).map(|key| key.kid))
    /// }
    /// ```
    ///
    /// # Errors
    /// If the store cannot be used.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKeyInfo>, StoreError> {
        let keys = self.0.keys.list(&self.0).await?;
        Ok(keys.into_iter().map(|(kid, state, since)| SigningKeyInfo { kid, state, since }).collect())
    }

    /// Publishes a new signing key, which takes over after five and a half minutes, when every copy of the key set has it.
    /// Says its `kid`. Keys are also changed without this, see
    /// [`signing_key_lifetime`](super::AuthorizationServerBuilder::signing_key_lifetime).
    ///
    /// # Errors
    /// If the store cannot be used.
    pub async fn rotate_signing_key(&self) -> Result<String, StoreError> {
        self.0.keys.rotate(&self.0).await
    }

    /// Takes a signing key away because it is not safe any more: one of [`signing_keys`](Self::signing_keys). Access tokens
    /// that it signed are refused at once, within a second by other processes; clients get new ones with their refresh
    /// tokens, and those that act for themselves ask again. If it was the one that signs, the next one does at once; if it
    /// was the only one, a new one is made. Says whether there was such a key.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub async fn revoke_signing_key(&self, kid: &str) -> Result<bool, StoreError> {
        self.0.keys.revoke(&self.0, kid).await
    }

    /// Makes an access token for an account without asking anybody: for first tries and scripts. `provider` is the
    /// [`name`](super::LoginProvider::name) of the login, `account` the id there. The token lasts at most a day, and can be
    /// revoked like any other grant.
    ///
    /// # Errors
    /// [`MintError`] if there is no such account, if it may not have these scopes, or if the store cannot be used.
    pub async fn mint(
        &self,
        provider: &str,
        account: &str,
        scopes: impl IntoIterator<Item = impl Into<String>> + Send,
        lifetime: Duration,
    ) -> Result<String, MintError> {
        let core = &self.0;
        let scopes: Vec<String> = scopes.into_iter().map(Into::into).collect();
        let account = people::present(core, provider, account).await.map_err(|_| unusable())?;
        let account = account.ok_or(MintError::NoAccount)?;
        if let Some(scope) = scopes.iter().find(|scope| !core.catalogue.knows(scope)) {
            return Err(MintError::UndeclaredScope(scope.clone()));
        }
        let allowed = core.within(&scopes, &account.scopes);
        if let Some(scope) = scopes.iter().find(|scope| !allowed.contains(scope)) {
            return Err(MintError::NotAllowed(scope.clone()));
        }
        let subject = people::subject_of(core, provider, &account.id).await?;
        let now = core.records.now();
        let ends_at = now.saturating_add(lifetime.as_secs().clamp(1, LONGEST_TOKEN));
        let grant = Grant {
            client_id: MINTED.to_owned(),
            subject,
            resource: core.resource.clone(),
            scopes,
            auth_time: now,
            created_at: now,
            ends_at,
            access_until: ends_at,
            refresh: None,
        };
        let id = random_id()?;
        if core.records.commit(&insert_steps(&id, &grant)).await.map_err(MintError::Store)? != Commit::Done {
            return Err(unusable());
        }
        let (subject, scopes) = (&*grant.subject, &*grant.scopes);
        let access = Access { subject, client_id: MINTED, scopes, grant: &id, expires_at: ends_at };
        Ok(core.sign(&access).await?)
    }
}

/// Why no token was made.
#[non_exhaustive]
pub enum MintError {
    /// There is no such login, or no such account there.
    NoAccount,
    /// The server does not declare this scope.
    UndeclaredScope(String),
    /// The account may not grant this scope.
    NotAllowed(String),
    /// The store, or the accounts, cannot be used.
    Store(StoreError),
}

fn unusable() -> MintError {
    MintError::Store(StoreError::new("the accounts or the grants cannot be used right now"))
}

impl From<OAuthError> for MintError {
    fn from(_: OAuthError) -> Self {
        unusable()
    }
}

impl fmt::Debug for MintError {
    /// The same as `Display`: this is what a `main` that returns it prints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for MintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAccount => f.write_str("there is no such account"),
            Self::UndeclaredScope(scope) => {
                write!(f, "the scope {scope:?} is not declared; declare it with `.scope(name, description)`")
            }
            Self::NotAllowed(scope) => write!(f, "the account may not grant the scope {scope:?}"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for MintError {}
