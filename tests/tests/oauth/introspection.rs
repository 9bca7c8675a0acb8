//! Who may ask about tokens, and what the others find out: nothing.

use http::StatusCode;
use serde_json::json;

use crate::{
    browser::{Browser, CALLBACK, Tokens},
    world::{Ask, ISSUER, RESOURCE, SECRET, World},
};

const INACTIVE: &str = r#"{"active":false}"#;

#[tokio::test]
async fn only_registered_resource_servers_learn_anything() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let tokens = alice.tokens().await;
    let dynamic = world.send(Ask::json("/register", &json!({"redirect_uris": [CALLBACK]}))).await.json();
    let (id, secret) = (dynamic["client_id"].as_str().unwrap(), dynamic["client_secret"].as_str().unwrap());
    for token in [&*tokens.access, &tokens.refresh, "x"] {
        let ask = || Ask::form("/introspect", &[("token", token)]);
        // Nobody.
        for stranger in [
            ask(),
            ask().basic("nobody", SECRET),
            ask().basic("reports", "a guess"),
            ask().basic("web", SECRET),
            ask().header("authorization", format!("Bearer {}", tokens.access)),
            Ask::form("/introspect", &[("token", token), ("client_id", "reports")]),
            // Who registered itself is nobody here.
            ask().basic(id, secret),
        ] {
            let reply = world.send(stranger).await;
            assert_eq!(reply.status_and_error(), (401, "invalid_client".into()));
            assert!(!reply.text.contains("active"), "{reply:?}");
        }
        // Clients of the operator, be it the token's own, or a confidential one.
        for client in [
            Ask::form("/introspect", &[("token", token), ("client_id", "web")]),
            Ask::form("/introspect", &[("token", token), ("client_id", "other")]),
            ask().basic("backend", SECRET),
            ask().basic("job", SECRET),
        ] {
            let reply = world.send(client).await;
            assert_eq!((reply.status, &*reply.text), (StatusCode::OK, INACTIVE));
        }
    }
    // Refresh tokens are nobody's business.
    let ask = |token: &str| Ask::form("/introspect", &[("token", token)]).basic("reports", SECRET);
    assert_eq!(world.send(ask(&tokens.refresh)).await.text, INACTIVE);
    let told = world.send(ask(&tokens.access)).await.json();
    assert_eq!((&told["active"], &told["iss"], &told["aud"]), (&json!(true), &json!(ISSUER), &json!(RESOURCE)));
    assert!(!told.to_string().contains("alice"), "{told}");
    world.form("/revoke", &[("token", &tokens.refresh), ("client_id", "web")]).await;
    assert_eq!(world.send(ask(&tokens.access)).await.text, INACTIVE);
}

/// A token is ended by the client that it was given to, and by no other; nobody is told whether there was one.
#[tokio::test]
async fn who_may_revoke() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let tokens = alice.tokens().await;
    let before = world.entries("grant").await;
    for token in [&tokens.access, &tokens.refresh] {
        let fields = [("token", &**token)];
        for ask in [
            Ask::form("/revoke", &fields),
            Ask::form("/revoke", &fields).basic("nobody", SECRET),
            Ask::form("/revoke", &[fields[0], ("client_id", "backend")]),
            Ask::form("/revoke", &[fields[0], ("client_id", "web"), ("client_secret", SECRET)]),
        ] {
            assert_eq!(world.send(ask).await.status_and_error(), (401, "invalid_client".into()));
        }
        for hint in ["access_token", "refresh_token", "nonsense"] {
            let fields = [fields[0], ("token_type_hint", hint)];
            let reply = world.send(Ask::form("/revoke", &fields).basic("backend", SECRET)).await;
            assert_eq!(reply.status_and_error(), (400, "invalid_grant".into()), "{hint}");
        }
    }
    let unknown = world.form("/revoke", &[("token", "no such token"), ("client_id", "web")]).await;
    assert_eq!((unknown.status, &*unknown.text), (StatusCode::OK, ""));
    assert_eq!(world.entries("grant").await, before);
    assert_eq!(world.call("read", &tokens.access).await, StatusCode::OK);
    // What is given back ends the whole grant, whichever of its tokens it is.
    for hint in ["", "refresh_token"] {
        let Tokens { access, refresh } = alice.tokens().await;
        let gone = world.form("/revoke", &[("token", &access), ("client_id", "web"), ("token_type_hint", hint)]).await;
        assert_eq!((gone.status, &*gone.text), (StatusCode::OK, ""));
        assert_eq!(world.call("read", &access).await, StatusCode::UNAUTHORIZED);
        assert_eq!(crate::browser::refresh(&world, &refresh, &[]).await.error(), "invalid_grant");
    }
}
