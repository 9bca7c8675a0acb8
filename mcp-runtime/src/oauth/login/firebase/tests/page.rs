//! The page, and what it may reach.

use super::*;
use crate::oauth::login::federated::{SignIn, SignInPage};

fn sign_in<'a>(hidden: &'a [(&'a str, &'a str)], message: Option<&'a str>) -> SignIn<'a> {
    SignIn {
        server: "<Notes> & \"more\"",
        action: "/callback/firebase?a=\"><script>",
        hidden,
        nonce: "bm9uY2U",
        message,
    }
}

async fn page(login: &Firebase) -> Result<SignInPage, LoginError> {
    let hidden = [("state", "s\"><b>"), ("csrf", "t")];
    FederatedLogin::page(login, &sign_in(&hidden, Some("<i>again</i>"))).await.unwrap()
}

async fn html(login: &Firebase) -> String {
    String::from_utf8(page(login).await.unwrap().html.to_vec()).unwrap()
}

fn real() -> Firebase {
    Firebase::project(PROJECT).api_key("AIzaSyExample").anyone()
}

#[tokio::test]
async fn the_policy_allows_what_firebase_needs_and_nothing_else() {
    assert_eq!(
        page(&real()).await.unwrap().policy,
        "default-src 'none'; \
         script-src 'nonce-bm9uY2U' https://www.gstatic.com/firebasejs/13.2.0/firebase-app.js \
         https://www.gstatic.com/firebasejs/13.2.0/firebase-auth.js https://apis.google.com; \
         style-src 'nonce-bm9uY2U'; \
         connect-src https://identitytoolkit.googleapis.com https://securetoken.googleapis.com; \
         frame-src https://example-project.firebaseapp.com; frame-ancestors 'none'; base-uri 'none'"
    );
    // Who has only passwords needs no windows, and so no frames and no further scripts.
    let login = real().sign_in_with(["password"]).sdk("http://127.0.0.1:9/sdk/", "1.2.3");
    assert_eq!(
        page(&login).await.unwrap().policy,
        "default-src 'none'; script-src 'nonce-bm9uY2U' http://127.0.0.1:9/sdk/1.2.3/firebase-app.js \
         http://127.0.0.1:9/sdk/1.2.3/firebase-auth.js; style-src 'nonce-bm9uY2U'; \
         connect-src https://identitytoolkit.googleapis.com https://securetoken.googleapis.com; \
         frame-ancestors 'none'; base-uri 'none'"
    );
}

#[tokio::test]
async fn everything_in_the_page_is_escaped() {
    let html = html(&real().auth_domain("auth.example.com").tenant("t-1")).await;
    for expected in [
        "Log in to <bdi>&lt;Notes&gt; &amp; &quot;more&quot;</bdi>",
        "&lt;i&gt;again&lt;/i&gt;",
        r#"action="/callback/firebase?a=&quot;&gt;&lt;script&gt;""#,
        r#"name="state" value="s&quot;&gt;&lt;b&gt;""#,
        r#"name="csrf" value="t""#,
        r#"name="id_token""#,
        r#"data-api-key="AIzaSyExample""#,
        r#"data-auth-domain="auth.example.com""#,
        r#"data-tenant="t-1""#,
        r#"data-method="google.com""#,
        "<noscript>",
    ] {
        assert!(html.contains(expected), "{expected} is not in {html}");
    }
    // One script, ours, and no handler, style or address that the policy would not let through.
    assert_eq!(html.matches("<script").count(), 1);
    assert_eq!(html.matches("</script").count(), 1);
    assert!(html.contains(r#"<script type="module" nonce="bm9uY2U">"#));
    for never in [" style=", " onclick=", " onload=", " src=", " href=", "localStorage", "eval("] {
        assert!(!html.contains(never), "{never}");
    }
    // Fields of the password form never leave the browser by themselves.
    assert_eq!(html.matches(" name=").count(), 3 + 2, "{html}");
}

#[tokio::test]
async fn only_what_is_offered_is_shown() {
    let html = html(&real().sign_in_with(["github.com", "oidc.work"]).allow_anonymous()).await;
    assert!(html.contains("Continue with GitHub") && html.contains("Continue with work"));
    assert!(html.contains("Continue without an account"));
    assert!(!html.contains("Continue with Google") && !html.contains("type=\"password\""));
}

#[tokio::test]
async fn the_vendors_files_can_be_pinned() {
    let html = html(&real().sdk_integrity("sha384-aaaa", "sha384-bbbb")).await;
    let map = concat!(
        r#"<script type="importmap" nonce="bm9uY2U">{"integrity":{"#,
        r#""https://www.gstatic.com/firebasejs/13.2.0/firebase-app.js":"sha384-aaaa","#,
        r#""https://www.gstatic.com/firebasejs/13.2.0/firebase-auth.js":"sha384-bbbb"}}</script>"#
    );
    assert!(html.contains(map), "{html}");
}

#[tokio::test]
async fn the_id_of_the_project_is_enough() {
    let google = Google::start().await;
    google.says(
        "/init.json",
        200,
        &json!({ "projectId": PROJECT, "apiKey": "AIzaFetched", "authDomain": "login.example.com", "appId": "1:2:web:3" }),
    );
    let login = Firebase::project(PROJECT).at(&google.base).clock(ManualClock::new()).anyone();
    for _ in 0..3 {
        let html = html(&login).await;
        assert!(
            html.contains(r#"data-api-key="AIzaFetched""#) && html.contains(r#"data-auth-domain="login.example.com""#)
        );
    }
    assert!(page(&login).await.unwrap().policy.contains("frame-src https://login.example.com;"));
    assert_eq!(google.asked("/init.json").len(), 1);
    let login = Firebase::project(PROJECT).at(&google.base).auth_domain("mine.example.com");
    assert!(html(&login).await.contains(r#"data-auth-domain="mine.example.com""#));
}

#[tokio::test]
async fn a_configuration_that_is_none_makes_no_page() {
    let domain = |domain: &str| json!({ "projectId": PROJECT, "apiKey": "AIza", "authDomain": domain });
    for (status, answer) in [
        (404, json!({})),
        (200, json!({})),
        (200, json!({ "projectId": "other-project", "apiKey": "AIza" })),
        (200, json!({ "projectId": PROJECT, "apiKey": "<script>" })),
        (200, domain("x.example; script-src *")),
        (200, domain("x.example/path")),
        (200, domain("*.example")),
        (200, domain("")),
    ] {
        let google = Google::start().await;
        google.says("/init.json", status, &answer);
        let login = Firebase::project(PROJECT).at(&google.base).clock(ManualClock::new());
        assert!(matches!(page(&login).await, Err(LoginError::Unavailable)), "{answer}");
        // Nobody asks again at once.
        assert!(page(&login).await.is_err());
        assert_eq!(google.asked("/init.json").len(), 1, "{answer}");
    }
}

#[tokio::test]
async fn the_browser_stays_here() {
    let mut trip = trip();
    trip.state = "a&b=c".into();
    let url = real().depart(&trip).await.unwrap();
    assert_eq!(url, "https://mcp.example.com/callback/firebase?state=a%26b%3Dc");
}
