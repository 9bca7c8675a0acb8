//! JSON Web Tokens as access tokens (RFC 9068).

mod algorithm;
#[cfg(feature = "jwks")]
mod discriminator;
mod header;
#[cfg(feature = "firebase")]
mod id_token;
mod key;
mod key_error;
mod key_set;
#[cfg(feature = "oauth")]
mod own;
#[cfg(feature = "jwks")]
mod presets;
mod provider;
mod signed;
mod signing;
#[cfg(test)]
mod tests;

use std::fmt;

#[cfg(feature = "jwks")]
use super::jwks::RemoteKeys;
use super::{
    AuthError, Authenticator, BearerToken, Identity, Verify,
    admission::{Admission, admission_rules},
    claims::{self, Dialect, Expected, says_issuer},
    scope_claim::{ScopeClaim, ScopeClaims},
    web_url::is_authorization_server,
};

#[cfg(feature = "jwks")]
use self::discriminator::Preset;
#[cfg(feature = "firebase")]
pub(crate) use self::id_token::IdToken;
#[cfg(feature = "jwks")]
pub(super) use self::key_set::MAX_KEYS;
#[cfg(feature = "oauth")]
pub(crate) use self::own::OwnToken;
pub use self::{
    algorithm::{Algorithm, UnknownAlgorithm},
    key::VerifyingKey,
    key_error::KeyError,
    provider::{CryptoProviderError, install_crypto_provider},
    signing::SigningKey,
};
pub(super) use self::{header::Kind, key_set::KeySet, signed::Signed};

pub(super) const NO_KEY_MADE_THIS: &str = "no key of the issuer made this signature";

/// Accepts access tokens that one issuer signs, as far as it is told whom to admit.
///
/// Checked are: the signature, with the key's own algorithm; `typ` (`at+jwt`); `iss`, byte for byte; `aud`, byte for
/// byte this server's identifier; `exp`, without grace; `nbf` and `iat`, if present; `sub`. The granted scopes are the
/// claim `scope`, a space-separated text, or what [`scope_claim`](Self::scope_claim) names; in any other form a claim
/// grants nothing. The client is `client_id`, else `azp`; a token whose subject is its client stands for a program, not
/// for a person.
///
/// The keys come from the configuration ([`key`](Self::key)) or, with the feature `jwks`, from the issuer
/// (`jwks`, `discover`).
///
/// An admission rule is mandatory, because an issuer vouches for many people and often for strangers: one or more of
/// [`subjects`](Self::subjects), [`clients`](Self::clients), [`claim`](Self::claim), [`admit`](Self::admit), or
/// [`anyone`](Self::anyone). Several must *all* hold.
///
/// ```
/// use mcp_runtime::auth::{Jwt, VerifyingKey};
///
/// # let pem = "-----BEGIN PUBLIC KEY-----\n\
/// #            MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
/// #            -----END PUBLIC KEY-----\n";
/// let auth = Jwt::issuer("https://login.example.com")
///     .key(VerifyingKey::detect_pem(pem.as_bytes())?)
///     .claim("hd", "example.com");
/// # use mcp_runtime::auth::Authenticator;
/// # assert_eq!(auth.problems(Some("https://api.example.com/mcp")), Vec::<String>::new());
/// # Ok::<(), mcp_runtime::auth::KeyError>(())
/// ```
pub struct Jwt {
    issuer: Box<str>,
    keys: KeySet,
    #[cfg(feature = "jwks")]
    pub(super) remote: Option<RemoteKeys>,
    audience: Option<Box<str>>,
    scopes: ScopeClaims,
    admission: Admission,
    plain_jwt: bool,
    #[cfg(feature = "jwks")]
    preset: Option<Preset>,
}

impl Jwt {
    /// For the tokens whose `iss` is exactly this text: no slash is added or taken away.
    #[must_use]
    pub fn issuer(issuer: impl Into<Box<str>>) -> Self {
        Self {
            issuer: issuer.into(),
            keys: KeySet::default(),
            #[cfg(feature = "jwks")]
            remote: None,
            audience: None,
            scopes: ScopeClaims::default(),
            admission: Admission::default(),
            plain_jwt: false,
            #[cfg(feature = "jwks")]
            preset: None,
        }
    }

    /// Adds a key of the issuer. A token that names a key (`kid`) is checked with the key of that name, or if there is
    /// none with the keys that have no name; one that names none, with every key of its algorithm.
    #[must_use]
    pub fn key(mut self, key: VerifyingKey) -> Self {
        self.keys.push(key);
        self
    }

    /// Expects this `aud` instead of the server's own identifier. For issuers that cannot be told whom a token is for:
    /// make sure that nobody else accepts the same audience. Never a client id: that is the `aud` of ID tokens, which tell
    /// a client who logged in and open nothing.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Also accepts tokens of type `JWT` or of none, from issuers that do not know RFC 9068.
    ///
    /// ID tokens have that type too, and not all of them can be told: refused are those with a claim that only they have
    /// (`nonce`, `at_hash`, `c_hash`), with a kind (`typ`, `token_use`) that says so, and those that name their own client
    /// as audience and say when, how or as whom its user logged in (`auth_time`, `amr`, `acr`, `sid`, `email`) without
    /// granting anything. What keeps the others out is the audience: never make it a client id.
    #[must_use]
    pub fn accept_plain_jwt(mut self) -> Self {
        self.plain_jwt = true;
        self
    }

    /// Reads the granted scopes from this claim instead of `scope`. Called several times: what all of them grant.
    #[must_use]
    pub fn scope_claim(mut self, claim: ScopeClaim) -> Self {
        self.scopes.add(claim);
        self
    }

    admission_rules!();

    /// The whole verification with the keys of the configuration.
    fn verify(&self, token: &BearerToken<'_>, verify: &Verify<'_>) -> Result<Identity, AuthError> {
        let signed = self.read(token)?;
        if !self.keys.made(&signed) {
            return Err(AuthError::invalid(NO_KEY_MADE_THIS));
        }
        self.judge(&signed, verify)
    }

    /// Everything that can be said before the signature is checked.
    fn read<'t>(&self, token: &'t BearerToken<'_>) -> Result<Signed<'t>, AuthError> {
        let signed = Signed::parse(token)?;
        if signed.header.kind != Kind::AccessToken && !(signed.header.kind == Kind::Plain && self.plain_jwt) {
            return Err(AuthError::invalid("not typed as an access token (at+jwt)"));
        }
        Ok(signed)
    }

    /// Everything that can be said after it.
    fn judge(&self, signed: &Signed<'_>, verify: &Verify<'_>) -> Result<Identity, AuthError> {
        let audience =
            self.audience.as_deref().or(verify.resource).ok_or(AuthError::invalid("no audience is known"))?;
        let now = verify.clock.unix_seconds();
        let dialect = self.dialect();
        let expected = Expected { issuer: &self.issuer, audience, now, scopes: &self.scopes, dialect };
        let identity = claims::signed(&signed.claims()?, &expected, signed.header.kind == Kind::Plain)?;
        #[cfg(feature = "jwks")]
        if self.preset.as_ref().is_some_and(|preset| !preset.wrote(&identity, audience)) {
            return Err(AuthError::invalid("not an access token as its provider writes them"));
        }
        self.admission.admit(identity).ok_or(AuthError::invalid("not admitted here"))
    }

    fn dialect(&self) -> &'static Dialect {
        #[cfg(feature = "jwks")]
        if let Some(preset) = &self.preset {
            return preset.dialect(self.audience.is_some());
        }
        &Dialect::STANDARD
    }

    #[cfg(feature = "jwks")]
    fn preset_problems(&self, audience: &str) -> Vec<String> {
        self.preset.as_ref().map(|preset| preset.problems(&self.issuer, audience)).unwrap_or_default()
    }

    #[cfg(not(feature = "jwks"))]
    fn preset_problems(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn key_problems(&self) -> Vec<String> {
        #[cfg(feature = "jwks")]
        if let Some(remote) = &self.remote {
            return remote.problems(&self.issuer, !self.keys.is_empty());
        }
        self.keys.problems().map(str::to_owned).collect()
    }
}

#[async_trait::async_trait]
impl Authenticator for Jwt {
    fn claims(&self, token: &BearerToken<'_>) -> bool {
        token.jwt_parts().is_some_and(|[_, payload, _]| says_issuer(payload, &self.issuer))
    }

    async fn authenticate(&self, token: &BearerToken<'_>, verify: &Verify<'_>) -> Result<Identity, AuthError> {
        #[cfg(feature = "jwks")]
        if let Some(remote) = self.remote.as_ref().filter(|remote| remote.is_configured()) {
            let signed = self.read(token)?;
            remote.check(&self.issuer, &signed, verify.clock).await?;
            return self.judge(&signed, verify);
        }
        self.verify(token, verify)
    }

    fn issuer(&self) -> Option<&str> {
        Some(&self.issuer)
    }

    fn admission(&self) -> Option<String> {
        let mut words = format!("{:?}, scopes from {:?}", self.admission, self.scopes);
        if let Some(audience) = &self.audience {
            words += &format!(", audience {audience:?}");
        }
        if self.plain_jwt {
            words += ", of type `JWT` too";
        }
        #[cfg(feature = "jwks")]
        if let Some(preset) = &self.preset {
            words += &format!(", as {preset:?} writes them");
        }
        Some(words)
    }

    fn authorization_server(&self) -> Option<&str> {
        is_authorization_server(&self.issuer).then_some(&self.issuer)
    }

    fn problems(&self, resource: Option<&str>) -> Vec<String> {
        let issuer = self.issuer.is_empty().then_some("its issuer is empty: write the `iss` of its tokens");
        let audience = self.audience.as_deref().or(resource).unwrap_or_default();
        let of_preset = self.preset_problems(audience);
        let audience = audience.is_empty().then_some(
            "it does not know for whom its tokens are: give the server a public URL, or call `.audience(…)`",
        );
        let sentences = [issuer, audience, self.admission.problem()].into_iter().flatten().map(str::to_owned);
        let all = sentences.chain(of_preset).chain(self.key_problems());
        let mut problems: Vec<String> = all.map(|what| format!("JWT of {:?}: {what}", self.issuer)).collect();
        problems.extend(install_crypto_provider().err().map(|error| error.to_string()));
        problems
    }
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Jwt");
        shown.field("issuer", &self.issuer).field("keys", &self.keys);
        #[cfg(feature = "jwks")]
        shown.field("remote", &self.remote).field("preset", &self.preset);
        shown
            .field("audience", &self.audience)
            .field("scopes", &self.scopes)
            .field("admission", &self.admission)
            .field("plain_jwt", &self.plain_jwt)
            .finish()
    }
}
