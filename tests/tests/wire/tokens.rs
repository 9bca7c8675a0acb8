//! Tokens that must not be taken, over the wire: 401, the challenge, and no body that ran.

use std::time::Duration;

use aws_lc_rs::{
    encoding::AsDer,
    hmac,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use mcp_runtime::{
    auth::{Jwt, SigningKey, StaticTokens},
    testing::TokenFactory,
};
use serde_json::{Value, json};

use crate::{
    client::{Call, with_meta},
    world::{ISSUER, URL, World, vault, whoami},
};

/// Both eras refuse the token, on a tool that needs a scope and on one that needs none.
async fn refused(world: &World, what: &str, token: &str) {
    for call in [
        Call::tool("vault", json!({"text": "x"})),
        Call::tool("whoami", json!({})),
        Call::legacy_tool("vault", json!({"text": "x"})),
        Call::legacy(Some("2025-06-18"), r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#),
    ] {
        let answer = call.token(token).send(world).await;
        assert_eq!(answer.status, 401, "{what}: {answer:?}");
        answer.unauthenticated(true);
    }
    world.ran(0);
}

#[tokio::test]
async fn the_token_that_the_others_spoil_is_good() {
    let world = World::fenced();
    assert_eq!(Call::tool("whoami", json!({})).token(&world.full("alice")).send(&world).await.ok(), "alice");
    world.ran(1);
}

#[tokio::test]
async fn claims_that_are_wrong_missing_or_of_another_type() {
    let world = World::fenced();
    let now = world.clock.millis() / 1000;
    for (claim, value) in [
        ("exp", json!(now)),
        ("exp", json!(now - 1)),
        ("exp", json!((now + 900).to_string())),
        ("exp", Value::Null),
        ("exp", json!(-1)),
        ("exp", json!([now + 900])),
        ("exp", json!(0)),
        ("nbf", json!(now + 31)),
        ("nbf", json!("0")),
        ("nbf", Value::Null),
        ("iat", json!(now + 31)),
        ("iat", json!("0")),
        ("aud", json!("https://other.example.com/mcp")),
        ("aud", json!(format!("{URL}/"))),
        ("aud", json!(&URL[..URL.len() - 1])),
        ("aud", json!("http://127.0.0.1:8000")),
        ("aud", json!(format!("{URL}/more"))),
        ("aud", json!(URL.to_uppercase())),
        ("aud", json!("http://localhost:8000/mcp")),
        ("aud", json!(format!("{URL} other"))),
        ("aud", json!("*")),
        ("aud", json!("")),
        ("aud", json!([])),
        ("aud", json!([[URL]])),
        ("aud", json!([URL, 7])),
        ("aud", json!({"0": URL})),
        ("aud", json!(true)),
        ("aud", Value::Null),
        ("iss", json!(format!("{ISSUER}/"))),
        ("iss", json!(ISSUER.to_uppercase())),
        ("iss", json!("http://login.example.com")),
        ("iss", json!("https://login.example.com.evil.example")),
        ("iss", json!("https://login.example.com:443")),
        ("iss", json!([ISSUER])),
        ("iss", json!("")),
        ("iss", Value::Null),
        ("sub", json!("")),
        ("sub", json!(7)),
        ("sub", Value::Null),
        ("sub", json!(["alice"])),
        ("sub", json!("alice\n")),
        ("sub", json!("a".repeat(256))),
        ("client_id", json!(7)),
    ] {
        let token = world.grant("alice", "vault:open").claim(claim, value.clone()).build();
        refused(&world, &format!("{claim} = {value}"), &token).await;
    }
    for claim in ["exp", "aud", "iss", "sub"] {
        let token = world.grant("alice", "vault:open").without(claim).build();
        refused(&world, &format!("no {claim}"), &token).await;
    }
}

#[tokio::test]
async fn headers_that_are_wrong_or_bring_keys_along() {
    let world = World::fenced();
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"});
    for (member, value) in [
        ("alg", json!("none")),
        ("alg", json!("None")),
        ("alg", json!("")),
        ("alg", json!("HS256")),
        ("alg", json!("RS256")),
        ("alg", json!("ES384")),
        ("alg", json!("es256")),
        ("alg", json!(["ES256"])),
        ("alg", Value::Null),
        ("typ", json!("JWT")),
        ("typ", json!("id+jwt")),
        ("typ", json!("dpop+jwt")),
        ("typ", json!("")),
        ("typ", Value::Null),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("jwk", jwk),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["AA"])),
        ("kid", json!(7)),
        ("kid", json!(["a"])),
    ] {
        let token = world.grant("alice", "vault:open").header(member, value.clone()).build();
        refused(&world, &format!("header {member} = {value}"), &token).await;
    }
}

#[tokio::test]
async fn a_key_that_came_with_the_token_signs_nothing() {
    let world = World::fenced();
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref();
    let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
    for header in [
        json!({"alg": "ES256", "typ": "at+jwt"}),
        json!({"alg": "ES256", "typ": "at+jwt", "jwk": jwk}),
        json!({"alg": "ES256", "typ": "at+jwt", "kid": "own"}),
    ] {
        let signed = parts(&world, &header);
        let signature = pair.sign(&aws_lc_rs::rand::SystemRandom::new(), signed.as_bytes()).unwrap();
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()));
        refused(&world, &header.to_string(), &token).await;
    }
}

/// Header and claims of a good token, to be signed by somebody else.
fn parts(world: &World, header: &Value) -> String {
    let good = world.full("alice");
    let claims = good.split('.').nth(1).unwrap();
    format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header.to_string()))
}

#[tokio::test]
async fn a_public_key_is_no_secret() {
    // The server's own public key as the secret of an HMAC: the oldest confusion there is.
    let private = SigningKey::generate().unwrap().to_pkcs8_pem().unwrap();
    let key = SigningKey::from_pkcs8_pem(private.as_bytes()).unwrap().verifying_key().unwrap();
    let world = World::new(crate::lists::protected(), |builder| {
        builder.auth(Jwt::issuer("https://second.example.com").key(key).audience(URL).anyone())
    });
    let body: String = private.lines().filter(|line| !line.starts_with('-')).collect();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &STANDARD.decode(body).unwrap()).unwrap();
    let der = pair.public_key().as_der().unwrap();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der.as_ref()));
    let exp = world.clock.millis() / 1000 + 900;
    let claims =
        json!({"iss": "https://second.example.com", "aud": URL, "sub": "root", "exp": exp, "scope": "vault:open"});
    for secret in [der.as_ref(), pem.as_bytes(), pem.trim().as_bytes(), pair.public_key().as_ref(), b""] {
        for algorithm in ["HS256", "ES256"] {
            let header = json!({"alg": algorithm, "typ": "at+jwt"}).to_string();
            let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()));
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
            let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()));
            refused(&world, algorithm, &token).await;
        }
    }
}

#[tokio::test]
async fn another_issuers_key_signs_nothing() {
    let world = World::fenced();
    let stranger = TokenFactory::new(ISSUER, URL).clock(world.clock.clone());
    refused(&world, "the key of a stranger", &stranger.token("alice").scopes(["vault:open"]).build()).await;
}

#[tokio::test]
async fn a_token_that_was_cut_or_glued_is_no_token() {
    let world = World::fenced();
    let good = world.full("alice");
    let [header, claims, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let other = world.full("mallory");
    let foreign = other.rsplit('.').next().unwrap();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    let mut flipped = good.clone().into_bytes();
    let middle = header.len() + claims.len() / 2;
    flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
    for (what, token) in [
        ("no signature", format!("{header}.{claims}")),
        ("an empty signature", format!("{header}.{claims}.")),
        ("half a signature", format!("{header}.{claims}.{}", &signature[..signature.len() / 2])),
        ("another token's signature", format!("{header}.{claims}.{foreign}")),
        ("one character less", good[..good.len() - 1].to_owned()),
        ("one character more", format!("{good}A")),
        ("padding", format!("{good}=")),
        ("a fourth part", format!("{good}.{signature}")),
        ("no header", format!(".{claims}.{signature}")),
        ("no claims", format!("{header}..{signature}")),
        ("nothing but dots", "..".to_owned()),
        ("a flipped character", String::from_utf8(flipped).unwrap()),
        ("alg none without a signature", format!("{none}.{claims}.")),
        ("alg none with the signature", format!("{none}.{claims}.{signature}")),
        ("alg none in two parts", format!("{none}.{claims}")),
        ("a word", "alice".to_owned()),
        ("one that is too long", "A".repeat(8193)),
        ("a megabyte", "A".repeat(1024 * 1024)),
        ("a megabyte in three parts", format!("{header}.{}.{signature}", "A".repeat(1024 * 1024))),
    ] {
        refused(&world, what, &token).await;
    }
}

#[tokio::test]
async fn a_token_ends_to_the_second() {
    let world = World::fenced();
    let token = world.grant("alice", "vault:open").expires_in(Duration::from_secs(60)).build();
    let call = || Call::tool("whoami", json!({})).token(&token);
    world.clock.advance(Duration::from_secs(59));
    call().send(&world).await.ok();
    world.clock.advance(Duration::from_secs(1));
    // It was remembered; that must not keep it alive.
    call().send(&world).await.unauthenticated(true);
    world.ran(1);
}

#[tokio::test]
async fn only_the_authorization_header_carries_a_token() {
    let world = World::fenced();
    let token = world.full("alice");
    let call = Call::tool("vault", json!({"text": "x"}));
    for smuggled in [
        call.clone().target(&format!("/mcp?access_token={token}")),
        call.clone().target(&format!("/mcp?token={token}&Authorization=Bearer%20{token}")),
        call.clone().header("Cookie", format!("access_token={token}")),
        call.clone().header("X-Authorization", format!("Bearer {token}")),
        call.clone().header("Proxy-Authorization", format!("Bearer {token}")),
        call.clone().header("Mcp-Param-Authorization", format!("Bearer {token}")),
    ] {
        smuggled.send(&world).await.unauthenticated(false);
    }
    let params = json!({"name": "vault", "arguments": {"text": "x"}, "access_token": token});
    let mut meta = with_meta(params);
    meta["_meta"]["authorization"] = json!(format!("Bearer {token}"));
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": meta, "access_token": token});
    Call::around("vault", body.to_string()).send(&world).await.unauthenticated(false);
    world.ran(0);
}

#[tokio::test]
async fn an_authorization_header_that_is_not_one_bearer_token_is_a_bad_token() {
    let world = World::fenced();
    let token = world.full("alice");
    let call = Call::tool("vault", json!({"text": "x"}));
    for value in [
        format!("Basic {}", STANDARD.encode("alice:secret")),
        format!("DPoP {token}"),
        format!("Digest {token}"),
        token.clone(),
        format!("Bearer{token}"),
        format!("Bearer\t{token}"),
        format!("Bearer {token} {token}"),
        format!("Bearer {token},Bearer {token}"),
        format!("Bearer \"{token}\""),
        format!("Bearer token={token}"),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        String::new(),
    ] {
        call.clone().header("Authorization", value.clone()).send(&world).await.unauthenticated(true);
    }
    call.clone().header("Authorization", b"Bearer \xff".to_vec()).send(&world).await.unauthenticated(true);
    // Two headers, even two equal ones: a gateway could have read the other.
    call.clone().token(&token).token(&token).send(&world).await.unauthenticated(true);
    call.clone().token(&token).token(&world.plain("mallory")).send(&world).await.unauthenticated(true);
    call.clone().token("x").token(&token).send(&world).await.unauthenticated(true);
    world.ran(0);
    // The scheme has no case (RFC 9110 §11.1).
    call.header("Authorization", format!("bEARER {token}")).send(&world).await.ok();
}

#[tokio::test]
async fn a_bad_token_is_refused_where_none_is_needed() {
    let world = World::open();
    for call in [
        Call::tool("hello", json!({})),
        Call::legacy_tool("hello", json!({})),
        Call::modern("tools/list", json!({})),
        Call::modern("server/discover", json!({})),
    ] {
        call.token("nonsense").send(&world).await.unauthenticated(true);
    }
    world.ran(0);
    Call::tool("hello", json!({})).send(&world).await.ok();
}

#[tokio::test]
async fn a_challenge_asks_for_what_this_call_needs() {
    let world = World::fenced();
    let needs = |call: Call| call;
    let scope = |challenge: &str| challenge.contains("scope=\"vault:open\"");
    for bad in [None, Some("nonsense")] {
        let with = |call: Call| match bad {
            Some(token) => call.token(token),
            None => call,
        };
        let vault = with(needs(Call::tool("vault", json!({"text": "x"})))).send(&world).await;
        assert!(scope(vault.header("www-authenticate")), "{vault:?}");
        assert_eq!(vault.json()["error"]["data"]["required"], json!(["vault:open"]));
        let whoami = with(Call::tool("whoami", json!({}))).send(&world).await;
        assert!(!whoami.header("www-authenticate").contains("scope="), "{whoami:?}");
    }
    // Without headers that name the tool the body does.
    let vault = Call::legacy_tool("vault", json!({"text": "x"})).send(&world).await;
    assert!(scope(vault.header("www-authenticate")), "{vault:?}");
    world.ran(0);
}

#[tokio::test]
async fn why_a_token_was_refused_is_not_told() {
    let world = World::fenced();
    let ask = async |token: &str| {
        let answer = Call::tool("whoami", json!({})).token(token).send(&world).await;
        (answer.status, answer.text(), answer.header("www-authenticate").to_owned())
    };
    let one = ask("nonsense").await;
    for other in [
        world.grant("alice", "").claim("aud", "https://other.example").build(),
        world.grant("alice", "").claim("exp", 1).build(),
        world.grant("alice", "").without("sub").build(),
        world.grant("alice", "").header("alg", "none").build(),
    ] {
        assert_eq!(ask(&other).await, one);
    }
}

#[tokio::test]
async fn a_token_of_one_issuer_is_never_judged_by_another() {
    let second = TokenFactory::new("https://second.example.com", URL);
    let key = second.verifying_key();
    let secret = "q8r7n2VxKp0sJd5uTfYb3w";
    let world = World::new(mcp_runtime::tools![whoami, vault], |builder| {
        builder
            .auth(Jwt::issuer("https://second.example.com").key(key).subjects(["root"]))
            .auth(StaticTokens::new().token(secret, "robot", []))
    });
    let second = second.clock(world.clock.clone());
    let who = async |token: &str| Call::tool("whoami", json!({})).token(token).send(&world).await;
    assert_eq!(who(&second.token("root").build()).await.ok(), "root");
    assert_eq!(who(secret).await.ok(), "robot");
    assert_eq!(who(&world.plain("alice")).await.ok(), "alice");
    world.ran(3);
    // The second issuer's key under the first one's name, the other way round, and somebody who is not admitted.
    for bad in [
        second.token("root").claim("iss", ISSUER).build(),
        world.factory.token("root").claim("iss", "https://second.example.com").build(),
        second.token("alice").build(),
        second.token("root").claim("iss", "static").build(),
    ] {
        who(&bad).await.unauthenticated(true);
    }
    world.ran(3);
}

/// Shows everything it is given.
#[mcp_runtime::tool]
async fn spy(context: mcp_runtime::Context) -> String {
    let http = context.http().unwrap();
    format!("{context:?} {:?} {:?}", http.headers(), http.path())
}

#[tokio::test]
async fn no_tool_sees_credentials() {
    let world = World::new(mcp_runtime::tools![spy], |builder| builder);
    let token = world.plain("alice");
    let secrets = [("Cookie", "session=hunter2"), ("Proxy-Authorization", "hunter2"), ("X-Api-Key", "hunter2")];
    for call in [Call::tool("spy", json!({})), Call::legacy_tool("spy", json!({}))] {
        let call = secrets.iter().fold(call.token(&token), |call, (name, value)| call.header(name, *value));
        let seen = call.header("X-Trace", "kept").send(&world).await.text();
        assert!(seen.contains("kept"), "{seen}");
        assert!(!seen.contains(&token) && !seen.contains("hunter2") && !seen.contains("uthorization"), "{seen}");
    }
}

/// Thinks about every token for ever.
struct Undecided;

#[mcp_runtime::async_trait]
impl mcp_runtime::auth::Authenticator for Undecided {
    fn claims(&self, _: &mcp_runtime::auth::BearerToken<'_>) -> bool {
        true
    }

    async fn authenticate(
        &self,
        _: &mcp_runtime::auth::BearerToken<'_>,
        _: &mcp_runtime::auth::Verify<'_>,
    ) -> Result<mcp_runtime::Identity, mcp_runtime::auth::AuthError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn an_authenticator_that_does_not_answer_is_not_waited_for() {
    let world = World::new(mcp_runtime::tools![crate::world::whoami], |builder| builder.auth(Undecided));
    let begin = tokio::time::Instant::now();
    let answer = Call::tool("whoami", json!({})).token("opaque").send(&world).await;
    answer.error(503, 503);
    assert!(begin.elapsed() < Duration::from_secs(11), "{:?}", begin.elapsed());
    assert_eq!(answer.header("retry-after"), "10");
    world.ran(0);
}
