//! Access tokens of known providers are taken as they are, and nothing else that these sign.

use std::time::Duration;

use mcp_runtime::{
    Identity, Server, State, ToolSet,
    auth::{Jwt, Principal},
    oauth::{AuthorizationServer, LocalUsers, StoreKey},
    store::MemoryStore,
    tool, tools,
};
use serde_json::{Value, json};

use crate::{
    client::{Answer, Call},
    jwks_issuer::{Issuer, Reply},
    raw::soon,
    upstream_tokens::{API, FORGED, KEY, Upstream, all, changed, named},
    world::{Runs, World, vault, whoami},
};

/// Says everything about who calls.
#[tool]
async fn caller(me: Identity, State(runs): State<Runs>) -> String {
    runs.add();
    let kind = if me.principal() == Principal::Service { "program" } else { "person" };
    format!("{kind} {} by {}", me.subject(), me.client().unwrap_or("nobody"))
}

fn tools() -> impl ToolSet {
    tools![caller, vault, whoami]
}

/// The provider's key set on loopback.
async fn keys() -> Issuer {
    let issuer = Issuer::start().await;
    issuer.on("/keys", Reply::json(json!({ "keys": [KEY.jwk()] }).to_string()));
    issuer
}

fn world(keys: &Issuer, jwt: Jwt) -> World {
    World::new(tools(), |builder| builder.auth(jwt.jwks(keys.keys_url()).anyone()))
}

/// A world for each provider, with what that writes.
async fn each() -> Vec<(World, Upstream)> {
    let keys = keys().await;
    all().into_iter().map(|upstream| (world(&keys, (upstream.jwt)()), upstream)).collect()
}

async fn call(world: &World, tool: &str, token: &str) -> Answer {
    soon(Call::tool(tool, if tool == "vault" { json!({ "text": "x" }) } else { json!({}) }).token(token).send(world))
        .await
}

/// Asserts that none of these tokens is taken, nor anything run; of a good one that it was the token.
async fn refused(world: &World, what: &str, tokens: impl IntoIterator<Item = String>) {
    let before = world.runs.count();
    for token in tokens {
        let answer = call(world, "caller", &token).await;
        assert_eq!(answer.status, 401, "{what}: {token}");
        answer.unauthenticated(true);
    }
    assert_eq!(world.runs.count(), before, "{what}");
}

#[tokio::test]
async fn access_tokens_are_taken() {
    for (world, upstream) in each().await {
        let token = KEY.token(&upstream.header, &upstream.access);
        let expected = format!("person {} by {}", upstream.subject, upstream.client);
        assert_eq!(call(&world, "caller", &token).await.ok(), expected, "{}", upstream.name);
        assert_eq!(call(&world, "vault", &token).await.ok(), "x", "{}", upstream.name);
        world.ran(2);
    }
}

#[tokio::test]
async fn id_tokens_are_refused() {
    for (world, upstream) in each().await {
        let mut tokens = vec![upstream.id.clone()];
        // For whomever it is, and without what OpenID Connect adds in some flows.
        let plain = json!({ "nonce": null, "at_hash": null, "sid": null, "auth_time": null, "amr": null, "acr": null });
        for audience in [Some(crate::world::URL), upstream.audience].into_iter().flatten() {
            tokens.push(upstream.id_with(&json!({ "aud": audience })));
            tokens.push(changed(&upstream.id_with(&json!({ "aud": audience })), &plain));
            tokens.push(changed(&upstream.id_with(&json!({ "aud": [upstream.client, audience] })), &plain));
        }
        // With a claim that some write for all tokens, or that was added by hand.
        tokens.push(changed(&upstream.id_with(&json!({ "aud": upstream.audience, "scope": "vault:open" })), &plain));
        tokens.push(upstream.id_with(&json!({ "aud": null })));
        for header in [upstream.header.clone(), json!({}), json!({ "typ": "JWT" })] {
            refused(&world, upstream.name, tokens.iter().map(|claims| KEY.token(&header, claims))).await;
        }
        world.ran(0);
    }
}

#[tokio::test]
async fn each_claim_that_tells_is_needed() {
    for (world, upstream) in each().await {
        for (claim, values) in &upstream.telling {
            for value in values {
                let claims = upstream.access_with(&json!({ *claim: value }));
                let what = format!("{}: {claim} {value}", upstream.name);
                refused(&world, &what, [KEY.token(&upstream.header, &claims)]).await;
            }
        }
        let types = [
            "id_token",
            "ID",
            "logout+jwt",
            "dpop+jwt",
            "application/okta-internal-at+jwt",
            "client-authentication+jwt",
        ];
        let headers = types.map(|typ| json!({ "typ": typ }));
        refused(&world, "types", headers.map(|header| KEY.token(&header, &upstream.access))).await;
        world.ran(0);
    }
}

#[tokio::test]
async fn tokens_for_others_and_of_others_are_refused() {
    for (world, upstream) in each().await {
        let issuer = upstream.access["iss"].as_str().unwrap();
        let other_tenant = "https://login.microsoftonline.com/bbbbaaaa-0000-cccc-1111-dddd2222eeee/v2.0";
        let mut changes: Vec<Value> = [
            other_tenant,
            "https://sts.windows.net/aaaabbbb-0000-cccc-1111-dddd2222eeee/",
            "https://example.okta.com",
            "https://example.okta.com/oauth2/default",
            "https://other.eu.auth0.com/",
            "https://sso.example.com/realms/master",
            "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Zz98Yy76X",
            &format!("{issuer}/"),
            issuer.strip_suffix('/').unwrap_or("https://evil.example"),
            &issuer.to_uppercase(),
        ]
        .map(|other| json!({ "iss": other }))
        .into();
        for audience in
            ["https://other.example.com/mcp", upstream.client, "account", "https://api.example.com/mcp/", ""]
        {
            changes.push(json!({ "aud": audience }));
            changes.push(json!({ "aud": [audience] }));
        }
        changes.push(json!({ "aud": [] }));
        changes.push(json!({ "aud": ["x", 1, upstream.audience] }));
        if upstream.audience.is_some() {
            changes.push(json!({ "aud": null }));
        }
        let past = world.clock.millis() / 1000;
        changes.extend([
            json!({ "exp": past }),
            json!({ "exp": null }),
            json!({ "exp": "9999999999" }),
            json!({ "nbf": past + 600 }),
            json!({ "iat": past + 600 }),
            json!({ "sub": null }),
            json!({ "sub": "" }),
            json!({ "cnf": { "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } }),
        ]);
        for change in changes {
            let token = KEY.token(&upstream.header, &upstream.access_with(&change));
            refused(&world, &format!("{}: {change}", upstream.name), [token]).await;
        }
        world.ran(0);
    }
}

#[tokio::test]
async fn no_trick_with_the_signature_works() {
    for (world, upstream) in each().await {
        refused(&world, upstream.name, KEY.tricks(&upstream.header, &upstream.access)).await;
        let token = KEY.token(&upstream.header, &upstream.access);
        call(&world, "caller", &token).await.ok();
        world.clock.advance(Duration::from_secs(3600));
        refused(&world, "an hour later", [token]).await;
        world.ran(1);
    }
}

/// Also with a key that the provider publishes: it signs nothing else.
#[tokio::test]
async fn the_algorithm_is_the_providers() {
    let issuer = keys().await;
    let ec = crate::jwks_issuer::Key::new("elliptic");
    issuer.on("/keys", Reply::json(json!({ "keys": [KEY.jwk(), ec.jwk()] }).to_string()));
    for upstream in all() {
        let world = world(&issuer, (upstream.jwt)());
        let mut header = upstream.header.clone();
        header["alg"] = "ES256".into();
        let answer = call(&world, "caller", &ec.token_with(header, &upstream.access)).await;
        // A realm may be told to sign with any.
        assert_eq!(answer.status, if upstream.name == "keycloak" { 200 } else { 401 }, "{}", upstream.name);
        world.ran(usize::from(upstream.name == "keycloak"));
    }
}

#[tokio::test]
async fn scopes_are_read_where_the_provider_writes_them() {
    let roles = json!({ "roles": ["vault:open"] });
    #[rustfmt::skip]
    let cases = [
        ("auth0",    json!({ "scope": "openid", "permissions": ["vault:open"] }), true),
        ("auth0",    json!({ "scope": null, "permissions": ["vault:open"] }),     true),
        ("auth0",    json!({ "scope": null }),                                     false),
        ("auth0",    json!({ "scope": "openid", "scp": "vault:open" }),            false),
        ("auth0",    json!({ "scope": "openid", "roles": ["vault:open"] }),        false),
        ("okta",     json!({ "scp": ["openid"], "scope": "vault:open" }),          false),
        ("okta",     json!({ "scp": ["openid"], "groups": ["vault:open"] }),       false),
        ("entra",    json!({ "scp": "other", "roles": ["vault:open"] }),           true),
        ("entra",    json!({ "scp": "other", "scope": "vault:open" }),             false),
        ("keycloak", json!({ "scope": "profile", "realm_access": roles }),         true),
        ("keycloak", json!({ "scope": "profile", "resource_access": { "account": roles } }), false),
        ("keycloak", json!({ "scope": "profile" }),                                false),
        ("cognito",  json!({ "scope": "openid", "cognito:groups": ["vault:open"] }), false),
        ("cognito",  json!({ "scope": "openid", "permissions": ["vault:open"] }),  false),
    ];
    for (world, upstream) in each().await {
        let mut ran = 0;
        for (_, change, granted) in cases.iter().filter(|(name, ..)| *name == upstream.name) {
            let token = KEY.token(&upstream.header, &upstream.access_with(change));
            let answer = call(&world, "vault", &token).await;
            assert_eq!(answer.status, if *granted { 200 } else { 403 }, "{}: {change}", upstream.name);
            ran += usize::from(*granted);
            world.ran(ran);
        }
    }
}

#[tokio::test]
async fn programs_are_told_from_people() {
    #[rustfmt::skip]
    let programs = [
        ("auth0",    json!({ "sub": "K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja@clients", "gty": "client-credentials" }), true),
        ("auth0",    json!({ "sub": "somebody-else@clients" }),                                false),
        ("okta",     json!({ "sub": "0oabskvc6442nkvQO0h7", "uid": null }),                    true),
        ("entra",    json!({ "scp": null, "roles": ["vault:open"], "azpacr": "1" }),           true),
        ("keycloak", json!({ "client_id": "editor", "preferred_username": "service-account-editor" }), true),
        ("keycloak", json!({ "preferred_username": "service-account-editor" }),                false),
        ("cognito",  json!({ "sub": "1example23456789", "username": null }),                   true),
    ];
    for (world, upstream) in each().await {
        for (_, change, is_program) in programs.iter().filter(|(name, ..)| *name == upstream.name) {
            let token = KEY.token(&upstream.header, &upstream.access_with(change));
            let said = call(&world, "caller", &token).await.ok();
            assert_eq!(said.starts_with("program "), *is_program, "{}: {change}: {said}", upstream.name);
            assert!(said.ends_with(&format!(" by {}", upstream.client)), "{said}");
        }
    }
}

/// Any program in the tenant can get a token for any API of it, which then grants nothing.
#[tokio::test]
async fn a_program_in_the_tenant_without_a_role_is_nobody() {
    let keys = keys().await;
    let entra = named("entra");
    let world = world(&keys, (entra.jwt)());
    for roles in [Value::Null, json!([]), json!("vault:open")] {
        let claims = entra.access_with(&json!({ "scp": null, "azpacr": "1", "roles": roles }));
        refused(&world, "no role", [KEY.token(&entra.header, &claims)]).await;
    }
    world.ran(0);
}

/// Cognito names an audience only if it was asked for one.
#[tokio::test]
async fn an_audience_of_cognito_counts_where_there_is_one() {
    let keys = keys().await;
    let cognito = named("cognito");
    let any = world(&keys, (cognito.jwt)());
    let token = |audience: Value| KEY.token(&cognito.header, &cognito.access_with(&json!({ "aud": audience })));
    assert_eq!(call(&any, "caller", &token(json!(crate::world::URL))).await.status, 200);
    refused(&any, "other", [json!("https://other.example.com/mcp"), json!(API)].map(token)).await;
    any.ran(1);
    let strict = world(&keys, (cognito.jwt)().audience(API));
    assert_eq!(call(&strict, "caller", &token(json!([API]))).await.status, 200);
    refused(&strict, "none or other", [Value::Null, json!(crate::world::URL)].map(token)).await;
    strict.ran(1);
}

/// A preset admits nobody by itself.
#[tokio::test]
async fn the_admission_rule_holds() {
    let keys = keys().await;
    for upstream in all() {
        let jwt = || (upstream.jwt)().jwks(keys.keys_url());
        let build = |jwt: Jwt| {
            Server::builder("s", "1")
                .public_url(crate::world::URL)
                .state(Runs::default())
                .auth(jwt)
                .tools(tools())
                .build()
        };
        let problem = build(jwt()).unwrap_err().to_string();
        assert!(problem.contains("whom to admit"), "{problem}");
        let world = World::new(tools(), |builder| builder.auth(jwt().subjects(["somebody else"])));
        refused(&world, upstream.name, [KEY.token(&upstream.header, &upstream.access)]).await;
        world.ran(0);
    }
}

/// Where people log in with a provider at the built-in authorization server, its own tokens open nothing: neither the ID
/// token that a login brings, nor an access token.
#[tokio::test]
async fn raw_upstream_tokens_are_nothing_to_the_authorization_server() {
    let store = std::sync::Arc::new(MemoryStore::new());
    let users = LocalUsers::in_store(std::sync::Arc::clone(&store));
    let login = AuthorizationServer::builder(store, StoreKey::generate().unwrap()).login(users);
    let world = World::new(tools(), |builder| builder.scope("vault:open", "Open").authorization_server(login));
    let now = world.clock.millis() / 1000;
    let mut tokens = Vec::new();
    for (issuer, extra) in [
        // <https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload>
        ("https://accounts.google.com", json!({ "azp": "1234.apps.googleusercontent.com", "hd": "example.com" })),
        ("accounts.google.com", json!({ "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q" })),
        // <https://firebase.google.com/docs/auth/admin/verify-id-tokens>
        (
            "https://securetoken.google.com/project",
            json!({ "user_id": "123", "firebase": { "sign_in_provider": "password" } }),
        ),
        ("https://token.actions.githubusercontent.com", json!({ "repository": "octo/repo" })),
        // Its own issuer, which it signed nothing for.
        ("http://127.0.0.1:8000", json!({ "client_id": "web", "grant": "x", "scope": "vault:open" })),
    ] {
        let claims = json!({ "iss": issuer, "sub": "1", "iat": now, "exp": now + 3600, "email": "jane@example.com" });
        for audience in ["1234.apps.googleusercontent.com", "project", crate::world::URL] {
            let claims = changed(&changed(&claims, &extra), &json!({ "aud": audience }));
            for header in [json!({}), json!({ "typ": "JWT" }), json!({ "typ": "at+jwt" })] {
                tokens.extend([KEY.token(&header, &claims), FORGED.token(&header, &claims)]);
            }
        }
    }
    for upstream in all() {
        for claims in [&upstream.id, &upstream.access, &upstream.access_with(&json!({ "aud": crate::world::URL }))] {
            tokens.push(KEY.token(&upstream.header, claims));
        }
    }
    refused(&world, "raw tokens", tokens).await;
    // What GitHub and Google give out for their own APIs, in their forms.
    let opaque =
        [format!("gho_{}", "a".repeat(36)), format!("ya29.{}", "a".repeat(80)), format!("1//{}", "a".repeat(60))];
    refused(&world, "opaque tokens", opaque).await;
    world.ran(0);
}
