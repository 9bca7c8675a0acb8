//! Why a key was refused, and what to do about it.

use std::fmt;

use super::{Algorithm, CryptoProviderError};

/// Why a key was refused. Says what to do instead, and never shows the key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// There is not exactly one whole PEM block.
    NotPem,
    /// A private key where the public one belongs.
    PrivateKey,
    /// A certificate.
    Certificate,
    /// Not a kind of key that any algorithm here takes.
    Unsupported,
    /// A key of another kind than the algorithm takes.
    #[non_exhaustive]
    WrongKind {
        /// The algorithm it was meant for.
        algorithm: Algorithm,
    },
    /// RSA with less than 2048 or more than 8192 bits.
    #[non_exhaustive]
    RsaSize {
        /// What it has.
        bits: usize,
    },
    /// The algorithm takes a shared secret.
    #[non_exhaustive]
    NeedsSecret {
        /// That algorithm.
        algorithm: Algorithm,
    },
    /// The algorithm takes a public key.
    #[non_exhaustive]
    NeedsPublicKey {
        /// That algorithm.
        algorithm: Algorithm,
    },
    /// Less than 32 bytes.
    #[non_exhaustive]
    SecretTooShort {
        /// What it has.
        bytes: usize,
    },
    /// A PEM file was given as a shared secret.
    SecretIsPem,
    /// Not a PKCS#8 private key on the curve P-256.
    NotSigningKey,
    /// The system's crypto library failed.
    Crypto,
    /// Signatures cannot be checked in this process.
    Provider(CryptoProviderError),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPem => f.write_str("not one whole PEM block `-----BEGIN PUBLIC KEY-----`"),
            Self::PrivateKey => f.write_str(
                "this is a private key, which only the issuer may have: \
                 `openssl pkey -in private.pem -pubout` prints its public key",
            ),
            Self::Certificate => f.write_str(
                "this is a certificate: `openssl x509 -in certificate.pem -pubkey -noout` prints its public key",
            ),
            Self::Unsupported => f.write_str("only RSA, P-256, P-384, P-521 and Ed25519 public keys can be used here"),
            Self::WrongKind { algorithm } => write!(f, "not a valid public key for {algorithm}"),
            Self::RsaSize { bits } => write!(f, "an RSA key needs 2048 to 8192 bits, this has {bits}"),
            Self::NeedsSecret { algorithm } => {
                write!(f, "{algorithm} takes a shared secret: use `VerifyingKey::hmac`")
            }
            Self::NeedsPublicKey { algorithm } => {
                write!(f, "{algorithm} takes a public key: use `VerifyingKey::from_pem`")
            }
            Self::SecretTooShort { bytes } => write!(
                f,
                "a shared secret needs at least 32 random bytes, this has {bytes}: `openssl rand -base64 32` makes one"
            ),
            Self::SecretIsPem => f.write_str("a PEM file is no secret: use `VerifyingKey::from_pem`"),
            Self::NotSigningKey => f.write_str(
                "not a PKCS#8 private key for ES256: \
                 `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes one",
            ),
            Self::Crypto => f.write_str("the crypto library failed"),
            Self::Provider(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for KeyError {}

impl From<CryptoProviderError> for KeyError {
    fn from(error: CryptoProviderError) -> Self {
        Self::Provider(error)
    }
}
