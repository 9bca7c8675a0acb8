//! What the operator does with the authorization server from code.

use std::{fmt, time::Duration};

use super::{
    AuthorizationServer,
    error::OAuthError,
    people::{self, Consent, Whose},
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

impl From<Row<Grant>> for GrantInfo {
    fn from(row: Row<Grant>) -> Self {
        let Grant { subject, client_id, scopes, created_at, ends_at, .. } = row.record;
        Self { id: row.name, subject, client_id, scopes, created_at, ends_at }
    }
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
    /// Nothing that they allowed is remembered either: they are asked again. Sessions go on: change the password, or lock the account, before.
    ///
    /// # Errors
    /// If the store cannot be used; some may have ended then.
    pub async fn revoke_all_of(&self, subject: &str) -> Result<usize, StoreError> {
        // Nothing that was allowed before becomes a grant after they were listed.
        people::end_era(&self.0, subject).await?;
        Consent::forget(&self.0, subject, None).await?;
        self.0.end_all(Holder::Subject(subject)).await
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

    /// Publishes a new signing key, which takes over after five and a half minutes, when every copy of the key set has it.
    /// Says its `kid`. Keys are also changed without this, see
    /// [`signing_key_lifetime`](super::AuthorizationServerBuilder::signing_key_lifetime).
    ///
    /// # Errors
    /// If the store cannot be used.
    pub async fn rotate_signing_key(&self) -> Result<String, StoreError> {
        self.0.keys.rotate(&self.0).await
    }

    /// Takes a signing key away because it is not safe any more. Access tokens that it signed are refused at once, within
    /// a second by other processes; clients get new ones with their refresh tokens. Says whether there was such a key.
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
        let login = core.logins.iter().find(|login| login.name() == provider).ok_or(MintError::NoAccount)?;
        let account = login.account(account).await.map_err(|_| unusable())?.ok_or(MintError::NoAccount)?;
        if core.within(&scopes, &account.scopes).len() < scopes.len() {
            return Err(MintError::Scopes);
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
#[derive(Debug)]
#[non_exhaustive]
pub enum MintError {
    /// There is no such login, or no such account there.
    NoAccount,
    /// A scope is not declared, or the account may not grant it.
    Scopes,
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

impl fmt::Display for MintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAccount => f.write_str("there is no such account"),
            Self::Scopes => f.write_str("a scope is not declared, or the account may not grant it"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for MintError {}
