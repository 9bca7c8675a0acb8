//! Keys in certificates (RFC 5280), by name. Only the keys count: who signed a certificate and for how long it says it is
//! good is nobody's business here, as the issuer shows only those that are in use.

use crate::auth::{
    jwt::{Algorithm, KeySet, MAX_KEYS, VerifyingKey},
    object::UniqueObject,
};

/// The largest certificate, in bytes.
const MAX_CERTIFICATE: usize = 16 * 1024;

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
/// `[0] EXPLICIT`: the version.
const VERSION: u8 = 0xa0;

/// Reads `{"kid": "-----BEGIN CERTIFICATE-----…", …}`, for RS256. What cannot be used is passed over.
pub(super) fn parse(json: &[u8], issuer: &str) -> Result<KeySet, &'static str> {
    let entries = UniqueObject::parse(json).ok_or("not a list of certificates")?;
    if entries.len() > MAX_KEYS {
        tracing::warn!(issuer, "there are more than {MAX_KEYS} certificates: the others are not used");
    }
    let key = |(kid, pem): (&String, &serde_json::Value)| {
        let key = pem.as_str().and_then(|pem| key_in(pem.as_bytes()));
        if key.is_none() {
            tracing::warn!(issuer, "a certificate has no key that can be used");
        }
        key.map(|key| key.with_kid(kid.as_str()))
    };
    let keys: Vec<_> = entries.iter().take(MAX_KEYS).filter_map(key).collect();
    if keys.is_empty() { Err("no certificate has a key that can be used") } else { Ok(KeySet::published(keys)) }
}

fn key_in(pem: &[u8]) -> Option<VerifyingKey> {
    let block = pem::parse(pem).ok().filter(|block| block.tag() == "CERTIFICATE")?;
    let der = block.contents();
    let public = (der.len() <= MAX_CERTIFICATE).then(|| public_key(der)).flatten()?;
    VerifyingKey::from_public(Algorithm::RS256, public).ok()
}

/// The `SubjectPublicKeyInfo` in a certificate (RFC 5280 §4.1).
pub(super) fn public_key(certificate: &[u8]) -> Option<&[u8]> {
    let whole = Element::read(certificate)?.only(SEQUENCE)?;
    let signed = Element::read(whole)?;
    if signed.tag != SEQUENCE {
        return None;
    }
    let mut fields = signed.contents;
    if fields.first() == Some(&VERSION) {
        fields = Element::read(fields)?.rest;
    }
    // Serial number, algorithm, issuer, validity, subject.
    for tag in [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE] {
        let field = Element::read(fields)?;
        if field.tag != tag {
            return None;
        }
        fields = field.rest;
    }
    let key = Element::read(fields)?;
    (key.tag == SEQUENCE).then_some(key.whole)
}

/// One element of DER (X.690 §8.1, §10.1), with what comes after it.
struct Element<'d> {
    tag: u8,
    contents: &'d [u8],
    /// With tag and length.
    whole: &'d [u8],
    rest: &'d [u8],
}

impl<'d> Element<'d> {
    fn read(der: &'d [u8]) -> Option<Self> {
        let (&tag, after) = der.split_first()?;
        let (&first, after) = after.split_first()?;
        let (length, header) = match first {
            0..=0x7f => (usize::from(first), 2),
            0x81 => (usize::from(*after.first()?), 3),
            0x82 => (usize::from(u16::from_be_bytes(after.get(..2)?.try_into().ok()?)), 4),
            // Indefinite, or longer than anything here.
            _ => return None,
        };
        let (whole, rest) = der.split_at_checked(header + length)?;
        Some(Self { tag, contents: whole.get(header..)?, whole, rest })
    }

    /// The contents, if it is of this kind and nothing comes after it.
    fn only(self, tag: u8) -> Option<&'d [u8]> {
        (self.tag == tag && self.rest.is_empty()).then_some(self.contents)
    }
}
