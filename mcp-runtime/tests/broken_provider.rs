//! A process in which something chose a crypto provider that panics, as jsonwebtoken's own fallback does.
//! Alone in its file, because the choice is made once per process.
#![cfg(feature = "jwt")]

use jsonwebtoken::crypto::{CryptoProvider, KeyUtils};
use mcp_runtime::auth::{Algorithm, Authenticator, Jwt, KeyError, SigningKey, VerifyingKey, install_crypto_provider};

static BROKEN: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| panic!("not installed"),
    verifier_factory: |_, _| panic!("not installed"),
    key_utils: KeyUtils::new_unimplemented(),
};

#[test]
fn a_broken_provider_is_found_before_the_first_request() {
    assert!(BROKEN.install_default().is_ok());
    for _ in 0..2 {
        let error = install_crypto_provider().expect_err("it is broken");
        assert!(error.to_string().contains("first thing in `main`"));
    }
    assert!(matches!(VerifyingKey::hmac(Algorithm::HS256, [7; 32]), Err(KeyError::Provider(_))));
    let signing = SigningKey::generate().expect("signing needs no provider");
    assert!(matches!(signing.verifying_key(), Err(KeyError::Provider(_))));
    let problems = Jwt::issuer("https://login.example.com").anyone().problems(Some("https://api.example.com/mcp"));
    assert_eq!(problems.len(), 2, "no key, no provider: {problems:?}");
}
