//! Tokens, good and bad, of an issuer that exists only in memory.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::{
    auth::{Algorithm, SigningKey, VerifyingKey},
    clock::Clock,
};

/// An issuer for tests, with a key of its own.
///
/// ```
/// use mcp_runtime::{auth::Jwt, testing::TokenFactory};
///
/// let factory = TokenFactory::new("https://login.example.com", "https://api.example.com/mcp");
/// let auth = Jwt::issuer("https://login.example.com").key(factory.verifying_key()).anyone();
/// let token = factory.token("alice").scopes(["notes:read"]).build();
/// # assert_eq!(token.split('.').count(), 3);
/// ```
#[derive(Debug)]
pub struct TokenFactory {
    issuer: Box<str>,
    audience: Box<str>,
    key: SigningKey,
    clock: Clock,
}

impl TokenFactory {
    /// Makes a new key, and will make tokens of `issuer` for `audience`.
    ///
    /// # Panics
    /// If the system has no randomness.
    #[must_use]
    pub fn new(issuer: impl Into<Box<str>>, audience: impl Into<Box<str>>) -> Self {
        let key = SigningKey::generate().expect("a test needs the system's randomness");
        Self { issuer: issuer.into(), audience: audience.into(), key, clock: Clock::system() }
    }

    /// Takes the time from the clock of the server under test.
    #[must_use]
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// The key that checks these tokens.
    ///
    /// # Panics
    /// If another part of the test broke jsonwebtoken's crypto provider.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        self.key.verifying_key().expect("a key that was just made can be checked with")
    }

    /// A good access token for `subject`: issued now, for 15 minutes, without scopes. Change what you want.
    pub fn token(&self, subject: &str) -> TokenBuilder<'_> {
        let header = object(json!({ "alg": Algorithm::ES256.as_str(), "typ": "at+jwt" }));
        let claims = object(json!({ "iss": &*self.issuer, "aud": &*self.audience, "sub": subject }));
        let builder = TokenBuilder { key: &self.key, header, claims, issued_at: 0, expires_in: Duration::ZERO };
        builder.issued_at(self.clock.unix_seconds()).expires_in(Duration::from_secs(900))
    }
}

/// One token to be. See [`TokenFactory::token`].
#[derive(Debug)]
#[must_use]
pub struct TokenBuilder<'a> {
    key: &'a SigningKey,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    issued_at: u64,
    expires_in: Duration,
}

impl TokenBuilder<'_> {
    /// Grants scopes.
    pub fn scopes<'s>(self, scopes: impl IntoIterator<Item = &'s str>) -> Self {
        let list = scopes.into_iter().collect::<Vec<_>>().join(" ");
        self.claim("scope", list)
    }

    /// Names the client.
    pub fn client(self, client: &str) -> Self {
        self.claim("client_id", client)
    }

    /// Ends the token this long after it was issued.
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.expires_in = lifetime;
        self.times()
    }

    /// Issues the token at this second since the Unix epoch; it ends as long after that as before.
    pub fn issued_at(mut self, unix_seconds: u64) -> Self {
        self.issued_at = unix_seconds;
        self.times()
    }

    /// Sets any claim.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Leaves a claim out.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets any member of the header. The signature stays ES256, whatever it says.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.into(), value.into());
        self
    }

    /// Sets the type.
    pub fn typ(self, typ: &str) -> Self {
        self.header("typ", typ)
    }

    /// Signs it.
    ///
    /// # Panics
    /// If the system has no randomness.
    #[must_use]
    pub fn build(self) -> String {
        let (header, claims) = (Value::Object(self.header).to_string(), Value::Object(self.claims).to_string());
        self.key.sign_parts(header.as_bytes(), claims.as_bytes()).expect("a test needs the system's randomness")
    }

    fn times(self) -> Self {
        let (from, to) = (self.issued_at, self.issued_at.saturating_add(self.expires_in.as_secs()));
        self.claim("iat", from).claim("exp", to)
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
