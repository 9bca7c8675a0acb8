//! `/revoke`: a client gives its tokens back (RFC 7009). Either kind of token ends the whole grant: who gives one back wants
//! none of them to work any more.

use std::sync::Arc;

use axum::{body::Body, response::Response};

use super::no_store;
use crate::{
    auth::{AuthError, BearerToken, OwnToken},
    oauth::{
        Core, Visit,
        clients::{Client, authentication::authenticate},
        error::{ErrorCode, OAuthError},
        limits::Route,
        tokens::{Grant, access::GRANT, refresh},
    },
    store::StoreError,
};

pub(crate) async fn handle(core: Arc<Core>, visit: Visit) -> Response {
    match revoke(&core, visit).await {
        Ok(()) => {
            let mut response = Response::new(Body::empty());
            no_store(response.headers_mut());
            response
        }
        Err(error) => error.into_response(),
    }
}

async fn revoke(core: &Core, mut visit: Visit) -> Result<(), OAuthError> {
    core.limits.charge(Route::Revoke, visit.address)?;
    let form = visit.form().await?;
    let client = authenticate(core, &visit.parts.headers, &form, visit.address).await?;
    let token = form.get("token").ok_or(OAuthError::new(ErrorCode::InvalidRequest, "`token` is missing"))?;
    give_back(core, &client, token).await
}

/// Ends the grant of a token that was given to this client. What is no token of ours is as good as revoked (§2.2).
pub(in crate::oauth) async fn give_back(core: &Core, client: &Client, token: &str) -> Result<(), OAuthError> {
    if let Some((grant, _)) = refresh::read(core, token) {
        return revoke_refresh(core, client, &grant).await;
    }
    match BearerToken::new(token) {
        Some(token) if OwnToken::is_of(&token, &core.issuer) => revoke_access(core, client, &token).await,
        _ => Ok(()),
    }
}

async fn revoke_refresh(core: &Core, client: &Client, grant: &str) -> Result<(), OAuthError> {
    let Some(row) = core.records.get::<Grant>(grant).await? else { return Ok(()) };
    if row.record.client_id != client.id {
        return Err(not_yours());
    }
    core.end_grant(grant).await?;
    Ok(())
}

async fn revoke_access(core: &Core, client: &Client, token: &BearerToken<'_>) -> Result<(), OAuthError> {
    let identity = match core.verify(token).await {
        Ok(identity) => identity,
        Err(AuthError::Unavailable { .. }) => return Err(StoreError::new("no news of revocations").into()),
        Err(_) => return Ok(()),
    };
    if identity.client() != Some(&client.id) {
        return Err(not_yours());
    }
    let grant = identity.claims().get(GRANT).and_then(|grant| grant.as_str()).unwrap_or_default();
    if !core.end_grant(grant).await? {
        core.end_token(grant, identity.expires_at().unwrap_or_default()).await?;
    }
    Ok(())
}

/// §2.1: the client is told. Whoever holds the token knows already that it is one.
fn not_yours() -> OAuthError {
    OAuthError::new(ErrorCode::InvalidGrant, "the token was given to another client")
}
