//! `private_key_jwt`: proofs that were used before, are for others, by others, or of another time.

use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use mcp_runtime::oauth::RegisteredClient;
use serde_json::{Value, json};

use crate::world::{ISSUER, RESOURCE, Reply, SECRET, World};

const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

struct Signer(Ed25519KeyPair);

impl Signer {
    fn new() -> Self {
        Self(Ed25519KeyPair::generate().unwrap())
    }

    fn jwks(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.0.public_key().as_ref());
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x, "alg": "EdDSA", "use": "sig"}]})
    }

    fn sign(&self, head: &Value, claims: &Value) -> String {
        let message = message(head, claims);
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.0.sign(message.as_bytes())))
    }

    fn usual(&self, claims: &Value) -> String {
        self.sign(&json!({"alg": "EdDSA", "typ": "JWT"}), claims)
    }
}

fn message(head: &Value, claims: &Value) -> String {
    let [head, claims] = [head, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{head}.{claims}")
}

async fn world(signer: &Signer, twin: &Signer) -> World {
    World::with(|builder| {
        let with = |id: &str, jwks| {
            let client = RegisteredClient::private_key(id, jwks).client_credentials().scopes(["notes:read"]);
            client.may_introspect().redirect_uri("https://signer.example.com/cb")
        };
        builder.client(with("signer", signer.jwks())).client(with("twin", twin.jwks()))
    })
    .await
}

async fn ask(world: &World, changes: &[(&str, &str)]) -> Reply {
    let fields = [("grant_type", "client_credentials"), ("client_assertion_type", KIND)];
    world.form("/token", &crate::browser::changed(&fields, changes)).await
}

fn claims(world: &World, jti: &str) -> Value {
    let now = world.clock.millis() / 1_000;
    json!({"iss": "signer", "sub": "signer", "aud": ISSUER, "iat": now, "exp": now + 60, "jti": jti})
}

fn with(mut claims: Value, changes: &[(&str, Value)]) -> Value {
    for (name, value) in changes {
        claims[*name] = value.clone();
    }
    claims
}

#[tokio::test]
async fn a_proof_works_once() {
    let (signer, twin) = (Signer::new(), Signer::new());
    let world = world(&signer, &twin).await;
    let assertion = signer.usual(&claims(&world, "one"));
    let first = ask(&world, &[("client_assertion", &assertion)]).await;
    assert_eq!(first.status, StatusCode::OK, "{first:?}");
    assert_eq!(world.count("used-assertion").await, 1);
    // Also for another purpose, at another endpoint, and with another signature over the same words.
    let again = signer.sign(&json!({"typ": "JWT", "alg": "EdDSA"}), &claims(&world, "one"));
    for assertion in [&assertion, &again] {
        for changes in [&[][..], &[("scope", "notes:read")], &[("client_id", "signer")]] {
            let reply = ask(&world, &[&[("client_assertion", assertion.as_str())], changes].concat()).await;
            assert_eq!(reply.status_and_error(), (401, "invalid_client".into()));
            reply.assert_barren();
        }
        for path in ["/introspect", "/revoke"] {
            let proof = [("client_assertion_type", KIND), ("client_assertion", assertion), ("token", "x")];
            assert_eq!(world.form(path, &proof).await.status_and_error(), (401, "invalid_client".into()), "{path}");
        }
    }
    // Not longer ago than it is good for is not forgotten.
    world.clock.advance(std::time::Duration::from_secs(59));
    assert_eq!(ask(&world, &[("client_assertion", &assertion)]).await.status, StatusCode::UNAUTHORIZED);
    // Another client's `jti` is its own.
    let theirs = with(claims(&world, "one"), &[("iss", json!("twin")), ("sub", json!("twin"))]);
    assert_eq!(ask(&world, &[("client_assertion", &twin.usual(&theirs))]).await.status, StatusCode::OK);
}

/// Many at once with one proof: one is heard.
#[tokio::test]
async fn a_proof_works_once_also_when_many_bring_it() {
    let (signer, twin) = (Signer::new(), Signer::new());
    let world = std::sync::Arc::new(world(&signer, &twin).await);
    let assertion = signer.usual(&claims(&world, "one"));
    let all: Vec<_> = (0..20)
        .map(|_| {
            let (world, assertion) = (std::sync::Arc::clone(&world), assertion.clone());
            tokio::spawn(async move { ask(&world, &[("client_assertion", &assertion)]).await.status })
        })
        .collect();
    let mut heard = 0;
    for one in all {
        heard += usize::from(one.await.unwrap() == StatusCode::OK);
    }
    assert_eq!(heard, 1);
}

#[tokio::test]
async fn what_a_proof_must_say() {
    let (signer, twin) = (Signer::new(), Signer::new());
    let world = world(&signer, &twin).await;
    let now = world.clock.millis() / 1_000;
    let token = format!("{ISSUER}/token");
    #[rustfmt::skip]
    let spoilt: [(&str, &[(&str, Value)]); 30] = [
        ("array of one",      &[("aud", json!([ISSUER]))]),
        ("array",             &[("aud", json!([ISSUER, "https://evil.example"]))]),
        ("resource",          &[("aud", json!(RESOURCE))]),
        ("another server",    &[("aud", json!("https://evil.example"))]),
        ("slash",             &[("aud", json!(format!("{ISSUER}/")))]),
        ("another endpoint",  &[("aud", json!(format!("{ISSUER}/authorize")))]),
        ("prefix",            &[("aud", json!(format!("{ISSUER}.evil.example")))]),
        ("no aud",            &[("aud", json!(null))]),
        ("issuer is another", &[("iss", json!("twin"))]),
        ("subject is another",&[("sub", json!("job"))]),
        ("no issuer",         &[("iss", json!(null))]),
        ("is another",        &[("iss", json!("twin")), ("sub", json!("twin"))]),
        ("is the web client", &[("iss", json!("web")), ("sub", json!("web"))]),
        ("is a secret one",   &[("iss", json!("job")), ("sub", json!("job"))]),
        ("expired",           &[("exp", json!(now))]),
        ("long ago",          &[("exp", json!(now - 1_000))]),
        ("no end",            &[("exp", json!(null))]),
        ("far",               &[("exp", json!(now + 3_600))]),
        ("forever",           &[("exp", json!(1e300))]),
        ("end is text",       &[("exp", json!((now + 60).to_string()))]),
        ("not yet",           &[("nbf", json!(now + 60))]),
        ("from the future",   &[("iat", json!(now + 60))]),
        ("iat is text",       &[("iat", json!("now"))]),
        ("no jti",            &[("jti", json!(null))]),
        ("empty jti",         &[("jti", json!(""))]),
        ("jti is a number",   &[("jti", json!(1))]),
        ("long jti",          &[("jti", json!("x".repeat(257)))]),
        ("negative",          &[("exp", json!(-1))]),
        ("no subject",        &[("sub", json!(null))]),
        ("subject is a list", &[("sub", json!(["signer"]))]),
    ];
    for (what, changes) in spoilt {
        let assertion = signer.usual(&with(claims(&world, what), changes));
        refused(&world, what, &assertion).await;
    }
    for aud in [ISSUER, &token] {
        let assertion = signer.usual(&with(claims(&world, aud), &[("aud", json!(aud))]));
        assert_eq!(ask(&world, &[("client_assertion", &assertion)]).await.status, StatusCode::OK, "{aud}");
    }
}

async fn refused(world: &World, what: &str, assertion: &str) {
    let used = world.count("used-assertion").await;
    for named in ["", "signer"] {
        let reply = ask(world, &[("client_assertion", assertion), ("client_id", named)]).await;
        assert_eq!(reply.status_and_error(), (401, "invalid_client".into()), "{what}: {assertion}");
        reply.assert_barren();
    }
    // What was not good is not remembered: else anybody could fill the store, or spend a `jti` for its owner.
    assert_eq!(world.count("used-assertion").await, used, "{what}");
}

#[tokio::test]
async fn who_must_have_signed_it() {
    let (signer, twin) = (Signer::new(), Signer::new());
    let world = world(&signer, &twin).await;
    let right = claims(&world, "a jti");
    let jwk = &signer.jwks()["keys"][0];
    let public = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
    let mac = |head: &Value, key: &[u8]| {
        let message = message(head, &right);
        let code = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(code))
    };
    let good = signer.usual(&right);
    let hs256 = json!({"alg": "HS256", "typ": "JWT"});
    for (what, assertion) in [
        ("another client's key", twin.usual(&right)),
        ("another's, with ours beside", twin.sign(&json!({"alg": "EdDSA", "jwk": jwk}), &right)),
        ("another's, from there", twin.sign(&json!({"alg": "EdDSA", "jku": "https://evil.example/jwks"}), &right)),
        ("nobody's", format!("{}.", message(&json!({"alg": "none"}), &right))),
        ("nobody's, with a signature", signer.sign(&json!({"alg": "none"}), &right)),
        ("the public key as a secret", mac(&hs256, &public)),
        ("the public text as a secret", mac(&hs256, jwk["x"].as_str().unwrap().as_bytes())),
        ("a word for another algorithm", signer.sign(&json!({"alg": "ES256"}), &right)),
        ("RSA", signer.sign(&json!({"alg": "RS256"}), &right)),
        ("typed as an access token", signer.sign(&json!({"alg": "EdDSA", "typ": "at+jwt"}), &right)),
        ("with a critical extension", signer.sign(&json!({"alg": "EdDSA", "crit": ["x"], "x": 1}), &right)),
        ("cut", good[..good.len() - 2].to_owned()),
        ("two parts", good.rsplit_once('.').unwrap().0.to_owned()),
        ("no JWT", "x".to_owned()),
    ] {
        refused(&world, what, &assertion).await;
    }
    // After all of that the `jti` is still its owner's.
    assert_eq!(ask(&world, &[("client_assertion", &good)]).await.status, StatusCode::OK);
}

/// Beside something else, or half of it, it is no proof; nor is something else for who has a key.
#[tokio::test]
async fn a_proof_stands_alone() {
    let (signer, twin) = (Signer::new(), Signer::new());
    let world = world(&signer, &twin).await;
    let good = signer.usual(&claims(&world, "a jti"));
    let saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
    #[rustfmt::skip]
    let cases: [(&[(&str, &str)], u16); 8] = [
        (&[("client_assertion", &good), ("client_secret", SECRET)],             400),
        (&[("client_assertion", &good), ("client_assertion_type", saml)],       400),
        (&[("client_assertion", &good), ("client_assertion_type", "")],         400),
        (&[("client_assertion", "")],                                           401),
        (&[("client_assertion", &good), ("client_id", "twin")],                 401),
        (&[("client_assertion", &good), ("client_id", "job")],                  401),
        (&[("client_assertion_type", ""), ("client_id", "signer"), ("client_secret", SECRET)], 401),
        (&[("client_assertion_type", ""), ("client_id", "signer")],             401),
    ];
    for (changes, status) in cases {
        let reply = ask(&world, changes).await;
        assert_eq!(reply.status.as_u16(), status, "{changes:?}: {reply:?}");
        reply.assert_barren();
    }
    let basic = crate::world::Ask::form(
        "/token",
        &[("grant_type", "client_credentials"), ("client_assertion_type", KIND), ("client_assertion", &good)],
    );
    assert_eq!(world.send(basic.basic("signer", SECRET)).await.status_and_error(), (400, "invalid_request".into()));
    assert_eq!(world.count("used-assertion").await, 0);
    assert_eq!(ask(&world, &[("client_assertion", &good)]).await.status, StatusCode::OK);
}
