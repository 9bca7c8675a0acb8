//! Somebody logs in with a stub of GitHub, and is looked up again as time goes by.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::oauth::{
    login::github::tests::{
        github,
        stub::{ACME, EMAILS, OPS, Stub, TOKENS, USER, member},
    },
    people::present,
};

const DAY: Duration = Duration::from_secs(24 * 3_600);

async fn world(stub: &Stub) -> World {
    let login = github(stub).organization("acme").grants(["read"]).team("acme", "ops", ["write"]);
    World::at(ISSUER, vec![Box::new(login)]).await
}

/// There by the button, and back with a code.
async fn go_and_come_back(browser: &mut Browser, stub: &Stub) -> Page {
    let page = browser.get(&url(&[])).await;
    let choice = browser.get(page.location()).await;
    let (action, token) = choice.form("/login");
    assert!(action.contains("provider=github"), "{action}");
    let gone = browser.post(&action, &[("token", &token)]).await;
    assert!(gone.location().starts_with(&format!("{}/login/oauth/authorize?", stub.url)), "{}", gone.location());
    let told = gone.told();
    assert_eq!(told["redirect_uri"], format!("{ISSUER}/callback/github"));
    browser.get(&format!("{ISSUER}/callback/github?code=the-code&state={}", told["state"])).await
}

#[tokio::test]
async fn a_member_logs_in_and_loses_what_the_organisation_takes() {
    let stub = Stub::with_organizations().await;
    stub.says(ACME, &member("acme", "active"));
    stub.says(OPS, &json!({ "state": "active" }));
    let world = world(&stub).await;
    let mut browser = Browser::new(&world);
    let home = go_and_come_back(&mut browser, &stub).await;
    assert_eq!(home.status, StatusCode::SEE_OTHER, "{}", home.html);
    assert_eq!(stub.lines(), [TOKENS, USER, EMAILS, ACME, OPS]);
    let question = browser.get(home.location()).await;
    assert!(question.html.contains("<bdi>octocat</bdi>") && question.html.contains("Write notes"), "{}", question.html);

    let id = format!("{} 583231", stub.url);
    let scopes = async || present(&world.core, "github", &id).await.unwrap().map(|account| account.scopes.unwrap());
    assert_eq!(scopes().await, Some(vec!["read".to_owned(), "write".to_owned()]));
    // Out of the team, then out of the organisation.
    stub.answers(OPS, 404, &[], "{}");
    world.clock.advance(DAY);
    assert_eq!(scopes().await, Some(vec!["read".to_owned()]));
    stub.answers(ACME, 404, &[], "{}");
    world.clock.advance(DAY);
    assert_eq!(scopes().await, None);
}

#[tokio::test]
async fn who_is_no_member_is_told_so_and_gets_nothing() {
    let stub = Stub::with_organizations().await;
    stub.says(ACME, &member("acme", "pending"));
    let world = world(&stub).await;
    let mut browser = Browser::new(&world);
    let refused = go_and_come_back(&mut browser, &stub).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.html.contains("GitHub knows you"), "{}", refused.html);
    assert!(browser.get(&url(&[])).await.location().starts_with(&format!("{ISSUER}/login?")), "nobody is logged in");
    for kind in ["federated", "upstream", "code"] {
        assert!(world.entries(kind).await.is_empty(), "{kind}");
    }
}
