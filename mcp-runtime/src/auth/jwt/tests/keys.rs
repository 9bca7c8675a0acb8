//! Keys are right when they are made, or are not made.

use aws_lc_rs::{
    encoding::AsDer,
    signature::{ECDSA_P256K1_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};

use super::{signers::pem, *};

/// 1024 bits, made with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024`; aws-lc makes none so weak.
const RSA_1024: &str = include_str!("rsa-1024.pem");

fn error(result: Result<VerifyingKey, KeyError>) -> KeyError {
    result.expect_err("a key was made")
}

#[test]
fn the_kind_is_detected() {
    use Algorithm::{ES256, ES384, ES512, RS256};
    for signer in
        [signers::rsa(RS256), signers::ecdsa(ES256), signers::ecdsa(ES384), signers::ecdsa(ES512), signers::eddsa()]
    {
        let found = VerifyingKey::detect_pem(signer.pem().as_bytes()).unwrap();
        assert_eq!((found.algorithm(), found.kid()), (signer.algorithm, None));
        let jwt = Jwt::issuer(ISSUER).key(found).anyone();
        let clock = ManualClock::new();
        assert!(verify(&jwt, &clock, &signer.token(&claims(clock.millis() / 1000))).is_ok());
    }
}

#[test]
fn a_key_of_another_kind_is_refused() {
    let all = signers::all();
    let family =
        |algorithm: Algorithm| if "RP".contains(&algorithm.as_str()[..1]) { "RSA" } else { algorithm.as_str() };
    for signer in all.iter().filter(|signer| signer.public_der.is_some()) {
        for algorithm in all.iter().map(|signer| signer.algorithm) {
            let made = VerifyingKey::from_pem(algorithm, signer.pem().as_bytes()).is_ok();
            assert_eq!(made, family(algorithm) == family(signer.algorithm), "{algorithm} {}", signer.algorithm);
        }
    }
}

#[test]
fn weak_rsa_is_refused() {
    assert_eq!(error(VerifyingKey::detect_pem(RSA_1024.as_bytes())), KeyError::RsaSize { bits: 1024 });
    assert_eq!(error(VerifyingKey::from_pem(Algorithm::PS256, RSA_1024.as_bytes())), KeyError::RsaSize { bits: 1024 });
}

#[test]
fn a_private_key_is_named_as_such() {
    let ours = SigningKey::generate().unwrap().to_pkcs8_pem().unwrap();
    for private in [
        ours,
        pem("RSA PRIVATE KEY", b"0"),
        pem("EC PARAMETERS", b"0") + &pem("EC PRIVATE KEY", b"0"),
        pem("ENCRYPTED PRIVATE KEY", b"0"),
    ] {
        let error = error(VerifyingKey::detect_pem(private.as_bytes()));
        assert_eq!(error, KeyError::PrivateKey);
        assert!(error.to_string().contains("-pubout"));
        assert!(VerifyingKey::from_pem(Algorithm::ES256, private.as_bytes()).is_err());
    }
    assert_eq!(error(VerifyingKey::detect_pem(pem("CERTIFICATE", b"0").as_bytes())), KeyError::Certificate);
}

#[test]
fn garbage_is_refused_at_once() {
    let signer = signers::ecdsa(Algorithm::ES256);
    let good = signer.public_der.clone().unwrap();
    let mut off_curve = good.clone();
    off_curve[90] ^= 1;
    let (longer, shorter) = ([&good[..], &[0]].concat(), &good[..90]);
    let point = &good[26..];
    let ed25519 = signers::eddsa().public_der.unwrap();
    let p521 = signers::ecdsa(Algorithm::ES512).public_der.unwrap();
    for bad in
        [&off_curve, &longer, shorter, point, &ed25519[12..], &p521[25..], &[0x30; 44], &[0x30; 91], b"", &[0; 200]]
    {
        assert!(VerifyingKey::detect_pem(pem("PUBLIC KEY", bad).as_bytes()).is_err());
        assert!(VerifyingKey::from_pem(Algorithm::EdDSA, pem("PUBLIC KEY", bad).as_bytes()).is_err());
    }
    for bad in ["", "secret", "-----BEGIN PUBLIC KEY-----", &signer.pem()[..60], &(signer.pem() + &signer.pem())] {
        assert_eq!(error(VerifyingKey::detect_pem(bad.as_bytes())), KeyError::NotPem);
    }
    let bitcoin = EcdsaKeyPair::generate(&ECDSA_P256K1_SHA256_FIXED_SIGNING).unwrap().public_key().as_der().unwrap();
    assert_eq!(error(VerifyingKey::detect_pem(pem("PUBLIC KEY", bitcoin.as_ref()).as_bytes())), KeyError::Unsupported);
}

#[test]
fn secrets_are_long_and_secret() {
    assert_eq!(error(VerifyingKey::hmac(Algorithm::HS256, [7; 31])), KeyError::SecretTooShort { bytes: 31 });
    assert!(VerifyingKey::hmac(Algorithm::HS512, [7; 32]).is_ok());
    let algorithm = Algorithm::ES256;
    assert_eq!(error(VerifyingKey::hmac(algorithm, [7; 32])), KeyError::NeedsPublicKey { algorithm });
    let algorithm = Algorithm::ES512;
    assert_eq!(error(VerifyingKey::hmac(algorithm, [7; 32])), KeyError::NeedsPublicKey { algorithm });
    let pem = signers::eddsa().pem();
    assert_eq!(error(VerifyingKey::hmac(Algorithm::HS256, &pem)), KeyError::SecretIsPem);
    let algorithm = Algorithm::HS256;
    assert_eq!(error(VerifyingKey::from_pem(algorithm, pem.as_bytes())), KeyError::NeedsSecret { algorithm });
}

#[test]
fn a_signing_key_survives_its_file() {
    let scene = Scene::new();
    let key = SigningKey::generate().unwrap();
    let read = SigningKey::from_pkcs8_pem(key.to_pkcs8_pem().unwrap().as_bytes()).unwrap();
    let token = read.sign(claims(scene.now()).as_object().unwrap()).unwrap();
    let jwt = Jwt::issuer(ISSUER).key(key.verifying_key().unwrap()).anyone();
    assert!(verify(&jwt, &scene.clock, &token).is_ok());
    let other = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap().to_pkcs8v1().unwrap();
    let public = signers::ecdsa(Algorithm::ES256).pem();
    for bad in [pem("PRIVATE KEY", other.as_ref()), public, String::new()] {
        assert_eq!(SigningKey::from_pkcs8_pem(bad.as_bytes()).err(), Some(KeyError::NotSigningKey));
    }
}
