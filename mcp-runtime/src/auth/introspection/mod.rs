//! Tokens that say nothing by themselves: their issuer is asked (RFC 7662).

mod credentials;
mod endpoint;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use quick_cache::sync::Cache;

use self::{credentials::Credentials, endpoint::Endpoint};
use super::{
    AuthError, Authenticator, BearerToken, Identity, Verify,
    admission::{Admission, admission_rules},
    claims::{self, Dialect, Expected, says_issuer},
    outbound::operator_url,
    scope_claim::{ScopeClaim, ScopeClaims},
    verifier::{TokenDigest, digest},
    web_url::is_authorization_server,
};

/// How long a token is remembered that says when it ends, so that it can be revoked.
const REMEMBERED: Duration = Duration::from_secs(60);

/// How long a refused token is refused without asking again, in milliseconds; and how many are remembered.
const REFUSED_FOR: u64 = 5_000;
const MAX_REFUSED: usize = 1_000;

/// Accepts the tokens of an issuer that keeps what they mean to itself, by asking it (RFC 7662).
///
/// The answer must say `active: true`, and its `aud` must be this server's identifier, byte for byte; `sub` is
/// mandatory (`username` is never taken for it); `iss`, if present, is the configured one; `exp`, `nbf` and `iat`, if
/// present, hold; `token_type`, if present, is `Bearer`. Scopes, clients and admission are as for `Jwt`: an admission
/// rule is mandatory.
///
/// A good token is remembered for a minute and never past its `exp`; without `exp`, every call asks. So a revoked token
/// is refused after a minute. A refused one is remembered for five seconds. At most 64 questions are open at once, each
/// for at most 5 seconds, one for each token; what cannot be asked is answered with 503. Of the 64 one address has 8, and
/// only one once it has failed too often (`address_rate_limit`); what it asks beyond that counts as a failure of it.
/// Callers whose address is not known share these 8: behind a proxy, declare it.
///
/// Every opaque token that no other authenticator knows is sent to this endpoint, so there can be only one.
///
/// ```
/// use mcp_runtime::auth::Introspection;
///
/// # fn secret(_: &str) -> String { "Zm9vYmFyYmF6".into() }
/// let auth = Introspection::new("https://login.example.com/introspect", "notes-server", secret("INTROSPECTION_SECRET"))
///     .issuer("https://login.example.com")
///     .claim("tenant", "example");
/// # use mcp_runtime::auth::Authenticator;
/// # assert_eq!(auth.problems(Some("https://api.example.com/mcp")), Vec::<String>::new());
/// ```
pub struct Introspection {
    url: Box<str>,
    credentials: Credentials,
    issuer: Box<str>,
    audience: Option<Box<str>>,
    scopes: ScopeClaims,
    admission: Admission,
    jwt_shaped: bool,
    plain_http: bool,
    endpoint: OnceLock<Result<Arc<Endpoint>, String>>,
    refused: Cache<TokenDigest, Refused>,
}

/// A token that the issuer was asked about a moment ago.
#[derive(Clone, Copy)]
struct Refused {
    /// On [`Clock::millis`](crate::clock::Clock::millis).
    until: u64,
    has_expired: bool,
}

impl Introspection {
    /// Asks at `endpoint`, an https URL (plain http on loopback only), and shows these credentials there
    /// (`client_secret_basic`).
    #[must_use]
    pub fn new(endpoint: impl Into<Box<str>>, client_id: impl Into<Box<str>>, secret: impl Into<Box<str>>) -> Self {
        Self {
            url: endpoint.into(),
            credentials: Credentials::new(client_id.into(), secret.into()),
            issuer: "".into(),
            audience: None,
            scopes: ScopeClaims::default(),
            admission: Admission::default(),
            jwt_shaped: false,
            plain_http: false,
            endpoint: OnceLock::new(),
            refused: Cache::new(MAX_REFUSED),
        }
    }

    /// Names who vouches for these tokens; together with `sub` that is who a caller is. Mandatory: the issuer's URL.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.issuer = issuer.into();
        self
    }

    /// Expects this `aud` instead of the server's own identifier. For issuers that cannot be told whom a token is for:
    /// make sure that nobody else accepts the same audience. Never a client id.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Reads the granted scopes from this claim instead of `scope`. Called several times: what all of them grant.
    #[must_use]
    pub fn scope_claim(mut self, claim: ScopeClaim) -> Self {
        self.scopes.add(claim);
        self
    }

    /// Shows the credentials in the body (`client_secret_post`), for endpoints that know nothing else.
    #[must_use]
    pub fn client_secret_post(mut self) -> Self {
        self.credentials.in_body();
        self
    }

    /// Also asks about signed tokens (JWT) that name this issuer, so that those can be revoked too. Otherwise only
    /// opaque ones are sent.
    #[must_use]
    pub fn all_tokens(mut self) -> Self {
        self.jwt_shaped = true;
        self
    }

    /// Asks over plain http on other machines too. Whoever can read packets on the way sees tokens and credentials: for
    /// networks that nobody else is in.
    #[must_use]
    pub fn insecure_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    admission_rules!();

    fn endpoint(&self) -> Result<&Arc<Endpoint>, &str> {
        let make = || {
            let url = operator_url(&self.url, self.plain_http).map_err(|why| format!("its URL {why}"))?;
            Ok(Arc::new(Endpoint::new(url, self.credentials.clone(), &self.issuer)?))
        };
        self.endpoint.get_or_init(make).as_ref().map_err(String::as_str)
    }

    async fn verify(&self, token: &BearerToken<'_>, verify: &Verify<'_>) -> Result<Identity, AuthError> {
        let audience =
            self.audience.as_deref().or(verify.resource).ok_or(AuthError::invalid("no audience is known"))?;
        // Reported when the server was built; here it only must not panic.
        let endpoint = self.endpoint().map_err(|_| AuthError::invalid("nobody can be asked"))?;
        let answer = endpoint.ask(token, verify).await?;
        let now = verify.clock.unix_seconds();
        let dialect = &Dialect::STANDARD;
        let expected = Expected { issuer: &self.issuer, audience, now, scopes: &self.scopes, dialect };
        let identity = claims::introspected((*answer).clone(), &expected)?;
        self.admission.admit(identity).ok_or(AuthError::invalid("not admitted here"))
    }
}

#[async_trait::async_trait]
impl Authenticator for Introspection {
    fn claims(&self, token: &BearerToken<'_>) -> bool {
        match token.jwt_parts() {
            None => true,
            Some([_, payload, _]) => self.jwt_shaped && says_issuer(payload, &self.issuer),
        }
    }

    async fn authenticate(&self, token: &BearerToken<'_>, verify: &Verify<'_>) -> Result<Identity, AuthError> {
        let key = digest(token.expose());
        match self.refused.get(&key) {
            Some(refused) if verify.clock.millis() < refused.until => {
                let invalid = AuthError::invalid("refused a moment ago");
                return Err(if refused.has_expired { AuthError::Expired } else { invalid });
            }
            Some(_) => drop(self.refused.remove(&key)),
            None => {}
        }
        let verdict = self.verify(token, verify).await;
        if let Err(error @ (AuthError::Invalid { .. } | AuthError::Expired)) = &verdict {
            let until = verify.clock.millis().saturating_add(REFUSED_FOR);
            self.refused.insert(key, Refused { until, has_expired: *error == AuthError::Expired });
        }
        verdict
    }

    fn issuer(&self) -> Option<&str> {
        (!self.issuer.is_empty()).then_some(&self.issuer)
    }

    fn admission(&self) -> Option<String> {
        let mut words = format!("{:?}, scopes from {:?}, by asking {}", self.admission, self.scopes, self.url);
        if let Some(audience) = &self.audience {
            words += &format!(", audience {audience:?}");
        }
        Some(words)
    }

    fn authorization_server(&self) -> Option<&str> {
        is_authorization_server(&self.issuer).then_some(&self.issuer)
    }

    fn cache_for(&self, identity: &Identity) -> Duration {
        identity.expires_at().map_or(Duration::ZERO, |_| REMEMBERED)
    }

    fn problems(&self, resource: Option<&str>) -> Vec<String> {
        let issuer = self.issuer.is_empty().then_some(
            "it does not say whose tokens these are: call `.issuer(…)` with the URL of the authorization server",
        );
        let audience = self.audience.as_deref().or(resource).unwrap_or_default().is_empty().then_some(
            "it does not know for whom its tokens are: give the server a public URL, or call `.audience(…)`",
        );
        let sentences = [issuer, audience, self.credentials.problem(), self.admission.problem(), self.endpoint().err()];
        // The URL itself may hold a secret, and is not shown.
        sentences.into_iter().flatten().map(|what| format!("introspection for {:?}: {what}", self.issuer)).collect()
    }
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection")
            .field("credentials", &self.credentials)
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .field("scopes", &self.scopes)
            .field("admission", &self.admission)
            .field("all_tokens", &self.jwt_shaped)
            .finish_non_exhaustive()
    }
}
