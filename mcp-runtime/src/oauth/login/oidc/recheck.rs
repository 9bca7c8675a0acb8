//! Whether somebody is still there.

use std::sync::Arc;

use super::{Oidc, discovery::Provider, id_token};
use crate::oauth::{
    LoginError,
    login::federated::{Claims, Rechecked, UpstreamTokens},
};

impl Oidc {
    /// Looks somebody up again: with the refresh token, else with the access token while it is good.
    pub(super) async fn look(&self, id: &str, tokens: Option<&UpstreamTokens>) -> Result<Rechecked, LoginError> {
        let Some(tokens) = tokens else { return Err(self.gone("there are no tokens of theirs")) };
        let provider = self.discovery().current(&self.clock).await?;
        if tokens.refresh_token.is_none() {
            let claims = self.look_with_access_token(&provider, id, tokens).await?;
            return Ok(Rechecked { claims, tokens: None });
        }
        let newest = self.unsaved.after(tokens);
        let outcome = self.look_with_refresh_token(&provider, id, tokens, newest.as_ref().unwrap_or(tokens)).await;
        if outcome.as_ref().err() != Some(&LoginError::Unavailable) {
            self.unsaved.forget(tokens);
        }
        let (claims, new) = outcome?;
        Ok(Rechecked { claims, tokens: (new != *tokens).then_some(new) })
    }

    async fn look_with_access_token(
        &self,
        provider: &Provider,
        id: &str,
        tokens: &UpstreamTokens,
    ) -> Result<Claims, LoginError> {
        if tokens.expires_at.is_some_and(|end| end <= self.clock.unix_seconds()) {
            return Err(self.gone("there is no refresh token, and the access token has expired"));
        }
        let said = self.user_info(provider, &tokens.access_token, id).await?;
        self.kept(said.ok_or_else(|| self.gone("there is no refresh token, and nobody to ask"))?)
    }

    /// `kept` are the tokens in the store; `newest` may have come after them.
    async fn look_with_refresh_token(
        &self,
        provider: &Arc<Provider>,
        id: &str,
        kept: &UpstreamTokens,
        newest: &UpstreamTokens,
    ) -> Result<(Claims, UpstreamTokens), LoginError> {
        let now = self.clock.unix_seconds();
        let given = self.renew(provider, newest, now).await?;
        self.unsaved.keep(kept, &given.tokens);
        let claims = match self.vouched(provider, &given, (None, None), now).await? {
            Some(claims) if id_token::subject(&claims) == Some(id) => {
                self.completed(provider, claims, &given, id).await?
            }
            Some(_) => return Err(self.deny("a refresh token gave an ID token of somebody else")),
            None => {
                let said = self.user_info(provider, &given.tokens.access_token, id).await?;
                self.kept(said.ok_or_else(|| self.gone("the provider says nothing about them any more"))?)?
            }
        };
        Ok((claims, given.tokens))
    }

    /// Other tokens for tools.
    pub(super) async fn exchanged(&self, id: &str, tokens: &UpstreamTokens) -> Result<UpstreamTokens, LoginError> {
        let provider = self.discovery().current(&self.clock).await?;
        let newest = self.unsaved.after(tokens);
        let now = self.clock.unix_seconds();
        let given = self.renew(&provider, newest.as_ref().unwrap_or(tokens), now).await?;
        self.unsaved.keep(tokens, &given.tokens);
        let claims = self.vouched(&provider, &given, (None, None), now).await?;
        self.unsaved.forget(tokens);
        if claims.is_some_and(|claims| id_token::subject(&claims) != Some(id)) {
            return Err(self.deny("a refresh token gave an ID token of somebody else"));
        }
        Ok(given.tokens)
    }

    /// People whose provider gives nothing to look them up with log in again.
    fn gone(&self, reason: &'static str) -> LoginError {
        tracing::info!(provider = self.name, reason, "somebody cannot be vouched for any more");
        LoginError::Denied
    }
}
