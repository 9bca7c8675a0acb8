//! What a provider says about itself (OpenID Connect Discovery 1.0 §3), as far as it is used.

use openidconnect::{AuthType, AuthUrl, TokenUrl, core::CoreJwsSigningAlgorithm as Algorithm};
use serde::Deserialize;

use super::tokens::plain;
use crate::auth::WebUrl;

/// How much of an issuer is written into the log, in characters.
const MAX_SHOWN: usize = 200;

/// With what an ID token may be signed: nothing that needs a shared secret, and never nothing.
const ALGORITHMS: [(&str, Algorithm); 9] = [
    ("RS256", Algorithm::RsaSsaPkcs1V15Sha256),
    ("RS384", Algorithm::RsaSsaPkcs1V15Sha384),
    ("RS512", Algorithm::RsaSsaPkcs1V15Sha512),
    ("PS256", Algorithm::RsaSsaPssSha256),
    ("PS384", Algorithm::RsaSsaPssSha384),
    ("PS512", Algorithm::RsaSsaPssSha512),
    ("ES256", Algorithm::EcdsaP256Sha256),
    ("ES384", Algorithm::EcdsaP384Sha384),
    ("EdDSA", Algorithm::EdDsa),
];

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    id_token_signing_alg_values_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    scopes_supported: Option<Vec<String>>,
    authorization_response_iss_parameter_supported: Option<bool>,
}

pub(super) struct Metadata {
    pub(super) authorization_endpoint: AuthUrl,
    pub(super) token_endpoint: TokenUrl,
    pub(super) jwks_uri: String,
    pub(super) userinfo_endpoint: Option<String>,
    pub(super) algorithms: Vec<Algorithm>,
    /// How a client with a secret shows it.
    pub(super) shows_secret: AuthType,
    /// Whether it says that refresh tokens can be asked for.
    pub(super) knows_offline_access: bool,
    /// Whether the browser always brings `iss` (RFC 9207).
    pub(super) brings_issuer: bool,
}

impl Metadata {
    /// Reads the document of this issuer, byte for byte: else one tenant of a provider could speak for another.
    pub(super) fn parse(json: &[u8], issuer: &str, plain_http: bool) -> Result<Self, String> {
        let said: Document = serde_json::from_slice(json).map_err(|_| "not the metadata of an OpenID provider")?;
        if said.issuer != issuer {
            let [found, wanted] = [&*said.issuer, issuer].map(|issuer| plain(issuer, MAX_SHOWN));
            return Err(format!("it is of another issuer: of `{found}`, and `{wanted}` is configured"));
        }
        let urls = [&said.authorization_endpoint, &said.token_endpoint, &said.jwks_uri];
        if !urls.into_iter().chain(&said.userinfo_endpoint).all(|url| may_be_used(url, issuer, plain_http)) {
            return Err("one of its endpoints is not an https URL".to_owned());
        }
        let broken = "one of its endpoints is not a URL";
        Ok(Self {
            authorization_endpoint: AuthUrl::new(said.authorization_endpoint).map_err(|_| broken)?,
            token_endpoint: TokenUrl::new(said.token_endpoint).map_err(|_| broken)?,
            jwks_uri: said.jwks_uri,
            userinfo_endpoint: said.userinfo_endpoint,
            algorithms: algorithms(said.id_token_signing_alg_values_supported)?,
            shows_secret: shows_secret(said.token_endpoint_auth_methods_supported),
            knows_offline_access: said
                .scopes_supported
                .is_some_and(|all| all.iter().any(|one| one == "offline_access")),
            brings_issuer: said.authorization_response_iss_parameter_supported == Some(true),
        })
    }
}

/// https; plain http only where the issuer is plain http itself, and then on this machine, unless that was asked for.
fn may_be_used(url: &str, issuer: &str, plain_http: bool) -> bool {
    let (Some(url), Some(issuer)) = (WebUrl::split(url), WebUrl::split(issuer)) else { return false };
    url.secure || (!issuer.secure && (plain_http || (issuer.is_loopback() && url.is_loopback())))
}

fn algorithms(said: Option<Vec<String>>) -> Result<Vec<Algorithm>, &'static str> {
    // What every provider can (OpenID Connect Core §15.1).
    let said = said.unwrap_or_else(|| vec!["RS256".to_owned()]);
    let usable = ALGORITHMS.into_iter().filter(|(name, _)| said.iter().any(|one| one == name));
    let usable: Vec<Algorithm> = usable.map(|(_, algorithm)| algorithm).collect();
    if usable.is_empty() { Err("it signs ID tokens with nothing that is accepted here") } else { Ok(usable) }
}

fn shows_secret(methods: Option<Vec<String>>) -> AuthType {
    let says = |name: &str| methods.as_ref().is_some_and(|methods| methods.iter().any(|one| one == name));
    if says("client_secret_post") && !says("client_secret_basic") { AuthType::RequestBody } else { AuthType::BasicAuth }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ISSUER: &str = "https://login.example.com";

    fn document() -> Value {
        json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://login.example.com/authorize",
            "token_endpoint": "https://login.example.com/token",
            "jwks_uri": "https://keys.example.com/",
        })
    }

    fn parse(document: &Value) -> Result<Metadata, String> {
        Metadata::parse(document.to_string().as_bytes(), ISSUER, false)
    }

    fn with(name: &str, value: impl Into<Value>) -> Value {
        let mut document = document();
        document[name] = value.into();
        document
    }

    #[test]
    fn little_is_needed_and_the_rest_has_defaults() {
        let plain = parse(&document()).unwrap();
        assert_eq!(plain.algorithms, [Algorithm::RsaSsaPkcs1V15Sha256]);
        assert!(matches!(plain.shows_secret, AuthType::BasicAuth));
        assert!(!plain.brings_issuer && !plain.knows_offline_access && plain.userinfo_endpoint.is_none());
        let post = with("token_endpoint_auth_methods_supported", json!(["client_secret_post", "private_key_jwt"]));
        assert!(matches!(parse(&post).unwrap().shows_secret, AuthType::RequestBody));
        let both = with("token_endpoint_auth_methods_supported", json!(["client_secret_post", "client_secret_basic"]));
        assert!(matches!(parse(&both).unwrap().shows_secret, AuthType::BasicAuth));
    }

    #[test]
    fn shared_secrets_and_nothing_sign_nothing() {
        let all = with("id_token_signing_alg_values_supported", json!(["none", "HS256", "ES256", "XX1"]));
        assert_eq!(parse(&all).unwrap().algorithms, [Algorithm::EcdsaP256Sha256]);
        for none in [json!(["HS256"]), json!(["none"]), json!([])] {
            assert!(parse(&with("id_token_signing_alg_values_supported", none)).is_err());
        }
    }

    #[test]
    fn another_issuer_is_named_in_plain_and_short_text() {
        let said = |issuer: &str| parse(&with("issuer", issuer)).err().unwrap();
        let slash =
            "it is of another issuer: of `https://login.example.com/`, and `https://login.example.com` is configured";
        assert_eq!(said("https://login.example.com/"), slash);
        let found = said(&format!("\u{1b}[31m\nh\u{e9}\u{202e} {}", "x".repeat(9_999)));
        let (shown, wanted) = found.split_once(", and ").unwrap();
        assert_eq!(shown, format!("it is of another issuer: of `[31mh{}`", "x".repeat(195)));
        assert_eq!(wanted, format!("`{ISSUER}` is configured"));
    }

    #[test]
    fn a_document_of_somebody_else_or_with_open_endpoints_is_none() {
        for (name, value) in [
            ("issuer", "https://login.example.com/"),
            ("issuer", "https://LOGIN.example.com"),
            ("authorization_endpoint", "http://login.example.com/authorize"),
            ("authorization_endpoint", "javascript:alert(1)"),
            ("token_endpoint", "http://127.0.0.1/token"),
            ("userinfo_endpoint", "http://login.example.com/me"),
            ("jwks_uri", "file:///etc/passwd"),
            ("jwks_uri", "https://user@keys.example.com/"),
        ] {
            assert!(parse(&with(name, value)).is_err(), "{name} {value}");
        }
        for (issuer, url, plain, fine) in [
            ("http://127.0.0.1:1", "http://127.0.0.1:2/x", false, true),
            ("http://127.0.0.1:1", "http://10.0.0.1/x", false, false),
            ("http://10.0.0.1", "http://10.0.0.1/x", false, false),
            ("http://10.0.0.1", "http://10.0.0.2/x", true, true),
            ("https://10.0.0.1", "http://10.0.0.1/x", true, false),
        ] {
            assert_eq!(may_be_used(url, issuer, plain), fine, "{issuer} {url} {plain}");
        }
    }
}
