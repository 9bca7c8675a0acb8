//! People who log in as they should.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeySize, PublicKeyComponents},
    signature::{KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::*;

#[tokio::test]
async fn the_browser_is_sent_with_everything_that_ties_it_to_us() {
    let stub = Stub::start().await;
    let oidc = stub.oidc().request_scopes(["groups"]).tools_may("calendar", "Read your calendar");
    let trip = stub.trip();
    let url = oidc.depart(&trip).await.unwrap();
    assert!(url.starts_with(&format!("{}/authorize?x=y&", stub.issuer)), "{url}");
    let said = query(&url);
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "me"),
        ("redirect_uri", CALLBACK),
        ("state", "the-state"),
        ("nonce", "the-nonce"),
        ("code_challenge_method", "S256"),
        ("code_challenge", &sha256(trip.pkce.verifier())),
        ("scope", "openid profile email offline_access groups"),
        ("prompt", "consent"),
    ] {
        assert_eq!(said.get(name), Some(value), "{name}");
    }
    assert!(said.get("max_age").is_none() && said.get("response_mode").is_none());
    assert!(!url.contains(trip.pkce.verifier()) && !url.contains("kq3"));
    let again = Trip { login_again: true, for_tools: true, ..trip };
    let said = query(&oidc.depart(&again).await.unwrap()).get("scope").map(str::to_owned);
    assert_eq!(said.as_deref(), Some("openid profile email offline_access groups calendar"));
    let url = oidc.depart(&again).await.unwrap();
    assert_eq!((query(&url).get("prompt"), query(&url).get("max_age")), (Some("login consent"), Some("0")));
    assert_eq!(stub.hits("/.well-known/openid-configuration").len(), 1, "once for all");
}

#[tokio::test]
async fn hints_and_presets_are_in_the_url() {
    let stub = Stub::start().await;
    let mut oidc = stub.oidc().hosted_domain("example.com");
    oidc.preset = Preset::Google;
    let url = oidc.depart(&stub.trip()).await.unwrap();
    let said = query(&url);
    assert_eq!((said.get("hd"), said.get("access_type")), (Some("example.com"), Some("offline")));
    assert_eq!(said.get("scope"), Some("openid profile email"), "Google refuses offline_access");
}

#[tokio::test]
async fn who_comes_back_is_who_the_provider_says() {
    let stub = Stub::start().await;
    stub.gives(Some(stub.sign(&stub.claims())), |_| {});
    let (oidc, trip) = (stub.oidc().grants(["notes:read"]), stub.trip());
    let issuer = form_urlencoded::byte_serialize(stub.issuer.as_bytes()).collect::<String>();
    let arrived = oidc.arrive(&trip, &form(&format!("code=c0de&state=the-state&iss={issuer}"))).await.unwrap();
    assert_eq!(arrived.id, "alice-1");
    assert_eq!(Value::from(arrived.claims.clone()), json!({ "name": "Alice" }));
    let tokens = arrived.tokens.unwrap();
    assert_eq!((&*tokens.access_token, tokens.refresh_token.as_deref()), ("at-1", Some("rt-1")));
    assert_eq!(tokens.expires_at, Some(stub.now() + 3600));
    assert_eq!(tokens.scopes, ["openid", "profile", "email"]);
    let account = oidc.judge(&arrived.id, &arrived.claims).unwrap();
    assert_eq!((account.id, account.name), (format!("{} alice-1", stub.issuer), "Alice".to_owned()));
    // How we asked.
    let hits = stub.hits("/token");
    let [asked] = &hits[..] else { panic!("{hits:?}") };
    let basic = STANDARD.decode(asked.authorization.strip_prefix("Basic ").unwrap()).unwrap();
    assert_eq!(String::from_utf8(basic).unwrap(), "me:kq3-Zr_81Hs%2B%2F%26");
    let said = form(&asked.body);
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("code", "c0de"),
        ("redirect_uri", CALLBACK),
        ("code_verifier", trip.pkce.verifier()),
    ] {
        assert_eq!(said.get(name), Some(value), "{name}");
    }
    assert!(said.get("client_secret").is_none());
    assert_eq!(stub.hits("/userinfo").len(), 0, "nothing was missing");
}

#[tokio::test]
async fn a_client_shows_its_secret_as_the_provider_wants_it() {
    let stub = Stub::start().await;
    stub.describes_itself(|metadata| metadata["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]));
    stub.gives(Some(stub.sign(&stub.claims())), |_| {});
    stub.arrive(&stub.oidc()).await.unwrap();
    stub.arrive(&stub.oidc().public_client("me")).await.unwrap();
    let hits = stub.hits("/token");
    assert_eq!((&*hits[0].authorization, form(&hits[0].body).get("client_secret")), ("", Some(SECRET)));
    let public = form(&hits[1].body);
    assert_eq!((public.get("client_id"), public.get("client_secret")), (Some("me"), None));
    assert_eq!(hits[1].authorization, "");
}

#[tokio::test]
async fn tokens_that_say_more_are_fine() {
    let stub = Stub::start().await;
    let oidc = stub.oidc();
    let half = URL_SAFE_NO_PAD.encode(&Sha256::digest("at-1")[..16]);
    for (name, value) in [
        ("aud", json!(["me"])),
        ("azp", json!("me")),
        ("at_hash", json!(half)),
        ("iat", json!(stub.now() + 59)),
        ("nbf", json!(stub.now())),
        ("sub", json!("x".repeat(255))),
        ("email_verified", json!("true")),
        ("updated_at", json!("2026-01-01T00:00:00.000Z")),
        ("auth_time", json!(1)),
    ] {
        stub.gives_with(name, value);
        assert!(stub.arrive(&oidc).await.is_ok(), "{name}");
    }
    let mut claims = stub.claims();
    (claims["aud"], claims["azp"]) = (json!(["me", "other"]), json!("me"));
    stub.gives(Some(stub.sign(&claims)), |_| {});
    assert!(stub.arrive(&oidc).await.is_ok());
}

/// As most providers sign; and as Entra publishes, whose keys do not name their algorithm.
#[tokio::test]
async fn rsa_signatures_are_checked() {
    let stub = Stub::start().await;
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let parts = PublicKeyComponents::<Vec<u8>>::from(key.public_key());
    let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk = json!({ "kty": "RSA", "use": "sig", "kid": "r", "n": b64(&parts.n), "e": b64(&parts.e) });
    stub.replies("/keys", Reply::json(200, &json!({ "keys": [{ "kty": "XX" }, jwk] })));
    let sign = |padding: &'static dyn RsaEncoding, algorithm: &str| {
        let header = json!({ "alg": algorithm, "kid": "r" }).to_string();
        let message = format!("{}.{}", b64(header.as_bytes()), b64(stub.claims().to_string().as_bytes()));
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(padding, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", b64(&signature))
    };
    let oidc = stub.oidc();
    stub.gives(Some(sign(&RSA_PKCS1_SHA256, "RS256")), |_| {});
    assert!(stub.arrive(&oidc).await.is_ok());
    // The provider does not say that it signs like this.
    stub.gives(Some(sign(&RSA_PSS_SHA256, "PS256")), |_| {});
    assert_eq!(stub.arrive(&oidc).await.err(), Some(LoginError::Denied));
    stub.gives(Some(sign(&RSA_PSS_SHA256, "RS256")), |_| {});
    assert_eq!(stub.arrive(&oidc).await.err(), Some(LoginError::Denied));
}

#[tokio::test]
async fn missing_claims_are_asked_for() {
    let stub = Stub::start().await;
    stub.gives(Some(stub.sign(&stub.claims())), |_| {});
    let said = json!({ "sub": "alice-1", "name": "Mallory", "groups": ["staff"], "address": "here" });
    stub.replies("/userinfo", Reply::json(200, &said));
    let oidc = stub.oidc().claim("groups", "staff");
    let arrived = stub.arrive(&oidc).await.unwrap();
    assert_eq!(Value::from(arrived.claims.clone()), json!({ "name": "Alice", "groups": ["staff"] }));
    assert!(oidc.judge(&arrived.id, &arrived.claims).is_ok());
    assert_eq!(stub.hits("/userinfo")[0].authorization, "Bearer at-1");
    // Too many for the token: they do not count, and nobody asks elsewhere.
    stub.gives_with("_claim_names", json!({ "groups": "src1" }));
    let arrived = stub.arrive(&oidc).await.unwrap();
    assert!(oidc.judge(&arrived.id, &arrived.claims).is_err());
    assert_eq!(stub.hits("/userinfo").len(), 1);
}

#[tokio::test]
async fn rules_of_presets_hold() {
    let stub = Stub::start().await;
    let google = Oidc::google().hosted_domain("example.com");
    let auth0 = Oidc::auth0("a.example").organization("org_1");
    let named = Oidc::auth0("a.example").organization("acme");
    let admits = |oidc: &Oidc, claims: Value| oidc.judge("1", claims.as_object().unwrap()).is_ok();
    assert!(admits(&google, json!({ "hd": "example.com" })) && admits(&auth0, json!({ "org_id": "org_1" })));
    assert!(admits(&named, json!({ "org_name": "acme" })));
    for other in [json!({}), json!({ "hd": "example.org", "org_id": "org_2", "email": "a@example.com" })] {
        assert!(!admits(&google, other.clone()) && !admits(&auth0, other.clone()) && !admits(&named, other));
    }
    let tenant = "9188040d-6c67-4c5b-b112-36a304b66dad";
    let mut entra = stub.oidc();
    entra.preset = Preset::Entra(tenant.to_owned());
    stub.gives_with("tid", tenant);
    assert!(stub.arrive(&entra).await.is_ok());
    for other in [json!("72f988bf-86f1-41af-91ab-2d7cd011db47"), Value::Null, json!([tenant])] {
        stub.gives_with("tid", other);
        assert_eq!(stub.arrive(&entra).await.err(), Some(LoginError::Denied));
    }
}

#[test]
fn issuers_are_those_that_tokens_name() {
    let issuer = |oidc: Oidc| oidc.issuer;
    assert_eq!(issuer(Oidc::auth0("https://example.eu.auth0.com/")), "https://example.eu.auth0.com/");
    assert_eq!(issuer(Oidc::google()), "https://accounts.google.com");
    assert_eq!(issuer(Oidc::okta("example.okta.com")), "https://example.okta.com");
    let custom = Oidc::okta("example.okta.com").authorization_server("x").authorization_server("default");
    assert_eq!(issuer(custom), "https://example.okta.com/oauth2/default");
    assert_eq!(issuer(Oidc::keycloak("https://sso.example.com/", "r")), "https://sso.example.com/realms/r");
    let tenant = "9188040D-6c67-4c5b-b112-36a304b66dad";
    let expected = "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0";
    assert_eq!(issuer(Oidc::entra(tenant)), expected);
}

#[test]
fn nothing_secret_is_shown() {
    let shown = format!("{:?}", Oidc::google().client("me", SECRET));
    assert!(shown.contains("me") && !shown.contains("kq3"), "{shown}");
}

#[test]
fn accounts_are_linked_by_verified_addresses_if_that_is_wanted() {
    let claims = json!({ "email": "Alice@example.com", "email_verified": true });
    let linked = |oidc: Oidc, claims: &Value| oidc.linked_email(claims.as_object().unwrap());
    assert_eq!(linked(Oidc::google(), &claims), None);
    let linking = || Oidc::google().link_by_verified_email();
    assert_eq!(linked(linking(), &claims).as_deref(), Some("alice@example.com"));
    assert_eq!(linked(linking(), &json!({ "email": "alice@example.com", "email_verified": "true" })), None);
}
