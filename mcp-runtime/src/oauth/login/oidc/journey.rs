//! There and back again: the authorization request, and what the browser brings from there.

use std::{sync::Arc, time::Duration};

use openidconnect::{CsrfToken, Nonce, RedirectUrl, Scope, core::CoreAuthenticationFlow};

use super::{
    Oidc, claims,
    discovery::Provider,
    id_token::{self, Expected, Refusal},
    tokens::{Given, printable},
};
use crate::oauth::{
    LoginError,
    login::federated::{Arrived, Claims, Trip},
    visit::Form,
};

/// How long one journey may take on our side, with everything that is asked on the way.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How long a person may be away, in seconds: as long as the server remembers that they went.
const AWAY: u64 = 10 * 60;

/// The longest code that is passed on, in bytes.
const MAX_CODE: usize = 4 * 1024;

/// Ends a journey that takes too long.
pub(super) async fn bounded<T>(journey: impl Future<Output = Result<T, LoginError>>) -> Result<T, LoginError> {
    tokio::time::timeout(PATIENCE, journey).await.unwrap_or(Err(LoginError::Unavailable))
}

impl Oidc {
    /// Where the browser goes.
    pub(super) async fn authorization_url(&self, trip: &Trip) -> Result<String, LoginError> {
        let provider = self.discovery().current(&self.clock).await?;
        let redirect = RedirectUrl::new(trip.redirect_uri.clone()).map_err(|_| LoginError::Unavailable)?;
        let client = self.relying_party(&provider)?.set_redirect_uri(redirect);
        let (state, nonce) = (CsrfToken::new(trip.state.clone()), Nonce::new(trip.nonce.clone()));
        let mut request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, || state, || nonce)
            // It adds `openid` itself.
            .add_scopes(self.scopes(&provider, trip.for_tools).into_iter().skip(1).map(Scope::new))
            .add_extra_param("code_challenge", trip.pkce.challenge())
            .add_extra_param("code_challenge_method", "S256");
        for (name, value) in self.preset.parameters(self.wants_offline_access(&provider), trip.login_again) {
            request = request.add_extra_param(name, value);
        }
        for (name, value) in &self.hints {
            request = request.add_extra_param(*name, &**value);
        }
        let (url, ..) = request.url();
        Ok(url.into())
    }

    /// `openid` first.
    pub(super) fn scopes(&self, provider: &Provider, for_tools: bool) -> Vec<String> {
        let mut scopes: Vec<String> = ["openid", "profile", "email"].map(str::to_owned).into();
        let offline = self.wants_offline_access(provider) && self.preset.says_offline_access();
        let tools = self.access.iter().filter(|_| for_tools).map(|access| &access.scope);
        let more = offline.then(|| "offline_access".to_owned());
        for scope in more.iter().chain(&self.more_scopes).chain(tools) {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        scopes
    }

    /// Whether a refresh token can be asked for: people are looked up again with it.
    fn wants_offline_access(&self, provider: &Provider) -> bool {
        self.preset.always_offline() || provider.metadata.knows_offline_access
    }

    /// Who came back.
    pub(super) async fn arrival(&self, trip: &Trip, brought: &Form) -> Result<Arrived, LoginError> {
        let provider = self.discovery().current(&self.clock).await?;
        let code = self.code(&provider, brought)?;
        let given = self.exchange(&provider, trip, code).await?;
        let since = trip.login_again.then(|| trip.began.saturating_sub(AWAY));
        let claims = self.vouched(&provider, &given, (Some(&trip.nonce), since), trip.now).await?;
        let claims = claims.ok_or_else(|| self.deny("the answer has no ID token"))?;
        let id = id_token::subject(&claims).unwrap_or_default().to_owned();
        let claims = self.completed(&provider, claims, &given, &id).await?;
        Ok(Arrived { id, claims, tokens: Some(given.tokens), once: None })
    }

    /// The code that was brought, if it is the provider's (RFC 9207) and no error.
    fn code<'f>(&self, provider: &Provider, brought: &'f Form) -> Result<&'f str, LoginError> {
        match brought.get("iss") {
            Some(issuer) if issuer != self.issuer => return Err(self.deny("it came from another issuer (`iss`)")),
            None if provider.metadata.brings_issuer => {
                return Err(self.deny("it does not say from which issuer it came (`iss`), as that one always does"));
            }
            _ => {}
        }
        if let Some(error) = brought.get("error") {
            tracing::info!(provider = self.name, error = printable(error), "nobody was logged in by the provider");
            return Err(LoginError::Denied);
        }
        let code = brought.get("code").filter(|code| code.len() <= MAX_CODE);
        code.ok_or_else(|| self.deny("there is no code, or one that is too long"))
    }

    /// The claims of the ID token; looks for other keys if none of those known here made it. `None` if there is none.
    pub(super) async fn vouched(
        &self,
        provider: &Arc<Provider>,
        given: &Given,
        (nonce, authenticated_since): (Option<&str>, Option<u64>),
        now: u64,
    ) -> Result<Option<Claims>, LoginError> {
        let Some(token) = &given.id_token else { return Ok(None) };
        let expected = Expected {
            issuer: &self.issuer,
            client_id: &self.client_id,
            tenant: self.preset.tenant(),
            nonce,
            authenticated_since,
            access_token: &given.tokens.access_token,
            now,
        };
        let mut outcome = id_token::check(token, provider, &expected);
        if outcome == Err(Refusal::Key)
            && let Some(newer) = self.discovery().newer(provider, &self.clock).await
        {
            outcome = id_token::check(token, &newer, &expected);
        }
        outcome.map(Some).map_err(|refusal| match refusal {
            Refusal::Key => self.deny("no key of the provider made the ID token"),
            Refusal::Wrong(reason) => self.deny(reason),
        })
    }

    /// What is kept of these claims, with those that the provider tells elsewhere if some are missing.
    pub(super) async fn completed(
        &self,
        provider: &Provider,
        mut all: Claims,
        given: &Given,
        id: &str,
    ) -> Result<Claims, LoginError> {
        if claims::groups_are_elsewhere(&all) && self.rules.looks_at("groups") {
            tracing::warn!(
                provider = self.name,
                "somebody is in more groups than fit in a token: none of them counts; let the provider send only those \
                 assigned to the application, or use application roles"
            );
        } else if claims::are_missing(&all, &self.rules)
            && let Some(more) = self.user_info(provider, &given.tokens.access_token, id).await?
        {
            claims::add(&mut all, more);
        }
        self.kept(all)
    }

    pub(super) fn deny(&self, reason: &str) -> LoginError {
        tracing::warn!(provider = self.name, reason, "what came from a provider is refused");
        LoginError::Denied
    }
}
