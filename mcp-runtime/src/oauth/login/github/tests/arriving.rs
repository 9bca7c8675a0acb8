//! There and back, and everybody who does not get in.

use serde_json::{Value, json};

use super::{
    super::GitHub,
    CALLBACK, ID, NOW, SECRET, TOKEN, arrive, form, github,
    stub::{EMAILS, Stub, TOKENS, USER, address},
    trip,
};
use crate::oauth::{
    LoginError,
    login::{
        federated::{Claims, FederatedLogin, Trip},
        tests::log::Log,
    },
};

fn query_of(url: &str) -> Vec<(String, String)> {
    let query = url.split_once('?').unwrap().1;
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn get<'q>(query: &'q [(String, String)], name: &str) -> Option<&'q str> {
    query.iter().find(|(is, _)| is == name).map(|(_, value)| &**value)
}

#[tokio::test]
async fn the_browser_goes_to_github_with_a_challenge() {
    let github = GitHub::app("Iv1.app", SECRET).anyone().tools_may("repo", "Read and write your repositories");
    let trip = trip();
    let url = github.depart(&trip).await.unwrap();
    assert!(url.starts_with("https://github.com/login/oauth/authorize?client_id=Iv1.app&"), "{url}");
    let query = query_of(&url);
    for (name, value) in [
        ("redirect_uri", CALLBACK),
        ("scope", "read:user user:email"),
        ("state", "state-of-the-trip"),
        ("code_challenge", trip.pkce.challenge()),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(get(&query, name), Some(value), "{name}");
    }
    assert_eq!(get(&query, "prompt"), None);
    assert!(!url.contains(SECRET) && !url.contains(trip.pkce.verifier()));
}

#[tokio::test]
async fn no_more_scopes_are_asked_for_than_are_needed() {
    let app = || GitHub::app("Iv1.app", SECRET).tools_may("repo", "Repositories").tools_may("gist", "Gists");
    let scope = async |github: GitHub, trip: Trip| {
        get(&query_of(&github.depart(&trip).await.unwrap()), "scope").map(str::to_owned).unwrap()
    };
    let for_tools = || Trip { for_tools: true, ..trip() };
    assert_eq!(scope(app().anyone(), for_tools()).await, "read:user user:email repo gist");
    assert_eq!(scope(app().organization("acme"), trip()).await, "read:user user:email read:org");
    assert_eq!(scope(app().anyone().team("acme", "ops", ["a"]), trip()).await, "read:user user:email read:org");
    assert_eq!(scope(app().claim("organizations", "acme"), trip()).await, "read:user user:email read:org");
    let again = app().depart(&Trip { login_again: true, ..trip() }).await.unwrap();
    assert_eq!(get(&query_of(&again), "prompt"), Some("select_account"));
}

#[tokio::test]
async fn somebody_arrives() {
    let stub = Stub::start().await;
    let (github, trip) = (github(&stub).anyone().grants(["notes:read"]), trip());
    let arrived = github.arrive(&trip, &form("code=the-code&state=x")).await.unwrap();
    assert_eq!(arrived.id, "583231");
    assert_eq!(
        Value::Object(arrived.claims.clone()),
        json!({
            "sub": "583231", "login": "octocat", "name": "The Octocat", "email": "Octo@example.com",
            "email_verified": true, "organizations": [], "teams": [],
        })
    );
    let tokens = arrived.tokens.unwrap();
    assert_eq!((&*tokens.access_token, tokens.refresh_token, tokens.expires_at), (TOKEN, None, None));
    assert_eq!(tokens.scopes, ["read:user", "user:email"]);
    let account = github.judge(&arrived.id, &arrived.claims).unwrap();
    assert_eq!((account.id, &*account.name), (format!("{} {ID}", stub.url), "octocat"));
    assert_eq!(account.scopes.unwrap(), ["notes:read"]);

    let asked = stub.asked();
    assert_eq!(stub.lines(), [TOKENS, USER, EMAILS]);
    let sent: Vec<_> = form_urlencoded::parse(asked[0].form.as_bytes()).into_owned().collect();
    for (name, value) in [
        ("client_id", "Iv1.app"),
        ("client_secret", SECRET),
        ("code", "the-code"),
        ("redirect_uri", CALLBACK),
        ("code_verifier", trip.pkce.verifier()),
    ] {
        assert_eq!(get(&sent, name), Some(value), "{name}");
    }
    assert_eq!(asked[0].headers["accept"], "application/json");
    assert!(asked[0].headers["user-agent"].to_str().unwrap().starts_with("mcp-runtime/"));
    for request in &asked[1..] {
        assert_eq!(request.headers["authorization"], format!("Bearer {TOKEN}"));
        assert_eq!(request.headers["x-github-api-version"], "2022-11-28");
        assert!(request.headers.contains_key("user-agent"));
    }
}

#[tokio::test]
async fn the_account_is_the_number_and_not_the_name() {
    let stub = Stub::start().await;
    let github = github(&stub).anyone();
    let account = async || {
        let arrived = arrive(&github).await.unwrap();
        github.judge(&arrived.id, &arrived.claims).unwrap()
    };
    let before = account().await;
    stub.says(USER, &json!({ "id": ID, "login": "tentacat" }));
    let renamed = account().await;
    assert_eq!((&renamed.id, &*renamed.name), (&before.id, "tentacat"));
    // Somebody else takes the name that became free.
    stub.says(USER, &json!({ "id": 9, "login": "octocat" }));
    assert_ne!(account().await.id, before.id);
    // The same number on another GitHub is somebody else.
    let elsewhere = GitHub::app("Iv1.app", SECRET).anyone().judge("583231", &Claims::new()).unwrap();
    assert_eq!(elsewhere.id, "https://github.com 583231");
}

#[tokio::test]
async fn only_the_verified_primary_address_counts() {
    let stub = Stub::start().await;
    let github = github(&stub).email_domains(["example.com"]).link_by_verified_email();
    let arrived = arrive(&github).await.unwrap();
    assert!(github.judge(&arrived.id, &arrived.claims).is_ok());
    assert_eq!(github.linked_email(&arrived.claims).as_deref(), Some("octo@example.com"));
    assert_eq!(super::github(&stub).anyone().linked_email(&arrived.claims), None, "only if that was asked for");
    for addresses in [
        json!([]),
        json!([address("octo@example.com", true, false)]),
        json!([address("octo@example.com", true, false), address("other@example.com", false, true)]),
        json!([address("octo@example.com", false, true)]),
        json!([address(&format!("{}@example.com", "o".repeat(300)), true, true)]),
    ] {
        stub.says(EMAILS, &addresses);
        // What the profile shows is nothing that anybody has verified.
        stub.says(USER, &json!({ "id": ID, "login": "octocat", "email": "octo@example.com" }));
        let arrived = arrive(&github).await.unwrap();
        assert!(arrived.claims.get("email").is_none() && arrived.claims.get("email_verified").is_none(), "{addresses}");
        assert!(github.judge(&arrived.id, &arrived.claims).is_err(), "{addresses}");
        assert_eq!(github.linked_email(&arrived.claims), None);
    }
}

#[tokio::test]
async fn what_comes_back_without_a_code_goes_nowhere() {
    let stub = Stub::start().await;
    let github = github(&stub).anyone();
    let (log, _guard) = Log::collect();
    let long = format!("code={}", "x".repeat(2000));
    for raw in [
        "state=x",
        "code=",
        "error=access_denied&error_description=The+user+has+denied",
        "error=access_denied&code=the-code",
        "error=%0Aforged+line&code=the-code",
        "code=a+b",
        "code=the-code&iss=https%3A%2F%2Fevil.example",
        "code=the-code&iss=http%3A%2F%2F127.0.0.1.evil.example",
        &long,
    ] {
        assert_eq!(github.arrive(&trip(), &form(raw)).await.err(), Some(LoginError::Denied), "{raw}");
    }
    assert_eq!(stub.lines().len(), 0, "nothing is asked");
    let text = log.text();
    assert!(text.contains("GitHub came back with access_denied") && !text.contains("forged"), "{text}");
    // Its own name is right.
    let iss: String = form_urlencoded::byte_serialize(format!("{}/login/oauth", stub.url).as_bytes()).collect();
    assert!(github.arrive(&trip(), &form(&format!("code=the-code&iss={iss}"))).await.is_ok());
}

#[tokio::test]
async fn errors_come_with_status_200() {
    let stub = Stub::start().await;
    let github = github(&stub).anyone();
    let (denied, unavailable) = (LoginError::Denied, LoginError::Unavailable);
    for (error, expected) in [
        ("bad_verification_code", &denied),
        ("unverified_user_email", &denied),
        ("something_new", &denied),
        ("incorrect_client_credentials", &unavailable),
        ("redirect_uri_mismatch", &unavailable),
        ("application_suspended", &unavailable),
    ] {
        // A token beside an error is none.
        let answer = json!({ "error": error, "access_token": TOKEN, "token_type": "bearer", "scope": "user" });
        for status in [200, 400, 401] {
            stub.answers(TOKENS, status, &[], answer.to_string());
            assert_eq!(arrive(&github).await.err().as_ref(), Some(expected), "{error} {status}");
        }
    }
    assert!(stub.lines().iter().all(|line| line == TOKENS), "nobody is looked up");
}

#[tokio::test]
async fn tokens_that_are_none() {
    let stub = Stub::start().await;
    let github = github(&stub).anyone();
    for answer in [
        json!({}),
        json!([]),
        json!({ "access_token": TOKEN, "scope": "user" }),
        json!({ "access_token": TOKEN, "scope": "user", "token_type": "mac" }),
        json!({ "access_token": "", "scope": "user", "token_type": "bearer" }),
        json!({ "access_token": "a b", "scope": "user", "token_type": "bearer" }),
        json!({ "access_token": "a\r\nx: y", "scope": "user", "token_type": "bearer" }),
        json!({ "access_token": 1, "scope": "user", "token_type": "bearer" }),
        json!({ "access_token": "x".repeat(1025), "scope": "user", "token_type": "bearer" }),
        json!({ "access_token": TOKEN, "scope": ["user"], "token_type": "bearer" }),
        json!({ "access_token": TOKEN, "scope": "user", "token_type": "bearer", "expires_in": "soon" }),
        json!({ "access_token": TOKEN, "scope": "user", "token_type": "bearer", "refresh_token": 1 }),
    ] {
        stub.says(TOKENS, &answer);
        assert_eq!(arrive(&github).await.err(), Some(LoginError::Unavailable), "{answer}");
    }
    stub.answers(TOKENS, 401, &[], json!({ "access_token": TOKEN, "token_type": "bearer" }).to_string());
    assert_eq!(arrive(&github).await.err(), Some(LoginError::Unavailable));
    assert!(stub.lines().iter().all(|line| line == TOKENS), "nobody is looked up");
}

#[tokio::test]
async fn what_ends_says_when() {
    let stub = Stub::start().await;
    stub.says(
        TOKENS,
        &json!({
            "access_token": "ghu_x", "expires_in": 28_800, "refresh_token": "ghr_x", "scope": "", "token_type": "bearer",
            "refresh_token_expires_in": 15_897_600,
        }),
    );
    let tokens = arrive(&github(&stub).anyone()).await.unwrap().tokens.unwrap();
    assert_eq!((tokens.expires_at, tokens.refresh_token.as_deref()), (Some(NOW + 28_800), Some("ghr_x")));
}

#[tokio::test]
async fn what_is_no_answer_about_somebody() {
    let stub = Stub::start().await;
    let github = github(&stub).email_domains(["example.com"]);
    let all = [TOKENS, USER, EMAILS];
    let huge = format!("{{\"x\":\"{}\"}}", "x".repeat(70_000));
    let elsewhere = format!("{}/elsewhere", stub.url);
    for line in all {
        let fresh = Stub::start().await;
        let fails = super::github(&fresh).email_domains(["example.com"]);
        for (status, headers, body) in [
            (500, &[][..], "{}"),
            (502, &[], "<html>"),
            (503, &[("retry-after", "5")], ""),
            (429, &[], "{}"),
            (302, &[("location", &*elsewhere)], ""),
            (301, &[("location", &*elsewhere)], "{}"),
            (204, &[], ""),
            (200, &[], ""),
            (200, &[], "<html>"),
            (200, &[], "{"),
            (200, &[], "null"),
            (200, &[], &*huge),
        ] {
            fresh.answers(line, status, headers, body);
            assert_eq!(arrive(&fails).await.err(), Some(LoginError::Unavailable), "{line} {status} {body:.10}");
        }
    }
    assert_eq!(stub.lines().len(), 0, "no redirect is followed");
    assert!(arrive(&github).await.is_ok());
}

#[tokio::test]
async fn people_who_are_not_told_right() {
    let stub = Stub::start().await;
    let github = github(&stub).anyone();
    for user in [
        json!({ "login": "octocat" }),
        json!({ "id": "583231", "login": "octocat" }),
        json!({ "id": 0, "login": "octocat" }),
        json!({ "id": -1, "login": "octocat" }),
        json!({ "id": 583_231.5, "login": "octocat" }),
        json!({ "id": ID }),
        json!({ "id": ID, "login": "" }),
        json!({ "id": ID, "login": "../../user" }),
        json!({ "id": ID, "login": "octo cat" }),
    ] {
        stub.says(USER, &user);
        assert_eq!(arrive(&github).await.err(), Some(LoginError::Unavailable), "{user}");
    }
    stub.answers(USER, 200, &[], r#"{"id":583231,"id":9,"login":"octocat"}"#);
    assert_eq!(arrive(&github).await.err(), Some(LoginError::Unavailable), "who is it?");
    stub.says(USER, &json!({ "id": ID, "login": "octocat", "suspended_at": "2026-01-01T00:00:00Z" }));
    assert_eq!(arrive(&github).await.err(), Some(LoginError::Denied));
    for status in [401, 403] {
        stub.answers(USER, status, &[], json!({ "message": "Sorry. Your account was suspended." }).to_string());
        assert_eq!(arrive(&github).await.err(), Some(LoginError::Denied), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let github = GitHub::app("Iv1.app", SECRET).enterprise(url).anyone();
    assert_eq!(arrive(&github).await.err(), Some(LoginError::Unavailable));
    drop(listener);
    assert_eq!(arrive(&github).await.err(), Some(LoginError::Unavailable));
}

#[tokio::test]
async fn no_secret_is_in_the_log() {
    let stub = Stub::start().await;
    let (log, _guard) = Log::collect();
    let github = github(&stub).email_domains(["example.com"]);
    arrive(&github).await.unwrap();
    for line in [TOKENS, USER, EMAILS] {
        for status in [500, 401, 403, 302] {
            let stub = Stub::start().await;
            stub.answers(line, status, &[], json!({ "error": TOKEN, "message": TOKEN }).to_string());
            let _refused = arrive(&super::github(&stub).email_domains(["example.com"])).await;
        }
    }
    let text = log.text();
    assert!(text.contains("GitHub cannot be asked") && text.contains("a login is refused"), "{text}");
    for secret in [SECRET, TOKEN, "the-code", "octo@example.com", "Octocat"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}
