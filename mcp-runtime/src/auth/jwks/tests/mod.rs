//! Which entries of a key set become keys, and for what.

#[cfg(feature = "firebase")]
mod certificates;

use std::fmt::Write;

use aws_lc_rs::{
    encoding::{AsBigEndian, AsDer, EcPublicKeyUncompressedBin},
    rsa::{KeySize, PublicKeyComponents},
    signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    document,
    jwk::{self, Skip},
};
use crate::auth::{Jwt, authenticator::Authenticator, jwt::Algorithm};

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn rsa(size: KeySize) -> Value {
    let pair = RsaKeyPair::generate(size).unwrap();
    let parts = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    json!({ "kty": "RSA", "n": b64(parts.n), "e": b64(parts.e) })
}

fn ec(algorithm: &'static EcdsaSigningAlgorithm, crv: &str) -> Value {
    let pair = EcdsaKeyPair::generate(algorithm).unwrap();
    let point: EcPublicKeyUncompressedBin<'_> = pair.public_key().as_be_bytes().unwrap();
    let (x, y) = point.as_ref()[1..].split_at((point.as_ref().len() - 1) / 2);
    json!({ "kty": "EC", "crv": crv, "x": b64(x), "y": b64(y) })
}

fn p256() -> Value {
    ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, "P-256")
}

fn ed25519() -> Value {
    let pair = Ed25519KeyPair::generate().unwrap();
    let der = pair.public_key().as_der().unwrap();
    json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(&der.as_ref()[12..]) })
}

fn with(mut jwk: Value, name: &str, value: impl Into<Value>) -> Value {
    jwk[name] = value.into();
    jwk
}

fn algorithms(jwk: &Value, allowed: Option<&[Algorithm]>) -> Result<Vec<Algorithm>, Skip> {
    let keys = jwk::keys(jwk.as_object().unwrap(), allowed)?;
    Ok(keys.iter().map(|key| key.algorithm()).collect())
}

#[test]
fn the_algorithm_is_the_keys() {
    use Algorithm::{ES256, ES384, ES512, EdDSA, PS256, RS256, RS512};
    let rsa = rsa(KeySize::Rsa2048);
    for (jwk, expected) in [
        (rsa.clone(), RS256),
        (with(rsa.clone(), "alg", "RS512"), RS512),
        (with(rsa.clone(), "alg", "PS256"), PS256),
        (p256(), ES256),
        (with(p256(), "alg", "ES256"), ES256),
        (ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, "P-384"), ES384),
        (ec(&signature::ECDSA_P521_SHA512_FIXED_SIGNING, "P-521"), ES512),
        (ed25519(), EdDSA),
        (with(ed25519(), "alg", "EdDSA"), EdDSA),
        (with(ed25519(), "alg", "Ed25519"), EdDSA),
        (with(with(p256(), "use", "sig"), "key_ops", json!(["verify"])), ES256),
    ] {
        assert_eq!(algorithms(&jwk, None), Ok(vec![expected]), "{jwk}");
    }
    assert_eq!(algorithms(&rsa, Some(&[PS256, RS512, ES256])), Ok(vec![RS512, PS256]));
    assert_eq!(algorithms(&with(rsa.clone(), "alg", "RS256"), Some(&[RS256, PS256])), Ok(vec![RS256]));
    for (jwk, allowed) in [(with(rsa.clone(), "alg", "RS256"), PS256), (rsa, ES256), (p256(), ES384)] {
        assert_eq!(algorithms(&jwk, Some(&[allowed])), Err(Skip::NotForUs("another algorithm")), "{jwk}");
    }
}

#[test]
fn what_is_not_for_signatures_is_passed_over() {
    for (name, value) in [
        ("use", json!("enc")),
        ("use", json!(null)),
        ("use", json!(["sig"])),
        ("key_ops", json!([])),
        ("key_ops", json!(["sign", "encrypt"])),
        ("key_ops", json!("verify")),
        ("alg", json!("ES384")),
        ("alg", json!("RS256")),
        ("alg", json!("HS256")),
        ("alg", json!("none")),
        ("alg", json!("ECDH-ES")),
        ("kty", json!("AKP")),
        ("kty", json!(null)),
        ("crv", json!("secp256k1")),
        ("crv", json!("p-256")),
    ] {
        let jwk = with(p256(), name, value);
        assert!(matches!(algorithms(&jwk, None), Err(Skip::NotForUs(_))), "{jwk}");
    }
    for encryption in ["RSA-OAEP", "RSA1_5", "HS256", "ES256", "RS1"] {
        let jwk = with(rsa(KeySize::Rsa2048), "alg", encryption);
        assert!(matches!(algorithms(&jwk, None), Err(Skip::NotForUs(_))), "{jwk}");
    }
}

#[test]
fn what_is_broken_is_no_key() {
    // Two points in one: on no curve.
    let (one, other) = (p256(), p256());
    let off_curve = with(one.clone(), "y", other["y"].clone());
    let weak: Value = {
        let pem = pem::parse(include_str!("../../jwt/tests/rsa-1024.pem")).unwrap();
        let key = aws_lc_rs::rsa::PublicKey::from_der(pem.contents()).unwrap();
        let parts = PublicKeyComponents::<Vec<u8>>::from(&key);
        json!({ "kty": "RSA", "n": b64(parts.n), "e": b64(parts.e) })
    };
    let rsa = rsa(KeySize::Rsa2048);
    for jwk in [
        off_curve,
        weak,
        with(rsa.clone(), "e", "AQ"),
        with(rsa.clone(), "e", "Ag"),
        with(rsa.clone(), "e", "AA"),
        with(rsa.clone(), "n", ""),
        with(rsa.clone(), "n", format!("{}=", rsa["n"].as_str().unwrap())),
        with(rsa.clone(), "n", 1),
        with(rsa.clone(), "d", rsa["n"].clone()),
        with(one.clone(), "x", b64([0; 32])),
        with(one.clone(), "x", b64([1; 31])),
        with(one.clone(), "x", b64([1; 33])),
        with(one.clone(), "d", b64([1; 32])),
        with(one.clone(), "kid", 7),
        with(one.clone(), "alg", json!(["ES256"])),
        with(ed25519(), "x", b64([1; 31])),
        json!({ "kty": "oct", "k": b64([7; 64]), "alg": "HS256" }),
        json!({ "kty": "EC", "crv": "P-256" }),
        json!({ "kty": "RSA" }),
    ] {
        assert!(matches!(algorithms(&jwk, None), Err(Skip::Broken(_))), "{jwk}: {:?}", algorithms(&jwk, None));
    }
    // A leading zero is a common mistake that changes nothing.
    let n = URL_SAFE_NO_PAD.decode(rsa["n"].as_str().unwrap()).unwrap();
    assert!(algorithms(&with(rsa, "n", b64([&[0], &n[..]].concat())), None).is_ok());
}

#[test]
fn a_set_is_read_entry_by_entry() {
    let parse = |text: &str| document::parse(text.as_bytes(), "i", None).map(|keys| keys.len());
    let (good, named) = (p256(), with(p256(), "kid", "a"));
    assert_eq!(parse(&json!({ "keys": [good, 1, null, [], {}, { "kty": "oct" }, named] }).to_string()), Ok(2));
    // Twice the same name is no reason to lose both; twice the same member is.
    assert_eq!(parse(&json!({ "keys": [named, named] }).to_string()), Ok(2));
    let twice = good.to_string().replacen('{', r#"{"kty":"EC","#, 1);
    assert_eq!(parse(&format!(r#"{{"keys":[{twice},{named}]}}"#)), Ok(1));
    assert_eq!(parse(&format!(r#"{{"keys":[{named}],"more":1}}"#)), Ok(1));
    for bad in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":null}"#, "<html>", r#"{"keys":[]}"#, r#"{"keys":[1]}"#] {
        assert!(parse(bad).is_err(), "{bad}");
    }
    assert!(parse(&format!(r#"{{"keys":[{named}],"keys":[{named}]}}"#)).is_err());
    assert!(parse(&format!(r#"{{"keys":[{named}]"#)).is_err());
}

#[test]
fn a_set_is_bounded() {
    let one = p256().to_string();
    let parse = |before: usize, keys: usize| {
        let mut text = String::from(r#"{"keys":["#);
        (0..before).for_each(|_| text.push_str("{},"));
        (0..keys).for_each(|_| write!(text, "{one},").unwrap());
        text.pop();
        text.push_str("]}");
        document::parse(text.as_bytes(), "i", None).map(|keys| keys.len()).ok()
    };
    assert_eq!((parse(0, 16), parse(0, 17), parse(0, 64)), (Some(16), Some(16), Some(16)));
    assert_eq!((parse(63, 1), parse(64, 1)), (Some(1), None));
}

#[test]
fn every_mistake_in_the_configuration_is_a_sentence() {
    let key = || crate::auth::SigningKey::generate().unwrap().verifying_key().unwrap();
    let issuer = || Jwt::issuer("https://login.example.com").anyone();
    let problems = |jwt: &Jwt| jwt.problems(Some("https://api.example.com/mcp"));
    for fine in [
        issuer().discover(),
        issuer().jwks("https://keys.example.com/keys?tenant=1"),
        issuer().jwks("https://10.0.0.1/keys").algorithms([Algorithm::ES256]),
        issuer().jwks("http://127.0.0.1:9000/keys"),
        issuer().jwks("http://keys.internal/keys").insecure_plain_http(),
        Jwt::issuer("http://localhost:9000/realm").anyone().discover(),
        Jwt::issuer("accounts").anyone().jwks("https://keys.example.com/keys"),
    ] {
        assert_eq!(problems(&fine), Vec::<String>::new(), "{fine:?}");
        assert!(!format!("{fine:?}").contains("tenant"), "a query may be secret: {fine:?}");
    }
    for (bad, word) in [
        (issuer(), "`.jwks(url)` or `.discover()`"),
        (issuer().key(key()).discover(), "choose one"),
        (issuer().key(key()).jwks("https://a.example"), "choose one"),
        (issuer().jwks("https://a.example").discover(), "exclude each other"),
        (issuer().jwks("http://keys.internal/keys"), "must be https"),
        (issuer().jwks("keys.example.com"), "not an http(s) URL"),
        (issuer().jwks("https://me:secret@a.example"), "not an http(s) URL"),
        (issuer().jwks("file:///etc/keys"), "not an http(s) URL"),
        (Jwt::issuer("accounts").anyone().discover(), "`.jwks(url)`"),
        (Jwt::issuer("http://login.example.com").anyone().discover(), "`.jwks(url)`"),
        (Jwt::issuer("https://a.example?tenant=1").anyone().discover(), "`.jwks(url)`"),
        (issuer().key(key()).algorithms([Algorithm::ES256]), "`.algorithms(…)`"),
        (issuer().key(key()).insecure_plain_http(), "`.insecure_plain_http()`"),
        (issuer().discover().algorithms([]), "allows none"),
        (issuer().discover().algorithms([Algorithm::ES256, Algorithm::HS256]), "shared secret"),
    ] {
        let problems = problems(&bad);
        assert_eq!(problems.len(), 1, "{bad:?}: {problems:?}");
        assert!(problems[0].contains(word) && !problems[0].contains("secret@"), "{problems:?}");
    }
}
