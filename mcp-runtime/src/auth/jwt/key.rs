//! Keys that signatures are checked with: whole and strong enough from the moment they exist.

use std::{fmt, sync::Arc};

use aws_lc_rs::{rsa, signature};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;

use super::{Algorithm, key_error::KeyError, provider::install_crypto_provider};

/// What checks the signatures of an issuer: a public key, or a secret shared with it, for exactly one [`Algorithm`].
///
/// It is checked completely when it is made, never first at a request. Its `Debug` shows no key.
///
/// ```no_run
/// use mcp_runtime::auth::{Algorithm, VerifyingKey};
///
/// let key = VerifyingKey::from_pem(Algorithm::PS256, &std::fs::read("issuer.pem")?)?.with_kid("2026-07");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct VerifyingKey {
    algorithm: Algorithm,
    kid: Option<Box<str>>,
    material: Arc<Material>,
}

enum Material {
    Jsonwebtoken(DecodingKey, jsonwebtoken::Algorithm),
    /// What jsonwebtoken has no algorithm for.
    AwsLc(signature::ParsedPublicKey),
}

impl VerifyingKey {
    /// Reads a public key: `-----BEGIN PUBLIC KEY-----`, or `RSA PUBLIC KEY`.
    ///
    /// # Errors
    /// [`KeyError`] if it is not a public key for this algorithm, or too weak a one.
    pub fn from_pem(algorithm: Algorithm, pem: &[u8]) -> Result<Self, KeyError> {
        if algorithm.is_symmetric() {
            return Err(KeyError::NeedsSecret { algorithm });
        }
        Self::from_public(algorithm, &public_der(pem)?)
    }

    /// Reads a public key and takes the usual algorithm of its kind: `RS256` for RSA, `ES256`, `ES384` or `ES512` by
    /// curve, `EdDSA` for Ed25519.
    ///
    /// # Errors
    /// [`KeyError`] if it is not a public key of these kinds, or too weak a one.
    ///
    /// ```
    /// use mcp_runtime::auth::{Algorithm, VerifyingKey};
    ///
    /// let pem = "-----BEGIN PUBLIC KEY-----\n\
    ///            MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
    ///            -----END PUBLIC KEY-----\n";
    /// assert_eq!(VerifyingKey::detect_pem(pem.as_bytes())?.algorithm(), Algorithm::EdDSA);
    /// # Ok::<(), mcp_runtime::auth::KeyError>(())
    /// ```
    pub fn detect_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let der = public_der(pem)?;
        for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::ES384, Algorithm::ES512, Algorithm::EdDSA] {
            match Self::from_public(algorithm, &der) {
                Err(KeyError::WrongKind { .. }) => {}
                done => return done,
            }
        }
        Err(KeyError::Unsupported)
    }

    /// A secret that the issuer signs with too: who can check tokens can then also make them. Prefer public keys.
    ///
    /// # Errors
    /// [`KeyError`] for other algorithms than `HS…`, for less than 32 bytes, and for a PEM file, which is public.
    ///
    /// ```
    /// use mcp_runtime::auth::{Algorithm, VerifyingKey};
    ///
    /// assert!(VerifyingKey::hmac(Algorithm::HS256, b"secret").is_err());
    /// ```
    pub fn hmac(algorithm: Algorithm, secret: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let secret = secret.as_ref();
        let Some(theirs) = algorithm.in_jsonwebtoken().filter(|_| algorithm.is_symmetric()) else {
            return Err(KeyError::NeedsPublicKey { algorithm });
        };
        if secret.trim_ascii_start().starts_with(b"-----BEGIN") {
            return Err(KeyError::SecretIsPem);
        }
        if secret.len() < 32 {
            return Err(KeyError::SecretTooShort { bytes: secret.len() });
        }
        Self::new(algorithm, Material::Jsonwebtoken(DecodingKey::from_secret(secret), theirs))
    }

    /// Names the key as the issuer does (`kid`), so that of several only this one is tried.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<Box<str>>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// The only algorithm that this key accepts.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key's name, if it was given one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    fn new(algorithm: Algorithm, material: Material) -> Result<Self, KeyError> {
        install_crypto_provider()?;
        Ok(Self { algorithm, kid: None, material: Arc::new(material) })
    }

    /// A key as `SubjectPublicKeyInfo` (RFC 5280), or for RSA as `RSAPublicKey` (RFC 8017).
    pub(in crate::auth) fn from_public(algorithm: Algorithm, der: &[u8]) -> Result<Self, KeyError> {
        let wrong = KeyError::WrongKind { algorithm };
        let aws = aws_algorithm(algorithm).ok_or(wrong.clone())?;
        let parsed = signature::ParsedPublicKey::new(aws, der).map_err(|_| wrong.clone())?;
        let Some(theirs) = algorithm.in_jsonwebtoken() else {
            return Self::new(algorithm, Material::AwsLc(parsed));
        };
        let key = match curve(algorithm) {
            None => DecodingKey::from_rsa_der(rsa_key(der, wrong)?.as_ref()),
            Some(curve) => {
                let point = curve.point(der).ok_or(wrong.clone())?;
                // Once more for the bytes that are kept.
                signature::ParsedPublicKey::new(aws, point).map_err(|_| wrong)?;
                if algorithm == Algorithm::EdDSA {
                    DecodingKey::from_ed_der(point)
                } else {
                    DecodingKey::from_ec_der(point)
                }
            }
        };
        Self::new(algorithm, Material::Jsonwebtoken(key, theirs))
    }

    /// Whether `signature`, in base64url without padding, is this key's for `message`.
    pub(super) fn verifies(&self, message: &[u8], signature: &str) -> bool {
        match &*self.material {
            Material::Jsonwebtoken(key, algorithm) => {
                jsonwebtoken::crypto::verify(signature, message, key, *algorithm).unwrap_or(false)
            }
            Material::AwsLc(key) => {
                URL_SAFE_NO_PAD.decode(signature).is_ok_and(|signature| key.verify_sig(message, &signature).is_ok())
            }
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// The contents of the one public key in a PEM file.
fn public_der(pem: &[u8]) -> Result<Vec<u8>, KeyError> {
    let blocks = pem::parse_many(pem).map_err(|_| KeyError::NotPem)?;
    if blocks.iter().any(|block| block.tag().ends_with("PRIVATE KEY")) {
        return Err(KeyError::PrivateKey);
    }
    let mut blocks = blocks.into_iter();
    let (Some(block), None) = (blocks.next(), blocks.next()) else { return Err(KeyError::NotPem) };
    match block.tag() {
        "PUBLIC KEY" | "RSA PUBLIC KEY" => {}
        "CERTIFICATE" => return Err(KeyError::Certificate),
        _ => return Err(KeyError::Unsupported),
    }
    let der = block.into_contents();
    // A naked point would be taken for a key by aws-lc; both encodings here are a SEQUENCE, and longer.
    if der.len() > 40 && der.starts_with(&[0x30]) { Ok(der) } else { Err(KeyError::NotPem) }
}

fn aws_algorithm(algorithm: Algorithm) -> Option<&'static dyn signature::VerificationAlgorithm> {
    Some(match algorithm {
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => return None,
        Algorithm::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &signature::RSA_PSS_2048_8192_SHA512,
        Algorithm::ES256 => &signature::ECDSA_P256_SHA256_FIXED,
        Algorithm::ES384 => &signature::ECDSA_P384_SHA384_FIXED,
        Algorithm::ES512 => &signature::ECDSA_P521_SHA512_FIXED,
        Algorithm::EdDSA => &signature::ED25519,
    })
}

/// Where the point lies in the encoding of an elliptic key: always at the end, and both have one length.
struct Curve {
    encoded: usize,
    point: usize,
}

impl Curve {
    fn point<'a>(&self, der: &'a [u8]) -> Option<&'a [u8]> {
        if der.len() == self.encoded { der.get(self.encoded - self.point..) } else { None }
    }
}

fn curve(algorithm: Algorithm) -> Option<Curve> {
    match algorithm {
        Algorithm::ES256 => Some(Curve { encoded: 91, point: 65 }),
        Algorithm::ES384 => Some(Curve { encoded: 120, point: 97 }),
        Algorithm::EdDSA => Some(Curve { encoded: 44, point: 32 }),
        _ => None,
    }
}

/// RSA of 2048 to 8192 bits, which is what the verification takes.
fn rsa_key(der: &[u8], wrong: KeyError) -> Result<rsa::PublicKey, KeyError> {
    let key = rsa::PublicKey::from_der(der).map_err(|_| wrong)?;
    let modulus = rsa::PublicKeyComponents::<Vec<u8>>::from(&key).n;
    let unused = modulus.first().map_or(0, |first| first.leading_zeros() as usize);
    let bits = modulus.len() * 8 - unused;
    if (2048..=8192).contains(&bits) { Ok(key) } else { Err(KeyError::RsaSize { bits }) }
}
