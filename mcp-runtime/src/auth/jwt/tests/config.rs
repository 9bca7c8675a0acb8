//! What is wrong before the first token comes.

use super::*;

#[test]
fn every_gap_is_a_sentence() {
    let key = SigningKey::generate().unwrap().verifying_key().unwrap();
    let whole = || Jwt::issuer(ISSUER).key(key.clone()).anyone();
    assert_eq!(whole().problems(Some(AUDIENCE)), Vec::<String>::new());
    assert_eq!(whole().audience("x").problems(None), Vec::<String>::new());
    for (jwt, resource, word) in [
        (Jwt::issuer(ISSUER).anyone(), Some(AUDIENCE), "`.key("),
        (Jwt::issuer(ISSUER).key(key.clone()), Some(AUDIENCE), "`.anyone()`"),
        (whole(), None, "`.audience("),
        (whole().audience(""), Some(AUDIENCE), "`.audience("),
        (Jwt::issuer("").key(key.clone()).anyone(), Some(AUDIENCE), "issuer is empty"),
        (whole().key(key.clone().with_kid("a")).key(key.clone().with_kid("a")), Some(AUDIENCE), "same `kid`"),
        ((0..16).fold(whole(), |jwt, _| jwt.key(key.clone())), Some(AUDIENCE), "more than 16"),
    ] {
        let problems = jwt.problems(resource);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(word), "{problems:?}");
    }
    assert_eq!(Jwt::issuer("").problems(None).len(), 4);
}

#[test]
fn only_urls_are_authorization_servers() {
    assert_eq!(Jwt::issuer(ISSUER).authorization_server(), Some(ISSUER));
    assert_eq!(Jwt::issuer("quickstart").authorization_server(), None);
    assert_eq!(Jwt::issuer("quickstart").issuer(), Some("quickstart"));
}

#[test]
fn only_its_own_tokens_are_claimed() {
    let scene = Scene::new();
    let claims = |token: String| scene.jwt.claims(&BearerToken::new(token).unwrap());
    assert!(claims(scene.token().build()));
    assert!(claims(format!("x.{}.x", b64(format!(r#"{{"iss":"{}"}}"#, ISSUER.replace('/', "\\/"))))));
    for not_ours in ["opaque", "a.b.c", "a.e30.c", "a..c"] {
        assert!(!claims(not_ours.into()));
    }
    assert!(!claims(format!("x.{}.x", b64(format!(r#"{{"iss":"{ISSUER}","iss":"{ISSUER}"}}"#)))));
    assert!(!claims(format!("x.{}", b64(format!(r#"{{"iss":"{ISSUER}"}}"#)))));
}

#[test]
fn debug_is_silent() {
    let secret = "0123456789abcdef0123456789abcdef";
    let key = VerifyingKey::hmac(Algorithm::HS256, secret).unwrap().with_kid("k");
    let shown = format!("{:?}", Jwt::issuer("i").key(key).subjects(["alice"]).admit(|_| true));
    assert!(
        shown.contains("HS256") && shown.contains("1 subjects") && !shown.contains("alice") && !shown.contains(secret),
        "{shown}"
    );
    assert_eq!(format!("{:?}", SigningKey::generate().unwrap()), "SigningKey(..)");
}

#[test]
fn the_provider_may_be_installed_any_number_of_times() {
    assert_eq!(install_crypto_provider(), Ok(()));
    assert_eq!(install_crypto_provider(), Ok(()));
}

/// Limits `per = client` count together only what the operator said it knows.
#[test]
fn clients_are_counted_together_only_if_the_operator_knows_them() {
    use crate::auth::{Caller, ClientAddress};

    let client_key = |jwt: Jwt, client: &str| {
        let identity = jwt.admission.admit(Identity::new(ISSUER, "ann").client(client).build()).unwrap();
        Caller::Identified(identity, ClientAddress::LOCAL).client_quota_key()
    };
    let of = |subject: &str| Identity::new(ISSUER, subject).build().quota_key();
    assert_eq!(client_key(Jwt::issuer(ISSUER).anyone(), "cli"), of("ann"));
    let known = || Jwt::issuer(ISSUER).anyone().registered_clients(["cli"]);
    assert_eq!(client_key(known(), "other"), of("ann"));
    assert_ne!(client_key(known(), "cli"), of("ann"));
    assert_eq!(client_key(known(), "cli"), client_key(Jwt::issuer(ISSUER).clients(["cli"]), "cli"));
}
