//! Who passes for a client, and who does not.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use serde_json::{Value, json};

use super::{
    GrantType, RegisteredClient,
    assertion::UsedAssertion,
    authentication::{authenticate, authenticate_of_operator},
    dynamic::register,
    metadata::{Metadata, Method},
    support::{Host, ISSUER, SECRET, address, core},
};
use crate::{
    clock::ManualClock,
    oauth::{
        Core,
        error::{ErrorCode, OAuthError},
        visit::Form,
    },
};

const CALLBACK: &str = "https://app.example.com/callback";
const OTHER: &str = "aGVsbG8gd29ybGQgdGhpcyBpcyBhIHRlc3Qh";

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

async fn come(core: &Core, authorization: &str, form: &str) -> Result<String, OAuthError> {
    let mut headers = HeaderMap::new();
    if !authorization.is_empty() {
        headers.insert(AUTHORIZATION, HeaderValue::from_str(authorization).unwrap());
    }
    let form = Form::parse(form).unwrap();
    authenticate(core, &headers, &form, address("192.0.2.1")).await.map(|client| client.id)
}

async fn code(core: &Core, authorization: &str, form: &str) -> Option<ErrorCode> {
    come(core, authorization, form).await.err().map(|error| error.code)
}

fn with_secrets() -> Arc<Core> {
    core(&ManualClock::new(), |builder| {
        builder
            .client(RegisteredClient::public("app").redirect_uri(CALLBACK))
            .client(RegisteredClient::confidential("job", SECRET).client_credentials().scopes(["read"]))
            .client(RegisteredClient::confidential("a:b+c%", OTHER).client_credentials().scopes(["read"]))
    })
}

async fn registered(core: &Core, method: Method) -> (String, String) {
    let redirect_uris = vec![CALLBACK.to_owned()];
    let metadata = Metadata { name: None, redirect_uris, method, grant_types: vec![GrantType::AuthorizationCode] };
    let registered = register(&core.records, metadata).await.unwrap();
    (registered.client.id, registered.secret.unwrap_or_default())
}

#[tokio::test]
async fn clients_that_are_who_they_say() {
    let core = with_secrets();
    let secret = encoded(SECRET);
    for (authorization, form, id) in [
        (String::new(), "client_id=app".to_owned(), "app"),
        (basic("job", &secret), String::new(), "job"),
        (basic("job", SECRET), "client_id=job".to_owned(), "job"),
        (basic("job", &secret).replace("Basic", "bASIC"), String::new(), "job"),
        (String::new(), format!("client_id=job&client_secret={secret}"), "job"),
        (basic("a%3Ab%2bc%25", OTHER), String::new(), "a:b+c%"),
    ] {
        assert_eq!(come(&core, &authorization, &form).await.as_deref(), Ok(id), "{form}");
    }
    for (method, by_header, by_form) in
        [(Method::Basic, true, false), (Method::Post, false, true), (Method::Unsaid, true, true)]
    {
        let (id, secret) = registered(&core, method).await;
        assert_eq!(come(&core, &basic(&id, &secret), "").await.is_ok(), by_header);
        let form = format!("client_id={id}&client_secret={secret}");
        assert_eq!(come(&core, "", &form).await.is_ok(), by_form);
        assert_eq!(code(&core, "", &format!("client_id={id}")).await, Some(ErrorCode::InvalidClient));
    }
}

#[tokio::test]
async fn clients_that_are_not() {
    let core = with_secrets();
    let (public, _) = registered(&core, Method::None).await;
    let (dynamic, dynamic_secret) = registered(&core, Method::Basic).await;
    let secret = encoded(SECRET);
    let (client, request) = (ErrorCode::InvalidClient, ErrorCode::InvalidRequest);
    for (authorization, form, expected) in [
        (String::new(), String::new(), client),
        (String::new(), "client_id=".to_owned(), client),
        (String::new(), "client_id=nobody".to_owned(), client),
        (String::new(), "client_id=dcr_nobody".to_owned(), client),
        (String::new(), format!("client_id={}", "x".repeat(600)), client),
        // Without, with a wrong, with somebody else's secret.
        (String::new(), "client_id=job".to_owned(), client),
        (String::new(), "client_id=job&client_secret=".to_owned(), client),
        (String::new(), format!("client_id=job&client_secret={OTHER}"), client),
        (String::new(), format!("client_id=job&client_secret={secret}x"), client),
        (String::new(), format!("client_id=job&client_secret={}", encoded(&SECRET.to_lowercase())), client),
        (basic("job", OTHER), String::new(), client),
        (basic("job", ""), String::new(), client),
        (basic("JOB", &secret), String::new(), client),
        (basic("nobody", &secret), String::new(), client),
        (basic(&dynamic, &secret), String::new(), client),
        (basic("job", &dynamic_secret), String::new(), client),
        // The hash that the store holds is no secret.
        (basic("job", &crate::oauth::hash::sha256(SECRET.as_bytes())), String::new(), client),
        // A public client has none.
        (basic("app", &secret), String::new(), client),
        (basic("app", ""), String::new(), client),
        (String::new(), format!("client_id=app&client_secret={secret}"), client),
        (String::new(), format!("client_id={public}&client_secret={secret}"), client),
        // The registered method, and no other.
        (String::new(), format!("client_id={dynamic}&client_secret={dynamic_secret}"), client),
        // Two at once, or two clients.
        (basic("job", &secret), format!("client_id=job&client_secret={secret}"), request),
        (basic("job", &secret), "client_assertion=a.b.c&client_assertion_type=x".to_owned(), request),
        (String::new(), format!("client_id=job&client_secret={secret}&client_assertion=a.b.c"), request),
        (basic("job", &secret), "client_id=app".to_owned(), request),
        // Headers that are none.
        ("Basic".to_owned(), "client_id=app".to_owned(), client),
        ("Basic !!!".to_owned(), "client_id=app".to_owned(), client),
        (format!("Basic {}", STANDARD.encode("job")), "client_id=app".to_owned(), client),
        (format!("Basic {}", STANDARD.encode([0xff, b':', b'x'])), "client_id=app".to_owned(), client),
        (basic("job", "%zz"), String::new(), client),
        (basic("job", "%4"), String::new(), client),
        (format!("Bearer {SECRET}"), "client_id=app".to_owned(), client),
        (format!("Basic {}", "A".repeat(5_000)), String::new(), client),
    ] {
        assert_eq!(code(&core, &authorization, &form).await, Some(expected), "{authorization} {form}");
    }
    let mut twice = HeaderMap::new();
    twice.append(AUTHORIZATION, HeaderValue::from_str(&basic("job", &secret)).unwrap());
    twice.append(AUTHORIZATION, HeaderValue::from_str(&basic("app", &secret)).unwrap());
    let outcome = authenticate(&core, &twice, &Form::parse("").unwrap(), address("192.0.2.1")).await;
    assert_eq!(outcome.unwrap_err().code, request);
}

#[tokio::test]
async fn all_refusals_are_alike() {
    let core = with_secrets();
    let unknown = come(&core, &basic("nobody", OTHER), "").await.unwrap_err();
    let wrong = come(&core, &basic("job", OTHER), "").await.unwrap_err();
    let public = come(&core, &basic("app", OTHER), "").await.unwrap_err();
    assert!(unknown == wrong && wrong == public);
}

#[tokio::test]
async fn whoever_guesses_is_slowed_down_and_nobody_else() {
    let core = with_secrets();
    let mut wrong = 0;
    while code(&core, &basic("job", OTHER), "").await == Some(ErrorCode::InvalidClient) {
        wrong += 1;
        assert!(wrong < 1_000);
    }
    assert_eq!(wrong, 120);
    assert_eq!(code(&core, &basic("job", OTHER), "").await, Some(ErrorCode::SlowDown));
    // Who is right is not refused, also from there.
    assert_eq!(come(&core, &basic("job", &encoded(SECRET)), "").await.as_deref(), Ok("job"));
}

struct Signer(Ed25519KeyPair);

impl Signer {
    fn new() -> Self {
        Self(Ed25519KeyPair::generate().unwrap())
    }

    fn jwks(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.0.public_key().as_ref());
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x}]})
    }

    fn sign(&self, header: &Value, claims: &str) -> String {
        let (header, claims) = (URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims));
        let message = format!("{header}.{claims}");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.0.sign(message.as_bytes()).as_ref()))
    }
}

fn eddsa() -> Value {
    json!({"alg": "EdDSA", "typ": "JWT"})
}

/// What an assertion must say, at the time of a new clock.
fn claims(id: &str, jti: &str) -> Value {
    let now = ManualClock::new().millis() / 1_000;
    json!({"iss": id, "sub": id, "aud": ISSUER, "exp": now + 60, "iat": now, "jti": jti})
}

fn asserting(token: &str) -> String {
    let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    format!("client_assertion_type={kind}&client_assertion={token}")
}

/// A server that knows a client with this key by the id that is returned.
async fn with_key(clock: &ManualClock, jwks: Option<Value>, jwks_uri: Option<String>) -> (Arc<Core>, String) {
    let core = core(clock, |builder| {
        builder.allow_loopback_documents().client(RegisteredClient::public("app").redirect_uri(CALLBACK))
    });
    let (id, _) = registered(&core, Method::PrivateKey { jwks, jwks_uri }).await;
    (core, id)
}

#[tokio::test]
async fn an_assertion_is_good_once() {
    let (clock, key) = (ManualClock::new(), Signer::new());
    let (core, id) = with_key(&clock, Some(key.jwks()), None).await;
    let first = key.sign(&eddsa(), &claims(&id, "1").to_string());
    assert_eq!(come(&core, "", &asserting(&first)).await.as_deref(), Ok(id.as_str()));
    assert_eq!(code(&core, "", &asserting(&first)).await, Some(ErrorCode::InvalidClient), "replayed");
    // Other words around the same `jti` do not help.
    let mut again = claims(&id, "1");
    again["iat"] = json!(again["iat"].as_u64().unwrap() - 1);
    let again = key.sign(&eddsa(), &again.to_string());
    assert_eq!(code(&core, "", &asserting(&again)).await, Some(ErrorCode::InvalidClient));
    for (header, aud) in [
        (eddsa(), format!("{ISSUER}/token")),
        (json!({"alg": "EdDSA"}), ISSUER.to_owned()),
        (json!({"alg": "EdDSA", "typ": "client-authentication+jwt"}), ISSUER.to_owned()),
    ] {
        let mut claims = claims(&id, &format!("{header} {aud}"));
        claims["aud"] = json!(aud);
        let form = format!("{}&client_id={id}", asserting(&key.sign(&header, &claims.to_string())));
        assert_eq!(come(&core, "", &form).await.as_deref(), Ok(id.as_str()), "{header} {aud}");
    }
    // Remembered as long as it is good, and then neither.
    clock.advance(Duration::from_secs(59));
    assert_eq!(code(&core, "", &asserting(&first)).await, Some(ErrorCode::InvalidClient));
    clock.advance(Duration::from_secs(3));
    assert_eq!(code(&core, "", &asserting(&first)).await, Some(ErrorCode::InvalidClient));
    assert_eq!(core.records.list::<UsedAssertion>("", None, 9).await.unwrap().len(), 4, "for clocks that are behind");
    clock.advance(Duration::from_secs(90));
    assert!(core.records.list::<UsedAssertion>("", None, 9).await.unwrap().is_empty());
    assert_eq!(code(&core, "", &asserting(&first)).await, Some(ErrorCode::InvalidClient));
}

/// Where only the operator's clients are heard, nothing is written for others.
#[tokio::test]
async fn an_assertion_of_a_stranger_is_not_used_up() {
    let (clock, key) = (ManualClock::new(), Signer::new());
    let (core, id) = with_key(&clock, Some(key.jwks()), None).await;
    let form = asserting(&key.sign(&eddsa(), &claims(&id, "1").to_string()));
    let parsed = Form::parse(&form).unwrap();
    let from = address("192.0.2.1");
    let refused = authenticate_of_operator(&core, &HeaderMap::new(), &parsed, from).await.err();
    assert_eq!(refused.map(|error| error.code), Some(ErrorCode::InvalidClient));
    assert!(core.records.list::<UsedAssertion>("", None, 9).await.unwrap().is_empty());
    assert_eq!(come(&core, "", &form).await.as_deref(), Ok(id.as_str()), "it was good elsewhere");
    // Who goes on is stopped, like others that are not who they say.
    let mut heard = 1;
    while authenticate_of_operator(&core, &HeaderMap::new(), &parsed, from).await.err().map(|error| error.code)
        == Some(ErrorCode::InvalidClient)
    {
        heard += 1;
    }
    assert_eq!(heard, 120);
}

#[tokio::test]
async fn assertions_that_prove_nothing() {
    let (clock, key) = (ManualClock::new(), Signer::new());
    let (core, id) = with_key(&clock, Some(key.jwks()), None).await;
    let now = clock.millis() / 1_000;
    let with = |member: &str, value: Value| {
        let mut claims = claims(&id, "x");
        claims[member] = value;
        key.sign(&eddsa(), &claims.to_string())
    };
    let good = claims(&id, "x").to_string();
    let shared = || {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#), URL_SAFE_NO_PAD.encode(&good));
        let secret = hmac::Key::new(hmac::HMAC_SHA256, key.0.public_key().as_ref());
        let signature = hmac::sign(&secret, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    };
    let attacks = [
        ("another issuer", with("iss", json!("app"))),
        ("another subject", with("sub", json!("app"))),
        ("no subject", with("sub", json!(null))),
        ("several audiences", with("aud", json!([ISSUER]))),
        ("audiences of others too", with("aud", json!([ISSUER, "https://other.example"]))),
        ("another audience", with("aud", json!("https://other.example"))),
        ("a slash more", with("aud", json!(format!("{ISSUER}/")))),
        ("the resource", with("aud", json!(format!("{ISSUER}/mcp")))),
        ("no audience", with("aud", json!(null))),
        ("expired", with("exp", json!(now))),
        ("for too long", with("exp", json!(now + 331))),
        ("forever", with("exp", json!(1e300))),
        ("no end", with("exp", json!(null))),
        ("a worded end", with("exp", json!("2099"))),
        ("from the future", with("iat", json!(now + 31))),
        ("not yet", with("nbf", json!(now + 31))),
        ("a worded beginning", with("iat", json!("now"))),
        ("no id", with("jti", json!(null))),
        ("an empty id", with("jti", json!(""))),
        ("a number", with("jti", json!(7))),
        ("a long id", with("jti", json!("x".repeat(257)))),
        ("another key", Signer::new().sign(&eddsa(), &good)),
        ("no signature", format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(&good))),
        ("none", key.sign(&json!({"alg": "none"}), &good)),
        ("a public key as a secret", shared()),
        ("another algorithm", key.sign(&json!({"alg": "ES256"}), &good)),
        ("a key of its own", key.sign(&json!({"alg": "EdDSA", "jwk": {"kty": "OKP"}}), &good)),
        ("extensions", key.sign(&json!({"alg": "EdDSA", "crit": ["x"]}), &good)),
        ("an access token", key.sign(&json!({"alg": "EdDSA", "typ": "at+jwt"}), &good)),
        ("something else", key.sign(&json!({"alg": "EdDSA", "typ": "logout+jwt"}), &good)),
        ("twice the same", key.sign(&eddsa(), &good.replacen('{', r#"{"jti":"y","#, 1))),
        ("a list", key.sign(&eddsa(), &format!("[{good}]"))),
        ("no token", "x".to_owned()),
        (
            "a token of 9 KB",
            key.sign(&eddsa(), &good.replacen('{', &format!(r#"{{"more":"{}","#, "x".repeat(9_000)), 1)),
        ),
    ];
    for (what, token) in attacks {
        assert_eq!(code(&core, "", &asserting(&token)).await, Some(ErrorCode::InvalidClient), "{what}");
    }
    // A client without keys, and one that is somebody else.
    let token = key.sign(&eddsa(), &claims("app", "x").to_string());
    assert_eq!(code(&core, "", &asserting(&token)).await, Some(ErrorCode::InvalidClient));
    let token = key.sign(&eddsa(), &good);
    let form = format!("{}&client_id=app", asserting(&token));
    assert_eq!(code(&core, "", &form).await, Some(ErrorCode::InvalidClient));
    let form = asserting(&token).replace("jwt-bearer", "saml2-bearer");
    assert_eq!(code(&core, "", &form).await, Some(ErrorCode::InvalidRequest));
    assert_eq!(code(&core, "", &format!("client_id={id}")).await, Some(ErrorCode::InvalidClient));
    assert_eq!(code(&core, "", &format!("client_id={id}&client_secret={OTHER}")).await, Some(ErrorCode::InvalidClient));
    // None of them used up the `jti`.
    assert!(core.records.list::<UsedAssertion>("", None, 9).await.unwrap().is_empty());
    assert_eq!(come(&core, "", &asserting(&token)).await.as_deref(), Ok(id.as_str()));
}

#[tokio::test]
async fn keys_are_fetched_where_the_client_says() {
    let (clock, host, key) = (ManualClock::new(), Host::start().await, Signer::new());
    let (core, id) = with_key(&clock, None, Some(host.url("/keys"))).await;
    host.answers_json(&key.jwks());
    for n in 0..3 {
        let token = key.sign(&eddsa(), &claims(&id, &n.to_string()).to_string());
        assert_eq!(come(&core, "", &asserting(&token)).await.as_deref(), Ok(id.as_str()));
    }
    assert_eq!(host.hits(), 1);
    let strange = Signer::new().sign(&eddsa(), &claims(&id, "4").to_string());
    for _ in 0..5 {
        assert_eq!(code(&core, "", &asserting(&strange)).await, Some(ErrorCode::InvalidClient));
    }
    assert_eq!(host.hits(), 2, "once for a key that it may have got since");
}

#[tokio::test]
async fn a_client_whose_keys_cannot_be_had_is_told_to_wait() {
    let (clock, host, key) = (ManualClock::new(), Host::start().await, Signer::new());
    let (core, id) = with_key(&clock, None, Some(host.url("/keys"))).await;
    host.answers("500 Oh", "", "");
    for _ in 0..5 {
        let token = key.sign(&eddsa(), &claims(&id, "1").to_string());
        assert_eq!(code(&core, "", &asserting(&token)).await, Some(ErrorCode::TemporarilyUnavailable));
    }
    assert_eq!(host.hits(), 1);
}
