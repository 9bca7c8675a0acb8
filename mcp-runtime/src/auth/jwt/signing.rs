//! Making tokens, for those who are their own issuer.

use std::fmt;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::json;

use super::{Algorithm, KeyError, VerifyingKey};

/// A private ES256 key that signs access tokens: for a first try without an identity provider, for tools of your own,
/// for tests. Its `Debug` shows nothing.
///
/// It signs whatever it is given. A server accepts the token only if the claims are right as well, see
/// [`Jwt`](super::Jwt).
///
/// ```
/// use mcp_runtime::auth::{Jwt, SigningKey};
/// use serde_json::json;
///
/// let key = SigningKey::generate()?;
/// let auth = Jwt::issuer("my-laptop").key(key.verifying_key()?).anyone();
///
/// let claims = json!({
///     "iss": "my-laptop", "aud": "http://127.0.0.1:8000/mcp", "sub": "alice", "scope": "notes:read",
///     "exp": 1_900_000_000,
/// });
/// let token = key.sign(claims.as_object().unwrap())?;
/// # assert_eq!(token.split('.').count(), 3);
/// # Ok::<(), mcp_runtime::auth::KeyError>(())
/// ```
pub struct SigningKey(EcdsaKeyPair);

impl SigningKey {
    /// Makes a new random key.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] if the system has no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Self).map_err(|_| KeyError::Crypto)
    }

    /// Reads `-----BEGIN PRIVATE KEY-----` (PKCS#8).
    ///
    /// # Errors
    /// [`KeyError::NotSigningKey`] for anything else.
    pub fn from_pkcs8_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let block = pem::parse(pem).map_err(|_| KeyError::NotSigningKey)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, block.contents());
        pair.map(Self).map_err(|_| KeyError::NotSigningKey)
    }

    /// The private key as text. Write it to a file that only you can read (mode 0600).
    ///
    /// # Errors
    /// [`KeyError::Crypto`], which does not happen.
    pub fn to_pkcs8_pem(&self) -> Result<String, KeyError> {
        let der = self.0.to_pkcs8v1().map_err(|_| KeyError::Crypto)?;
        Ok(pem::encode(&pem::Pem::new("PRIVATE KEY", der.as_ref())))
    }

    /// The key that checks what this one signs.
    ///
    /// # Errors
    /// [`KeyError::Provider`] if signatures cannot be checked in this process.
    pub fn verifying_key(&self) -> Result<VerifyingKey, KeyError> {
        let der = self.0.public_key().as_der().map_err(|_| KeyError::Crypto)?;
        VerifyingKey::from_public(Algorithm::ES256, der.as_ref())
    }

    /// Signs an access token (RFC 9068) with these claims, an object: `json!({…})` or a type of yours.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] if the system has no randomness.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, KeyError> {
        let header = json!({ "alg": Algorithm::ES256.as_str(), "typ": "at+jwt" });
        let claims = serde_json::to_vec(claims).map_err(|_| KeyError::Crypto)?;
        self.sign_parts(header.to_string().as_bytes(), &claims)
    }

    /// The private key in PKCS#8, unprotected.
    #[cfg(feature = "oauth")]
    pub(crate) fn to_pkcs8(&self) -> Result<Vec<u8>, KeyError> {
        self.0.to_pkcs8v1().map(|der| der.as_ref().to_vec()).map_err(|_| KeyError::Crypto)
    }

    /// Reads what [`to_pkcs8`](Self::to_pkcs8) wrote.
    #[cfg(feature = "oauth")]
    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map(Self).map_err(|_| KeyError::NotSigningKey)
    }

    /// The coordinates of the public key as a JWK has them (RFC 7518 §6.2).
    #[cfg(feature = "oauth")]
    pub(crate) fn coordinates(&self) -> Option<[String; 2]> {
        let (x, y) = self.0.public_key().as_ref().strip_prefix(&[4])?.split_at_checked(32)?;
        Some([x, y].map(|bytes| URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Signs any two parts.
    pub(crate) fn sign_parts(&self, header: &[u8], claims: &[u8]) -> Result<String, KeyError> {
        let mut token = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.0.sign(&SystemRandom::new(), token.as_bytes()).map_err(|_| KeyError::Crypto)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
        Ok(token)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}
