//! Looking somebody up again, and tokens that end.

use crate::oauth::login::federated::Claims;
use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::task::JoinSet;

use super::{
    super::GitHub,
    ID, TOKEN, github,
    stub::{ACME, EMAILS, Stub, TOKENS, USER, member},
    tokens,
};
use crate::{
    clock::ManualClock,
    oauth::{
        LoginError,
        login::federated::{FederatedLogin, UpstreamTokens},
    },
};

const ALICE: &str = "583231";
const EMAIL: [&str; 2] = ["read:user", "user:email"];
const ORG: [&str; 3] = ["read:org", "read:user", "user:email"];

fn expiring(clock: &ManualClock) -> UpstreamTokens {
    UpstreamTokens {
        access_token: "ghu_old".to_owned(),
        refresh_token: Some("ghr_old".to_owned()),
        expires_at: Some(clock.millis() / 1000 + 28_800),
        scopes: Vec::new(),
    }
}

fn renews(stub: &Stub) {
    stub.says(
        TOKENS,
        &json!({
            "access_token": "ghu_new", "expires_in": 28_800, "refresh_token": "ghr_new", "scope": "", "token_type": "bearer",
        }),
    );
}

fn at(clock: &ManualClock, stub: &Stub) -> GitHub {
    GitHub { clock: clock.clone().into(), ..github(stub).anyone() }
}

#[tokio::test]
async fn somebody_is_still_there() {
    let stub = Stub::start().await;
    stub.says(ACME, &member("acme", "active"));
    let github = github(&stub).organization("acme");
    let kept = tokens(&ORG);
    let rechecked = github.recheck(ALICE, &Claims::new(), Some(&kept)).await.unwrap();
    assert!(rechecked.tokens.is_none() && github.judge(ALICE, &rechecked.claims).is_ok());
    assert_eq!(stub.lines(), [USER, EMAILS, ACME]);
    // Out of the organisation, in by the rule no more.
    stub.answers(ACME, 404, &[], "{}");
    let rechecked = github.recheck(ALICE, &Claims::new(), Some(&kept)).await.unwrap();
    assert!(github.judge(ALICE, &rechecked.claims).is_err());
    // Renamed, and the same.
    stub.says(ACME, &member("acme", "active"));
    stub.says(USER, &json!({ "id": ID, "login": "tentacat" }));
    let rechecked = github.recheck(ALICE, &Claims::new(), Some(&kept)).await.unwrap();
    assert_eq!(github.judge(ALICE, &rechecked.claims).unwrap().name, "tentacat");
}

#[tokio::test]
async fn nobody_can_be_vouched_for_without_their_token() {
    let stub = Stub::start().await;
    let github = github(&stub).anyone();
    assert_eq!(github.recheck(ALICE, &Claims::new(), None).await.err(), Some(LoginError::Denied));
    assert_eq!(stub.lines().len(), 0);
    // With another's.
    assert_eq!(github.recheck("9", &Claims::new(), Some(&tokens(&EMAIL))).await.err(), Some(LoginError::Denied));
    stub.says(USER, &json!({ "id": 9, "login": "octocat" }));
    assert_eq!(github.recheck(ALICE, &Claims::new(), Some(&tokens(&EMAIL))).await.err(), Some(LoginError::Denied));
    // With one that was taken back.
    stub.answers(USER, 401, &[], json!({ "message": "Bad credentials" }).to_string());
    assert_eq!(github.recheck(ALICE, &Claims::new(), Some(&tokens(&EMAIL))).await.err(), Some(LoginError::Denied));
    assert!(!stub.lines().contains(&TOKENS.to_owned()));
}

#[tokio::test]
async fn rules_that_need_more_than_was_granted_need_a_new_login() {
    let stub = Stub::start().await;
    stub.says(ACME, &member("acme", "active"));
    let github = github(&stub).organization("acme");
    assert_eq!(github.recheck(ALICE, &Claims::new(), Some(&tokens(&EMAIL))).await.err(), Some(LoginError::Denied));
    assert_eq!(stub.lines().len(), 0);
}

#[tokio::test]
async fn while_github_is_down_it_cannot_be_told() {
    let stub = Stub::start().await;
    let github = github(&stub).anyone();
    for (status, headers) in
        [(500, &[][..]), (503, &[]), (429, &[]), (403, &[("x-ratelimit-remaining", "0")]), (302, &[("location", "/")])]
    {
        stub.answers(USER, status, headers, "{}");
        let recheck = github.recheck(ALICE, &Claims::new(), Some(&tokens(&EMAIL))).await;
        assert_eq!(recheck.err(), Some(LoginError::Unavailable), "{status}");
    }
    stub.answers(USER, 403, &[("x-ratelimit-remaining", "4999")], "{}");
    assert_eq!(github.recheck(ALICE, &Claims::new(), Some(&tokens(&EMAIL))).await.err(), Some(LoginError::Denied));
}

#[tokio::test]
async fn tokens_that_have_ended_are_refreshed_first() {
    let (clock, stub) = (ManualClock::new(), Stub::start().await);
    let (github, kept) = (at(&clock, &stub), expiring(&clock));
    renews(&stub);
    clock.advance(Duration::from_secs(28_799));
    assert!(github.recheck(ALICE, &Claims::new(), Some(&kept)).await.unwrap().tokens.is_none());
    clock.advance(Duration::from_secs(1));
    let newer = github.recheck(ALICE, &Claims::new(), Some(&kept)).await.unwrap().tokens.unwrap();
    assert_eq!((&*newer.access_token, newer.refresh_token.as_deref()), ("ghu_new", Some("ghr_new")));
    assert_eq!(newer.expires_at, Some(clock.millis() / 1000 + 28_800));
    let asked = stub.asked();
    assert_eq!(stub.lines()[2..], [TOKENS, USER, EMAILS]);
    assert!(asked[2].form.contains("grant_type=refresh_token&refresh_token=ghr_old"), "{}", asked[2].form);
    assert!(asked[2].form.contains("client_secret="));
    assert_eq!(asked[3].headers["authorization"], "Bearer ghu_new");
}

#[tokio::test]
async fn a_token_that_is_refused_is_refreshed_once() {
    let (clock, stub) = (ManualClock::new(), Stub::start().await);
    let (github, kept) = (at(&clock, &stub), expiring(&clock));
    renews(&stub);
    stub.answers(USER, 401, &[], "{}");
    stub.then_says(USER, &json!({ "id": ID, "login": "octocat" }));
    assert_eq!(
        github.recheck(ALICE, &Claims::new(), Some(&kept)).await.unwrap().tokens.unwrap().access_token,
        "ghu_new"
    );
    assert_eq!(stub.lines(), [USER, TOKENS, USER, EMAILS]);
    let kept = UpstreamTokens { refresh_token: Some("ghr_other".to_owned()), ..kept };
    stub.answers(USER, 401, &[], "{}");
    assert_eq!(github.recheck(ALICE, &Claims::new(), Some(&kept)).await.err(), Some(LoginError::Denied));
    assert_eq!(stub.lines()[4..], [USER, TOKENS, USER]);
    // It is the newer token's account that counts.
    stub.answers(USER, 401, &[], "{}");
    stub.then_says(USER, &json!({ "id": 9, "login": "octocat" }));
    assert_eq!(github.recheck(ALICE, &Claims::new(), Some(&kept)).await.err(), Some(LoginError::Denied));
}

#[tokio::test]
async fn refreshing() {
    let (clock, stub) = (ManualClock::new(), Stub::start().await);
    let (github, kept) = (at(&clock, &stub), expiring(&clock));
    for (answer, expected) in [
        (json!({ "error": "bad_refresh_token" }), LoginError::Denied),
        (json!({ "error": "incorrect_client_credentials" }), LoginError::Unavailable),
        (json!({ "access_token": "ghu_new" }), LoginError::Unavailable),
    ] {
        stub.says(TOKENS, &answer);
        assert_eq!(github.refresh(ALICE, &kept).await.err(), Some(expected), "{answer}");
    }
    stub.answers(TOKENS, 502, &[], "{}");
    assert_eq!(github.refresh(ALICE, &kept).await.err(), Some(LoginError::Unavailable));
    let asked = stub.lines().len();
    assert_eq!(
        github.refresh(ALICE, &tokens(&EMAIL)).await.err(),
        Some(LoginError::Denied),
        "those of OAuth Apps do not end"
    );
    assert_eq!(stub.lines().len(), asked);
    // What is not said stays.
    let kept = UpstreamTokens { scopes: vec!["repo".to_owned()], ..kept };
    stub.says(TOKENS, &json!({ "access_token": TOKEN, "token_type": "bearer" }));
    let newer = github.refresh(ALICE, &kept).await.unwrap();
    assert_eq!((newer.expires_at, newer.refresh_token.as_deref()), (None, Some("ghr_old")));
    assert_eq!(newer.scopes, ["repo"]);
}

#[tokio::test]
async fn what_a_refresh_token_bought_is_not_lost() {
    let (clock, stub) = (ManualClock::new(), Stub::start().await);
    let (github, kept) = (at(&clock, &stub), expiring(&clock));
    renews(&stub);
    clock.advance(Duration::from_secs(28_800));
    stub.answers(USER, 500, &[], "{}");
    assert_eq!(github.recheck(ALICE, &Claims::new(), Some(&kept)).await.err(), Some(LoginError::Unavailable));
    // GitHub is back, and would not take the same one again.
    stub.says(TOKENS, &json!({ "error": "bad_refresh_token" }));
    stub.says(USER, &json!({ "id": ID, "login": "octocat" }));
    let rechecked = github.recheck(ALICE, &Claims::new(), Some(&kept)).await.unwrap();
    assert_eq!(rechecked.tokens.unwrap().access_token, "ghu_new");
    assert_eq!(stub.lines().iter().filter(|line| *line == TOKENS).count(), 1);
    // A refusal is not remembered.
    let other = UpstreamTokens { refresh_token: Some("ghr_other".to_owned()), ..kept };
    assert_eq!(github.refresh(ALICE, &other).await.err(), Some(LoginError::Denied));
    renews(&stub);
    assert_eq!(github.refresh(ALICE, &other).await.unwrap().access_token, "ghu_new");
}

#[tokio::test]
async fn many_who_refresh_the_same_get_the_same() {
    let (clock, stub) = (ManualClock::new(), Stub::start().await);
    let (github, kept) = (Arc::new(at(&clock, &stub)), expiring(&clock));
    renews(&stub);
    let mut all = JoinSet::new();
    for _ in 0..100 {
        let (github, kept) = (Arc::clone(&github), kept.clone());
        all.spawn(async move { github.refresh(ALICE, &kept).await.unwrap().access_token });
    }
    assert!(all.join_all().await.iter().all(|token| token == "ghu_new"));
    assert_eq!(stub.lines(), [TOKENS]);
}
