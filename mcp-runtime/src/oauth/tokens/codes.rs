//! Authorization codes.
// stub: tokens

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{
    oauth::{
        Core,
        error::{ErrorCode, OAuthError},
        seal::random,
    },
    store::{Kind, Record, insert},
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Granted {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) resource: String,
    pub(crate) subject: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) auth_time: u64,
}

impl Record for Granted {
    const KIND: Kind = Kind::new("stub_code");

    fn expires_at(&self) -> Option<u64> {
        Some(self.auth_time + 3600)
    }
}

pub(crate) async fn issue(core: &Core, granted: Granted) -> Result<String, OAuthError> {
    let bytes = random::<32>().ok_or(OAuthError::new(ErrorCode::TemporarilyUnavailable, "no randomness"))?;
    let code = URL_SAFE_NO_PAD.encode(bytes);
    let _ = core.records.commit(&[insert(code.clone(), &granted)]).await?;
    Ok(code)
}
