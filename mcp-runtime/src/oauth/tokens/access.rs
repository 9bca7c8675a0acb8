//! Access tokens (RFC 9068).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use crate::{
    oauth::{Core, error::OAuthError, seal::random},
    store::StoreError,
};

/// The claim with the id of the grant that a token belongs to.
pub(crate) const GRANT: &str = "grant";

/// What an access token says.
pub(crate) struct Access<'a> {
    pub(crate) subject: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) scopes: &'a [String],
    pub(crate) grant: &'a str,
    /// When it ends, in seconds since the Unix epoch.
    pub(crate) expires_at: u64,
}

impl Core {
    /// Signs an access token for our resource.
    pub(crate) async fn sign(&self, access: &Access<'_>) -> Result<String, OAuthError> {
        let key = self.keys.signer(self).await?;
        let mut claims = json!({
            "iss": self.issuer,
            "sub": access.subject,
            "aud": self.resource,
            "client_id": access.client_id,
            "iat": self.records.now(),
            "exp": access.expires_at,
            "jti": random_id()?,
            GRANT: access.grant,
        });
        if !access.scopes.is_empty() {
            claims["scope"] = access.scopes.join(" ").into();
        }
        key.sign(&claims).ok_or_else(|| StoreError::new("a token cannot be signed").into())
    }

    /// When an access token ends that is given out now.
    pub(crate) fn access_until(&self) -> u64 {
        self.records.now().saturating_add(self.lifetimes.access_token.as_secs())
    }
}

/// 128 random bits, in 22 characters.
pub(crate) fn random_id() -> Result<String, OAuthError> {
    let bytes: [u8; 16] = random().ok_or_else(|| StoreError::new("the system has no randomness"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
