//! `/token`: codes, refresh tokens and credentials become access tokens (RFC 6749 §3.2).

use std::sync::Arc;

use axum::response::Response;

use super::secret_json;
use crate::oauth::{
    Core, Visit,
    clients::{GrantType, authentication::authenticate},
    error::{ErrorCode, OAuthError},
    limits::Route,
    tokens::{Answer, codes, refresh, service},
};

pub(crate) async fn handle(core: Arc<Core>, visit: Visit) -> Response {
    let address = visit.address;
    match exchange(&core, visit).await {
        Ok(answer) => secret_json(&answer.into_json()),
        Err(error) if error.code == ErrorCode::InvalidGrant => {
            // Whoever guesses pays for it.
            core.limits.charge(Route::TokenFailed, address).err().unwrap_or(error).into_response()
        }
        Err(error) => error.into_response(),
    }
}

async fn exchange(core: &Core, mut visit: Visit) -> Result<Answer, OAuthError> {
    core.limits.charge(Route::Token, visit.address)?;
    let form = visit.form().await?;
    let grant_type = form.get("grant_type");
    let client = authenticate(core, &visit.parts.headers, &form, visit.address).await?;
    let grant_type = match grant_type {
        Some("authorization_code") => GrantType::AuthorizationCode,
        Some("refresh_token") => GrantType::RefreshToken,
        Some("client_credentials") => GrantType::ClientCredentials,
        Some(_) => return Err(OAuthError::new(ErrorCode::UnsupportedGrantType, "this grant type is not known here")),
        None => return Err(OAuthError::new(ErrorCode::InvalidRequest, "`grant_type` is missing")),
    };
    if !client.grant_types.contains(&grant_type) {
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, "the client may not use this grant type"));
    }
    match grant_type {
        GrantType::AuthorizationCode => codes::redeem(core, &client, &form).await,
        GrantType::RefreshToken => refresh::redeem(core, &client, &form).await,
        GrantType::ClientCredentials => service::issue(core, &client, &form).await,
    }
}
