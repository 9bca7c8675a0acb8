//! What is said about a provider that cannot be right. What its tokens must say is tested on the wire.

use super::*;

const API: &str = "https://api.example.com/mcp";
const TENANT: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
const APP: &str = "00001111-aaaa-2222-bbbb-3333cccc4444";
const CLIENT: &str = "1example23456789";

#[track_caller]
fn fine(jwt: Jwt, issuer: &str) {
    let jwt = jwt.anyone();
    assert_eq!(jwt.problems(Some(AUDIENCE)), Vec::<String>::new());
    assert_eq!((Authenticator::issuer(&jwt), jwt.authorization_server()), (Some(issuer), Some(issuer)));
}

#[track_caller]
fn wrong(jwt: Jwt, word: &str) {
    let problems = jwt.anyone().problems(Some(AUDIENCE));
    assert!(problems.iter().any(|problem| problem.contains(word)), "{problems:?}");
}

#[test]
fn issuers_are_what_the_providers_write() {
    fine(Jwt::auth0("example.eu.auth0.com", API), "https://example.eu.auth0.com/");
    fine(Jwt::auth0("login.example.com", "urn:example:api"), "https://login.example.com/");
    fine(Jwt::okta("example.okta.com", "default", "api://default"), "https://example.okta.com/oauth2/default");
    let entra = "https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0";
    fine(Jwt::entra(TENANT, APP), entra);
    fine(Jwt::entra(TENANT.to_uppercase(), APP.to_uppercase()), entra);
    fine(Jwt::keycloak("https://sso.example.com", "a.b-c_1", API), "https://sso.example.com/realms/a.b-c_1");
    fine(Jwt::keycloak("https://sso.example.com/auth/", "a", "mcp"), "https://sso.example.com/auth/realms/a");
    fine(Jwt::keycloak("http://127.0.0.1:8080", "a", "mcp"), "http://127.0.0.1:8080/realms/a");
    let pool = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab12";
    fine(Jwt::cognito("us-east-1", "us-east-1_Ab12", [CLIENT]), pool);
}

#[test]
fn places_that_are_none() {
    for domain in
        ["", "https://example.auth0.com", "example.auth0.com/", "Example.auth0.com", "a b", "a@b", "a?b", "a#b", "a:b"]
    {
        wrong(Jwt::auth0(domain, API), "plain host name");
        wrong(Jwt::okta(domain, "default", API), "plain host name");
    }
    for id in ["", "org", "v1", ".", "..", "default/", "a/b", "a b", "%61", "a?b"] {
        wrong(Jwt::okta("example.okta.com", id, API), "org authorization server");
    }
    for tenant in
        ["", "common", "organizations", "consumers", "example.com", "aaaabbbb", &TENANT[1..], &TENANT.replace('-', "")]
    {
        wrong(Jwt::entra(tenant, APP), "not a GUID: give the directory");
    }
    wrong(Jwt::entra(TENANT.replace('e', "g"), APP), "not a GUID");
    for base in [
        "",
        "sso.example.com",
        "https://sso.example.com//",
        "https://sso.example.com?a",
        "https://a/realms/b",
        "ftp://a",
    ] {
        wrong(Jwt::keycloak(base, "staff", API), "not the URL of a Keycloak");
    }
    wrong(Jwt::keycloak("http://sso.example.com", "staff", API), "https");
    for realm in ["", "..", "a/b", "a b", "a%20b", "a?b", "{realm}"] {
        wrong(Jwt::keycloak("https://sso.example.com", realm, API), "realm is not a plain name");
    }
    for (region, pool) in [
        ("", "_a"),
        ("us-east-1", ""),
        ("us-east-1", "us-east-1_"),
        ("us-east-1", "us-east-2_a"),
        ("us-east-1", "us-east-1_a/b"),
        ("a.b/", "a.b/_c"),
    ] {
        wrong(Jwt::cognito(region, pool, [CLIENT]), "not one of its region");
    }
    wrong(Jwt::cognito("us-east-1", "us-east-1_a", [] as [&str; 0]), "no client ids");
    wrong(Jwt::cognito("us-east-1", "us-east-1_a", [CLIENT, ""]), "no client ids");
}

#[test]
fn audiences_that_are_for_somebody_else() {
    let auth0 = |audience: &str| Jwt::auth0("login.example.com", audience);
    wrong(auth0("K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja"), "client id");
    for own in [
        "https://login.example.com/userinfo",
        "https://login.example.com/api/v2/",
        "https://a.auth0.com/api/v2/",
        "https://a.auth0.com/userinfo",
    ] {
        wrong(auth0(own), "Auth0 itself");
    }
    wrong(auth0(""), "for whom its tokens are");
    // Also where it is said later.
    wrong(auth0(API).audience("K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja"), "client id");
    wrong(Jwt::okta("example.okta.com", "default", "0oabskvc6442nkvQO0h7"), "client id");
    for audience in ["api://00001111-aaaa-2222-bbbb-3333cccc4444", API, "mcp"] {
        wrong(Jwt::entra(TENANT, audience), "requestedAccessTokenVersion");
    }
    wrong(Jwt::keycloak("https://sso.example.com", "staff", "account"), "brings along");
}

#[test]
fn nobody_is_admitted_and_keys_come_from_one_place() {
    let jwt = || Jwt::auth0("example.auth0.com", API);
    for preset in [
        jwt(),
        Jwt::okta("example.okta.com", "default", API),
        Jwt::entra(TENANT, APP),
        Jwt::keycloak("https://sso.example.com", "staff", API),
        Jwt::cognito("us-east-1", "us-east-1_a", [CLIENT]),
    ] {
        let problems = preset.problems(Some(AUDIENCE));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains("whom to admit"), "{problems:?}");
    }
    fine(jwt().jwks("https://keys.example.com/jwks"), "https://example.auth0.com/");
    fine(jwt().discover(), "https://example.auth0.com/");
    wrong(jwt().discover().jwks("https://keys.example.com/jwks"), "exclude each other");
    wrong(jwt().jwks("https://keys.example.com/jwks").discover(), "exclude each other");
    wrong(jwt().key(SigningKey::generate().unwrap().verifying_key().unwrap()), "choose one");
    assert!(jwt().anyone().admission().unwrap().contains("as Auth0 writes them"));
}
