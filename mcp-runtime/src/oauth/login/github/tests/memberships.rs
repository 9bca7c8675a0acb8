//! Organisations and teams: who is in them, and who only looks like it.

use serde_json::{Value, json};

use super::{
    super::GitHub,
    ID, arrive, github,
    stub::{ACME, EMAILS, OPS, Stub, TOKENS, USER, member},
};
use crate::oauth::{
    Account, LoginError,
    login::{federated::FederatedLogin, tests::log::Log},
};

async fn account(github: &GitHub) -> Option<Account> {
    let arrived = arrive(github).await.unwrap();
    github.judge(&arrived.id, &arrived.claims).ok()
}

fn acme(stub: &Stub) -> GitHub {
    github(stub).organization("Acme").grants(["read"]).team("Acme", "Ops", ["admin"])
}

#[tokio::test]
async fn members_are_admitted_and_teams_grant() {
    let stub = Stub::with_organizations().await;
    stub.says(ACME, &member("Acme", "active"));
    let github = acme(&stub);
    assert_eq!(account(&github).await.unwrap().scopes.unwrap(), ["read"]);
    assert_eq!(stub.lines(), [TOKENS, USER, EMAILS, ACME, OPS]);
    stub.says(OPS, &json!({ "state": "active", "role": "member" }));
    let arrived = arrive(&github).await.unwrap();
    assert_eq!(arrived.claims["organizations"], json!(["acme"]));
    assert_eq!(arrived.claims["teams"], json!(["acme/ops"]));
    assert_eq!(github.judge(&arrived.id, &arrived.claims).unwrap().scopes.unwrap(), ["read", "admin"]);
}

#[tokio::test]
async fn a_team_alone_admits_nobody() {
    let stub = Stub::with_organizations().await;
    stub.says(OPS, &json!({ "state": "active", "role": "maintainer" }));
    let github = github(&stub).team("acme", "ops", ["admin"]);
    assert!(account(&github).await.is_none());
    assert!(stub.lines().contains(&OPS.to_owned()));
}

#[tokio::test]
async fn who_is_no_member() {
    let stub = Stub::with_organizations().await;
    let github = acme(&stub);
    stub.says(OPS, &json!({ "state": "active", "role": "member" }));
    let absent = json!({ "message": "Not Found" });
    let not_approved = json!({ "message": "the `acme` organization has enabled OAuth App access restrictions" });
    for (status, body) in [
        (404, absent),
        (403, not_approved),
        (200, member("acme", "pending")),
        (200, member("acme", "Active")),
        // The name led to another one, or to somebody else's membership.
        (200, member("umbrella", "active")),
        (200, json!({ "state": "active", "organization": { "login": "acme" }, "user": { "id": ID + 1 } })),
    ] {
        stub.answers(ACME, status, &[], body.to_string());
        let arrived = arrive(&github).await.unwrap();
        assert_eq!(arrived.claims["organizations"], json!([]), "{status} {body}");
        assert_eq!(arrived.claims["teams"], json!([]), "{status} {body}");
        assert!(github.judge(&arrived.id, &arrived.claims).is_err(), "{status} {body}");
    }
    assert!(!stub.lines().contains(&OPS.to_owned()), "teams of others are not asked for");
}

#[tokio::test]
async fn who_is_in_no_team() {
    let stub = Stub::with_organizations().await;
    let github = acme(&stub);
    stub.says(ACME, &member("acme", "active"));
    for (status, state) in [(404, "active"), (403, "active"), (200, "pending")] {
        stub.answers(OPS, status, &[], json!({ "state": state, "role": "member" }).to_string());
        assert_eq!(account(&github).await.unwrap().scopes.unwrap(), ["read"], "{status} {state}");
    }
}

#[tokio::test]
async fn what_cannot_be_told_is_no_answer() {
    let stub = Stub::with_organizations().await;
    let github = acme(&stub);
    let limit = json!({ "message": "You have exceeded a secondary rate limit." }).to_string();
    let active = member("acme", "active").to_string();
    for (line, other) in [(ACME, OPS), (OPS, ACME)] {
        stub.answers(other, 200, &[], &*active);
        for (status, headers, body) in [
            (500, &[][..], "{}"),
            (429, &[], "{}"),
            (403, &[("x-ratelimit-remaining", "0")], "{}"),
            (403, &[("retry-after", "60")], "{}"),
            (403, &[], &*limit),
            (301, &[("location", "/api/v3/user/memberships/orgs/1")], &*active),
            (200, &[], "[]"),
            (200, &[], r#"{"state":1}"#),
            (200, &[], r#"{"role":"member"}"#),
            (200, &[], r#"{"state":"pending","state":"active","organization":{"login":"acme"}}"#),
        ] {
            stub.answers(line, status, headers, body);
            assert_eq!(arrive(&github).await.err(), Some(LoginError::Unavailable), "{line} {status} {body}");
        }
    }
    stub.answers(ACME, 200, &[], &*active);
    stub.answers(OPS, 401, &[], "{}");
    assert_eq!(arrive(&github).await.err(), Some(LoginError::Denied), "the token ended meanwhile");
}

#[tokio::test]
async fn fewer_scopes_than_the_rules_need() {
    let stub = Stub::start().await;
    stub.says(ACME, &member("acme", "active"));
    let (log, _guard) = Log::collect();
    let organization = || github(&stub).organization("acme");
    let email = || github(&stub).email_domains(["example.com"]);
    for (github, granted, missing) in [
        (organization(), "", "read:org"),
        (organization(), "read:user,user:email", "read:org"),
        (organization(), "read:organization", "read:org"),
        (organization(), "repo", "read:org"),
        (email(), "read:user", "user:email"),
        (email(), "read:org", "user:email"),
        (github(&stub).anyone().link_by_verified_email(), "", "user:email"),
        (github(&stub).admit(|_| true), "", "user:email"),
    ] {
        stub.grants(granted);
        assert_eq!(arrive(&github).await.err(), Some(LoginError::Denied), "{granted}");
        assert!(log.text().lines().last().unwrap().contains(&format!("`{missing}`")), "{granted}: {}", log.text());
    }
    assert!(stub.lines().iter().all(|line| line == TOKENS), "nobody is looked up");
    // Those that contain what is needed are granted in its place; spaces separate too.
    for (github, granted) in [
        (organization(), "admin:org"),
        (organization(), "user,write:org"),
        (organization(), "repo read:org"),
        (email(), "user"),
        (github(&stub).anyone(), ""),
    ] {
        stub.grants(granted);
        let arrived = arrive(&github).await.unwrap();
        assert!(github.judge(&arrived.id, &arrived.claims).is_ok(), "{granted}");
    }
}

#[tokio::test]
async fn github_apps_have_permissions_in_the_place_of_scopes() {
    let stub = Stub::start().await;
    stub.says(TOKENS, &json!({ "access_token": "ghu_x", "scope": "", "token_type": "bearer" }));
    stub.says(ACME, &member("acme", "active"));
    assert!(account(&github(&stub).organization("acme").email_domains(["example.com"])).await.is_some());
    // Without one of them, nothing is known.
    let (log, _guard) = Log::collect();
    let refused = json!({ "message": "Resource not accessible by integration" }).to_string();
    stub.answers(EMAILS, 403, &[], &*refused);
    stub.answers(ACME, 403, &[], &*refused);
    assert!(account(&github(&stub).email_domains(["example.com"])).await.is_none());
    assert!(account(&github(&stub).organization("acme")).await.is_none());
    let text = log.text();
    assert!(text.contains("Email addresses: read") && text.contains("Members: read"), "{text}");
}

#[tokio::test]
async fn only_what_rules_name_is_asked_for_and_each_once() {
    let stub = Stub::with_organizations().await;
    stub.says(ACME, &member("acme", "active"));
    let github = github(&stub)
        .claim_any("organizations", ["acme", "umbrella"])
        .grants_to("organizations", "acme", ["read"])
        .grants_to("teams", "acme/ops", ["admin"])
        .team("acme", "ops", ["more"]);
    stub.says(OPS, &json!({ "state": "active" }));
    assert_eq!(account(&github).await.unwrap().scopes.unwrap(), ["read", "admin", "more"]);
    let umbrella = "GET /api/v3/user/memberships/orgs/umbrella";
    assert_eq!(stub.lines(), [TOKENS, USER, EMAILS, ACME, umbrella, OPS]);
}

#[tokio::test]
async fn names_never_leave_their_place_in_a_path() {
    let stub = Stub::with_organizations().await;
    let github = github(&stub)
        .organization("../../user")
        .organization("acme?x=1")
        .team("acme/..", "ops", ["a"])
        .team("acme", "..", ["a"])
        .team("acme", "ops/../../..", ["a"])
        .team("acme", "", ["a"]);
    assert!(account(&github).await.is_none());
    assert_eq!(stub.lines(), [TOKENS, USER, EMAILS]);
    assert_eq!(github.problems("", true).len(), 6, "{:?}", github.problems("", true));
}

#[test]
fn claims_of_the_browser_are_none() {
    // `judge` believes what is stored, and that is only what was asked of GitHub.
    let github = GitHub::app("a", "b").organization("acme");
    for claims in [
        json!({}),
        json!({ "organizations": [] }),
        json!({ "organizations": { "acme": true } }),
        json!({ "org": "acme" }),
    ] {
        let Value::Object(claims) = claims else { unreachable!() };
        assert!(github.judge("1", &claims).is_err(), "{claims:?}");
    }
}
