//! The people who log in.
// stub: browser

use super::{Account, Core, error::OAuthError};

/// The account of a subject as it is now; `None` if it is gone or locked.
pub(crate) async fn account_of(core: &Core, subject: &str) -> Result<Option<Account>, OAuthError> {
    let Some(login) = core.logins.first() else { return Ok(None) };
    let unavailable = |_| OAuthError::new(super::error::ErrorCode::TemporarilyUnavailable, "try again in a moment");
    login.account(subject).await.map_err(unavailable)
}

/// The random subject of an account.
pub(crate) async fn subject_of(_: &Core, _: &str, account_id: &str) -> Result<String, OAuthError> {
    Ok(account_id.to_owned())
}
