//! `/introspect`: resource servers ask about access tokens (RFC 7662).

use std::sync::Arc;

use axum::response::Response;
use serde_json::{Value, json};

use super::secret_json;
use crate::{
    auth::{AuthError, BearerToken},
    oauth::{
        Core, Visit,
        clients::{Client, authentication::authenticate_of_operator},
        error::{ErrorCode, OAuthError},
        limits::Route,
    },
    store::StoreError,
};

/// What resource servers are told of the claims; the rest is ours.
const TOLD: [&str; 8] = ["iss", "sub", "aud", "client_id", "scope", "exp", "iat", "jti"];

pub(crate) async fn handle(core: Arc<Core>, visit: Visit) -> Response {
    match introspect(&core, visit).await {
        Ok(answer) => secret_json(&answer),
        Err(error) => error.into_response(),
    }
}

async fn introspect(core: &Core, mut visit: Visit) -> Result<Value, OAuthError> {
    core.limits.charge(Route::Introspect, visit.address)?;
    let form = visit.form().await?;
    let client = authenticate_of_operator(core, &visit.parts.headers, &form, visit.address).await?;
    let token = form.get("token").ok_or(OAuthError::new(ErrorCode::InvalidRequest, "`token` is missing"))?;
    tell(core, &client, token).await
}

/// What a client is told about a token: nothing but that it is good for nothing, unless it is a resource server. Refresh
/// tokens are no business of those.
pub(in crate::oauth) async fn tell(core: &Core, client: &Client, token: &str) -> Result<Value, OAuthError> {
    let Some(token) = BearerToken::new(token).filter(|_| client.may_introspect) else { return Ok(inactive()) };
    match core.verify(&token).await {
        Ok(identity) => {
            let mut answer = json!({"active": true, "token_type": "Bearer"});
            for name in TOLD {
                if let Some(value) = identity.claims().get(name) {
                    answer[name] = value.clone();
                }
            }
            Ok(answer)
        }
        Err(AuthError::Unavailable { .. }) => Err(StoreError::new("no news of revocations").into()),
        Err(_) => Ok(inactive()),
    }
}

fn inactive() -> Value {
    json!({ "active": false })
}
