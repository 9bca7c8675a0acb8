//! What is accepted, and everything that must not be.

mod accepted;
mod attacks;
mod config;
mod keys;
#[cfg(feature = "jwks")]
mod presets;
mod properties;
mod signers;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::*;
use crate::{
    clock::{Clock, ManualClock},
    testing::{TokenBuilder, TokenFactory},
};

const ISSUER: &str = "https://login.example.com";
const AUDIENCE: &str = "https://api.example.com/mcp";

/// An issuer, and a server that trusts it.
struct Scene {
    factory: TokenFactory,
    jwt: Jwt,
    clock: ManualClock,
}

impl Scene {
    fn new() -> Self {
        let clock = ManualClock::new();
        let factory = TokenFactory::new(ISSUER, AUDIENCE).clock(clock.clone());
        let jwt = Jwt::issuer(ISSUER).key(factory.verifying_key()).anyone();
        Self { factory, jwt, clock }
    }

    fn with(mut self, change: impl FnOnce(Jwt) -> Jwt) -> Self {
        self.jwt = change(self.jwt);
        self
    }

    fn token(&self) -> TokenBuilder<'_> {
        self.factory.token("alice")
    }

    fn now(&self) -> u64 {
        self.clock.millis() / 1000
    }

    /// `Err` also for what is no bearer token at all.
    fn verify(&self, token: &str) -> Result<Identity, AuthError> {
        verify(&self.jwt, &self.clock, token)
    }

    #[track_caller]
    fn accepts(&self, token: impl AsRef<str>) -> Identity {
        match self.verify(token.as_ref()) {
            Ok(identity) => identity,
            Err(error) => panic!("refused: {error:?}"),
        }
    }

    #[track_caller]
    fn refuses(&self, token: impl AsRef<str>) {
        assert!(matches!(self.verify(token.as_ref()), Err(AuthError::Invalid { .. })), "accepted");
    }

    /// Refused for this very reason, so that no other check hides that one is missing.
    #[track_caller]
    fn refuses_as(&self, reason: &'static str, token: impl AsRef<str>) {
        assert_eq!(self.verify(token.as_ref()).err(), Some(AuthError::invalid(reason)));
    }
}

fn verify(jwt: &Jwt, clock: &ManualClock, token: &str) -> Result<Identity, AuthError> {
    let token = BearerToken::new(token).ok_or(AuthError::invalid("not a bearer token"))?;
    jwt.verify(&token, &Verify::new(Some(AUDIENCE), &Clock::from(clock.clone()), crate::auth::Asker::LOCAL))
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Claims as [`TokenFactory`] makes them.
fn claims(now: u64) -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 900 })
}
