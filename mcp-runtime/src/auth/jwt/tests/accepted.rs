//! The baselines: without these, refusing everything would pass.

use std::time::Duration;

use super::*;
use crate::auth::Principal;

#[test]
fn every_algorithm_with_its_own_key_and_no_other() {
    let clock = ManualClock::new();
    let claims = claims(clock.millis() / 1000);
    let all = signers::all();
    let tokens: Vec<_> = all.iter().map(|signer| signer.token(&claims)).collect();
    for (index, signer) in all.iter().enumerate() {
        let jwt = Jwt::issuer(ISSUER).key(signer.key.clone()).anyone();
        for (other, token) in tokens.iter().enumerate() {
            let accepted = verify(&jwt, &clock, token).is_ok();
            assert_eq!(accepted, index == other, "{} by {}", all[other].algorithm, signer.algorithm);
        }
    }
}

#[test]
fn the_identity_is_what_the_token_says() {
    let scene = Scene::new();
    let token = scene.token().scopes(["b", "a"]).client("web").claim("hd", "example.com");
    let alice = scene.accepts(token.claim("azp", "other").build());
    assert_eq!((alice.issuer(), alice.subject(), alice.client()), (ISSUER, "alice", Some("web")));
    assert_eq!(alice.scopes().iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((alice.principal(), alice.expires_at()), (Principal::User, Some(scene.now() + 900)));
    assert_eq!(alice.claims()["hd"], "example.com");
    assert_eq!(scene.accepts(scene.token().claim("azp", "web").build()).client(), Some("web"));
    assert_eq!(scene.accepts(scene.token().build()).client(), None);
    assert_eq!(scene.accepts(scene.token().client("alice").build()).principal(), Principal::Service);
}

#[test]
fn everything_the_standard_leaves_open() {
    let scene = Scene::new();
    let now = scene.now();
    scene.accepts(scene.token().typ("application/AT+jwt").build());
    scene.accepts(scene.token().typ("AT+JWT").build());
    scene.accepts(scene.token().claim("aud", json!(["https://other.example", AUDIENCE])).build());
    scene.accepts(scene.token().claim("nbf", now + 30).claim("iat", now + 30).build());
    scene.accepts(scene.token().without("iat").claim("nbf", 0).build());
    scene.accepts(scene.token().claim("exp", now + 1).build());
    scene.accepts(scene.token().claim("exp", (now + 1) as f64 + 0.5).build());
    scene.accepts(scene.token().claim("exp", 1e300).build());
    scene.accepts(scene.token().header("x5t", "abc").header("kid", "unheard-of").build());
    scene.accepts(scene.token().claim("sub", "ä".repeat(127)).build());
    scene.accepts(scene.token().claim("nonce", "only an ID token of an untyped kind").build());
}

#[test]
fn plain_tokens_only_when_asked_and_never_id_tokens() {
    let scene = Scene::new().with(Jwt::accept_plain_jwt);
    scene.accepts(scene.token().build());
    for typ in ["JWT", "jwt"] {
        scene.accepts(scene.token().typ(typ).build());
        let reason = "not an access token";
        for (claim, kind) in [("typ", "ID"), ("typ", "Refresh"), ("token_use", "id"), ("token_use", "")] {
            scene.refuses_as(reason, scene.token().typ(typ).claim(claim, kind).build());
        }
        scene.accepts(scene.token().typ(typ).claim("typ", "Bearer").claim("token_use", "access").build());
        for claim in ["nonce", "at_hash", "c_hash", "s_hash", "events"] {
            scene.refuses_as(reason, scene.token().typ(typ).claim(claim, "x").build());
            scene.refuses_as(reason, scene.token().typ(typ).claim(claim, Value::Null).build());
        }
    }
    let signer = signers::ecdsa(Algorithm::ES256);
    let jwt = Jwt::issuer(ISSUER).key(signer.key.clone()).anyone().accept_plain_jwt();
    let untyped = signer.token_with(&json!({ "alg": "ES256" }), &claims(scene.now()));
    assert!(verify(&jwt, &scene.clock, &untyped).is_ok());
    scene.refuses_as("another type of token", scene.token().typ("id_token").build());
    scene.refuses_as("a header member is not text", scene.token().header("typ", Value::Null).build());
}

#[test]
fn id_tokens_of_a_client_that_was_taken_for_an_audience() {
    let scene = Scene::new().with(Jwt::accept_plain_jwt);
    let reason = "not an access token";
    let plain = || scene.token().typ("JWT");
    for name in ["azp", "client_id"] {
        for hint in ["auth_time", "sid", "email", "amr", "acr"] {
            let token = || plain().claim(name, AUDIENCE).claim(hint, "x");
            scene.refuses_as(reason, token().build());
            scene.refuses_as(reason, token().claim("aud", json!(["https://other.example", AUDIENCE])).build());
            scene.refuses_as(reason, token().claim("roles", json!(["admin"])).build());
            // An access token that an application got for itself, as Entra, Auth0 and Keycloak write it.
            for (grant, value) in [("scope", json!("a")), ("scp", json!("a")), ("permissions", json!([]))] {
                scene.accepts(token().claim(grant, value).build());
            }
            scene.accepts(token().claim("typ", "Bearer").build());
            scene.accepts(token().claim("token_use", "access").build());
            // By RFC 9068 it is an access token, whatever it says.
            scene.accepts(scene.token().claim(name, AUDIENCE).claim(hint, "x").build());
            // For somebody else's client it is none of its ID tokens.
            scene.accepts(plain().claim(name, "web").claim(hint, "x").build());
            scene.accepts(plain().claim(hint, "x").build());
        }
        scene.accepts(plain().claim(name, AUDIENCE).build());
    }
}

#[test]
fn only_scope_text_grants() {
    let scene = Scene::new();
    let granted = |scope: Value| {
        let identity = scene.accepts(scene.token().claim("scope", scope).build());
        identity.scopes().iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(granted(json!("a b  a")), ["a", "b"]);
    assert_eq!(granted(json!("admin:read")), ["admin:read"], "not `admin`");
    assert_eq!(granted(json!("Admin")), ["Admin"], "not `admin`");
    for nothing in [json!(["a"]), json!(1), json!(null), json!({ "a": true }), json!(""), json!("a\tb"), json!("\"a\"")]
    {
        assert_eq!(granted(nothing), Vec::<String>::new());
    }
    let identity = scene.accepts(scene.token().claim("scope", "admin:read Admin xadmin admin\u{a0}").build());
    assert!(!identity.has_scope("admin"));
    assert!(scene.accepts(scene.token().claim("scp", json!(["a"])).build()).scopes().is_empty());
}

#[test]
fn keys_are_chosen_by_name() {
    let clock = ManualClock::new();
    let (old, new) = (signers::ecdsa(Algorithm::ES256), signers::ecdsa(Algorithm::ES256));
    let claims = claims(clock.millis() / 1000);
    let token = |signer: &signers::Signer, kid: Option<&str>| {
        let mut header = json!({ "alg": "ES256", "typ": "at+jwt" });
        kid.into_iter().for_each(|kid| header["kid"] = kid.into());
        signer.token_with(&header, &claims)
    };
    let named = Jwt::issuer(ISSUER).key(old.key.clone().with_kid("old")).key(new.key.clone().with_kid("new")).anyone();
    let mixed = Jwt::issuer(ISSUER).key(old.key.clone().with_kid("old")).key(new.key.clone()).anyone();
    for (jwt, signer, kid, accepted) in [
        (&named, &old, Some("old"), true),
        (&named, &new, Some("new"), true),
        (&named, &old, Some("new"), false),
        (&named, &old, Some("unknown"), false),
        (&named, &old, Some(""), false),
        (&named, &new, None, true),
        (&mixed, &old, Some("old"), true),
        (&mixed, &new, Some("old"), false),
        (&mixed, &new, Some("unknown"), true),
        (&mixed, &old, Some("unknown"), false),
        (&mixed, &old, None, true),
    ] {
        assert_eq!(verify(jwt, &clock, &token(signer, kid)).is_ok(), accepted, "{kid:?}");
    }
}

#[tokio::test]
async fn a_remembered_token_ends_with_its_expiry() {
    let Scene { factory, jwt, clock } = Scene::new();
    let verifier = crate::auth::Verifier::new(vec![Box::new(jwt)], Some(AUDIENCE.into()), clock.clone().into());
    let text = factory.token("alice").expires_in(Duration::from_secs(60)).build();
    let token = BearerToken::new(&*text).unwrap();
    assert!(verifier.cached(&token).is_none());
    assert_eq!(verifier.authenticate(&token).await.unwrap().subject(), "alice");
    clock.advance(Duration::from_millis(59_999));
    assert!(verifier.cached(&token).is_some());
    clock.advance(Duration::from_millis(1));
    assert!(verifier.cached(&token).is_none());
    assert_eq!(verifier.authenticate(&token).await.err(), Some(AuthError::Expired));
    assert_eq!(verifier.authorization_servers(), [ISSUER]);
}
