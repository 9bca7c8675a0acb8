//! Whether people are still there, and their tokens.

use super::*;

fn tokens(refresh: Option<&str>, expires_at: Option<u64>) -> UpstreamTokens {
    UpstreamTokens {
        access_token: "at-0".into(),
        refresh_token: refresh.map(str::to_owned),
        expires_at,
        scopes: vec!["openid".into(), "calendar".into()],
    }
}

/// What a refresh gives, as the standard has it: no nonce.
fn refreshed(stub: &Stub, sub: &str) -> String {
    let mut claims = stub.claims();
    claims["sub"] = sub.into();
    claims.as_object_mut().unwrap().remove("nonce");
    stub.sign(&claims)
}

#[tokio::test]
async fn somebody_who_is_there_is_seen_as_they_are_now() {
    let stub = Stub::start().await;
    let oidc = stub.oidc().claim("groups", "staff");
    stub.gives(Some(refreshed(&stub, "alice-1")), |answer| answer["refresh_token"] = "rt-2".into());
    stub.replies("/userinfo", Reply::json(200, &json!({ "sub": "alice-1", "groups": ["guests"] })));
    let again = oidc.recheck("alice-1", &Claims::new(), Some(&tokens(Some("rt-1"), Some(1)))).await.unwrap();
    assert!(oidc.judge("alice-1", &again.claims).is_err(), "out of the group");
    let newer = again.tokens.unwrap();
    assert_eq!((&*newer.access_token, newer.refresh_token.as_deref()), ("at-1", Some("rt-2")));
    let asked = form(&stub.hits("/token")[0].body);
    assert_eq!((asked.get("grant_type"), asked.get("refresh_token")), (Some("refresh_token"), Some("rt-1")));
    assert!(stub.hits("/token")[0].authorization.starts_with("Basic "));
}

#[tokio::test]
async fn an_old_refresh_token_goes_on_if_there_is_no_new_one() {
    let stub = Stub::start().await;
    let without = |answer: &mut Value| {
        answer.as_object_mut().unwrap().retain(|name, _| name != "refresh_token" && name != "scope");
    };
    stub.gives(Some(refreshed(&stub, "alice-1")), without);
    let old = tokens(Some("rt-1"), Some(1));
    let newer = stub.oidc().recheck("alice-1", &Claims::new(), Some(&old)).await.unwrap().tokens.unwrap();
    assert_eq!((newer.refresh_token.as_deref(), &newer.scopes), (Some("rt-1"), &old.scopes));
    let newer = stub.oidc().refresh("alice-1", &old).await.unwrap();
    assert_eq!((&*newer.access_token, newer.refresh_token.as_deref()), ("at-1", Some("rt-1")));
    assert_eq!((newer.expires_at, newer.scopes), (Some(stub.now() + 3600), old.scopes));
}

#[tokio::test]
async fn somebody_else_is_not_them() {
    let stub = Stub::start().await;
    let (oidc, old) = (stub.oidc(), tokens(Some("rt-1"), None));
    stub.gives(Some(refreshed(&stub, "bob-2")), |_| {});
    assert_eq!(oidc.recheck("alice-1", &Claims::new(), Some(&old)).await.err(), Some(LoginError::Denied));
    stub.gives(None, |_| {});
    stub.replies("/userinfo", Reply::json(200, &json!({ "sub": "bob-2", "name": "Bob" })));
    assert_eq!(oidc.recheck("alice-1", &Claims::new(), Some(&old)).await.err(), Some(LoginError::Denied));
    let mut claims = stub.claims();
    claims["aud"] = "other".into();
    stub.gives(Some(stub.sign(&claims)), |_| {});
    assert_eq!(oidc.recheck("alice-1", &Claims::new(), Some(&old)).await.err(), Some(LoginError::Denied));
    stub.replies("/userinfo", Reply::json(200, &json!({ "sub": "alice-1", "name": "Alice B" })));
    stub.gives(None, |_| {});
    let again = oidc.recheck("alice-1", &Claims::new(), Some(&old)).await.unwrap();
    assert_eq!(Value::from(again.claims), json!({ "name": "Alice B" }), "no ID token, but they are told there");
}

#[tokio::test]
async fn who_is_gone_is_not_who_cannot_be_looked_up_now() {
    let stub = Stub::start().await;
    let (oidc, old) = (stub.oidc(), tokens(Some("rt-1"), None));
    for (status, error, expected) in [
        (400, "invalid_grant", LoginError::Denied),
        (400, "interaction_required", LoginError::Denied),
        (400, "temporarily_unavailable", LoginError::Unavailable),
        (401, "invalid_client", LoginError::Unavailable),
        (500, "invalid_grant", LoginError::Unavailable),
        (429, "invalid_grant", LoginError::Unavailable),
    ] {
        stub.replies("/token", Reply::json(status, &json!({ "error": error })));
        assert_eq!(
            oidc.recheck("alice-1", &Claims::new(), Some(&old)).await.err(),
            Some(expected.clone()),
            "{status} {error}"
        );
        assert_eq!(oidc.refresh("alice-1", &old).await.err(), Some(expected), "{status} {error}");
    }
}

#[tokio::test]
async fn without_a_refresh_token_the_access_token_does_while_it_is_good() {
    let stub = Stub::start().await;
    let (oidc, now) = (stub.oidc(), stub.now());
    stub.replies("/userinfo", Reply::json(200, &json!({ "sub": "alice-1", "name": "Alice", "address": "x" })));
    for end in [None, Some(now + 1)] {
        let again = oidc.recheck("alice-1", &Claims::new(), Some(&tokens(None, end))).await.unwrap();
        assert_eq!((Value::from(again.claims), again.tokens), (json!({ "name": "Alice" }), None));
    }
    assert_eq!(stub.hits("/userinfo").len(), 2);
    assert_eq!(stub.hits("/userinfo")[0].authorization, "Bearer at-0");
    for gone in [None, Some(tokens(None, Some(now)))] {
        assert_eq!(oidc.recheck("alice-1", &Claims::new(), gone.as_ref()).await.err(), Some(LoginError::Denied));
    }
    assert_eq!(stub.hits("/userinfo").len(), 2, "nobody was asked");
    assert_eq!(oidc.refresh("alice-1", &tokens(None, None)).await.err(), Some(LoginError::Denied));
    for (status, expected) in [(401, LoginError::Denied), (503, LoginError::Unavailable)] {
        stub.replies("/userinfo", Reply::json(status, &json!({})));
        assert_eq!(oidc.recheck("alice-1", &Claims::new(), Some(&tokens(None, None))).await.err(), Some(expected));
    }
    assert_eq!(stub.hits("/token").len(), 0);
}

#[tokio::test]
async fn a_refresh_token_is_not_lost_with_what_comes_after_it() {
    let stub = Stub::start().await;
    let (oidc, old) = (stub.oidc().claim("groups", "staff"), tokens(Some("rt-1"), None));
    stub.gives(Some(refreshed(&stub, "alice-1")), |answer| answer["refresh_token"] = "rt-2".into());
    stub.replies("/userinfo", Reply::json(503, &json!({})));
    assert_eq!(oidc.recheck("alice-1", &Claims::new(), Some(&old)).await.err(), Some(LoginError::Unavailable));
    stub.gives(Some(refreshed(&stub, "alice-1")), |answer| answer["refresh_token"] = "rt-3".into());
    stub.replies("/userinfo", Reply::json(200, &json!({ "sub": "alice-1", "groups": ["staff"] })));
    let again = oidc.recheck("alice-1", &Claims::new(), Some(&old)).await.unwrap();
    assert_eq!(again.tokens.unwrap().refresh_token.as_deref(), Some("rt-3"));
    let sent = |at: usize| form(&stub.hits("/token")[at].body).get("refresh_token").map(str::to_owned);
    assert_eq!((sent(0).as_deref(), sent(1).as_deref()), (Some("rt-1"), Some("rt-2")));
    // Whoever asked has it now.
    oidc.refresh("alice-1", &old).await.unwrap();
    assert_eq!(sent(2).as_deref(), Some("rt-1"));
}

#[tokio::test]
async fn tokens_for_tools_stay_those_of_the_same_person() {
    let stub = Stub::start().await;
    let (oidc, old) = (stub.oidc(), tokens(Some("rt-1"), Some(1)));
    stub.gives(Some(refreshed(&stub, "mallory-9")), |_| {});
    assert_eq!(oidc.refresh("alice-1", &old).await.err(), Some(LoginError::Denied));
    stub.gives(Some(refreshed(&stub, "alice-1")), |_| {});
    assert!(oidc.refresh("alice-1", &old).await.is_ok());
}
