//! One entry of a key set (RFC 7517 §4): what can check a signature here, or the reason why it cannot.

use aws_lc_rs::{encoding::AsDer, rsa::PublicKeyComponents};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::auth::jwt::{Algorithm, VerifyingKey};

/// What comes before the point in the encoding of a public key (RFC 5480, RFC 8410).
const P256: &[u8] =
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04";
const P384: &[u8] = b"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00\x04";
const P521: &[u8] =
    b"\x30\x81\x9b\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23\x03\x81\x86\x00\x04";
const ED25519: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

const RSA: [Algorithm; 6] =
    [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];

/// Why an entry is passed over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Skip {
    /// Not for checking signatures here: that is nothing special.
    NotForUs(&'static str),
    /// The issuer made a mistake that somebody should hear of.
    Broken(&'static str),
}

/// The key in an entry, once for each algorithm it may be used with. `allowed` are those that the operator named.
pub(super) fn keys(jwk: &Map<String, Value>, allowed: Option<&[Algorithm]>) -> Result<Vec<VerifyingKey>, Skip> {
    check_purpose(jwk)?;
    let (der, possible) = public_key(jwk)?;
    let possible = match jwk.get("alg") {
        None => usual(possible, allowed),
        Some(said) => vec![named(said, possible)?],
    };
    let wanted = possible.into_iter().filter(|algorithm| allowed.is_none_or(|allowed| allowed.contains(algorithm)));
    let kid = match jwk.get("kid") {
        None => None,
        Some(kid) => Some(kid.as_str().ok_or(Skip::Broken("its `kid` is not text"))?),
    };
    let key = |algorithm| {
        let key = VerifyingKey::from_public(algorithm, &der).map_err(|_| Skip::Broken("invalid, or too weak"))?;
        Ok(kid.into_iter().fold(key, VerifyingKey::with_kid))
    };
    let keys = wanted.map(key).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() { Err(Skip::NotForUs("another algorithm")) } else { Ok(keys) }
}

/// A key for signatures, and a public one.
fn check_purpose(jwk: &Map<String, Value>) -> Result<(), Skip> {
    if jwk.get("use").is_some_and(|purpose| purpose != "sig") {
        return Err(Skip::NotForUs("not for signatures"));
    }
    let verifies =
        |operations: &Value| operations.as_array().is_some_and(|list| list.iter().any(|one| one == "verify"));
    if jwk.get("key_ops").is_some_and(|operations| !verifies(operations)) {
        return Err(Skip::NotForUs("not for verifying"));
    }
    // Whoever reads the set could sign with it.
    if jwk.contains_key("d") { Err(Skip::Broken("a private key, published")) } else { Ok(()) }
}

/// The key as `SubjectPublicKeyInfo`, with the algorithms of its kind.
fn public_key(jwk: &Map<String, Value>) -> Result<(Vec<u8>, &'static [Algorithm]), Skip> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let elliptic = |prefix: &[u8], length: usize, coordinates: &[&str]| {
        let mut der = prefix.to_vec();
        for name in coordinates {
            let bytes = bytes(jwk, name)?;
            if bytes.len() != length {
                return Err(Skip::Broken("a coordinate of another length"));
            }
            der.extend(bytes);
        }
        Ok(der)
    };
    match (text("kty"), text("crv")) {
        (Some("RSA"), _) => Ok((rsa(&bytes(jwk, "n")?, &bytes(jwk, "e")?)?, &RSA)),
        (Some("EC"), Some("P-256")) => Ok((elliptic(P256, 32, &["x", "y"])?, &[Algorithm::ES256])),
        (Some("EC"), Some("P-384")) => Ok((elliptic(P384, 48, &["x", "y"])?, &[Algorithm::ES384])),
        (Some("EC"), Some("P-521")) => Ok((elliptic(P521, 66, &["x", "y"])?, &[Algorithm::ES512])),
        (Some("OKP"), Some("Ed25519")) => Ok((elliptic(ED25519, 32, &["x"])?, &[Algorithm::EdDSA])),
        // A shared secret in a document that anybody can read is none.
        (Some("oct"), _) => Err(Skip::Broken("a shared secret, published")),
        _ => Err(Skip::NotForUs("another kind of key")),
    }
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Vec<u8>, Skip> {
    // Some issuers write the sign that DER has and JWK has not.
    let unsigned = |bytes: &'_ [u8]| bytes.iter().position(|byte| *byte != 0).map(|at| bytes[at..].to_vec());
    let broken = Skip::Broken("not an RSA key");
    let (Some(n), Some(e)) = (unsigned(modulus), unsigned(exponent)) else { return Err(broken) };
    PublicKeyComponents { n, e }.as_der().map(|der| der.as_ref().to_vec()).map_err(|_| broken)
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, Skip> {
    let text = jwk.get(name).and_then(Value::as_str).ok_or(Skip::Broken("a part of the key is missing"))?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Skip::Broken("a part of the key is not base64url"))
}

/// The algorithm that the entry names, if it is one of its kind of key.
fn named(said: &Value, possible: &[Algorithm]) -> Result<Algorithm, Skip> {
    let name = said.as_str().ok_or(Skip::Broken("its `alg` is not text"))?;
    // RFC 9864 gave EdDSA on this curve a name of its own.
    let name = if name == "Ed25519" { "EdDSA" } else { name };
    let found = possible.iter().find(|algorithm| algorithm.as_str() == name);
    found.copied().ok_or(Skip::NotForUs("its algorithm is not one of its kind of key"))
}

/// The algorithms of an entry that names none: the only one of its curve; for RSA what the operator said, or RS256.
fn usual(possible: &[Algorithm], allowed: Option<&[Algorithm]>) -> Vec<Algorithm> {
    match (possible, allowed) {
        ([only], _) => vec![*only],
        (several, Some(allowed)) => several.iter().copied().filter(|algorithm| allowed.contains(algorithm)).collect(),
        (_, None) => vec![Algorithm::RS256],
    }
}
