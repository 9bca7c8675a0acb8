//! Issuers that are down, slow, huge, lost or lying: bounded, and nothing accepted.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use crate::{
    jwks::{unavailable, who, world},
    jwks_issuer::{Issuer, Key, Reply, claims, key_set},
};

/// Answers that are no keys.
fn useless(key: &Key, elsewhere: &Issuer) -> Vec<(&'static str, Reply)> {
    let good = key_set(&[key]);
    let Reply::Raw(whole) = Reply::json(&good) else { unreachable!() };
    let location = format!("Location: {}\r\n", elsewhere.keys_url());
    let mut private = key.jwk();
    private["d"] = "AAAA".into();
    let mut encryption = key.jwk();
    encryption["use"] = "enc".into();
    vec![
        ("gone", Reply::Gone),
        ("not HTTP", Reply::Raw(b"\0\x01\x02 hello\r\n\r\n".to_vec())),
        ("broken off", Reply::Raw(whole[..whole.len() - 9].to_vec())),
        ("endless", Reply::Endless),
        ("a byte too long", Reply::json(padded(&good, 256 * 1024 + 1))),
        ("moved to a private address", Reply::with("302 Found", &location, &good)),
        ("moved for good", Reply::with("308 Permanent Redirect", &location, &good)),
        ("an error with keys in it", Reply::with("500 Internal Server Error", "", &good)),
        ("missing", Reply::with("404 Not Found", "", &good)),
        ("created", Reply::with("201 Created", "", &good)),
        ("compressed, it says", Reply::with("200 OK", "Content-Encoding: gzip\r\n", "\x1f\x08 not really")),
        ("a page", Reply::json("<html>Maintenance</html>")),
        ("nothing", Reply::json("")),
        ("no set", Reply::json("{}")),
        ("an empty set", Reply::json(r#"{"keys":[]}"#)),
        ("no list", Reply::json(format!(r#"{{"keys":{}}}"#, key.jwk()))),
        ("deep", Reply::json("[".repeat(100_000))),
        ("a shared secret", Reply::json(r#"{"keys":[{"kty":"oct","k":"AAAA","alg":"HS256","kid":"a"}]}"#)),
        ("a private key", Reply::json(json!({ "keys": [private] }).to_string())),
        ("for encryption", Reply::json(json!({ "keys": [encryption] }).to_string())),
    ]
}

fn padded(text: &str, length: usize) -> String {
    format!("{}{text}", " ".repeat(length - text.len()))
}

#[tokio::test]
async fn without_keys_nobody_comes_in_and_nobody_waits_for_long() {
    let key = Key::new("a");
    let elsewhere = Issuer::publishing(&[&key]).await;
    for (what, reply) in useless(&key, &elsewhere) {
        let issuer = Issuer::start().await;
        issuer.on("/keys", reply);
        let world = world(&issuer);
        let token = key.token(&issuer.url, "alice", &world.clock);
        assert_eq!(unavailable(&who(&world, &token).await), 1, "{what}");
        assert_eq!(issuer.hits("/keys"), 1, "{what}");
        world.ran(0);
        // The limit is a limit, not a ban.
        issuer.on("/keys", Reply::json(padded(&key_set(&[&key]), 256 * 1024)));
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(who(&world, &token).await.ok(), "alice", "{what}");
    }
    assert_eq!(elsewhere.hits("/keys"), 0, "no redirect was followed");
}

#[tokio::test]
async fn useless_answers_do_not_replace_good_keys() {
    let key = Key::new("a");
    let elsewhere = Issuer::publishing(&[&key]).await;
    let issuer = Issuer::publishing(&[&key]).await;
    let world = world(&issuer);
    who(&world, &key.token(&issuer.url, "alice", &world.clock)).await.ok();
    let stranger = Key::new("unheard-of");
    for (number, (what, reply)) in useless(&key, &elsewhere).into_iter().enumerate() {
        issuer.on("/keys", reply);
        // An unknown key makes it ask, and wait for the answer.
        world.clock.advance(Duration::from_secs(61));
        who(&world, &stranger.token(&issuer.url, "mallory", &world.clock)).await.unauthenticated(true);
        assert!(issuer.hits("/keys") > 1 + number, "{what}");
        let token = key.token(&issuer.url, &format!("user-{number}"), &world.clock);
        assert_eq!(who(&world, &token).await.status, 200, "{what}");
    }
    assert_eq!(elsewhere.hits("/keys"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_issuer_is_not_waited_for() {
    let key = Key::new("a");
    let issuer = Issuer::start().await;
    issuer.on("/keys", Reply::Silence);
    let world = world(&issuer);
    let begin = tokio::time::Instant::now();
    unavailable(&who(&world, &key.token(&issuer.url, "alice", &world.clock)).await);
    assert!(begin.elapsed() <= Duration::from_secs(6), "{:?}", begin.elapsed());
    world.ran(0);
}

#[tokio::test]
async fn nobody_listens() {
    let key = Key::new("a");
    // A port that was free a moment ago.
    let url = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let world = crate::world::World::new(mcp_runtime::tools![crate::world::whoami], |builder| {
        builder.auth(mcp_runtime::auth::Jwt::issuer(url.as_str()).jwks(format!("{url}/keys")).anyone())
    });
    unavailable(&who(&world, &key.token(&url, "alice", &world.clock)).await);
    world.ran(0);
}

#[tokio::test]
async fn a_published_secret_signs_nothing() {
    let key = Key::new("a");
    let issuer = Issuer::start().await;
    let secret = [7; 32];
    let oct = json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode(secret), "alg": "HS256", "kid": "s", "use": "sig" });
    issuer.on("/keys", Reply::json(json!({ "keys": [oct, key.jwk()] }).to_string()));
    let world = world(&issuer);
    let claims = claims(&issuer.url, "alice", &world.clock).to_string();
    let x = URL_SAFE_NO_PAD.decode(key.jwk()["x"].as_str().unwrap()).unwrap();
    for (kid, secret) in [("s", &secret[..]), ("a", &secret), ("a", &x), ("a", key.jwk().to_string().as_bytes())] {
        let header = json!({ "alg": "HS256", "typ": "at+jwt", "kid": kid }).to_string();
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(&claims));
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        who(&world, &token).await.unauthenticated(true);
    }
    world.ran(0);
    who(&world, &key.token(&issuer.url, "alice", &world.clock)).await.ok();
}

#[tokio::test]
async fn only_algorithms_that_the_operator_named() {
    use mcp_runtime::auth::{Algorithm, Jwt};
    let key = Key::new("a");
    let issuer = Issuer::publishing(&[&key]).await;
    for (allowed, status) in [(Algorithm::ES256, 200), (Algorithm::ES384, 503)] {
        let world = crate::world::World::new(mcp_runtime::tools![crate::world::whoami], |builder| {
            let jwt = Jwt::issuer(issuer.url.as_str()).jwks(issuer.keys_url()).algorithms([allowed]);
            builder.auth(jwt.anyone())
        });
        assert_eq!(who(&world, &key.token(&issuer.url, "alice", &world.clock)).await.status, status, "{allowed}");
    }
}
