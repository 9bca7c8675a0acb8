//! Whether somebody is still there.

use super::{Oidc, id_token};
use crate::oauth::{
    LoginError,
    login::federated::{Rechecked, UpstreamTokens},
};

impl Oidc {
    /// Looks somebody up again: with the refresh token, else with the access token while it is good.
    pub(super) async fn look(&self, id: &str, tokens: Option<&UpstreamTokens>) -> Result<Rechecked, LoginError> {
        let Some(tokens) = tokens else { return Err(self.gone("there are no tokens of theirs")) };
        let now = self.clock.unix_seconds();
        let provider = self.discovery().current(&self.clock).await?;
        if tokens.refresh_token.is_none() {
            if tokens.expires_at.is_some_and(|end| end <= now) {
                return Err(self.gone("there is no refresh token, and the access token has expired"));
            }
            let said = self.user_info(&provider, &tokens.access_token, id).await?;
            let claims = said.ok_or_else(|| self.gone("there is no refresh token, and nobody to ask"))?;
            return Ok(Rechecked { claims: self.kept(claims)?, tokens: None });
        }
        let given = self.renew(&provider, tokens, now).await?;
        let claims = match self.vouched(&provider, &given, (None, None), now).await? {
            Some(claims) if id_token::subject(&claims) == Some(id) => {
                self.completed(&provider, claims, &given, id).await?
            }
            Some(_) => return Err(self.deny("a refresh token gave an ID token of somebody else")),
            None => {
                let said = self.user_info(&provider, &given.tokens.access_token, id).await?;
                self.kept(said.ok_or_else(|| self.gone("the provider says nothing about them any more"))?)?
            }
        };
        let tokens = (given.tokens != *tokens).then_some(given.tokens);
        Ok(Rechecked { claims, tokens })
    }

    /// Other tokens for tools.
    pub(super) async fn exchanged(&self, tokens: &UpstreamTokens) -> Result<UpstreamTokens, LoginError> {
        let provider = self.discovery().current(&self.clock).await?;
        let given = self.renew(&provider, tokens, self.clock.unix_seconds()).await?;
        Ok(given.tokens)
    }

    /// People whose provider gives nothing to look them up with log in again.
    fn gone(&self, reason: &'static str) -> LoginError {
        tracing::info!(provider = self.name, reason, "somebody cannot be vouched for any more");
        LoginError::Denied
    }
}
