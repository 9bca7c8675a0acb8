//! What the token endpoint gives out (RFC 6749 §5.1).

use serde_json::{Value, json};

use super::{access::Access, grants::Grant, refresh};
use crate::oauth::{Core, error::OAuthError};

/// Tokens. They are shown to nobody else, so there is no `Debug`.
pub(crate) struct Answer {
    access_token: String,
    expires_in: u64,
    refresh_token: Option<String>,
    scopes: Vec<String>,
}

impl Answer {
    /// An access token of a grant with these scopes, and its newest refresh token.
    pub(super) async fn of(core: &Core, id: &str, grant: &Grant, scopes: &[String]) -> Result<Self, OAuthError> {
        let refresh_token = grant.refresh.as_ref().and_then(|refresh| refresh::token(core, id, refresh.number));
        let access = Access {
            subject: &grant.subject,
            client_id: &grant.client_id,
            scopes,
            grant: id,
            expires_at: core.access_until().min(grant.ends_at),
        };
        let answer = Self::access_only(core, &access).await?;
        Ok(Self { refresh_token, ..answer })
    }

    /// An access token alone.
    pub(super) async fn access_only(core: &Core, access: &Access<'_>) -> Result<Self, OAuthError> {
        Ok(Self {
            access_token: core.sign(access).await?,
            expires_in: access.expires_at.saturating_sub(core.records.now()),
            refresh_token: None,
            scopes: access.scopes.to_vec(),
        })
    }

    pub(crate) fn into_json(self) -> Value {
        let mut answer =
            json!({"access_token": self.access_token, "token_type": "Bearer", "expires_in": self.expires_in});
        if let Some(token) = self.refresh_token {
            answer["refresh_token"] = token.into();
        }
        if !self.scopes.is_empty() {
            answer["scope"] = self.scopes.join(" ").into();
        }
        answer
    }
}
