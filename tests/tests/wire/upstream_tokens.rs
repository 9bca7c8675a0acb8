//! Tokens in the formats that providers publish, signed with a key of our own.

use std::sync::LazyLock;

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_runtime::{auth::Jwt, testing::ManualClock};
use serde_json::{Value, json};

/// RS256, as all of them sign.
pub(crate) struct RsaKey {
    pair: RsaKeyPair,
    kid: &'static str,
}

/// The providers' key, and one that only says it is. To make one takes time.
pub(crate) static KEY: LazyLock<RsaKey> = LazyLock::new(RsaKey::generate);
pub(crate) static FORGED: LazyLock<RsaKey> = LazyLock::new(RsaKey::generate);

impl RsaKey {
    fn generate() -> Self {
        Self { pair: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(), kid: "2026-01" }
    }

    /// As Entra publishes it, without `alg`.
    pub(crate) fn jwk(&self) -> Value {
        // SEQUENCE { INTEGER modulus, INTEGER 65537 }, with one zero before the modulus.
        let der = self.pair.public_key().as_ref();
        let (modulus, exponent) = (&der[9..9 + 256], &der[der.len() - 3..]);
        assert_eq!((der.len(), exponent), (270, &[1, 0, 1][..]));
        json!({ "kty": "RSA", "use": "sig", "kid": self.kid, "n": b64(modulus), "e": b64(exponent) })
    }

    pub(crate) fn token(&self, header: &Value, claims: &Value) -> String {
        let mut header = header.clone();
        header["kid"] = self.kid.into();
        header["alg"] = "RS256".into();
        let message = message(&header, claims);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", b64(signature))
    }

    /// The tricks with `alg`: no signature, somebody else's, and the public key taken for a shared secret.
    pub(crate) fn tricks(&self, header: &Value, claims: &Value) -> Vec<String> {
        let good = self.token(header, claims);
        let signature = good.rsplit_once('.').unwrap().1;
        let mut tricks = vec![FORGED.token(header, claims)];
        for alg in ["none", "None", "", "HS256", "RS384", "PS256", "ES256"] {
            let mut header = header.clone();
            (header["alg"], header["kid"]) = (alg.into(), self.kid.into());
            let message = message(&header, claims);
            let secret = hmac::Key::new(hmac::HMAC_SHA256, self.pair.public_key().as_ref());
            let shared = b64(hmac::sign(&secret, message.as_bytes()));
            tricks.extend(["", signature, &shared].map(|signature| format!("{message}.{signature}")));
        }
        let mut own_key = header.clone();
        own_key["jwk"] = FORGED.jwk();
        tricks.push(FORGED.token(&own_key, claims));
        own_key = header.clone();
        own_key["jku"] = "https://evil.example/keys".into();
        tricks.push(FORGED.token(&own_key, claims));
        tricks
    }
}

fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", b64(header.to_string()), b64(claims.to_string()))
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What one provider writes for one user, and how a server is told to take it.
pub(crate) struct Upstream {
    pub(crate) name: &'static str,
    /// Its access tokens, without the rule of admission and with keys elsewhere.
    pub(crate) jwt: fn() -> Jwt,
    /// What the server takes for itself in `aud`; Cognito writes none.
    pub(crate) audience: Option<&'static str>,
    pub(crate) header: Value,
    pub(crate) access: Value,
    pub(crate) id: Value,
    /// The claims of the access token that tell it from others: without, or otherwise.
    pub(crate) telling: Vec<(&'static str, Vec<Value>)>,
    /// Whom the access token names as client and subject.
    pub(crate) client: &'static str,
    pub(crate) subject: &'static str,
}

impl Upstream {
    /// The access token, with these claims otherwise; null takes one away.
    pub(crate) fn access_with(&self, changes: &Value) -> Value {
        changed(&self.access, changes)
    }

    pub(crate) fn id_with(&self, changes: &Value) -> Value {
        changed(&self.id, changes)
    }
}

pub(crate) fn changed(claims: &Value, changes: &Value) -> Value {
    let mut claims = claims.as_object().unwrap().clone();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.remove(name);
        } else {
            claims.insert(name.clone(), value.clone());
        }
    }
    claims.into()
}

pub(crate) const API: &str = "https://api.example.com/mcp";
const TENANT: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
const APP: &str = "00001111-aaaa-2222-bbbb-3333cccc4444";

/// All of them, for an hour from where clocks of tests start.
pub(crate) fn all() -> Vec<Upstream> {
    let now = ManualClock::new().millis() / 1000;
    let mut all = vec![auth0(), auth0_rfc_9068(), okta(), entra(), keycloak(), cognito()];
    for upstream in &mut all {
        for claims in [&mut upstream.access, &mut upstream.id] {
            (claims["iat"], claims["exp"]) = (now.into(), (now + 3600).into());
        }
    }
    all
}

/// One of them.
pub(crate) fn named(name: &str) -> Upstream {
    all().into_iter().find(|upstream| upstream.name == name).unwrap()
}

/// <https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles>, and the ID token structure there.
fn auth0() -> Upstream {
    let client = "K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja";
    Upstream {
        name: "auth0",
        jwt: || Jwt::auth0("example.eu.auth0.com", API),
        audience: Some(API),
        header: json!({ "typ": "JWT" }),
        access: json!({
            "iss": "https://example.eu.auth0.com/", "sub": "auth0|123456",
            "aud": [API, "https://example.eu.auth0.com/userinfo"], "azp": client,
            "scope": "openid profile vault:open", "org_id": "org_9ybsU1dN2dKfDkBi",
        }),
        id: json!({
            "iss": "https://example.eu.auth0.com/", "sub": "auth0|123456", "aud": client, "name": "Jane Doe",
            "nickname": "jane", "email": "jane@example.com", "email_verified": true, "sid": "aB3dE", "nonce": "n-0S6",
        }),
        telling: vec![("azp", vec![json!(API), json!(""), json!(1), Value::Null])],
        client,
        subject: "auth0|123456",
    }
}

fn auth0_rfc_9068() -> Upstream {
    let plain = auth0();
    let changes = json!({ "azp": null, "client_id": plain.client, "jti": "73WakrfVbNJBaAmhQtEeDv" });
    Upstream {
        name: "auth0, RFC 9068",
        header: json!({ "typ": "at+jwt" }),
        access: plain.access_with(&changes),
        telling: vec![("client_id", vec![json!(API), json!([]), Value::Null])],
        ..plain
    }
}

/// <https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/>: no `typ` in the header.
fn okta() -> Upstream {
    let client = "0oabskvc6442nkvQO0h7";
    let issuer = "https://example.okta.com/oauth2/ausabc123";
    Upstream {
        name: "okta",
        jwt: || Jwt::okta("example.okta.com", "ausabc123", API),
        audience: Some(API),
        header: json!({}),
        access: json!({
            "ver": 1, "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE", "iss": issuer, "aud": API,
            "sub": "jane@example.com", "cid": client, "uid": "00ujmkLgagxeRrAg20g3", "scp": ["openid", "vault:open"],
            "auth_time": 1000,
        }),
        id: json!({
            "ver": 1, "sub": "00ujmkLgagxeRrAg20g3", "iss": issuer, "aud": client, "amr": ["pwd"],
            "jti": "ID.4eAWJOCMB3SX8XewDfVR", "auth_time": 1000, "at_hash": "cpqKfdQA5eH891Ff5oJr_Q",
            "name": "Jane Doe", "preferred_username": "jane@example.com", "idp": "00ok1u7AsAkrwdZL3z0g3",
            "nonce": "n-0S6",
        }),
        telling: vec![
            ("cid", vec![Value::Null, json!(""), json!([client])]),
            ("scp", vec![Value::Null, json!("openid vault:open")]),
        ],
        client,
        subject: "jane@example.com",
    }
}

/// <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>, and ID tokens beside it. The API
/// and the client may be one registration: then both have the same audience.
fn entra() -> Upstream {
    let issuer = "https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0";
    let subject = "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ";
    let client = "11112222-bbbb-3333-cccc-4444dddd5555";
    Upstream {
        name: "entra",
        // As somebody copies them.
        jwt: || Jwt::entra(TENANT.to_uppercase(), APP.to_uppercase()),
        audience: Some(APP),
        header: json!({ "typ": "JWT" }),
        access: json!({
            "aud": APP, "iss": issuer, "nbf": 1000, "aio": "ATQAy/8TAAAA", "azp": client, "azpacr": "0",
            "name": "Jane Doe", "oid": "aaaaaaaa-bbbb-cccc-1111-222222222222", "preferred_username": "jane@example.com",
            "rh": "0.AXEA", "scp": "vault:open", "sub": subject, "tid": TENANT, "uti": "fqiBqXLPj0eQa82S-IYFAA",
            "ver": "2.0",
        }),
        id: json!({
            "aud": APP, "iss": issuer, "nbf": 1000, "aio": "ATQAy/8TAAAA", "name": "Jane Doe",
            "oid": "aaaaaaaa-bbbb-cccc-1111-222222222222", "preferred_username": "jane@example.com", "rh": "0.AXEA",
            "roles": ["vault:open"], "sub": subject, "tid": TENANT, "uti": "fqiBqXLPj0eQa82S-IYFAA", "ver": "2.0",
        }),
        telling: vec![
            ("ver", vec![Value::Null, json!("1.0"), json!(2.0)]),
            ("azp", vec![Value::Null, json!("")]),
            ("scp", vec![Value::Null, json!(""), json!(["vault:open"])]),
        ],
        client,
        subject,
    }
}

/// What Keycloak 26 writes for a client with the default scopes and an audience mapper.
fn keycloak() -> Upstream {
    let issuer = "https://sso.example.com/realms/staff";
    let subject = "36fa0f91-f94d-4a0c-afed-6b7d952e47da";
    Upstream {
        name: "keycloak",
        jwt: || Jwt::keycloak("https://sso.example.com/", "staff", API),
        audience: Some(API),
        header: json!({ "typ": "JWT" }),
        access: json!({
            "jti": "onrtac:d58f5dc8", "iss": issuer, "aud": [API, "account"], "sub": subject, "typ": "Bearer",
            "azp": "editor", "sid": "2a88c258", "acr": "1", "allowed-origins": ["http://localhost:6080"],
            "realm_access": { "roles": ["offline_access", "default-roles-staff", "uma_authorization"] },
            "resource_access": { "account": { "roles": ["manage-account"] } }, "scope": "profile email vault:open",
            "email_verified": true, "preferred_username": "jane", "email": "jane@example.com",
        }),
        id: json!({
            "jti": "d58f5dc8", "iss": issuer, "aud": "editor", "sub": subject, "typ": "ID", "azp": "editor",
            "sid": "2a88c258", "at_hash": "cpqKfdQA5eH891Ff5oJr_Q", "acr": "1", "email_verified": true,
            "preferred_username": "jane", "email": "jane@example.com", "nonce": "n-0S6", "auth_time": 1000,
        }),
        telling: vec![
            ("typ", vec![Value::Null, json!("ID"), json!("Refresh"), json!("Offline"), json!("bearer"), json!("DPoP")]),
            ("azp", vec![Value::Null, json!(["editor"])]),
        ],
        client: "editor",
        subject,
    }
}

/// <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html>
fn cognito() -> Upstream {
    let issuer = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab12Cd34E";
    let subject = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
    let client = "1example23456789";
    Upstream {
        name: "cognito",
        jwt: || Jwt::cognito("eu-central-1", "eu-central-1_Ab12Cd34E", ["1example23456789", "2example"]),
        audience: None,
        header: json!({}),
        access: json!({
            "sub": subject, "cognito:groups": ["admin"], "iss": issuer, "version": 2, "client_id": client,
            "origin_jti": "aaaaaaaa-bbbb", "event_id": "a04b0e0f", "token_use": "access", "auth_time": 1000,
            "scope": "openid vault:open", "jti": "bbbbbbbb", "username": "jane",
        }),
        id: json!({
            "sub": subject, "cognito:groups": ["admin"], "iss": issuer, "email_verified": true,
            "cognito:username": "jane", "origin_jti": "aaaaaaaa-bbbb", "aud": client, "event_id": "a04b0e0f",
            "token_use": "id", "auth_time": 1000, "jti": "cccccccc", "email": "jane@example.com", "nonce": "n-0S6",
        }),
        telling: vec![
            ("token_use", vec![Value::Null, json!("id"), json!("Access"), json!(["access"])]),
            ("client_id", vec![Value::Null, json!("3example"), json!([client])]),
        ],
        client,
        subject,
    }
}
