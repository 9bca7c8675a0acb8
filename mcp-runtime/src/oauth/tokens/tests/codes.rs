//! Authorization codes.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::*;

#[tokio::test]
async fn a_code_buys_tokens_for_what_was_granted() {
    let world = World::new();
    let node = world.node();
    let tokens = tokens(&node, &["read", "write"]).await;
    assert_eq!(tokens.scope(), "read write");
    let identity = verify(&node, tokens.access()).await.unwrap();
    assert_eq!((identity.issuer(), identity.client()), ("https://a.example", Some("c")));
    assert_eq!(identity.subject(), people::subject_of(&node.0, "listed", "alice").await.unwrap());
    assert_eq!(identity.claims()["aud"], RESOURCE);
    assert_eq!(identity.expires_at(), Some(node.0.records.now() + 900));
    assert!(identity.has_scope("read") && identity.has_scope("write") && !identity.has_scope("admin"));
    let header = URL_SAFE_NO_PAD.decode(tokens.access().split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(
        (&header["typ"], &header["alg"], &header["kid"]),
        (&"at+jwt".into(), &"ES256".into(), &node.0.keys.kids()[0].clone().into())
    );
}

#[tokio::test]
async fn whatever_is_wrong_is_refused_and_changes_nothing() {
    let world = World::new();
    let node = world.node();
    let right = code(&node, &["read"]).await;
    let other = Pkce::generate().unwrap();
    let challenge = crate::oauth::pkce::challenge_of(&right["code_verifier"]);
    let long = "a".repeat(129);
    for (what, name, value) in [
        ("another code", "code", "AAAA"),
        ("another verifier", "code_verifier", other.verifier()),
        ("the challenge, as `plain` would have it", "code_verifier", &challenge),
        ("a short verifier", "code_verifier", "short"),
        ("a long verifier", "code_verifier", &long),
        ("another port", "redirect_uri", "http://127.0.0.1:7001/callback"),
        ("another path", "redirect_uri", "http://127.0.0.1:7000/callback/"),
        ("another host", "redirect_uri", "http://localhost:7000/callback"),
    ] {
        let mut wrong = right.clone();
        wrong.insert(name, value.to_owned());
        assert_eq!(refusal(redeem(&node, &client("c"), &wrong).await), ErrorCode::InvalidGrant, "{what}");
    }
    for resource in ["https://a.example/mcp/", "https://a.example", "https://b.example/mcp", "https://A.example/mcp"] {
        let mut wrong = right.clone();
        wrong.insert("resource", resource.to_owned());
        assert_eq!(refusal(redeem(&node, &client("c"), &wrong).await), ErrorCode::InvalidTarget, "{resource}");
    }
    for missing in ["code", "code_verifier"] {
        let mut wrong = right.clone();
        wrong.remove(missing);
        assert_eq!(refusal(redeem(&node, &client("c"), &wrong).await), ErrorCode::InvalidRequest, "{missing}");
    }
    assert_eq!(refusal(redeem(&node, &client("d"), &right).await), ErrorCode::InvalidGrant, "another client");
    assert!(node.grants_of(&people::subject_of(&node.0, "listed", "alice").await.unwrap()).await.unwrap().is_empty());
    assert!(redeem(&node, &client("c"), &right).await.is_ok());
}

#[tokio::test]
async fn a_code_lasts_a_minute() {
    let world = World::new();
    let node = world.node();
    let (early, late) = (code(&node, &["read"]).await, code(&node, &["read"]).await);
    world.advance(59);
    assert!(redeem(&node, &client("c"), &early).await.is_ok());
    world.advance(1);
    assert_eq!(refusal(redeem(&node, &client("c"), &late).await), ErrorCode::InvalidGrant);
}

#[tokio::test]
async fn a_replay_ends_what_the_code_bought_and_a_guess_does_not() {
    let world = World::new();
    let node = world.node();
    let right = code(&node, &["read"]).await;
    let tokens = redeem(&node, &client("c"), &right).await.unwrap();
    let mut guess = right.clone();
    guess.insert("code_verifier", Pkce::generate().unwrap().verifier().to_owned());
    assert_eq!(refusal(redeem(&node, &client("c"), &guess).await), ErrorCode::InvalidGrant);
    assert_eq!(refusal(redeem(&node, &client("d"), &right).await), ErrorCode::InvalidGrant);
    assert!(verify(&node, tokens.access()).await.is_ok());
    // Long after the code has ended as such.
    world.advance(300);
    assert_eq!(refusal(redeem(&node, &client("c"), &right).await), ErrorCode::InvalidGrant);
    assert!(verify(&node, tokens.access()).await.is_err());
    assert_eq!(refusal(refresh(&node, &client("c"), tokens.refresh()).await), ErrorCode::InvalidGrant);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_at_once_one_gets_tokens_that_are_good_for_nothing() {
    let world = World::new();
    let nodes = [world.node(), world.node()];
    let right = Arc::new(code(&nodes[0], &["read"]).await);
    let tasks: Vec<_> = (0..100)
        .map(|i| {
            let (node, right) = (nodes[i % 2].clone(), Arc::clone(&right));
            tokio::spawn(async move { redeem(&node, &client("c"), &right).await })
        })
        .collect();
    let mut bought = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(tokens) => bought.push(tokens),
            Err(error) => assert_eq!(error.code, ErrorCode::InvalidGrant),
        }
    }
    assert_eq!(bought.len(), 1);
    for node in &nodes {
        node.0.news.read(&node.0).await.unwrap();
        assert!(verify(node, bought[0].access()).await.is_err());
        assert_eq!(refusal(refresh(node, &client("c"), bought[0].refresh()).await), ErrorCode::InvalidGrant);
    }
}

#[tokio::test]
async fn what_an_account_may_not_grant_any_more_is_not_bought() {
    let world = World::new();
    let node = world.node();
    let codes = [code(&node, &["read", "write"]).await, code(&node, &["write"]).await, code(&node, &["read"]).await];
    world.account(Account::new("alice", "Alice").scopes(["read"]));
    assert_eq!(redeem(&node, &client("c"), &codes[0]).await.unwrap().scope(), "read");
    assert_eq!(refusal(redeem(&node, &client("c"), &codes[1]).await), ErrorCode::InvalidGrant);
    world.remove_account("alice");
    assert_eq!(refusal(redeem(&node, &client("c"), &codes[2]).await), ErrorCode::InvalidGrant);
}

#[tokio::test]
async fn a_client_that_may_not_refresh_gets_no_refresh_token() {
    let world = World::new();
    let node = world.node();
    let once = Client { grant_types: vec![GrantType::AuthorizationCode], ..client("c") };
    let tokens = redeem(&node, &once, &code(&node, &["read"]).await).await.unwrap();
    assert!(tokens.0.get("refresh_token").is_none());
    assert!(verify(&node, tokens.access()).await.is_ok());
}
