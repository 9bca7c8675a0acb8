//! What is kept of people, and looking them up again.

use std::time::Duration;

use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::*;
use crate::oauth::login::federated::{Claims, Rechecked};

const EMAIL: &str = "firebase-adminsdk@example-project.iam.gserviceaccount.com";
const LOOKUP: &str = "/v1/projects/example-project/accounts:lookup";

fn object(value: Value) -> Claims {
    value.as_object().cloned().unwrap()
}

/// What was kept at the login.
fn known() -> Claims {
    object(json!({
        "auth_time": NOW - 5, "email": "old@example.com", "email_verified": true, "name": "Old", "role": "editor",
        "firebase": { "sign_in_provider": "google.com" },
    }))
}

fn pem(key: &Key) -> String {
    pem::encode(&pem::Pem::new("PRIVATE KEY", key.pkcs8.clone()))
}

/// A Google that gives access tokens and knows this account.
async fn knowing(user: &Value) -> Google {
    let google = Google::start().await;
    google.says("/token", 200, &json!({ "access_token": "ya29.x", "expires_in": 3_599, "token_type": "Bearer" }));
    google.says(LOOKUP, 200, &json!({ "kind": "identitytoolkit#GetAccountInfoResponse", "users": [user] }));
    google
}

fn user() -> Value {
    json!({
        "localId": UID, "email": "alice@example.com", "emailVerified": true, "displayName": "Alice",
        "validSince": (NOW - 5).to_string(), "disabled": false, "lastLoginAt": "1767225600000",
        "customAttributes": r#"{"role":"reader","email":"forged@example.com","auth_time":9999999999}"#,
    })
}

async fn recheck(login: &Firebase) -> Result<Rechecked, LoginError> {
    login.recheck(UID, &known(), None).await
}

#[tokio::test]
async fn little_is_kept_and_it_is_judged() {
    let key = Key::new("k1");
    let google = Google::with_keys(&[&key]).await;
    let login = login(&google).grants(["read"]).grants_to("role", "editor", ["write"]);
    let who = arrive(&login, &key.sign(&claims())).await.unwrap();
    assert_eq!(
        Value::from(who.claims.clone()),
        json!({
            "auth_time": NOW - 5, "email": "alice@example.com", "email_verified": true, "name": "Alice Example",
            "role": "editor", "firebase": { "sign_in_provider": "google.com" },
        })
    );
    let account = login.judge(UID, &who.claims).unwrap();
    assert_eq!(account.id, format!("https://securetoken.google.com/{PROJECT} {UID}"));
    assert_eq!((&*account.name, account.scopes.unwrap()), ("alice@example.com", vec!["read".into(), "write".into()]));
    // What is not offered any more lets nobody in.
    let refused = login.sign_in_with(["password", "apple.com"]).judge(UID, &who.claims).unwrap_err();
    assert_eq!((&*refused.rule, refused.why), ("sign in with password or apple.com", "they signed in in another way"));
    assert!(Firebase::project(PROJECT).judge(UID, &who.claims).is_err());
}

#[test]
fn only_verified_addresses_are_linked_and_only_if_asked() {
    let linking = Firebase::project(PROJECT).link_by_verified_email();
    assert_eq!(linking.linked_email(&known()).as_deref(), Some("old@example.com"));
    assert_eq!(Firebase::project(PROJECT).linked_email(&known()), None);
    let mut unverified = known();
    unverified.insert("email_verified".into(), json!(false));
    assert_eq!(linking.linked_email(&unverified), None);
}

#[tokio::test]
async fn without_a_service_account_nobody_is_vouched_for() {
    let google = knowing(&user()).await;
    assert!(matches!(recheck(&login(&google)).await, Err(LoginError::Denied)));
    assert_eq!(google.all_asked(), 0);
}

#[tokio::test]
async fn accounts_are_looked_up_with_the_service_account() {
    let (google, key) = (knowing(&user()).await, Key::new("sa"));
    let clock = ManualClock::new();
    let login = login(&google).clock(clock.clone()).service_account(EMAIL, pem(&key));
    let login = login.grants_to("role", "reader", ["read"]);
    let claims = recheck(&login).await.unwrap().claims;
    assert_eq!(
        Value::from(claims),
        json!({
            "auth_time": NOW - 5, "email": "alice@example.com", "email_verified": true, "name": "Alice",
            "role": "reader", "firebase": { "sign_in_provider": "google.com" },
        })
    );
    let asked = &google.asked(LOOKUP)[0];
    assert_eq!((&*asked.authorization, &*asked.body), ("Bearer ya29.x", &*format!(r#"{{"localId":["{UID}"]}}"#)));
    // One token for many, until shortly before its end.
    recheck(&login).await.unwrap();
    assert_eq!(google.asked("/token").len(), 1);
    clock.advance(Duration::from_secs(3_540));
    recheck(&login).await.unwrap();
    assert_eq!(google.asked("/token").len(), 2);
    check_assertion(&google.asked("/token")[0].body, &google, &key);
}

/// What RFC 7523 asks, signed by the key of the account.
fn check_assertion(body: &str, google: &Google, key: &Key) {
    let form = Form::parse(body).unwrap();
    assert_eq!(form.get("grant_type"), Some("urn:ietf:params:oauth:grant-type:jwt-bearer"));
    let (message, signature) = form.get("assertion").unwrap().rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.pair.public_key());
    public.verify(message.as_bytes(), &signature).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(message.split_once('.').unwrap().1).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(
        claims,
        json!({
            "iss": EMAIL, "aud": format!("{}/token", google.base), "iat": NOW, "exp": NOW + 3_600,
            "scope": "https://www.googleapis.com/auth/cloud-platform",
        })
    );
}

#[tokio::test]
async fn whoever_may_not_come_any_more_is_denied() {
    let key = Key::new("sa");
    let changed = |name: &str, value: Value| {
        let mut user = user();
        user[name] = value;
        user
    };
    let denied = [
        changed("disabled", json!(true)),
        changed("localId", json!("somebody-else")),
        changed("validSince", json!((NOW - 4).to_string())),
        changed("tenantId", json!("t-1")),
    ];
    for user in denied {
        let login = login(&knowing(&user).await).service_account(EMAIL, pem(&key));
        assert!(matches!(recheck(&login).await, Err(LoginError::Denied)), "{user}");
    }
    let google = knowing(&user()).await;
    let login = login(&google).service_account(EMAIL, pem(&key));
    google.says(LOOKUP, 200, &json!({ "kind": "identitytoolkit#GetAccountInfoResponse" }));
    assert!(matches!(recheck(&login).await, Err(LoginError::Denied)));
    // Without the time of the login nobody can say whether it was revoked.
    google.says(LOOKUP, 200, &json!({ "users": [user()] }));
    assert!(recheck(&login).await.is_ok());
    assert!(matches!(login.recheck(UID, &Claims::new(), None).await, Err(LoginError::Denied)));
}

#[tokio::test]
async fn a_login_looks_the_account_up_too() {
    let (key, sa) = (Key::new("k1"), Key::new("sa"));
    let mut gone = user();
    gone["disabled"] = json!(true);
    for (user, ok) in [(user(), true), (gone, false)] {
        let google = knowing(&user).await;
        google.publish(&[&key]);
        let login = login(&google).service_account(EMAIL, pem(&sa));
        assert_eq!(arrive(&login, &key.sign(&claims())).await.is_ok(), ok, "{user}");
        assert_eq!(google.asked(LOOKUP).len(), 1);
    }
}

#[tokio::test]
async fn what_cannot_be_told_is_no_denial() {
    let key = Key::new("sa");
    let mut unreadable = user();
    unreadable["validSince"] = json!("yesterday");
    for (path, status, answer) in [
        ("/token", 400, json!({ "error": "invalid_grant" })),
        ("/token", 200, json!({ "access_token": "a\nb", "expires_in": 1 })),
        ("/token", 200, json!([])),
        (LOOKUP, 403, json!({})),
        (LOOKUP, 500, json!({})),
        (LOOKUP, 200, json!({ "users": "all" })),
        (LOOKUP, 200, json!({ "users": [unreadable] })),
    ] {
        let google = knowing(&user()).await;
        google.says(path, status, &answer);
        let login = login(&google).service_account(EMAIL, pem(&key));
        assert!(matches!(recheck(&login).await, Err(LoginError::Unavailable)), "{path} {answer}");
    }
}

#[tokio::test]
async fn failures_are_not_repeated_at_once_and_old_tokens_are_dropped() {
    let (google, key) = (knowing(&user()).await, Key::new("sa"));
    let clock = ManualClock::new();
    let login = login(&google).clock(clock.clone()).service_account(EMAIL, pem(&key));
    google.says("/token", 500, &json!({}));
    for _ in 0..3 {
        assert!(recheck(&login).await.is_err());
    }
    assert_eq!((google.asked("/token").len(), google.asked(LOOKUP).len()), (1, 0));
    google.says("/token", 200, &json!({ "access_token": "a", "expires_in": 3_599 }));
    clock.advance(Duration::from_secs(5));
    assert!(recheck(&login).await.is_ok());
    google.says(LOOKUP, 401, &json!({}));
    assert!(matches!(recheck(&login).await, Err(LoginError::Unavailable)));
    google.says(LOOKUP, 200, &json!({ "users": [user()] }));
    assert!(recheck(&login).await.is_ok());
    assert_eq!(google.asked("/token").len(), 3);
}

#[tokio::test]
async fn tenants_have_their_own_accounts() {
    let mut theirs = user();
    theirs["tenantId"] = json!("t-1");
    let google = knowing(&user()).await;
    let path = "/v1/projects/example-project/tenants/t-1/accounts:lookup";
    google.says(path, 200, &json!({ "users": [theirs] }));
    let login = login(&google).tenant("t-1").service_account(EMAIL, pem(&Key::new("sa")));
    assert!(recheck(&login).await.is_ok());
    assert_eq!((google.asked(path).len(), google.asked(LOOKUP).len()), (1, 0));
    google.says(path, 200, &json!({ "users": [user()] }));
    assert!(matches!(recheck(&login).await, Err(LoginError::Denied)));
}

#[tokio::test]
async fn keys_come_in_one_line_too() {
    let (google, key) = (knowing(&user()).await, Key::new("sa"));
    let escaped = pem(&key).replace("\r\n", "\n").replace('\n', "\\n");
    for text in [escaped.clone(), format!("\"{escaped}\""), format!("  {escaped}\n")] {
        let login = login(&google).service_account(EMAIL, text);
        assert!(recheck(&login).await.is_ok());
        assert!(!format!("{login:?}").contains("PRIVATE"));
    }
    for bad in ["", "x", "-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----", &key.certificate] {
        let login = login(&google).service_account(EMAIL, bad);
        assert!(login.problems("https://a.example/callback/firebase", true)[0].contains("cannot be read"), "{bad}");
        assert!(matches!(recheck(&login).await, Err(LoginError::Unavailable)));
    }
}
