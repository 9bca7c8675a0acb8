//! Which certificates have a key that is used.

use aws_lc_rs::signature::KeyPair;
use serde_json::json;

use super::super::certificates::{parse, public_key};

/// Made by OpenSSL, of the first version, as a certificate is that has no extensions.
const FIRST_VERSION: &str = "\
-----BEGIN CERTIFICATE-----
MIIC3jCCAcYCCQCPAQIDBAUGCjANBgkqhkiG9w0BAQsFADAxMS8wLQYDVQQDDCZz
ZWN1cmV0b2tlbi5zeXN0ZW0uZ3NlcnZpY2VhY2NvdW50LmNvbTAeFw0yNjExMjMw
ODMzNDhaFw0yNjEyMTAwODMzNDhaMDExLzAtBgNVBAMMJnNlY3VyZXRva2VuLnN5
c3RlbS5nc2VydmljZWFjY291bnQuY29tMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A
MIIBCgKCAQEArqf4tdSi0TMLb59nS+M2L/ZFYMCZcgDhhlet0HOv5JATBJjSMK9k
H3QAbxgcN+OsvH+lHyddw9GDhdS3ARRJtWzvE9s7b5EVa7NscIztHQAgWKt135DO
VYGKSnATUKTmEP0ZnKDAxEzn5MZI6iYuu/xKusrFMQXdYRmbhJQHXRsc7cOgacEp
UaODkioe3OtoYL4xrGjMlt5f0kPhT2TiHHxjwY8c+jQ9RrJ4J5apE0Dg3vCyXnTB
lcGje6gf1JOXB7AzWx0+ciAVtJ3ZhceNBUJHuoXqqllNCmb6ySr33L6Yxx/DnAqO
HcCH193fPvLik+bdTlnWCubLLCdDUClY6QIDAQABMA0GCSqGSIb3DQEBCwUAA4IB
AQBDPrbvbQXt7UbqLyloKpL59BFpbA1/FMJnHsP3eTiWdIBkomUoMA7Pn9CyjFSG
fqo7DIa0BkIOemFuIC9X5oCrKc8aLSr76I/wkzWB1dFkRjfcUfLap+yn3RD+FAMr
zFUjBUmIXNZ9J36W//SkoTNU+ghXKY9FM1IcY60Xvjg0wRjmczC2cxiyuexEoC5B
FcdjDvdYDW0QRORHHVxvFjEwmWwOIQLF6QqXfhufN46RAwqW2I7JAfxAsb+Dnqhp
psMzagFkb53R94OYQyoHpjSK6H/k2PXhsolIcBXlLM2YydSTJHEki02yoDpSKXMF
lKCAEDS9KLc+rYaC21UyRB7o
-----END CERTIFICATE-----
";

/// Its key, as OpenSSL reads it.
const ITS_KEY: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArqf4tdSi0TMLb59nS+M2
L/ZFYMCZcgDhhlet0HOv5JATBJjSMK9kH3QAbxgcN+OsvH+lHyddw9GDhdS3ARRJ
tWzvE9s7b5EVa7NscIztHQAgWKt135DOVYGKSnATUKTmEP0ZnKDAxEzn5MZI6iYu
u/xKusrFMQXdYRmbhJQHXRsc7cOgacEpUaODkioe3OtoYL4xrGjMlt5f0kPhT2Ti
HHxjwY8c+jQ9RrJ4J5apE0Dg3vCyXnTBlcGje6gf1JOXB7AzWx0+ciAVtJ3ZhceN
BUJHuoXqqllNCmb6ySr33L6Yxx/DnAqOHcCH193fPvLik+bdTlnWCubLLCdDUClY
6QIDAQAB
-----END PUBLIC KEY-----
";

fn der(pem: &str) -> Vec<u8> {
    pem::parse(pem).unwrap().into_contents()
}

/// Of the third version, as most are.
fn certificate(key: &rcgen::KeyPair) -> String {
    rcgen::CertificateParams::new(["a.example".to_owned()]).unwrap().self_signed(key).unwrap().pem()
}

fn rsa() -> rcgen::KeyPair {
    rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap()
}

#[test]
fn the_key_is_found_in_both_versions() {
    assert_eq!(public_key(&der(FIRST_VERSION)).unwrap(), der(ITS_KEY));
    let theirs = rsa();
    let pair = aws_lc_rs::signature::RsaKeyPair::from_pkcs8(&theirs.serialize_der()).unwrap();
    let der = der(&certificate(&theirs));
    assert!(public_key(&der).unwrap().ends_with(pair.public_key().as_ref()));
}

#[test]
fn damaged_certificates_have_none_and_do_no_harm() {
    let good = der(FIRST_VERSION);
    for length in 0..good.len() {
        assert_eq!(public_key(&good[..length]), None, "{length}");
    }
    assert_eq!(public_key(&[&*good, &[0]].concat()), None);
    for at in 0..good.len() {
        for bits in [0x01, 0x80, 0xff] {
            let mut damaged = good.clone();
            damaged[at] ^= bits;
            // Whatever it is, it is a part of what came.
            assert!(public_key(&damaged).is_none_or(|key| key.len() < damaged.len()));
        }
    }
    // Lengths beyond what is there, without end, and of nine bytes.
    for bad in
        [&b"\x30\x82\xff\xff\x30\x00"[..], b"\x30\x80\x30\x00\x00\x00", b"\x30\x89\xff\xff\xff\xff\xff\xff\xff\xff\xff"]
    {
        assert_eq!(public_key(bad), None);
    }
}

#[test]
fn what_cannot_be_used_is_passed_over() {
    let elliptic = certificate(&rcgen::KeyPair::generate().unwrap());
    let rsa = certificate(&rsa());
    let keys = |list: serde_json::Value| parse(list.to_string().as_bytes(), "x").map(|keys| keys.len());
    assert_eq!(keys(json!({ "a": rsa, "b": FIRST_VERSION })), Ok(2));
    assert_eq!(keys(json!({ "a": rsa, "b": elliptic, "c": 1, "d": "", "e": ITS_KEY })), Ok(1));
    for none in [json!({}), json!([]), json!(null), json!({ "a": elliptic }), json!({ "a": ITS_KEY })] {
        assert!(keys(none.clone()).is_err(), "{none}");
    }
    let many: serde_json::Map<_, _> = (0..20).map(|number| (number.to_string(), FIRST_VERSION.into())).collect();
    assert_eq!(keys(many.into()), Ok(16));
    // Which of the two it would be, nobody knows.
    let twice = format!(r#"{{"a":{0},"a":{0}}}"#, json!(FIRST_VERSION));
    assert!(parse(twice.as_bytes(), "x").is_err());
}
