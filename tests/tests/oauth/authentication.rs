//! Clients that are not who they say, or say it in another way than they agreed to.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    browser::{Browser, CALLBACK, Tokens, VERIFIER, redeem, refresh},
    world::{Ask, Reply, SECRET, World},
};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

async fn register(world: &World, method: &str) -> (String, String) {
    let body = json!({"redirect_uris": [CALLBACK], "token_endpoint_auth_method": method});
    let reply = world.send(Ask::json("/register", &body)).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&reply.json()["client_id"]), text(&reply.json()["client_secret"]))
}

/// The same client and the right secret, but not as it was registered.
#[tokio::test]
async fn one_method_and_no_other() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let ((basic, basic_secret), (post, post_secret)) =
        (register(&world, "client_secret_basic").await, register(&world, "client_secret_post").await);
    let (none, nothing) = register(&world, "none").await;
    assert_eq!(nothing, "");
    for (id, secret, method) in
        [(&basic, &*basic_secret, "basic"), (&post, &post_secret, "post"), (&none, SECRET, "none")]
    {
        let code = alice.code(&[("client_id", id)]).await;
        let before = world.census().await;
        let fields = [("grant_type", "authorization_code"), ("code", &*code), ("code_verifier", VERIFIER)];
        let named = [&fields[..], &[("client_id", id)]].concat();
        let posted = [&named[..], &[("client_secret", secret)]].concat();
        let empty = [&named[..], &[("client_secret", "")]].concat();
        let ways: [(&str, Ask); 9] = [
            ("none", Ask::form("/token", &named)),
            ("post", Ask::form("/token", &posted)),
            ("basic", Ask::form("/token", &fields).basic(id, secret)),
            ("none", Ask::form("/token", &empty)),
            ("two", Ask::form("/token", &posted).basic(id, secret)),
            ("two ids", Ask::form("/token", &[&fields[..], &[("client_id", "web")]].concat()).basic(id, secret)),
            ("two headers", Ask::form("/token", &fields).basic(id, secret).basic(id, secret)),
            ("bearer", Ask::form("/token", &named).header("authorization", format!("Bearer {secret}"))),
            ("no colon", Ask::form("/token", &named).header("authorization", "Basic d2Vi")),
        ];
        for (way, ask) in ways.iter().filter(|(way, _)| *way != method) {
            let reply = world.send(ask.clone()).await;
            assert!(reply.status == 401 || reply.status == 400, "{method} {way}: {reply:?}");
            assert!(matches!(&*reply.error(), "invalid_client" | "invalid_request"), "{method} {way}: {reply:?}");
            reply.assert_barren();
        }
        assert_eq!(world.census().await, before, "{method}");
        let (_, right) = ways.iter().find(|(way, _)| *way == method).unwrap();
        assert_eq!(world.send(right.clone()).await.status, StatusCode::OK, "{method}");
    }
}

fn refused(what: &str, reply: &Reply) {
    assert_eq!(reply.status_and_error(), (401, "invalid_client".into()), "{what}");
    assert!(reply.header("www-authenticate").starts_with("Basic "), "{what}: {reply:?}");
    reply.assert_barren();
}

/// Guesses and mistakes of who acts for itself, which all look the same.
#[tokio::test]
async fn strangers_do_not_act_for_themselves() {
    let world = World::new().await;
    let ((dynamic, secret), (public, _)) =
        (register(&world, "client_secret_post").await, register(&world, "none").await);
    let before = world.census().await;
    let (upper, longer) = (SECRET.to_uppercase(), format!("{SECRET}A"));
    let long = "A".repeat(2_000);
    let mut texts = Vec::new();
    for (id, guess) in [
        ("job", ""),
        ("job", "x"),
        ("job", &SECRET[1..]),
        ("job", &upper),
        ("job", &longer),
        ("job", &long),
        ("job", "-------------------------------------------"),
        ("nobody", SECRET),
        ("nobody", "-------------------------------------------"),
        ("JOB", SECRET),
        (" job", SECRET),
        ("web", SECRET),
        ("web", "x"),
        (&dynamic, SECRET),
        (&public, SECRET),
    ] {
        let reply = world.form("/token", &[GRANT, ("client_id", id), ("client_secret", guess)]).await;
        refused(&format!("{id} {guess:.50}"), &reply);
        texts.push(reply.text);
        refused(id, &world.send(Ask::form("/token", &[GRANT]).basic(id, guess)).await);
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    // Those that are who they say, and may not.
    for fields in [
        &[GRANT, ("client_id", "web")][..],
        &[GRANT, ("client_id", &public)],
        &[GRANT, ("client_id", &dynamic), ("client_secret", &secret)],
        &[GRANT, ("client_id", "backend"), ("client_secret", SECRET)],
        &[GRANT, ("client_id", "reports"), ("client_secret", SECRET)],
    ] {
        let reply = world.form("/token", fields).await;
        assert_eq!(reply.status_and_error(), (400, "unauthorized_client".into()), "{fields:?}");
        reply.assert_barren();
    }
    // And who may, but not that.
    for scope in ["notes:write", "notes:admin", "nothing", "notes:read  ", "*"] {
        let reply =
            world.form("/token", &[GRANT, ("client_id", "job"), ("client_secret", SECRET), ("scope", scope)]).await;
        assert_eq!(reply.status_and_error(), (400, "invalid_scope".into()), "{scope}");
    }
    assert_eq!(world.census().await, before);
    let fields = [GRANT, ("client_id", "job"), ("client_secret", SECRET), ("scope", "notes:read notes:write")];
    let job = world.form("/token", &fields).await;
    assert_eq!((job.json()["scope"].as_str(), job.json().get("refresh_token")), (Some("notes:read"), None));
    let token = Tokens::of(&job).access;
    assert_eq!(world.call("read", &token).await, StatusCode::OK);
    assert_eq!(world.call("write", &token).await, StatusCode::FORBIDDEN);
}

/// What one client got is nothing to another, whoever that proves to be.
#[tokio::test]
async fn what_belongs_to_another_client() {
    let world = World::new().await;
    let mut alice = Browser::of(&world, "alice").await;
    let (mine, code) = (alice.tokens().await, alice.code(&[]).await);
    let backend = [("client_id", "backend"), ("client_secret", SECRET)];
    let uri = ("redirect_uri", "https://backend.example.com/cb");
    let theirs = alice.code(&[backend[0], uri]).await;
    let before = (world.census().await, world.entries("grant").await);
    for changes in [&backend[..], &[("client_id", "other")], &[("client_id", "desktop")]] {
        for reply in [redeem(&world, &code, changes).await, refresh(&world, &mine.refresh, changes).await] {
            assert_eq!(reply.status_and_error(), (400, "invalid_grant".into()), "{changes:?}");
            reply.assert_barren();
        }
        for token in [&mine.access, &mine.refresh] {
            let reply = world.form("/revoke", &[changes, &[("token", token)]].concat()).await;
            assert_eq!(reply.status_and_error(), (400, "invalid_grant".into()), "{changes:?}");
        }
    }
    // The confidential client's code, by those who cannot prove to be it.
    for changes in
        [&[("client_id", "backend"), uri][..], &[("client_id", "backend"), uri, ("client_secret", "x")], &[uri]]
    {
        let reply = redeem(&world, &theirs, changes).await;
        assert!(matches!(&*reply.error(), "invalid_client" | "invalid_grant"), "{changes:?}: {reply:?}");
        reply.assert_barren();
    }
    assert_eq!((world.census().await, world.entries("grant").await), before);
    let tokens = Tokens::of(&redeem(&world, &theirs, &[&backend[..], &[uri]].concat()).await);
    for changes in [&[("client_id", "backend")][..], &[]] {
        refresh(&world, &tokens.refresh, changes).await.assert_barren();
    }
    Tokens::of(&refresh(&world, &tokens.refresh, &backend).await);
    Tokens::of(&redeem(&world, &code, &[]).await);
    assert_eq!(world.call("read", &mine.access).await, StatusCode::OK);
}

/// Guessing spends the guesser's allowance, not the client's.
#[tokio::test]
async fn guessing_has_an_end() {
    let world = World::new().await;
    let (guesser, job) = (world.address(), world.address());
    let ask = |secret: &str| Ask::form("/token", &[GRANT, ("client_id", "job"), ("client_secret", secret)]);
    let mut heard = 0;
    loop {
        let reply = world.send(ask("a guess").from(guesser)).await;
        if reply.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(reply.header("retry-after").parse::<u64>().unwrap() > 0, "{reply:?}");
            break;
        }
        refused("a guess", &reply);
        heard += 1;
        assert!(heard < 1_000, "no end");
    }
    assert_eq!(world.send(ask(SECRET).from(job)).await.status, StatusCode::OK);
}
