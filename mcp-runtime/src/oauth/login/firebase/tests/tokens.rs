//! Which ID tokens are taken.

use std::time::Duration;

use aws_lc_rs::{
    hmac,
    signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RSA_PSS_SHA256},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{google::message, *};

fn denied(arrived: Result<Arrived, LoginError>) -> bool {
    matches!(arrived, Err(LoginError::Denied))
}

#[tokio::test]
async fn a_token_in_the_published_format_is_taken_with_keys_in_both_forms() {
    let key = Key::new("k1");
    let token = key.sign(&claims());
    let google = Google::with_keys(&[&key]).await;
    let who = arrive(&login(&google), &token).await.unwrap();
    assert_eq!((&*who.id, who.tokens), (UID, None));
    assert_eq!(who.once.unwrap().until, NOW - 5 + 301);
    assert_eq!((google.asked("/jwk").len(), google.asked("/x509").len()), (1, 0));
    for (status, set) in [(500, json!({})), (200, json!({ "keys": [] })), (200, json!("nonsense"))] {
        let google = Google::start().await;
        google.says("/jwk", status, &set);
        google.publish_certificates(&[&Key::new("k0"), &key]);
        assert_eq!(arrive(&login(&google), &token).await.unwrap().id, UID, "{status} {set}");
        assert_eq!((google.asked("/jwk").len(), google.asked("/x509").len()), (1, 1));
    }
}

#[tokio::test]
async fn every_wrong_claim_is_refused_before_anybody_is_asked() {
    let key = Key::new("k1");
    let google = Google::with_keys(&[&key]).await;
    let login = login(&google);
    let issuer = |issuer: &str| with("iss", json!(issuer));
    let by = |by: Value| with("firebase", json!({ "sign_in_provider": by }));
    let wrong = [
        with("iss", Value::Null),
        issuer("https://securetoken.google.com/other-project"),
        issuer("https://securetoken.google.com/example-project/"),
        issuer("https://securetoken.google.com/EXAMPLE-PROJECT"),
        issuer("https://accounts.google.com"),
        with("aud", Value::Null),
        with("aud", json!("other-project")),
        with("aud", json!([PROJECT])),
        with("sub", Value::Null),
        with("sub", json!("")),
        with("sub", json!(7)),
        with("sub", json!("a b")),
        with("sub", json!("a".repeat(129))),
        with("user_id", json!("somebody-else")),
        with("exp", Value::Null),
        with("exp", json!(NOW)),
        with("exp", json!(NOW - 1)),
        with("exp", json!("9999999999")),
        with("iat", Value::Null),
        with("iat", json!(NOW + 31)),
        with("auth_time", Value::Null),
        with("auth_time", json!(NOW + 31)),
        with("auth_time", json!(NOW - 301)),
        with("auth_time", json!((NOW - 5).to_string())),
        with("firebase", Value::Null),
        with("firebase", json!("google.com")),
        by(Value::Null),
        by(json!("anonymous")),
        by(json!("phone")),
        by(json!("custom")),
        by(json!(["google.com"])),
        with("firebase", json!({ "sign_in_provider": "google.com", "tenant": "tenant-1" })),
        with("firebase", json!({ "sign_in_provider": "google.com", "tenant": 1 })),
    ];
    for claims in wrong {
        assert!(denied(arrive(&login, &key.sign(&claims)).await), "{claims}");
    }
    assert_eq!(google.all_asked(), 0);
    // The edges of the same are good, and none of those above took anything.
    for claims in [
        claims(),
        with("auth_time", json!(NOW - 300)),
        with("auth_time", json!(NOW + 30)),
        with("iat", json!(NOW + 30)),
        with("exp", json!(NOW + 1)),
        with("sub", json!("a".repeat(128))).as_object().map(without_user_id).unwrap(),
        by(json!("password")),
    ] {
        assert!(arrive(&login, &key.sign(&claims)).await.is_ok(), "{claims}");
    }
}

fn without_user_id(claims: &serde_json::Map<String, Value>) -> Value {
    claims.iter().filter(|(name, _)| *name != "user_id").map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[tokio::test]
async fn other_tokens_of_google_are_refused() {
    let key = Key::new("k1");
    let google = Google::with_keys(&[&key]).await;
    let login = login(&google);
    let session_cookie = with("iss", json!(format!("https://session.firebase.google.com/{PROJECT}")));
    let custom = json!({
        "iss": "firebase-adminsdk@example-project.iam.gserviceaccount.com",
        "sub": "firebase-adminsdk@example-project.iam.gserviceaccount.com", "uid": UID,
        "aud": "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit",
        "iat": NOW - 3, "exp": NOW + 3_597,
    });
    let google_own = json!({
        "iss": "https://accounts.google.com", "aud": PROJECT, "sub": "1234567890", "iat": NOW - 3, "exp": NOW + 3_597,
        "email": "alice@example.com", "email_verified": true,
    });
    for claims in [session_cookie, custom, google_own] {
        assert!(denied(arrive(&login, &key.sign(&claims)).await), "{claims}");
    }
    assert_eq!(google.all_asked(), 0);
}

#[tokio::test]
async fn no_trick_with_keys_and_algorithms_works() {
    let (key, other) = (Key::new("k1"), Key::new("k1"));
    let google = Google::with_keys(&[&key]).await;
    let login = login(&google);
    let (claims, header) = (claims(), |alg: &str| json!({ "alg": alg, "kid": "k1", "typ": "JWT" }));
    let hs256 = |secret: &[u8]| {
        let message = message(&header("HS256"), &claims);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
    };
    let good = key.sign(&claims);
    let parts: Vec<&str> = good.split('.').collect();
    let swapped =
        message(&header("RS256"), &with("sub", json!("somebody-else")).as_object().map(without_user_id).unwrap());
    let tricks = [
        format!("{}.", message(&header("none"), &claims)),
        format!("{}.{}", message(&header("none"), &claims), parts[2]),
        format!("{}.{}", message(&header("NONE"), &claims), parts[2]),
        hs256(key.certificate.as_bytes()),
        hs256(key.jwk()["n"].as_str().unwrap().as_bytes()),
        key.sign_as(&header("RS512"), &claims, &RSA_PKCS1_SHA512),
        key.sign_as(&header("RS256"), &claims, &RSA_PKCS1_SHA512),
        key.sign_as(&header("PS256"), &claims, &RSA_PSS_SHA256),
        key.sign_as(&header("rs256"), &claims, &RSA_PKCS1_SHA256),
        key.sign_as(&json!({ "alg": "RS256", "typ": "JWT" }), &claims, &RSA_PKCS1_SHA256),
        key.sign_as(&json!({ "alg": "RS256", "kid": "" }), &claims, &RSA_PKCS1_SHA256),
        key.sign_as(&json!({ "alg": "RS256", "kid": "k2" }), &claims, &RSA_PKCS1_SHA256),
        key.sign_as(&json!({ "alg": "RS256", "kid": 1 }), &claims, &RSA_PKCS1_SHA256),
        key.sign_as(&json!({ "alg": "RS256", "kid": "k1", "typ": "at+jwt" }), &claims, &RSA_PKCS1_SHA256),
        key.sign_as(&json!({ "alg": "RS256", "kid": "k1", "crit": ["x"] }), &claims, &RSA_PKCS1_SHA256),
        other.sign(&claims),
        other.sign_as(&json!({ "alg": "RS256", "kid": "k1", "jwk": other.jwk() }), &claims, &RSA_PKCS1_SHA256),
        other.sign_as(&json!({ "alg": "RS256", "kid": "k1", "x5c": [other.certificate] }), &claims, &RSA_PKCS1_SHA256),
        format!("{swapped}.{}", parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], &parts[2][..parts[2].len() - 2]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{good}.x"),
        "a".repeat(9_000),
        String::new(),
    ];
    for trick in tricks {
        assert!(denied(arrive(&login, &trick).await), "{trick}");
    }
    assert!(arrive(&login, &good).await.is_ok());
}

#[tokio::test]
async fn a_token_is_used_up_under_the_same_key_everywhere() {
    let key = Key::new("k1");
    let google = Google::with_keys(&[&key]).await;
    let login = login(&google);
    let token = key.sign(&claims());
    let first = arrive(&login, &token).await.unwrap().once.unwrap();
    for another in [&login, &super::login(&google)] {
        assert_eq!(arrive(another, &token).await.unwrap().once.unwrap(), first);
    }
    assert!(!token.contains(&first.key));
    // Another token of the same person is another.
    let next = arrive(&login, &key.sign(&with("iat", json!(NOW - 2)))).await.unwrap().once.unwrap();
    assert_ne!(first.key, next.key);
    // It need not be remembered for longer than it is good.
    let short = arrive(&login, &key.sign(&with("exp", json!(NOW + 9)))).await.unwrap().once.unwrap();
    assert_eq!(short.until, NOW + 9);
}

#[tokio::test]
async fn keys_come_and_go() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let google = Google::with_keys(&[&old]).await;
    let clock = ManualClock::new();
    let login = login(&google).clock(clock.clone());
    let token = |key: &Key, iat: u64| key.sign(&with("iat", json!(iat)));
    assert!(arrive(&login, &token(&old, NOW)).await.is_ok());
    assert!(denied(arrive(&login, &token(&new, NOW)).await));
    google.publish(&[&new]);
    // An unknown key may make us ask at most every 30 seconds.
    assert!(denied(arrive(&login, &token(&new, NOW - 1)).await));
    clock.advance(Duration::from_secs(30));
    assert!(arrive(&login, &token(&new, NOW - 1)).await.is_ok());
    assert!(denied(arrive(&login, &token(&old, NOW - 1)).await));
    assert_eq!(google.asked("/jwk").len(), 3);
    // And when nothing makes us ask, the time that Google gave them does.
    google.publish(&[&old]);
    clock.advance(Duration::from_secs(2 * 3_600));
    assert!(denied(arrive(&login, &token(&new, NOW - 2)).await));
    assert!(arrive(&login, &token(&old, NOW - 2)).await.is_ok());
}

#[tokio::test]
async fn without_keys_nothing_can_be_told() {
    let key = Key::new("k1");
    let google = Google::start().await;
    let token = key.sign(&claims());
    assert!(matches!(arrive(&login(&google), &token).await, Err(LoginError::Unavailable)));
    // A page of an error is no list of certificates.
    google.says(
        "/x509",
        200,
        &json!({ "error": "x", "k1": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----" }),
    );
    assert!(matches!(arrive(&login(&google), &token).await, Err(LoginError::Unavailable)));
    // It was not taken by that.
    google.publish(&[&key]);
    assert!(arrive(&login(&google), &token).await.is_ok());
}

#[tokio::test]
async fn other_people_come_only_if_the_operator_wants_them() {
    let key = Key::new("k1");
    let google = Google::with_keys(&[&key]).await;
    let by = |by: &str| key.sign(&with("firebase", json!({ "sign_in_provider": by })));
    let of = |tenant: &str| key.sign(&with("firebase", json!({ "sign_in_provider": "google.com", "tenant": tenant })));
    assert!(arrive(&login(&google).allow_anonymous(), &by("anonymous")).await.is_ok());
    assert!(arrive(&login(&google).allow_anonymous().sign_in_with(["google.com"]), &by("anonymous")).await.is_ok());
    assert!(denied(arrive(&login(&google).sign_in_with(["google.com"]), &by("password")).await));
    assert!(arrive(&login(&google).sign_in_with(["oidc.work"]), &by("oidc.work")).await.is_ok());
    assert!(arrive(&login(&google).tenant("t-1"), &of("t-1")).await.is_ok());
    assert!(denied(arrive(&login(&google).tenant("t-1"), &of("t-2")).await));
    assert!(denied(arrive(&login(&google).tenant("t-1"), &by("google.com")).await));
    // Accounts of one tenant are none of another.
    let issuers = [login(&google), login(&google).tenant("t-1")].map(|login| login.issuer().to_owned());
    assert_ne!(issuers[0], issuers[1]);
}
