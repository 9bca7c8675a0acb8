//! From variables to a server that does as they say.

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::*;
use crate::{Tools, auth::BearerToken, tool};

/// Lists.
#[tool(public, crate = crate)]
async fn list() -> &'static str {
    "nothing"
}

/// Writes.
#[tool(scopes = "notes:write", crate = crate)]
async fn write() -> &'static str {
    "written"
}

/// Tells.
#[tool(crate = crate)]
async fn tell() -> &'static str {
    "told"
}

fn server(variables: &[(&str, &str)]) -> Server {
    builder()
        .tools(Tools::new().add::<list>().add::<write>().add::<tell>())
        .from(Env::of(variables.iter().copied()))
        .unwrap()
        .build()
        .unwrap()
}

fn token(secret: &str, change: Value) -> String {
    let mut claims = json!({
        "iss": "https://tokens.example.com", "sub": "alice", "aud": "http://127.0.0.1:8000/mcp", "scope": "notes:write",
        "exp": 4_000_000_000_u64, "groups": ["staff"],
    });
    claims.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
    encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

async fn is_known(server: &Server, token: &str) -> bool {
    let identity = server.core().verifier.authenticate(&BearerToken::new(token).unwrap()).await;
    identity.is_ok_and(|identity| identity.subject() == "alice" && identity.scopes().iter().eq(["notes:write"]))
}

#[tokio::test]
async fn tokens_of_the_issuer_are_known_and_no_others() {
    crate::auth::install_crypto_provider().unwrap();
    let open = server(&JWT);
    assert!(is_known(&open, &token(HS, json!({}))).await);
    for (secret, change) in [
        ("another secret with 32 bytes or more in it", json!({})),
        (HS, json!({ "iss": "https://tokens.example.com/" })),
        (HS, json!({ "aud": "http://127.0.0.1:8000/" })),
        (HS, json!({ "exp": 1 })),
    ] {
        assert!(!is_known(&open, &token(secret, change.clone())).await, "{change}");
    }
    let audience = server(&all(&[&JWT, &[("JWT_AUDIENCE", "api://notes")]]));
    assert!(is_known(&audience, &token(HS, json!({ "aud": "api://notes" }))).await);
    assert!(!is_known(&audience, &token(HS, json!({}))).await);
    for (rule, admitted) in [
        ("claim:groups=staff", true),
        ("claim:groups=ops", false),
        ("claim:groups=ops,staff", true),
        ("claim:groups=ops,board", false),
        ("claim:missing=a,b", false),
        ("subject:bob,alice", true),
        ("subject:bob", false),
        ("subject:alice and claim:groups=ops", false),
    ] {
        let server = server(&[JWT[0], JWT[1], ("MCP_ADMIT", rule)]);
        assert_eq!(is_known(&server, &token(HS, json!({}))).await, admitted, "{rule}");
    }
}

#[test]
fn rules_arrive_at_the_provider() {
    let admit = ("MCP_ADMIT", "email-domain:example.com and claim:groups=staff,ops");
    let grants = ("MCP_GRANTS", "notes:write admin@claim:groups=ops");
    for provider in [&OIDC[..], &AUTH0, &GITHUB, &FIREBASE] {
        let server = server(&all(&[&[admit, grants, LOGIN[2]], provider]));
        let core = &server.authorization_server().unwrap().0;
        let login = core.logins[0].federated().unwrap().0;
        let judge =
            |claims: Value| login.judge("1", claims.as_object().unwrap()).ok().map(|account| account.scopes.unwrap());
        let who = |email: &str, group: &str| {
            let by = json!({ "sign_in_provider": "google.com" });
            json!({ "email": email, "email_verified": true, "groups": [group], "firebase": by })
        };
        assert_eq!(judge(who("a@example.com", "staff")).unwrap(), ["notes:write"]);
        assert_eq!(judge(who("a@example.com", "ops")).unwrap(), ["notes:write", "admin"]);
        assert_eq!(judge(who("a@example.com", "board")), None);
        assert_eq!(judge(who("a@example.org", "staff")), None);
        assert_eq!(judge(json!({ "email": "a@example.com", "groups": ["staff"] })), None);
    }
}

#[test]
fn everything_else_arrives_at_the_authorization_server() {
    let more = [("TOKEN_EXPIRY_HOURS", "12"), ("MCP_DEFAULT_SCOPES", "notes:write")];
    let server = server(&all(&[&LOGIN, &OIDC, &more]));
    let core = &server.authorization_server().unwrap().0;
    let hours = |hours: u64| std::time::Duration::from_secs(hours * 3600);
    assert_eq!((core.lifetimes.grant, core.lifetimes.refresh_idle), (hours(12), hours(12)));
    assert_eq!(core.default_scopes, ["notes:write"]);
    let server = super::end::server(&all(&[&LOGIN, &OIDC, &[("TOKEN_EXPIRY_HOURS", "8760")]]));
    let core = &server.authorization_server().unwrap().0;
    assert_eq!((core.lifetimes.grant, core.lifetimes.refresh_idle), (hours(8760), hours(14 * 24)));
    assert!(core.lifetimes.access_token <= hours(1), "they stay short");
}

#[tokio::test]
async fn the_store_is_a_file_and_its_key_beside_it() {
    let folder = Folder::new();
    let path = folder.path("state/oauth.db");
    let variables = all(&[&LOGIN[..2], &OIDC, &[("MCP_STORE", &path)]]);
    let kid = {
        let server = server(&variables);
        let oauth = server.authorization_server().unwrap();
        oauth.ready().await.unwrap();
        oauth.signing_keys().await.unwrap()[0].kid.clone()
    };
    assert!(std::fs::exists(folder.path("state/oauth.key")).unwrap());
    let server = server(&variables);
    let oauth = server.authorization_server().unwrap();
    oauth.ready().await.unwrap();
    assert_eq!(oauth.signing_keys().await.unwrap()[0].kid, kid);
    // With a new key in front of the old one it still opens.
    let old = std::fs::read_to_string(folder.path("state/oauth.key")).unwrap();
    let keys = format!("{KEY},{}", old.trim());
    let rotated = super::end::server(&all(&[&variables, &[("MCP_STORE_KEY", &keys)]]));
    assert!(rotated.summary().contains("sealed with MCP_STORE_KEY (1 older keys)"));
    rotated.authorization_server().unwrap().ready().await.unwrap();
    assert_eq!(rotated.authorization_server().unwrap().signing_keys().await.unwrap()[0].kid, kid);
    // With another key alone it does not.
    let other = KEY.replace('M', "N");
    let other = super::end::server(&all(&[&variables, &[("MCP_STORE_KEY", &other)]]));
    assert!(other.authorization_server().unwrap().ready().await.is_err());
}

#[test]
fn nothing_is_made_where_something_is_wrong() {
    let folder = Folder::new();
    let path = folder.path("state/oauth.db");
    let variables = all(&[&LOGIN[..2], &OIDC, &[("MCP_STORE", &path), ("MCP_BIND", "nowhere")]]);
    builder().from(Env::of(variables)).unwrap_err();
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0);
    // And a store that cannot be opened is said so, by name.
    let inside = folder.write("file", "");
    let path = format!("{inside}/oauth.db");
    let error = builder().from(Env::of(all(&[&LOGIN[..2], &OIDC, &[("MCP_STORE", &path)]]))).unwrap_err();
    assert!(error.problems()[0].starts_with("`MCP_STORE`: "), "{error}");
}

#[test]
fn the_summary_says_what_is_protected_by_what() {
    let server = server(&all(&[
        &[("MCP_ADMIT", "anyone"), ("MCP_GRANTS", "notes:write admin@claim:groups=ops"), LOGIN[2]],
        &OIDC,
        &[("MCP_PUBLIC_URL", "https://notes.example.com/mcp"), ("MCP_TRUSTED_PROXIES", "loopback")],
    ]));
    let summary = server.summary();
    for said in [
        "notes\n",
        "127.0.0.1:8000",
        "https://notes.example.com/mcp",
        "127.0.0.0/8",
        "tokens of https://notes.example.com",
        "https://notes.example.com/callback/oidc",
        "ANYONE",
        "admin (claim groups = ops)",
        "memory",
        "720 hours",
        "anybody: list",
        "everybody who is admitted: tell",
        "needs notes:write: write",
    ] {
        assert!(summary.contains(said), "{said:?} in:\n{summary}");
    }
    assert!(summary.find("anybody: list") < summary.find("needs notes:write"));
    // And of a server that nobody configured.
    let plain = Server::builder("plain", "1.0").tools(Tools::new().add::<list>()).build().unwrap().summary();
    assert!(plain.contains("only what is public can be called"), "{plain}");
    let open =
        Server::builder("open", "1.0").tools(Tools::new().add::<tell>()).insecure_no_auth().build().unwrap().summary();
    assert!(open.contains("NOBODY is asked") && open.contains("anybody on this machine: tell"), "{open}");
}

#[test]
fn a_scope_that_nobody_declared_is_granted_to_nobody() {
    let grants = [LOGIN[0], ("MCP_GRANTS", "notes:wirte"), LOGIN[2]];
    let built = builder().from(Env::of(all(&[&grants, &OIDC]))).unwrap().build();
    assert!(built.unwrap_err().to_string().contains("grants `notes:wirte`, which is not declared"));
}

#[test]
fn without_any_way_to_know_callers_only_public_tools_are_served() {
    let env = || Env::of([("MCP_BIND", "127.0.0.1:80")]);
    assert!(builder().tools(Tools::new().add::<list>()).from(env()).unwrap().build().is_ok());
    let error = builder().tools(Tools::new().add::<list>().add::<tell>()).from(env()).unwrap().build().unwrap_err();
    assert!(error.to_string().contains("`OIDC_ISSUER`"), "{error}");
}

#[tokio::test]
async fn it_is_served_where_the_environment_says() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let server =
        builder().tools(Tools::new().add::<list>()).from(Env::of([("MCP_BIND", &*address)])).unwrap().build().unwrap();
    assert_eq!(server.bind_address().to_string(), address);
    let error = server.serve_configured().await.unwrap_err();
    assert!(error.to_string().contains(&address), "{error}");
}

#[test]
fn providers_that_need_something_of_their_own_are_known_by_their_issuers() {
    let provider = |issuer: &str| {
        let server = server(&all(&[&LOGIN, &[("OIDC_ISSUER", issuer)], &OIDC[1..]]));
        let login = &server.authorization_server().unwrap().0.logins[0];
        let federated = login.federated().unwrap().0;
        (login.name().to_owned(), login.label().to_owned(), federated.issuer().to_owned())
    };
    let tenant = "https://login.microsoftonline.com/8a1b2c3d-0000-4000-8000-000000000000/v2.0";
    for (issuer, label) in [
        ("https://accounts.google.com", "Google"),
        (tenant, "Microsoft"),
        ("https://example.eu.auth0.com/", "Auth0"),
        ("https://example.okta.com", "Okta"),
        ("https://example.okta.com/oauth2/default", "Okta"),
        ("https://sso.example.com/realms/a", "sso.example.com"),
        ("https://sso.example.com/", "sso.example.com"),
        ("http://127.0.0.1:9000", "127.0.0.1:9000"),
    ] {
        assert_eq!(provider(issuer), ("oidc".to_owned(), label.to_owned(), issuer.to_owned()));
    }
    // Everybody's tenant is refused.
    let common = [("OIDC_ISSUER", "https://login.microsoftonline.com/common/v2.0")];
    assert!(builder().from(Env::of(all(&[&LOGIN, &common, &OIDC[1..]]))).unwrap().build().is_err());
}

#[test]
fn https_needs_a_certificate_and_an_https_url() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let tls = [("MCP_TLS_CERT", file), ("MCP_TLS_KEY", file)];
    let error = builder().from(Env::of(tls)).unwrap().build().unwrap_err();
    assert!(error.to_string().contains("Cargo.toml"), "{error}");
    let (config, problems) = read(&all(&[&JWT, &tls]));
    assert_eq!((config.public_url.as_deref(), problems), (Some("https://127.0.0.1:8000/mcp"), vec![]));
    let error = builder().from(Env::of(all(&[&tls, &[("MCP_PUBLIC_URL", "http://127.0.0.1:1/mcp")]]))).unwrap().build();
    assert!(error.unwrap_err().to_string().contains("plain http"));
}
