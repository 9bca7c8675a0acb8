//! Questions to the token endpoint, and to that of the claims.

use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, EndpointNotSet, EndpointSet, IssuerUrl, JsonWebKeySet,
    OAuth2TokenResponse, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, TokenResponse,
    core::{CoreClient, CoreIdToken, CoreRequestTokenError, CoreTokenResponse, CoreTokenType},
};

use super::{
    Oidc,
    discovery::Provider,
    id_token,
    token_http::{MAX_ANSWER, NoAnswer, TokenHttp},
};
use crate::{
    auth::{Outbound, UniqueObject},
    oauth::{
        LoginError,
        login::federated::{Claims, Trip, UpstreamTokens},
    },
};

pub(super) type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet, EndpointNotSet>;

/// What the token endpoint gave.
pub(super) struct Given {
    pub(super) tokens: UpstreamTokens,
    pub(super) id_token: Option<CoreIdToken>,
}

/// The longest token that is kept, in bytes. Those that carry claims, as of people in many groups, have a few thousand.
const MAX_TOKEN: usize = 16 * 1024;

/// What a provider says when the person, the code or the token is no good, and not we.
const OF_THE_PERSON: [&str; 6] =
    ["invalid_grant", "access_denied", "interaction_required", "login_required", "consent_required", "invalid_request"];

impl Oidc {
    pub(super) fn relying_party(&self, provider: &Provider) -> Result<Client, LoginError> {
        let issuer = IssuerUrl::new(self.issuer.clone()).map_err(|_| LoginError::Unavailable)?;
        // Without keys: ID tokens are checked by `id_token`.
        let client = CoreClient::new(ClientId::new(self.client_id.clone()), issuer, JsonWebKeySet::new(Vec::new()))
            .set_auth_uri(provider.metadata.authorization_endpoint.clone())
            .set_token_uri(provider.metadata.token_endpoint.clone())
            .set_auth_type(provider.metadata.shows_secret.clone());
        Ok(match &self.secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.clone())),
            None => client,
        })
    }

    pub(super) fn outbound(&self) -> Result<&Outbound, LoginError> {
        self.discovery().outbound().map_err(|reason| {
            tracing::error!(provider = self.name, reason, "nothing can be asked");
            LoginError::Unavailable
        })
    }

    /// Exchanges the code of a login.
    pub(super) async fn exchange(&self, provider: &Provider, trip: &Trip, code: &str) -> Result<Given, LoginError> {
        let redirect = RedirectUrl::new(trip.redirect_uri.clone()).map_err(|_| LoginError::Unavailable)?;
        let client = self.relying_party(provider)?.set_redirect_uri(redirect);
        let request = client.exchange_code(AuthorizationCode::new(code.to_owned()));
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(trip.pkce.verifier().to_owned()));
        let answer = request.request_async(&TokenHttp(self.outbound()?)).await;
        self.given(answer, &self.scopes(provider, trip.for_tools), None, trip.now)
    }

    /// Exchanges a refresh token; the old one goes on if there is no new one.
    pub(super) async fn renew(&self, provider: &Provider, old: &UpstreamTokens, now: u64) -> Result<Given, LoginError> {
        let Some(token) = &old.refresh_token else { return Err(LoginError::Denied) };
        let client = self.relying_party(provider)?;
        let token = RefreshToken::new(token.clone());
        let answer = client.exchange_refresh_token(&token).request_async(&TokenHttp(self.outbound()?)).await;
        self.given(answer, &old.scopes, old.refresh_token.as_deref(), now)
    }

    fn given(
        &self,
        answer: Result<CoreTokenResponse, CoreRequestTokenError<NoAnswer>>,
        asked: &[String],
        refresh_token: Option<&str>,
        now: u64,
    ) -> Result<Given, LoginError> {
        let answer = answer.map_err(|error| self.refused(&error))?;
        if *answer.token_type() != CoreTokenType::Bearer {
            tracing::warn!(provider = self.name, "its access tokens are not bearer tokens");
            return Err(LoginError::Unavailable);
        }
        let scopes = answer.scopes().map(|scopes| scopes.iter().map(|scope| scope.to_string()).collect());
        let renewed = answer.refresh_token().map(|token| token.secret().as_str());
        if answer.access_token().secret().len().max(renewed.map_or(0, str::len)) > MAX_TOKEN {
            tracing::warn!(provider = self.name, "its tokens are longer than what is kept");
            return Err(LoginError::Unavailable);
        }
        let tokens = UpstreamTokens {
            access_token: answer.access_token().secret().clone(),
            refresh_token: renewed.or(refresh_token).map(str::to_owned),
            expires_at: answer.expires_in().map(|lasts| now.saturating_add(lasts.as_secs())),
            scopes: scopes.unwrap_or_else(|| asked.to_vec()),
        };
        Ok(Given { tokens, id_token: answer.id_token().cloned() })
    }

    /// What an error of the token endpoint means. Nothing of an answer is logged but its code, and where it is broken.
    fn refused(&self, error: &CoreRequestTokenError<NoAnswer>) -> LoginError {
        let provider = &self.name;
        match error {
            RequestTokenError::ServerResponse(said) => {
                let code = printable(said.error().as_ref());
                if OF_THE_PERSON.contains(&&*code) {
                    tracing::info!(provider, code, "the provider does not accept a code or token");
                    return LoginError::Denied;
                }
                tracing::error!(provider, code, "the provider does not accept our client: check its id and secret");
            }
            RequestTokenError::Request(reason) => tracing::warn!(provider, %reason, "the provider does not answer"),
            RequestTokenError::Parse(at, _) => {
                tracing::warn!(provider, at = %at.path(), "the provider's answer cannot be read");
            }
            RequestTokenError::Other(_) => tracing::warn!(provider, "the provider's answer is none"),
        }
        LoginError::Unavailable
    }

    /// What the provider tells whoever has this access token, if that is about the same person (OpenID Connect Core 1.0
    /// §5.3); `None` if it has no such endpoint. [`LoginError::Denied`] if the access token is not good any more.
    pub(super) async fn user_info(
        &self,
        provider: &Provider,
        access_token: &str,
        id: &str,
    ) -> Result<Option<Claims>, LoginError> {
        let Some(endpoint) = &provider.metadata.userinfo_endpoint else { return Ok(None) };
        let mut bearer =
            http::HeaderValue::try_from(format!("Bearer {access_token}")).map_err(|_| LoginError::Unavailable)?;
        bearer.set_sensitive(true);
        let request = http::Request::get(endpoint).header(http::header::AUTHORIZATION, bearer).body(Vec::new());
        let request = request.map_err(|_| LoginError::Unavailable)?;
        let unavailable = |reason: String| {
            tracing::warn!(provider = self.name, reason, "the provider does not tell its claims");
            LoginError::Unavailable
        };
        let answer =
            self.outbound()?.carry(request, MAX_ANSWER).await.map_err(|failure| unavailable(failure.to_string()))?;
        if matches!(answer.status, 401 | 403) {
            tracing::info!(provider = self.name, status = answer.status, "an access token is not good any more");
            return Err(LoginError::Denied);
        }
        let answer = answer.ok().map_err(|failure| unavailable(failure.to_string()))?;
        let claims = UniqueObject::parse(&answer.body);
        let claims = claims.ok_or_else(|| unavailable("not a plain JSON object (is it signed?)".to_owned()))?;
        if id_token::subject(&claims) != Some(id) {
            tracing::warn!(provider = self.name, "the provider tells claims about somebody else");
            return Err(LoginError::Denied);
        }
        Ok(Some(claims))
    }
}

/// A word from elsewhere, for the log.
pub(super) fn printable(word: &str) -> String {
    plain(word, 64)
}

/// What is plain ASCII in a text from elsewhere, and no more of it than this.
pub(super) fn plain(text: &str, most: usize) -> String {
    text.chars().filter(char::is_ascii_graphic).take(most).collect()
}
