//! The way there and back.

use axum::body::Bytes;

use super::{
    Firebase, claims,
    claims::{Expected, SignedIn},
    page,
};
use crate::{
    auth::{AuthError, BearerToken, IdToken, verified_email},
    oauth::{
        Account, LoginError,
        hash::sha256,
        login::federated::{
            Arrived, Claims, FederatedLogin, NotAdmitted, Once, Patience, Rechecked, SignIn, SignInPage, Trip,
            UpstreamScope, UpstreamTokens,
        },
        visit::Form,
    },
};

impl Firebase {
    /// Says why, to the log.
    pub(super) fn refused(&self, reason: &str) -> LoginError {
        tracing::info!(login = self.name, reason, "Firebase: a login was refused");
        LoginError::Denied
    }

    fn refused_token(&self, error: &AuthError) -> LoginError {
        match error {
            AuthError::Invalid { reason } => self.refused(reason),
            AuthError::Expired => self.refused("expired"),
            _ => LoginError::Unavailable,
        }
    }

    /// Who the token says signed in, once everything about it was checked.
    async fn verify(&self, token: &IdToken<'_>, now: u64) -> Result<SignedIn, LoginError> {
        let expected = Expected {
            issuer: &self.token_issuer(),
            project: &self.project,
            tenant: self.tenant.as_deref(),
            methods: &self.methods,
            now,
        };
        // Before the signature: for a token that is no good anyway nobody needs to ask for keys.
        let who = expected.check(&token.claims).map_err(|reason| self.refused(reason))?;
        let google = self.google().map_err(|_| LoginError::Unavailable)?;
        google.keys.check(token, &self.clock).await.map_err(|error| self.refused_token(&error))?;
        Ok(who)
    }
}

#[async_trait::async_trait]
impl FederatedLogin for Firebase {
    fn issuer(&self) -> &str {
        &self.issuer
    }

    fn problems(&self, _callback: &str, for_login: bool) -> Vec<String> {
        self.all_problems(for_login)
    }

    fn console(&self, callback: &str) -> Vec<String> {
        self.console_lines(callback)
    }

    async fn depart(&self, trip: &Trip) -> Result<String, LoginError> {
        let state = form_urlencoded::Serializer::new(String::new()).append_pair("state", &trip.state).finish();
        Ok(format!("{}?{state}", trip.redirect_uri))
    }

    async fn page(&self, page: &SignIn<'_>) -> Option<Result<SignInPage, LoginError>> {
        let Some(app) = self.web_app().await else { return Some(Err(LoginError::Unavailable)) };
        let shown = page::Shown {
            project: &self.project,
            tenant: self.tenant.as_deref(),
            app: &app,
            sdk: &self.sdk,
            methods: &self.methods,
            connect: &self.addresses.connect,
        };
        Some(Ok(SignInPage { html: Bytes::from(shown.html(page)), policy: shown.policy(page.nonce) }))
    }

    async fn arrive(&self, trip: &Trip, brought: &Form) -> Result<Arrived, LoginError> {
        let token = brought.get("id_token").and_then(BearerToken::new);
        let token = token.ok_or_else(|| self.refused("no ID token came, or one that is too long"))?;
        let token = IdToken::read(&token).map_err(|error| self.refused_token(&error))?;
        let who = self.verify(&token, trip.now).await?;
        let once = Once { key: sha256(token.message()), until: who.until };
        if let Some(account) = &self.service_account {
            self.look_up(account, &who.id, who.at).await?;
        }
        let claims = claims::kept(&token.claims, &self.rules);
        Ok(Arrived { id: who.id, claims, tokens: None, once: Some(once) })
    }

    fn judge(&self, id: &str, claims: &Claims) -> Result<Account, NotAdmitted> {
        if !claims::signed_in_by(claims, &self.methods) {
            return Err(NotAdmitted {
                rule: format!("sign in with {}", self.methods.join(" or ")),
                why: "they signed in in another way",
            });
        }
        self.rules.judge(&self.issuer, id, &claims::display_name(claims, id), claims)
    }

    fn granted(&self) -> Vec<&str> {
        self.rules.granted()
    }

    async fn recheck(
        &self,
        id: &str,
        known: &Claims,
        _tokens: Option<&UpstreamTokens>,
    ) -> Result<Rechecked, LoginError> {
        let Some(account) = &self.service_account else {
            return Err(self.refused("without a service account nobody can be looked up: they log in again"));
        };
        let signed_in_at = known.get("auth_time").and_then(serde_json::Value::as_u64);
        let signed_in_at = signed_in_at.ok_or_else(|| self.refused("it is not known when they signed in"))?;
        let user = self.look_up(account, id, signed_in_at).await?;
        Ok(Rechecked { claims: claims::kept(&user.claims(known), &self.rules), tokens: None })
    }

    async fn refresh(&self, _id: &str, _tokens: &UpstreamTokens) -> Result<UpstreamTokens, LoginError> {
        Err(LoginError::Denied)
    }

    fn access(&self) -> &[UpstreamScope] {
        &[]
    }

    fn patience(&self) -> Patience {
        self.patience
    }

    fn linked_email(&self, claims: &Claims) -> Option<String> {
        verified_email(claims).filter(|_| self.links_by_email)
    }
}
