//! Nothing that is a secret is in the log, not at TRACE either, nor in errors, nor in what `Debug` shows.
//!
//! Every other test of this binary ends with the same search, over the log of all of them.

use std::time::Duration;

use http::StatusCode;
use mcp_runtime::oauth::{RegisteredClient, StoreKey, pkce::Pkce};
use serde_json::json;

use crate::{
    browser::{Browser, CALLBACK, Tokens, VERIFIER, link, redeem, refresh},
    log::{self, Secrets},
    world::{Ask, KEY, PASSWORD, SECRET, World},
};

/// A search that finds nothing must be one that could.
#[test]
fn the_search_finds_what_is_there() {
    let start = log::start();
    let secrets = Secrets::default();
    secrets.add("a-secret-that-somebody-logged");
    secrets.add("short");
    tracing::trace!(header = "Bearer a-secret-that-somebody-logged", "and short");
    assert_eq!(secrets.within(&log::since(start)), ["a-secret-that-somebody-logged"]);
}

#[tokio::test]
async fn whole_journeys_leave_no_secret() {
    let start = log::start();
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let wrong = Browser::new(&world).login_page(&link(&[])).await;
    assert_eq!(wrong.status, StatusCode::OK);
    let mut guesser = Browser::new(&world);
    let page = guesser.login_page(&link(&[])).await;
    guesser.enter(&page, "alice", "a-guess-that-is-wrong-and-long-enough-to-count").await;
    // Registered, exchanged, refreshed, used.
    let registered =
        world.send(Ask::json("/register", &json!({"redirect_uris": [CALLBACK], "client_name": "x"}))).await;
    let (id, secret) = (registered.json()["client_id"].clone(), registered.json()["client_secret"].clone());
    let (id, secret) = (id.as_str().unwrap(), secret.as_str().unwrap());
    let own = [("client_id", id), ("client_secret", secret)];
    let code = alice.code(&[own[0]]).await;
    let tokens = Tokens::of(&redeem(&world, &code, &own).await);
    assert_eq!(world.call("read", &tokens.access).await, StatusCode::OK);
    assert_eq!(world.call("admin", &tokens.access).await, StatusCode::FORBIDDEN);
    let next = Tokens::of(&refresh(&world, &tokens.refresh, &own).await);
    // What is noticed, and mentioned in the log: a code used twice, a token used late, a client that is not who it says.
    let mut bodies = vec![redeem(&world, &code, &own).await];
    let again = alice.tokens().await;
    let newer = Tokens::of(&refresh(&world, &again.refresh, &[]).await);
    Tokens::of(&refresh(&world, &newer.refresh, &[]).await);
    bodies.push(refresh(&world, &again.refresh, &[]).await);
    bodies.push(refresh(&world, &next.refresh, &own).await);
    bodies.push(world.form("/token", &[own[0], ("client_secret", SECRET), ("grant_type", "refresh_token")]).await);
    bodies.push(world.send(Ask::form("/introspect", &[("token", &again.access)]).basic("reports", PASSWORD)).await);
    bodies.push(world.send(Ask::call("read", &tokens.access)).await);
    bodies.push(world.get(&format!("/token?client_secret={SECRET}&code={code}")).await);
    bodies.push(world.get(&format!("/authorize?code={code}&client_secret={SECRET}&password={PASSWORD}")).await);
    for reply in &bodies {
        assert!(reply.status.is_client_error(), "{reply:?}");
        assert_eq!(world.secrets.within(&format!("{reply:?}")), Vec::<String>::new());
    }
    world.form("/revoke", &[("token", &newer.access), ("client_id", "web")]).await;
    let minted = world.authorization().mint("local", "alice", ["notes:read"], Duration::from_secs(60)).await;
    assert!(minted.is_err(), "an id is more than a name");
    let (action, token) = alice.get(&link(&[("prompt", "consent")])).await.form_to("/logout");
    alice.post(&action, &[("token", &token)]).await;

    tracing::trace!("the finest there is");
    let text = log::since(start);
    for line in
        ["somebody logged in", "an authorization code was used twice", "a refresh token was used again", "TRACE"]
    {
        assert!(text.contains(line), "not logged: {line}");
    }
    assert!(world.secrets.len() > 25, "{}", world.secrets.len());
    for secret in [&*code, &tokens.access, &tokens.refresh, &next.access, secret, PASSWORD, SECRET, KEY, VERIFIER] {
        assert!(!world.secrets.within(secret).is_empty(), "not looked for: {secret}");
    }
    world.assert_log_is_clean();
}

/// What is in the store could not be used by whoever reads it.
#[tokio::test]
async fn the_store_holds_no_secret_in_clear() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let code = alice.code(&[]).await;
    let tokens = alice.tokens().await;
    let registered = world.send(Ask::json("/register", &json!({"redirect_uris": [CALLBACK]}))).await.json();
    let secrets = Secrets::default();
    let session = alice.jar["__Host-mcp-session"].clone();
    let client = registered["client_secret"].as_str().unwrap();
    for secret in [&*code, &tokens.access, &tokens.refresh, client, &session, PASSWORD, SECRET, KEY] {
        secrets.add(secret);
    }
    assert_eq!(secrets.len(), 8);
    let mut kinds = 0;
    for kind in ["code", "grant", "grant_of", "user", "session", "consent", "link", "dynamic-client", "signing_keys"] {
        let entries = world.entries(kind).await;
        assert!(!entries.is_empty(), "{kind}");
        for (name, value) in entries {
            let text = format!("{name} {}", String::from_utf8_lossy(&value));
            assert_eq!(secrets.within(&text), Vec::<String>::new(), "{kind}");
            kinds += 1;
        }
    }
    assert!(kinds >= 9);
}

#[tokio::test]
async fn debug_shows_no_secret() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let tokens = alice.tokens().await;
    let subject = world.entries("session").await[0].1.clone();
    let subject =
        serde_json::from_slice::<serde_json::Value>(&subject).unwrap()["subject"].as_str().unwrap().to_owned();
    let grants = world.authorization().grants_of(&subject).await.unwrap();
    assert_eq!(grants.len(), 1);
    let pkce = Pkce::generate().unwrap();
    world.secrets.add(pkce.verifier());
    let key = StoreKey::from_base64(KEY).unwrap();
    let wrong = StoreKey::from_base64(&format!("{KEY}{KEY}")).unwrap_err();
    for shown in [
        format!("{:?}", world.server),
        format!("{:?}", world.authorization()),
        format!("{:#?}", world.authorization()),
        format!("{:?}", RegisteredClient::confidential("job", SECRET).client_credentials()),
        format!("{grants:?}"),
        format!("{pkce:?}"),
        format!("{key:?}"),
        format!("{wrong:?} {wrong}"),
        format!("{:?}", world.users.add("alice", PASSWORD, ["notes:read"]).await),
        format!("{:?}", world.users.set_password("nobody", PASSWORD).await),
        format!("{:?}", world.store),
    ] {
        assert_eq!(world.secrets.within(&shown), Vec::<String>::new(), "{shown}");
        assert!(!shown.contains("store key of the attacked server") && !shown.contains("argon2id"), "{shown}");
    }
    assert!(world.secrets.within(&tokens.access).len() == 1);
}
