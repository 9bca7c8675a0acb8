//! Every way in that has been tried on somebody.

use super::*;

const NO_SIGNATURE: &str = "no key of the issuer made this signature";
const BAD_DATE: &str = "a date is not a number";

/// A header or claims in this exact spelling, properly signed.
fn raw(header: &str, claims: &str) -> (Scene, String) {
    let key = SigningKey::generate().unwrap();
    let token = key.sign_parts(header.as_bytes(), claims.as_bytes()).unwrap();
    let mut scene = Scene::new();
    scene.jwt = Jwt::issuer(ISSUER).key(key.verifying_key().unwrap()).anyone();
    (scene, token)
}

const HEADER: &str = r#"{"alg":"ES256","typ":"at+jwt"}"#;

#[test]
fn no_algorithm_but_the_keys_own() {
    let scene = Scene::new();
    for alg in ["none", "None", "NONE", "nOnE", "", "ES384", "es256", "ES256 ", "HS256", "RS256", "EdDSA"] {
        scene.refuses_as(NO_SIGNATURE, scene.token().header("alg", alg).build());
    }
    for alg in [json!(null), json!(["ES256"]), json!(1)] {
        scene.refuses_as("a header member is not text", scene.token().header("alg", alg).build());
    }
    let (claims, header) = (b64(claims(scene.now()).to_string()), b64(r#"{"alg":"none","typ":"at+jwt"}"#));
    scene.refuses(format!("{header}.{claims}."));
    scene.refuses_as(NO_SIGNATURE, format!("{header}.{claims}.AA"));
    let (scene, token) = raw(r#"{"typ":"at+jwt"}"#, &super::claims(scene.now()).to_string());
    scene.refuses_as("no algorithm", token);
}

#[test]
fn a_public_key_is_not_a_secret() {
    let clock = ManualClock::new();
    let claims = claims(clock.millis() / 1000);
    for signer in [signers::rsa(Algorithm::RS256), signers::ecdsa(Algorithm::ES256), signers::eddsa()] {
        let jwt = Jwt::issuer(ISSUER).key(signer.key.clone()).anyone();
        assert!(verify(&jwt, &clock, &signer.token(&claims)).is_ok());
        let der = signer.public_der.clone().unwrap();
        let pem = signer.pem();
        let (trimmed, unix) = (pem.trim_end().to_owned(), pem.replace("\r\n", "\n"));
        for secret in [&der[..], pem.as_bytes(), trimmed.as_bytes(), unix.as_bytes(), unix.trim_end().as_bytes()] {
            for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
                let forger = signers::hmac(algorithm, secret);
                let honest = forger.token(&claims);
                let lying = forger.token_with(&json!({ "alg": signer.algorithm.as_str(), "typ": "at+jwt" }), &claims);
                for forged in [honest, lying] {
                    assert_eq!(verify(&jwt, &clock, &forged).err(), Some(AuthError::invalid(NO_SIGNATURE)));
                }
            }
        }
    }
}

#[test]
fn a_key_of_the_senders_choice() {
    let scene = Scene::new();
    let stranger = TokenFactory::new(ISSUER, AUDIENCE).clock(scene.clock.clone());
    scene.refuses_as(NO_SIGNATURE, stranger.token("alice").build());
    let reason = "the header asks for something that is never done";
    for name in ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"] {
        for value in
            [json!(null), json!("https://evil.example/keys"), json!({ "kty": "EC" }), json!(["exp"]), json!(true)]
        {
            scene.refuses_as(reason, scene.token().header(name, value).build());
        }
    }
    for kid in [json!(null), json!(1), json!(["a"])] {
        scene.refuses_as("a header member is not text", scene.token().header("kid", kid).build());
    }
    // Psychic signatures: r = s = 0.
    let good = scene.token().build();
    let (signed, _) = good.rsplit_once('.').unwrap();
    scene.refuses_as(NO_SIGNATURE, format!("{signed}.{}", b64([0; 64])));
}

#[test]
fn times() {
    let scene = Scene::new();
    let now = scene.now();
    let exp = |value: Value| scene.token().claim("exp", value).build();
    for end in [json!(now), json!(now - 1), json!(0), json!(now as f64 + 0.5), json!(-0.0 + 0.5)] {
        assert_eq!(scene.verify(&exp(end)).err(), Some(AuthError::Expired));
    }
    for bad in [json!(null), json!((now + 900).to_string()), json!(-1), json!(-1e30), json!([now + 900]), json!(true)] {
        scene.refuses_as(BAD_DATE, exp(bad.clone()));
        scene.refuses_as(BAD_DATE, scene.token().claim("nbf", bad.clone()).build());
        scene.refuses_as(BAD_DATE, scene.token().claim("iat", bad).build());
    }
    scene.refuses_as("no expiry", scene.token().without("exp").build());
    for name in ["nbf", "iat"] {
        for future in [json!(now + 31), json!(now as f64 + 30.5), json!(1e300)] {
            scene.refuses_as("not valid yet", scene.token().claim(name, future).build());
        }
    }
    for endless in ["1e400", "-1e400", "Infinity", "NaN", "1e309", "9".repeat(400).as_str()] {
        let claims = format!(r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","sub":"alice","exp":{endless}}}"#);
        let (scene, token) = raw(HEADER, &claims);
        scene.refuses(token);
    }
}

#[test]
fn audiences() {
    let scene = Scene::new();
    let reason = "meant for someone else: its `aud` is not the audience of this server";
    scene.refuses_as(reason, scene.token().without("aud").build());
    for wrong in [
        json!(""),
        json!(null),
        json!(1),
        json!({}),
        json!([]),
        json!(["https://other.example"]),
        json!([AUDIENCE, 1]),
        json!([AUDIENCE, null]),
        json!([[AUDIENCE]]),
        json!("https://other.example/mcp"),
        json!(&AUDIENCE[..AUDIENCE.len() - 1]),
        json!(format!("{AUDIENCE}/")),
        json!(format!("{AUDIENCE}2")),
        json!(format!("{AUDIENCE} ")),
        json!(format!("{AUDIENCE} https://other.example")),
        json!(AUDIENCE.to_uppercase()),
        json!(AUDIENCE.replace("https", "http")),
        json!("https://api.example.com:443/mcp"),
        json!("*"),
    ] {
        scene.refuses_as(reason, scene.token().claim("aud", wrong).build());
    }
    let own = Scene::new().with(|jwt| jwt.audience("mine"));
    own.accepts(own.token().claim("aud", "mine").build());
    own.refuses_as(reason, own.token().build());
    let token = scene.token().build();
    let clock = Clock::from(scene.clock.clone());
    let unknown =
        scene.jwt.verify(&BearerToken::new(token).unwrap(), &Verify::new(None, &clock, crate::auth::Asker::LOCAL));
    assert_eq!(unknown.err(), Some(AuthError::invalid("no audience is known")));
}

#[test]
fn issuers() {
    let scene = Scene::new();
    let reason = "another issuer";
    scene.refuses_as(reason, scene.token().without("iss").build());
    for wrong in [
        json!(null),
        json!([ISSUER]),
        json!(1),
        json!(""),
        json!("https://login.example.com/"),
        json!("https://login.example.com:443"),
        json!("https://LOGIN.example.com"),
        json!("http://login.example.com"),
        json!("https://login.example.com "),
        json!("https://login.example.com.evil.example"),
        json!("https://login.example.co"),
    ] {
        let token = scene.token().claim("iss", wrong).build();
        scene.refuses_as(reason, &token);
        assert!(!scene.jwt.claims(&BearerToken::new(token).unwrap()));
    }
}

#[test]
fn subjects_and_clients() {
    let scene = Scene::new();
    scene.refuses_as("no subject", scene.token().without("sub").build());
    let long = "a".repeat(256);
    for bad in [
        json!(""),
        json!(1),
        json!(null),
        json!(["alice"]),
        json!("a\nb"),
        json!("a\u{0}"),
        json!("\u{85}"),
        json!(long),
    ] {
        for claim in ["sub", "client_id", "azp"] {
            let token = scene.token().claim(claim, bad.clone()).build();
            scene.refuses_as("a name is empty, too long or not text", token);
        }
    }
}

#[test]
fn types() {
    let scene = Scene::new();
    for plain in ["JWT", "jwt", "client-authentication+jwt"] {
        scene.refuses_as("not typed as an access token (at+jwt)", scene.token().typ(plain).build());
    }
    let plain = Scene::new().with(Jwt::accept_plain_jwt);
    plain.refuses_as("not typed as an access token (at+jwt)", plain.token().typ("client-authentication+jwt").build());
    let (untyped, token) = raw(r#"{"alg":"ES256"}"#, &claims(scene.now()).to_string());
    untyped.refuses_as("not typed as an access token (at+jwt)", token);
    for typ in
        ["id_token", "at+jwt ", "at+jwtx", "application/jwt", "dpop+jwt", "logout+jwt", "", "application/at+jwt;a=b"]
    {
        scene.refuses_as("another type of token", scene.token().typ(typ).build());
    }
}

#[test]
fn a_token_bound_to_a_key_is_not_a_bearer_token() {
    let scene = Scene::new();
    for bound in [json!({ "jkt": "abc" }), json!({ "x5t#S256": "abc" }), json!({}), json!(null)] {
        let reason = "bound to a key of its holder (`cnf`), whose proof is not checked here";
        scene.refuses_as(reason, scene.token().claim("cnf", bound).build());
    }
}

#[test]
fn one_reading_only() {
    let scene = Scene::new();
    let now = scene.now();
    let claims = claims(now).to_string();
    let with = |member: &str| format!("{},{member}}}", &claims[..claims.len() - 1]);
    let (fine, token) = raw(HEADER, &with(r#""nested":{"a":1,"a":2}"#));
    fine.accepts(token);
    for member in [r#""sub":"admin""#, r#""sub":"alice""#, r#""exp":9e9"#, r#""\u0073ub":"admin""#, r#""iss":"x""#] {
        let (scene, token) = raw(HEADER, &with(member));
        scene.refuses_as("the claims are not a plain JSON object", token);
    }
    for header in [
        r#"{"alg":"ES256","typ":"at+jwt","alg":"ES256"}"#,
        r#"{"alg":"none","typ":"at+jwt","alg":"ES256"}"#,
        r#"{"alg":"ES256","typ":"JWT","typ":"at+jwt"}"#,
        r#"{"alg":"ES256","typ":"at+jwt","\u0061lg":"ES256"}"#,
        r#"["ES256"]"#,
        r#""ES256""#,
        "null",
        "",
        "{",
        r#"{"alg":"ES256","typ":"at+jwt"}{}"#,
        "\u{feff}{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}",
        r#"{"alg":"ES256","typ":"at+jwt",}"#,
    ] {
        let (scene, token) = raw(header, &claims);
        scene.refuses(token);
    }
    let deep = with(&format!(r#""deep":{}{}"#, "[".repeat(2000), "]".repeat(2000)));
    for payload in ["[]", "null", "\"\"", "", &format!("[{claims}]"), &format!("{claims} x"), &deep] {
        let (scene, token) = raw(HEADER, payload);
        scene.refuses(token);
    }
    let key = SigningKey::generate().unwrap();
    let invalid_utf8 = key.sign_parts(HEADER.as_bytes(), b"{\"sub\":\"\xff\"}").unwrap();
    scene.refuses(invalid_utf8);
}

#[test]
fn one_spelling_only() {
    let scene = Scene::new();
    let token = scene.token().build();
    scene.accepts(&token);
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("three parts") };
    for end in 0..token.len() {
        scene.refuses(&token[..end]);
    }
    for odd in [
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{header}..{claims}.{signature}"),
        format!("{header}.{claims}."),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        "..".into(),
        "...".into(),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}=.{signature}"),
        format!("{header}.{claims}.{signature}="),
        format!("{header}.{claims}.{signature}=="),
        format!("{header}.{claims}.{signature}A"),
        format!(" {token}"),
        format!("{token} "),
        format!("{token}\n"),
        format!("{header}.{claims}. {signature}"),
        format!("{header} .{claims}.{signature}"),
        format!("Bearer {token}"),
        token.to_uppercase(),
        format!("{header}.{claims}.{}", "A".repeat(1_000_000)),
        "a.".repeat(500_000),
        "A".repeat(1_000_000),
        String::new(),
    ] {
        scene.refuses(odd);
    }
}

#[test]
fn bits_left_over_are_not_ignored() {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let scene = Scene::new();
    let token = scene.token().build();
    // 64 bytes leave four bits of the last character unused: fifteen other spellings of the same signature.
    let (rest, last) = token.split_at(token.len() - 1);
    for other in ALPHABET.chars().filter(|other| !last.contains(*other)) {
        scene.refuses_as(NO_SIGNATURE, format!("{rest}{other}"));
    }
}

#[test]
fn whoever_is_not_admitted() {
    let reason = "not admitted here";
    let scene = Scene::new();
    let token = || {
        let token = scene.token().client("web").claim("hd", "example.com").claim("groups", json!(["a", "b"]));
        token.claim("realm_access", json!({ "roles": ["ops"] })).build()
    };
    let with = |rule: fn(Jwt) -> Jwt| {
        let jwt = Jwt::issuer(ISSUER).key(scene.factory.verifying_key());
        verify(&rule(jwt), &scene.clock, &token()).map(drop)
    };
    let admitted: [fn(Jwt) -> Jwt; 10] = [
        |jwt| jwt.anyone(),
        |jwt| jwt.subjects(["bob", "alice"]),
        |jwt| jwt.clients(["web"]),
        |jwt| jwt.claim("hd", "example.com"),
        |jwt| jwt.claim("groups", "b"),
        |jwt| jwt.claim("groups", "a").claim("groups", "b"),
        |jwt| jwt.claim_any("groups", ["c", "b"]),
        |jwt| jwt.claim("realm_access.roles", "ops"),
        |jwt| jwt.admit(|who| who.subject() == "alice"),
        |jwt| jwt.anyone().subjects(["alice"]),
    ];
    for rule in admitted {
        assert_eq!(with(rule), Ok(()));
    }
    let refused: [fn(Jwt) -> Jwt; 14] = [
        |jwt| jwt,
        |jwt| jwt.subjects(["bob"]),
        |jwt| jwt.subjects(["Alice", "alic", "alice "]),
        |jwt| jwt.subjects([""; 0]),
        |jwt| jwt.clients(["alice"]),
        |jwt| jwt.claim("hd", "evil.example"),
        |jwt| jwt.claim("hd", "example"),
        |jwt| jwt.claim("groups", "c"),
        |jwt| jwt.claim_any("groups", ["c", "d"]),
        |jwt| jwt.claim("roles", "ops"),
        |jwt| jwt.claim("tenant", "a"),
        |jwt| jwt.admit(|_| false),
        |jwt| jwt.anyone().subjects(["bob"]),
        |jwt| jwt.claim("hd", "example.com").clients(["mobile"]),
    ];
    for rule in refused {
        assert_eq!(with(rule), Err(AuthError::invalid(reason)));
    }
}

/// With many issuers people can call themselves by anybody's.
#[test]
fn an_address_that_nobody_verified() {
    let scene = Scene::new();
    let admits = Jwt::issuer(ISSUER).key(scene.factory.verifying_key()).claim("email", "boss@example.com");
    let with = |verified: Option<Value>| {
        let token = scene.token().claim("email", "boss@example.com");
        let token = match verified {
            Some(verified) => token.claim("email_verified", verified),
            None => token,
        };
        verify(&admits, &scene.clock, &token.build()).map(drop)
    };
    assert_eq!(with(Some(json!(true))), Ok(()));
    for none in [None, Some(json!(false)), Some(json!("true")), Some(json!(1)), Some(Value::Null)] {
        assert_eq!(with(none.clone()), Err(AuthError::invalid("not admitted here")), "{none:?}");
    }
}
