//! What is configured, what is sent, and what an answer means.
#![cfg(feature = "jwt")]

use serde_json::{Map, Value, json};

use super::*;
use crate::auth::{Jwt, Principal};

const ISSUER: &str = "https://login.example.com";
const AUDIENCE: &str = "https://api.example.com/mcp";
const NOW: u64 = 1_800_000_000;

fn new() -> Introspection {
    Introspection::new("https://login.example.com/introspect", "me", "s3cr3t").issuer(ISSUER).anyone()
}

fn bearer(token: &str) -> BearerToken<'_> {
    BearerToken::new(token).unwrap()
}

fn good() -> Value {
    json!({ "active": true, "aud": AUDIENCE, "sub": "alice", "scope": "a b", "client_id": "web", "exp": NOW + 900 })
}

fn judge(answer: &Value) -> Result<Identity, AuthError> {
    let claims: Map<String, Value> = answer.as_object().unwrap().clone();
    let scopes = ScopeClaims::default();
    let dialect = &claims::Dialect::STANDARD;
    claims::introspected(claims, &Expected { issuer: ISSUER, audience: AUDIENCE, now: NOW, scopes: &scopes, dialect })
}

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut answer = good();
    answer[name] = value.into();
    answer
}

fn without(name: &str) -> Value {
    let mut answer = good();
    answer.as_object_mut().unwrap().remove(name);
    answer
}

#[test]
fn the_identity_is_what_the_issuer_says() {
    let alice = judge(&good()).unwrap();
    assert_eq!((alice.issuer(), alice.subject(), alice.client()), (ISSUER, "alice", Some("web")));
    assert_eq!((alice.principal(), alice.expires_at()), (Principal::User, Some(NOW + 900)));
    assert!(alice.has_scope("a") && alice.has_scope("b"));
    for fine in [
        with("iss", ISSUER),
        with("token_type", "bearer"),
        with("aud", json!(["https://other.example", AUDIENCE])),
        with("nbf", NOW + 30),
        with("username", "root"),
        with("typ", "Bearer"),
        with("token_use", "access_token"),
        without("client_id"),
    ] {
        assert_eq!(judge(&fine).map(|who| who.subject().to_owned()), Ok("alice".to_owned()), "{fine}");
    }
    assert_eq!(judge(&with("client_id", "alice")).unwrap().principal(), Principal::Service);
    assert!(judge(&without("scope")).unwrap().scopes().is_empty());
    let endless = judge(&without("exp")).unwrap();
    assert_eq!((endless.expires_at(), new().cache_for(&endless)), (None, Duration::ZERO));
    assert_eq!(new().cache_for(&alice), Duration::from_secs(60));
}

#[test]
fn answers_that_admit_nobody() {
    for (reason, answer) in [
        ("not active", with("active", false)),
        ("not active", with("active", "true")),
        ("not active", with("active", 1)),
        ("not active", with("active", Value::Null)),
        ("not active", without("active")),
        ("another issuer", with("iss", "https://login.example.com/")),
        ("another issuer", with("iss", json!([ISSUER]))),
        ("another issuer", with("iss", Value::Null)),
        ("not a bearer token", with("token_type", "DPoP")),
        ("not a bearer token", with("token_type", "refresh_token")),
        ("not a bearer token", with("token_type", json!(["Bearer"]))),
        ("not an access token", with("typ", "Refresh")),
        ("not an access token", with("token_use", "refresh_token")),
        ("bound to a key of its holder (`cnf`), whose proof is not checked here", with("cnf", json!({ "jkt": "a" }))),
        ("no subject", without("sub")),
        ("not valid yet", with("nbf", NOW + 31)),
        ("a date is not a number", with("exp", "never")),
        ("a name is empty, too long or not text", with("sub", "")),
        ("a name is empty, too long or not text", with("client_id", 7)),
    ] {
        assert_eq!(judge(&answer).err(), Some(AuthError::invalid(reason)), "{answer}");
    }
    let reason = "meant for someone else: its `aud` is not the audience of this server";
    for wrong in [json!("https://other.example"), json!([]), json!(format!("{AUDIENCE}/")), json!([AUDIENCE, 1])] {
        assert_eq!(judge(&with("aud", wrong)).err(), Some(AuthError::invalid(reason)));
    }
    assert_eq!(judge(&without("aud")).err(), Some(AuthError::invalid(reason)));
    assert_eq!(judge(&with("exp", NOW)).err(), Some(AuthError::Expired));
    let mut only_name = with("username", "alice");
    only_name.as_object_mut().unwrap().remove("sub");
    assert_eq!(judge(&only_name).err(), Some(AuthError::invalid("no subject")));
}

#[test]
fn credentials_are_form_encoded_and_never_shown() {
    let mut credentials = Credentials::new("a:b c".into(), "p%+ä".into());
    let header = credentials.headers().remove("authorization").unwrap();
    // `a%3Ab+c:p%25%2B%C3%A4`
    assert_eq!(header, "Basic YSUzQWIrYzpwJTI1JTJCJUMzJUE0");
    assert!(header.is_sensitive());
    assert_eq!(credentials.form(&bearer("x+/=")), "token=x%2B%2F%3D&token_type_hint=access_token");
    credentials.in_body();
    assert!(credentials.headers().is_empty());
    let form = credentials.form(&bearer("x"));
    assert!(form.ends_with("&client_id=a%3Ab+c&client_secret=p%25%2B%C3%A4"), "{form}");
    let shown = format!("{credentials:?} {:?} {:?}", new(), Introspection::new("https://a?s3cr3t", "me", "s3cr3t"));
    assert!(shown.contains("me") && !shown.contains("s3cr3t") && !shown.contains("p%+ä"), "{shown}");
}

#[test]
fn opaque_tokens_only_unless_asked_for() {
    let [ours, others] = [ISSUER, "https://other.example.com"].map(claims::unsigned);
    for (token, opaque_only, all) in [
        ("opaque", true, true),
        ("a.b", true, true),
        ("a.b.c.d.e", true, true),
        ("a.b.c", false, false),
        (&*ours, false, true),
        (&*others, false, false),
    ] {
        assert_eq!(new().claims(&bearer(token)), opaque_only, "{token}");
        assert_eq!(new().all_tokens().claims(&bearer(token)), all, "{token}");
    }
}

#[test]
fn every_gap_is_a_sentence() {
    let bare = |url: &str| Introspection::new(url, "me", "s3cr3t").issuer(ISSUER);
    let url = "https://login.example.com/introspect?key=s3cr3t";
    for fine in [
        bare(url).anyone(),
        bare("http://127.0.0.1:1/introspect").anyone(),
        bare("http://idp.internal/introspect").anyone().insecure_plain_http(),
        bare("https://10.0.0.1/introspect").subjects(["alice"]).client_secret_post(),
    ] {
        assert_eq!(fine.problems(Some(AUDIENCE)), Vec::<String>::new());
    }
    assert_eq!(bare(url).anyone().audience("x").problems(None), Vec::<String>::new());
    for (bad, resource, word) in [
        (bare(url), Some(AUDIENCE), "`.anyone()`"),
        (bare(url).anyone(), None, "`.audience("),
        (Introspection::new(url, "me", "s3cr3t").anyone(), Some(AUDIENCE), "`.issuer("),
        (Introspection::new(url, "", "s3cr3t").issuer(ISSUER).anyone(), Some(AUDIENCE), "is empty"),
        (Introspection::new(url, "me", "").issuer(ISSUER).anyone(), Some(AUDIENCE), "is empty"),
        (bare("http://idp.internal/s3cr3t").anyone(), Some(AUDIENCE), "must be https"),
        (bare("s3cr3t").anyone(), Some(AUDIENCE), "not an http(s) URL"),
    ] {
        let problems = bad.problems(resource);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(word) && !problems[0].contains("s3cr3t"), "{problems:?}");
    }
}

#[test]
fn it_may_stand_beside_a_jwt_of_its_issuer_but_not_beside_another() {
    let problems = |all: Vec<Box<dyn Authenticator>>| {
        let clock = crate::clock::ManualClock::new();
        crate::auth::Verifier::new(all, Some(AUDIENCE.into()), clock.into()).problems()
    };
    let key = crate::auth::SigningKey::generate().unwrap().verifying_key().unwrap();
    let jwt = || Box::new(Jwt::issuer(ISSUER).key(key.clone()).anyone());
    assert_eq!(problems(vec![Box::new(new()), jwt()]), Vec::<String>::new());
    assert_eq!(problems(vec![Box::new(new().all_tokens()), jwt()]).len(), 1, "who judges signed tokens?");
    assert_eq!(problems(vec![jwt(), jwt(), Box::new(new())]).len(), 1);
    assert_eq!(problems(vec![Box::new(new()), Box::new(new().issuer("https://other.example"))]).len(), 1);
}
