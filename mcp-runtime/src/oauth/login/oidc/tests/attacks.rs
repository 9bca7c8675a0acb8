//! Tokens, answers and browsers that are not what they seem. Nobody gets in.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::*;

/// Nobody is logged in, and the refusal is about them.
async fn denied(stub: &Stub, oidc: &Oidc, what: &str) {
    assert_eq!(stub.arrive(oidc).await.err(), Some(LoginError::Denied), "{what}");
}

#[tokio::test]
async fn every_wrong_claim_is_refused() {
    let stub = Stub::start().await;
    let (oidc, now) = (stub.oidc(), stub.now());
    for (name, value) in [
        ("iss", json!("https://login.example.com")),
        ("iss", json!(format!("{}/", stub.issuer))),
        ("aud", json!("other")),
        ("aud", json!(["other", "me"])),
        ("aud", json!([])),
        ("azp", json!("other")),
        ("azp", Value::Null),
        ("exp", json!(now)),
        ("exp", json!(now - 1)),
        ("iat", json!(now + 61)),
        ("nbf", json!(now + 61)),
        ("nbf", json!("soon")),
        ("nonce", json!("another-nonce")),
        ("nonce", json!("")),
        ("nonce", Value::Null),
        ("sub", json!("")),
        ("sub", json!("x".repeat(256))),
        ("sub", json!("älice")),
        ("sub", json!("a\nb")),
        ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ("at_hash", json!("")),
    ] {
        stub.gives_with(name, value.clone());
        denied(&stub, &oidc, &format!("{name} {value}")).await;
    }
    let mut claims = stub.claims();
    claims.as_object_mut().unwrap().remove("nonce");
    stub.gives(Some(stub.sign(&claims)), |_| {});
    denied(&stub, &oidc, "no nonce").await;
    // With what no ID token has, or without what every one has, it is none.
    for (name, value) in [("azp", json!(["me"])), ("at_hash", json!(7)), ("exp", json!("never")), ("sub", json!(1))] {
        stub.gives_with(name, value);
        assert!(stub.arrive(&oidc).await.is_err(), "{name}");
    }
    for missing in ["iss", "aud", "exp", "iat", "sub"] {
        let mut claims = stub.claims();
        claims.as_object_mut().unwrap().remove(missing);
        stub.gives(Some(stub.sign(&claims)), |_| {});
        assert!(stub.arrive(&oidc).await.is_err(), "{missing}");
    }
    stub.gives(None, |_| {});
    denied(&stub, &oidc, "no ID token").await;
    stub.gives(Some(stub.sign(&stub.claims())), |_| {});
    assert!(stub.arrive(&oidc).await.is_ok(), "the same without a mistake");
}

#[tokio::test]
async fn duplicate_claims_are_refused() {
    let stub = Stub::start().await;
    let claims = stub.claims().to_string();
    let twice = claims.replacen('{', r#"{"groups":["admin"],"groups":[],"#, 1);
    let header = json!({ "alg": "ES256", "kid": "1" }).to_string();
    stub.gives(Some(stub.key.sign_parts(header.as_bytes(), twice.as_bytes()).unwrap()), |_| {});
    denied(&stub, &stub.oidc(), "a claim that is there twice").await;
}

#[tokio::test]
async fn algorithms_are_not_the_tokens_choice() {
    let stub = Stub::start().await;
    let oidc = stub.oidc();
    let b64 = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let claims = b64(&stub.claims().to_string());
    let [x, y] = stub.key.coordinates().unwrap();
    for secret in [SECRET.to_owned(), format!("{x}{y}"), x.clone(), String::new()] {
        let message = format!("{}.{claims}", b64(r#"{"alg":"HS256","kid":"1"}"#));
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&key, message.as_bytes()));
        stub.gives(Some(format!("{message}.{signature}")), |_| {});
        denied(&stub, &oidc, "HS256").await;
    }
    let good = stub.sign(&stub.claims());
    let signature = good.rsplit('.').next().unwrap();
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None","kid":"1"}"#,
        r#"{"alg":"RS256","kid":"1"}"#,
        r#"{"alg":"ES384","kid":"1"}"#,
        r#"{"alg":"EdDSA","kid":"1"}"#,
        r#"{"alg":"ES256","kid":"1","crit":["exp"]}"#,
        r#"{"alg":"ES256","kid":"1","cty":"JWT"}"#,
        r#"{"alg":"ES256","kid":"1","typ":"at+jwt"}"#,
    ] {
        for signature in [signature, ""] {
            stub.gives(Some(format!("{}.{claims}.{signature}", b64(header))), |_| {});
            assert!(stub.arrive(&oidc).await.is_err(), "{header}");
        }
        let signed = stub.key.sign_parts(header.as_bytes(), stub.claims().to_string().as_bytes()).unwrap();
        stub.gives(Some(signed), |_| {});
        assert!(stub.arrive(&oidc).await.is_err(), "{header}");
    }
    stub.gives(Some(good), |_| {});
    assert!(stub.arrive(&oidc).await.is_ok());
}

#[tokio::test]
async fn only_published_keys_sign() {
    let stub = Stub::start().await;
    let oidc = stub.oidc();
    let other = SigningKey::generate().unwrap();
    let claims = stub.claims().to_string();
    let [x, y] = other.coordinates().unwrap();
    for header in [
        json!({ "alg": "ES256", "kid": "1" }),
        json!({ "alg": "ES256" }),
        json!({ "alg": "ES256", "jwk": { "kty": "EC", "crv": "P-256", "x": x, "y": y } }),
    ] {
        stub.gives(Some(other.sign_parts(header.to_string().as_bytes(), claims.as_bytes()).unwrap()), |_| {});
        denied(&stub, &oidc, &header.to_string()).await;
    }
    let mut changed = stub.sign(&stub.claims());
    changed.replace_range(changed.len() - 8.., "AAAAAAAA");
    stub.gives(Some(changed), |_| {});
    denied(&stub, &oidc, "another signature").await;
}

#[tokio::test]
async fn what_the_browser_brings_from_elsewhere_is_refused_before_anything_is_asked() {
    let stub = Stub::start().await;
    stub.gives(Some(stub.sign(&stub.claims())), |_| {});
    let oidc = stub.oidc();
    let long = format!("code={}", "x".repeat(4_097));
    for brought in [
        "code=c0de&iss=https%3A%2F%2Fevil.example",
        &format!("code=c0de&iss={}/", stub.issuer),
        "error=access_denied&code=c0de",
        "error=%1b%5B31m",
        "state=the-state",
        "code=",
        &long,
    ] {
        let outcome = oidc.arrive(&stub.trip(), &form(brought)).await;
        assert_eq!(outcome.err(), Some(LoginError::Denied), "{brought}");
    }
    // A provider that always says who it is must say it.
    stub.describes_itself(|metadata| metadata["authorization_response_iss_parameter_supported"] = json!(true));
    let strict = stub.oidc();
    for brought in ["code=c0de", "code=c0de&iss=", "error=access_denied"] {
        assert_eq!(strict.arrive(&stub.trip(), &form(brought)).await.err(), Some(LoginError::Denied), "{brought}");
    }
    assert_eq!(stub.hits("/token").len(), 0, "no code was sent anywhere");
    assert!(strict.arrive(&stub.trip(), &form(&format!("code=c0de&iss={}", stub.issuer))).await.is_ok());
}

#[tokio::test]
async fn logging_in_again_must_have_happened() {
    let stub = Stub::start().await;
    let (oidc, now) = (stub.oidc(), stub.now());
    let again = Trip { login_again: true, ..stub.trip() };
    for (time, fine) in [
        (Some(now), true),
        (Some(now - 599), true),
        (Some(now - 700), false),
        (Some(now + 61), false),
        (Some(0), false),
        (None, false),
    ] {
        let mut claims = stub.claims();
        claims.as_object_mut().unwrap().extend(time.map(|time| ("auth_time".to_owned(), json!(time))));
        stub.gives(Some(stub.sign(&claims)), |_| {});
        let outcome = oidc.arrive(&again, &form("code=c0de")).await;
        assert_eq!(outcome.is_ok(), fine, "{time:?}");
        assert!(stub.arrive(&oidc).await.is_ok(), "nobody asked for it: {time:?}");
    }
}

#[tokio::test]
async fn an_exchange_that_fails_logs_nobody_in() {
    let stub = Stub::start().await;
    let oidc = stub.oidc();
    for (status, body, expected) in [
        (400, json!({ "error": "invalid_grant", "error_description": "x" }), LoginError::Denied),
        (403, json!({ "error": "access_denied" }), LoginError::Denied),
        (401, json!({ "error": "invalid_client" }), LoginError::Unavailable),
        (400, json!({ "error": "unauthorized_client" }), LoginError::Unavailable),
        (400, json!("no"), LoginError::Unavailable),
        // Whatever a broken server says, it is not about the person.
        (500, json!({ "error": "invalid_grant" }), LoginError::Unavailable),
        (503, json!({ "error": "invalid_grant" }), LoginError::Unavailable),
        (429, json!({ "error": "invalid_grant" }), LoginError::Unavailable),
        (200, json!({}), LoginError::Unavailable),
        (200, json!({ "access_token": "a", "token_type": "DPoP" }), LoginError::Unavailable),
        (200, json!({ "access_token": "a", "token_type": "Bearer", "id_token": "x.y.z" }), LoginError::Unavailable),
        (200, json!({ "access_token": "a", "token_type": "Bearer" }), LoginError::Denied),
    ] {
        stub.replies("/token", Reply::json(status, &body));
        assert_eq!(stub.arrive(&oidc).await.err(), Some(expected), "{status} {body}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed_and_sizes_are_bounded() {
    let stub = Stub::start().await;
    let oidc = stub.oidc();
    let elsewhere = format!("{}/elsewhere", stub.issuer);
    stub.gives(Some(stub.sign(&stub.claims())), |_| {});
    let good = stub.script.lock().unwrap().replies["/token"].clone();
    stub.replies("/elsewhere", good.clone());
    for status in [301, 302, 303, 307, 308] {
        let headers = vec![("location", elsewhere.clone())];
        stub.replies("/token", Reply { status, headers, body: String::new() });
        assert_eq!(stub.arrive(&oidc).await.err(), Some(LoginError::Unavailable), "{status}");
    }
    assert_eq!(stub.hits("/elsewhere").len(), 0);
    let large = Reply { body: format!("{}{}", good.body, " ".repeat(200_000)), ..good.clone() };
    stub.replies("/token", large);
    assert_eq!(stub.arrive(&oidc).await.err(), Some(LoginError::Unavailable));
    stub.replies("/token", good);
    assert!(stub.arrive(&oidc).await.is_ok());
    // More than is kept of one account.
    stub.gives_with("groups", json!(vec!["0123456789abcdef"; 2_000]));
    denied(&stub, &stub.oidc().claim("groups", "staff"), "16 KiB").await;
}

#[tokio::test]
async fn claims_about_somebody_else_are_not_taken() {
    let stub = Stub::start().await;
    stub.gives(Some(stub.sign(&stub.claims())), |_| {});
    let oidc = stub.oidc().claim("groups", "staff");
    for (body, expected) in [
        (json!({ "sub": "bob-2", "groups": ["staff"] }), LoginError::Denied),
        (json!({ "groups": ["staff"] }), LoginError::Denied),
        (json!(["staff"]), LoginError::Unavailable),
    ] {
        stub.replies("/userinfo", Reply::json(200, &body));
        assert_eq!(stub.arrive(&oidc).await.err(), Some(expected), "{body}");
    }
    for (status, expected) in
        [(401, LoginError::Denied), (500, LoginError::Unavailable), (302, LoginError::Unavailable)]
    {
        stub.replies("/userinfo", Reply::json(status, &json!({ "sub": "alice-1", "groups": ["staff"] })));
        assert_eq!(stub.arrive(&oidc).await.err(), Some(expected), "{status}");
    }
}

/// Nothing waits for a provider that says nothing: time is moved, not waited for.
#[tokio::test]
async fn slow_answers_end() {
    for path in ["/token", "/userinfo", "/keys", "/.well-known/openid-configuration"] {
        let stub = Stub::start().await;
        stub.gives(Some(stub.sign(&stub.claims())), |_| {});
        let oidc = stub.oidc().claim("groups", "staff");
        stub.is_silent_at(path);
        let (arrival, began) = (stub.arrive(&oidc), tokio::time::Instant::now());
        tokio::pin!(arrival);
        // Until it has asked there, time is real.
        while stub.hits(path).is_empty() {
            tokio::select! {
                outcome = &mut arrival => panic!("{path}: {:?}", outcome.err()),
                () = tokio::task::yield_now() => {}
            }
        }
        tokio::time::pause();
        assert_eq!(arrival.await.err(), Some(LoginError::Unavailable), "{path}");
        assert!(began.elapsed() <= journey::PATIENCE + Duration::from_secs(1), "{path}: {:?}", began.elapsed());
        tokio::time::resume();
    }
}
