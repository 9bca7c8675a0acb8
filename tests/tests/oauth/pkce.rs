//! PKCE: not left out, not weakened, not answered by anybody but who began.

use http::StatusCode;
use mcp_runtime::oauth::pkce::{Pkce, challenge_of};

use crate::{
    browser::{Browser, CALLBACK, Changes, Tokens, VERIFIER, link, redeem},
    world::{ISSUER, World},
};

/// Requests without a challenge that only a verifier answers lead nowhere, whoever is logged in.
#[tokio::test]
async fn no_code_without_a_challenge() {
    let world = World::new().await;
    let alice = Browser::of(&world, "alice").await;
    let challenge = challenge_of(VERIFIER);
    let padded = format!("{challenge}=");
    let before = world.census().await;
    #[rustfmt::skip]
    let cases: [(&str, &[(&str, &str)]); 13] = [
        ("missing",        &[("code_challenge", ""), ("code_challenge_method", "")]),
        ("method alone",   &[("code_challenge", "")]),
        ("no method",      &[("code_challenge_method", "")]),
        ("plain",          &[("code_challenge_method", "plain"), ("code_challenge", VERIFIER)]),
        ("plain, no word", &[("code_challenge_method", ""), ("code_challenge", VERIFIER)]),
        ("lower case",     &[("code_challenge_method", "s256")]),
        ("two methods",    &[("code_challenge_method", "S256 plain")]),
        ("space",          &[("code_challenge_method", "S256 ")]),
        ("other hash",     &[("code_challenge_method", "S512")]),
        ("padded",         &[("code_challenge", &padded)]),
        ("short",          &[("code_challenge", &challenge[1..])]),
        ("not base64url",  &[("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM")]),
        ("a verifier",     &[("code_challenge", VERIFIER)]),
    ];
    for (what, changes) in cases {
        for mut browser in [alice.clone(), Browser::new(&world)] {
            let reply = browser.get(&link(changes)).await;
            assert_eq!(reply.status, StatusCode::SEE_OTHER, "{what}: {reply:?}");
            assert!(reply.location().starts_with(&format!("{CALLBACK}?")), "{what}: {reply:?}");
            let told = reply.told();
            assert_eq!((&*told["error"], &*told["iss"]), ("invalid_request", ISSUER), "{what}");
            reply.assert_barren();
            // Nor by going on to the form.
            let later = browser.get(&link(changes).replace("/authorize?", "/login?")).await;
            assert_eq!(later.told()["error"], "invalid_request", "{what}");
        }
    }
    assert_eq!(world.census().await, before);
}

/// The question was put with a challenge; the answer cannot be given without it, or with another.
#[tokio::test]
async fn what_was_asked_cannot_be_changed_on_the_way() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let page = alice.get(&link(&[])).await;
    let (action, token) = page.form_to("/consent");
    let before = world.census().await;
    let challenge = challenge_of(VERIFIER);
    let mallory = challenge_of("a-verifier-that-mallory-knows-0123456789-abcdef");
    for forged in [
        action.replace(&format!("code_challenge={challenge}"), &format!("code_challenge={mallory}")),
        action.replace("code_challenge_method=S256", "code_challenge_method=plain"),
        action.replace("&code_challenge_method=S256", ""),
        format!("{action}&code_challenge={mallory}"),
        action.replace("notes%3Aread+notes%3Awrite", "notes%3Aread+notes%3Awrite+notes%3Aadmin"),
        action.replace("client_id=web", "client_id=other"),
    ] {
        assert_ne!(forged, action);
        let fields = [("token", &*token), ("decision", "allow"), ("scope:notes:read", "on")];
        let reply = alice.post(&forged, &fields).await;
        assert!(reply.status == StatusCode::FORBIDDEN || reply.told().contains_key("error") || reply.status == 400);
        reply.assert_barren();
    }
    assert_eq!(world.census().await, before);
    let allowed = alice.post(&action, &[("token", &*token), ("decision", "allow"), ("scope:notes:read", "on")]).await;
    assert!(allowed.told().contains_key("code"), "{allowed:?}");
}

#[tokio::test]
async fn no_token_without_the_verifier() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let code = alice.code(&[]).await;
    let challenge = challenge_of(VERIFIER);
    let (padded, long) = (format!("{VERIFIER}="), "a".repeat(129));
    let another = Pkce::generate().unwrap();
    let before = world.census().await;
    #[rustfmt::skip]
    let cases: [(&str, Changes<'_>, &str); 11] = [
        ("missing",          &[("code_verifier", "")],                                             "invalid_request"),
        ("another",          &[("code_verifier", another.verifier())],                             "invalid_grant"),
        ("the challenge",    &[("code_verifier", &challenge)],                                     "invalid_grant"),
        ("as plain",         &[("code_verifier", &challenge), ("code_challenge_method", "plain")], "invalid_grant"),
        ("own challenge",    &[("code_verifier", another.verifier()), ("code_challenge", another.challenge())], "invalid_grant"),
        ("shorter",          &[("code_verifier", &VERIFIER[..VERIFIER.len() - 1])],                "invalid_grant"),
        ("padded",           &[("code_verifier", &padded)],                                        "invalid_grant"),
        ("too short at all", &[("code_verifier", "x")],                                            "invalid_grant"),
        ("too long",         &[("code_verifier", &long)],                                          "invalid_grant"),
        ("other case",       &[("code_verifier", "THE-VERIFIER-OF-THE-USUAL-CLIENT-0123456789abcdef")], "invalid_grant"),
        ("spaces",           &[("code_verifier", " the-verifier-of-the-usual-client-0123456789abcdef")], "invalid_grant"),
    ];
    for (what, changes, error) in cases {
        let reply = redeem(&world, &code, changes).await;
        assert_eq!(reply.status_and_error(), (400, error.to_owned()), "{what}");
        reply.assert_barren();
    }
    assert_eq!(world.census().await, before);
    // Who guessed has not spoilt it for who knows.
    let tokens = Tokens::of(&redeem(&world, &code, &[]).await);
    assert_eq!(world.call("read", &tokens.access).await, StatusCode::OK);
}
