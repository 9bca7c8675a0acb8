//! Signs tokens with every algorithm.

use aws_lc_rs::{
    encoding::AsDer,
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair},
};
use serde_json::{Value, json};

use super::{Algorithm, VerifyingKey, b64};

type Sign = dyn Fn(&[u8]) -> Vec<u8>;

/// A key pair with the algorithm that it signs with.
pub(super) struct Signer {
    pub(super) algorithm: Algorithm,
    sign: Box<Sign>,
    /// The public key as it would be handed out; `None` for a shared secret.
    pub(super) public_der: Option<Vec<u8>>,
    pub(super) key: VerifyingKey,
}

impl Signer {
    pub(super) fn token(&self, claims: &Value) -> String {
        self.token_with(&json!({ "alg": self.algorithm.as_str(), "typ": "at+jwt" }), claims)
    }

    pub(super) fn token_with(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        format!("{signed}.{}", b64((self.sign)(signed.as_bytes())))
    }

    pub(super) fn pem(&self) -> String {
        pem("PUBLIC KEY", self.public_der.as_deref().unwrap())
    }
}

pub(super) fn pem(tag: &str, der: &[u8]) -> String {
    pem::encode(&pem::Pem::new(tag, der))
}

fn asymmetric(algorithm: Algorithm, der: &[u8], sign: impl Fn(&[u8]) -> Vec<u8> + 'static) -> Signer {
    let key = VerifyingKey::from_pem(algorithm, pem("PUBLIC KEY", der).as_bytes()).unwrap();
    Signer { algorithm, sign: Box::new(sign), public_der: Some(der.to_vec()), key }
}

pub(super) fn hmac(algorithm: Algorithm, secret: &[u8]) -> Signer {
    let key = VerifyingKey::hmac(algorithm, [7; 32]).unwrap();
    let hash = match algorithm {
        Algorithm::HS256 => hmac::HMAC_SHA256,
        Algorithm::HS384 => hmac::HMAC_SHA384,
        _ => hmac::HMAC_SHA512,
    };
    let secret = hmac::Key::new(hash, secret);
    let sign = Box::new(move |message: &[u8]| hmac::sign(&secret, message).as_ref().to_vec());
    Signer { algorithm, sign, public_der: None, key }
}

pub(super) fn rsa(algorithm: Algorithm) -> Signer {
    let encoding: &'static dyn RsaEncoding = match algorithm {
        Algorithm::RS256 => &signature::RSA_PKCS1_SHA256,
        Algorithm::RS384 => &signature::RSA_PKCS1_SHA384,
        Algorithm::RS512 => &signature::RSA_PKCS1_SHA512,
        Algorithm::PS256 => &signature::RSA_PSS_SHA256,
        Algorithm::PS384 => &signature::RSA_PSS_SHA384,
        _ => &signature::RSA_PSS_SHA512,
    };
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = pair.public_key().as_der().unwrap();
    asymmetric(algorithm, der.as_ref(), move |message| {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    })
}

pub(super) fn ecdsa(algorithm: Algorithm) -> Signer {
    let signing: &'static EcdsaSigningAlgorithm = match algorithm {
        Algorithm::ES256 => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        Algorithm::ES384 => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
        _ => &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
    };
    let pair = EcdsaKeyPair::generate(signing).unwrap();
    let der = pair.public_key().as_der().unwrap();
    let sign = move |message: &[u8]| pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec();
    asymmetric(algorithm, der.as_ref(), sign)
}

pub(super) fn eddsa() -> Signer {
    let pair = Ed25519KeyPair::generate().unwrap();
    let der = pair.public_key().as_der().unwrap();
    asymmetric(Algorithm::EdDSA, der.as_ref(), move |message| pair.sign(message).as_ref().to_vec())
}

/// One of each.
pub(super) fn all() -> Vec<Signer> {
    use Algorithm::{ES256, ES384, ES512, HS256, HS384, HS512, PS256, PS384, PS512, RS256, RS384, RS512};
    let mut all: Vec<Signer> = [HS256, HS384, HS512].map(|algorithm| hmac(algorithm, &[7; 32])).into();
    all.extend([RS256, RS384, RS512, PS256, PS384, PS512].map(rsa));
    all.extend([ES256, ES384, ES512].map(ecdsa));
    all.push(eddsa());
    all
}
