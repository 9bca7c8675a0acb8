//! JSON Web Tokens as access tokens (RFC 9068), checked with keys from the configuration.

mod algorithm;
mod claims;
mod header;
mod key;
mod key_error;
mod object;
mod provider;
mod signing;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use self::{
    claims::Expected,
    header::{Header, Kind},
};
use super::{
    AuthError, Authenticator, BearerToken, Identity, Verify, admission::Admission, web_url::is_authorization_server,
};

pub use self::{
    algorithm::{Algorithm, UnknownAlgorithm},
    key::VerifyingKey,
    key_error::KeyError,
    provider::{CryptoProviderError, install_crypto_provider},
    signing::SigningKey,
};

/// How many keys one issuer may have: with one bad token every key of its algorithm may be tried.
const MAX_KEYS: usize = 16;

/// Accepts access tokens that one issuer signs, as far as it is told whom to admit.
///
/// Checked are: the signature, with the key's own algorithm; `typ` (`at+jwt`); `iss`, byte for byte; `aud`, byte for
/// byte this server's identifier; `exp`, without grace; `nbf` and `iat`, if present; `sub`. The granted scopes are the
/// claim `scope`, a space-separated text; in any other form it grants nothing. The client is `client_id`, else `azp`;
/// a token whose subject is its client stands for a program, not for a person.
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
    keys: Vec<VerifyingKey>,
    audience: Option<Box<str>>,
    admission: Admission,
    plain_jwt: bool,
}

impl Jwt {
    /// For the tokens whose `iss` is exactly this text: no slash is added or taken away.
    #[must_use]
    pub fn issuer(issuer: impl Into<Box<str>>) -> Self {
        let (keys, audience, admission, plain_jwt) = (Vec::new(), None, Admission::default(), false);
        Self { issuer: issuer.into(), keys, audience, admission, plain_jwt }
    }

    /// Adds a key of the issuer. A token that names a key (`kid`) is checked with the key of that name, or if there is
    /// none with the keys that have no name; one that names none, with every key of its algorithm.
    #[must_use]
    pub fn key(mut self, key: VerifyingKey) -> Self {
        self.keys.push(key);
        self
    }

    /// Expects this `aud` instead of the server's own identifier. For issuers that cannot be told whom a token is for:
    /// make sure that nobody else accepts the same audience.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Also accepts tokens of type `JWT` or of none, from issuers that do not know RFC 9068. What looks like an ID token
    /// (`nonce`, `at_hash`, `c_hash`) is then refused.
    #[must_use]
    pub fn accept_plain_jwt(mut self) -> Self {
        self.plain_jwt = true;
        self
    }

    /// Admits everyone the issuer vouches for.
    #[must_use]
    pub fn anyone(mut self) -> Self {
        self.admission.anyone();
        self
    }

    /// Admits these subjects.
    #[must_use]
    pub fn subjects(mut self, subjects: impl IntoIterator<Item = impl Into<Box<str>>>) -> Self {
        self.admission.subjects(subjects.into_iter().map(Into::into).collect());
        self
    }

    /// Admits whoever calls through one of these clients.
    #[must_use]
    pub fn clients(mut self, clients: impl IntoIterator<Item = impl Into<Box<str>>>) -> Self {
        self.admission.clients(clients.into_iter().map(Into::into).collect());
        self
    }

    /// Admits tokens with a claim that is this text, or a list that contains it: a tenant, an organisation, a group.
    #[must_use]
    pub fn claim(mut self, name: impl Into<Box<str>>, value: impl Into<Box<str>>) -> Self {
        self.admission.claim(name.into(), value.into());
        self
    }

    /// Admits whom your own rule admits. Asked once per token, not once per call.
    ///
    /// ```
    /// # use mcp_runtime::auth::Jwt;
    /// let auth = Jwt::issuer("https://login.example.com").admit(|who| who.subject().starts_with("staff|"));
    /// ```
    #[must_use]
    pub fn admit(mut self, rule: impl Fn(&Identity) -> bool + Send + Sync + 'static) -> Self {
        self.admission.predicate(Box::new(rule));
        self
    }

    fn verify(&self, token: &BearerToken<'_>, verify: &Verify<'_>) -> Result<Identity, AuthError> {
        let audience =
            self.audience.as_deref().or(verify.resource).ok_or(AuthError::invalid("no audience is known"))?;
        let [header, payload, signature] = token.jwt_parts().ok_or(AuthError::invalid("not three parts"))?;
        let parsed = Header::parse(&decode(header)?)?;
        if parsed.kind == Kind::Plain && !self.plain_jwt {
            return Err(AuthError::invalid("not typed as an access token (at+jwt)"));
        }
        let signed = token.expose().get(..header.len() + 1 + payload.len()).unwrap_or_default();
        if !self.candidates(&parsed).any(|key| key.verifies(signed.as_bytes(), signature)) {
            return Err(AuthError::invalid("no key of the issuer made this signature"));
        }
        let now = verify.clock.unix_seconds();
        let may_be_id_token = parsed.kind == Kind::Plain;
        let expected = Expected { issuer: &self.issuer, audience, now, may_be_id_token };
        let identity = claims::identity(&decode(payload)?, &expected)?;
        if self.admission.admits(&identity) { Ok(identity) } else { Err(AuthError::invalid("not admitted here")) }
    }

    /// The keys that may have signed it: of the algorithm that the header names, which is never taken from there.
    fn candidates<'a>(&'a self, header: &'a Header) -> impl Iterator<Item = &'a VerifyingKey> {
        let named = header.key_id.as_deref().is_some_and(|kid| self.keys.iter().any(|key| key.kid() == Some(kid)));
        let may_be = move |key: &&VerifyingKey| match (&header.key_id, named) {
            (Some(kid), true) => key.kid() == Some(kid),
            (Some(_), false) => key.kid().is_none(),
            (None, _) => true,
        };
        let same_algorithm = |key: &&VerifyingKey| key.algorithm().as_str() == &*header.algorithm;
        self.keys.iter().filter(same_algorithm).filter(may_be).take(MAX_KEYS)
    }

    fn key_problems(&self) -> impl Iterator<Item = &'static str> {
        let mut names: Vec<&str> = self.keys.iter().filter_map(VerifyingKey::kid).collect();
        let named = names.len();
        names.sort_unstable();
        names.dedup();
        let none = self.keys.is_empty().then_some("it has no key: give it one with `.key(VerifyingKey::…)`");
        let many = (self.keys.len() > MAX_KEYS).then_some("it has more than 16 keys: remove those out of use");
        let same = (names.len() < named).then_some("two of its keys have the same `kid`: name each differently");
        [none, many, same].into_iter().flatten()
    }
}

#[async_trait::async_trait]
impl Authenticator for Jwt {
    fn claims(&self, token: &BearerToken<'_>) -> bool {
        token.jwt_parts().is_some_and(|[_, payload, _]| says_issuer(payload, &self.issuer))
    }

    async fn authenticate(&self, token: &BearerToken<'_>, verify: &Verify<'_>) -> Result<Identity, AuthError> {
        self.verify(token, verify)
    }

    fn issuer(&self) -> Option<&str> {
        Some(&self.issuer)
    }

    fn authorization_server(&self) -> Option<&str> {
        is_authorization_server(&self.issuer).then_some(&self.issuer)
    }

    fn problems(&self, resource: Option<&str>) -> Vec<String> {
        let issuer = self.issuer.is_empty().then_some("its issuer is empty: write the `iss` of its tokens");
        let audience = self.audience.as_deref().or(resource).unwrap_or_default().is_empty().then_some(
            "it does not know for whom its tokens are: give the server a public URL, or call `.audience(…)`",
        );
        let admission = self.admission.is_empty().then_some(
            "it does not say whom to admit: call `.subjects([…])`, `.clients([…])`, `.claim(name, value)`, \
             `.admit(|identity| …)`, or `.anyone()` for everyone the issuer vouches for",
        );
        let sentences = [issuer, audience, admission].into_iter().flatten().chain(self.key_problems());
        let mut problems: Vec<String> = sentences.map(|what| format!("JWT of {:?}: {what}", self.issuer)).collect();
        problems.extend(install_crypto_provider().err().map(|error| error.to_string()));
        problems
    }
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt")
            .field("issuer", &self.issuer)
            .field("keys", &self.keys)
            .field("audience", &self.audience)
            .field("admission", &self.admission)
            .field("plain_jwt", &self.plain_jwt)
            .finish()
    }
}

/// Strict: no padding, no white space, no bits left over, so that one content has one spelling.
fn decode(part: &str) -> Result<Vec<u8>, AuthError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| AuthError::invalid("a part is not base64url"))
}

/// Whether these claims, which nobody has verified, name this issuer. Its size is bounded by the token's.
fn says_issuer(payload: &str, issuer: &str) -> bool {
    #[derive(Deserialize)]
    struct OnlyIssuer<'a> {
        #[serde(borrow)]
        iss: Cow<'a, str>,
    }
    let Ok(json) = decode(payload) else { return false };
    serde_json::from_slice::<OnlyIssuer<'_>>(&json).is_ok_and(|claims| claims.iss == issuer)
}
