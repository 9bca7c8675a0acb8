//! From a client's link to a code, as it should go.

use std::time::Duration;

use http::StatusCode;

use super::*;
use crate::oauth::people::account_of;

#[tokio::test]
async fn somebody_logs_in_and_allows_it() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let first = browser.get(&url(&[])).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    assert!(first.location().starts_with("https://auth.example/login?"), "{}", first.location());
    assert!(first.set_cookies().is_empty() && world.entries("session").await.is_empty(), "nothing for strangers");

    let login = browser.get(first.location()).await;
    assert_eq!(login.status, StatusCode::OK);
    assert!(login.html.contains("Log in to <bdi>Notes &amp; Co</bdi>"), "{}", login.html);
    let visit = login.set_cookies();
    assert!(visit[0].starts_with("__Host-mcp-visit="), "{visit:?}");
    assert!(visit[0].ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{visit:?}");

    let entered = browser.enter(&login, " Alice", PASSWORD).await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER);
    assert_eq!(entered.location(), url(&[]), "back to the very same request");
    for line in entered.set_cookies() {
        assert!(line.starts_with("__Host-mcp-"), "{line}");
        for part in ["; Path=/;", "; HttpOnly;", "; SameSite=Lax;", "; Secure"] {
            assert!(line.contains(part) && !line.contains("Domain"), "{line}");
        }
    }
    let (name, secret) = browser.jar.iter().find(|(name, _)| name.ends_with("session")).unwrap();
    assert_eq!(name, "__Host-mcp-session");
    let sessions = world.entries("session").await;
    assert!(!format!("{sessions:?}").contains(secret.as_str()), "only its hash is kept");

    let question = browser.get(entered.location()).await;
    assert_eq!(question.status, StatusCode::OK);
    for text in ["<bdi>The web</bdi>", "Read notes", "Write notes", "<bdi>alice</bdi>", "<bdi>app.example</bdi>"] {
        assert!(question.html.contains(text), "{text}: {}", question.html);
    }
    assert!(world.codes().await.is_empty());

    let back = browser.decide(&question, "allow", &["read", "write"]).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    assert!(back.location().starts_with("https://app.example/cb?code="), "{}", back.location());
    let told = back.told();
    assert_eq!((&*told["state"], &*told["iss"], told.len()), ("xyz", ISSUER, 3));
    let codes = world.codes().await;
    let code = &codes[0];
    assert_eq!(code["scopes"], serde_json::json!(["read", "write"]));
    assert_eq!(code["client_id"], "web");
    assert_eq!(code["challenge"], CHALLENGE);
    assert_eq!(code["resource"], "https://auth.example/mcp");
    let subject = code["subject"].as_str().unwrap();
    assert!(subject.len() == 43 && !subject.contains("alice"), "{subject}");
    assert_eq!(account_of(&world.core, subject).await.unwrap().unwrap().name, "alice");
}

#[tokio::test]
async fn what_is_not_ticked_is_not_granted_and_what_was_not_asked_neither() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let question = browser.log_in(&url(&[]), "alice").await;
    let back = browser.decide(&question, "allow", &["write", "admin"]).await;
    assert!(back.told().contains_key("code"));
    assert_eq!(world.codes().await[0]["scopes"], serde_json::json!(["write"]));

    for (decision, scopes) in [("deny", &["read"][..]), ("allow", &[])] {
        let back = browser.decide(&question, decision, scopes).await;
        let told = back.told();
        assert_eq!((&*told["error"], &*told["state"], &*told["iss"]), ("access_denied", "xyz", ISSUER), "{decision}");
    }
    assert_eq!(browser.decide(&question, "maybe", &["read"]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.codes().await.len(), 1);
}

#[tokio::test]
async fn who_asks_for_nothing_gets_the_default() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let question = browser.log_in(&url(&[("scope", "")]), "alice").await;
    browser.decide(&question, "allow", &["read", "write"]).await;
    assert_eq!(world.codes().await[0]["scopes"], serde_json::json!(["read"]));
}

#[tokio::test]
async fn nobody_grants_more_than_the_account_may() {
    let world = World::new().await;
    let mut bob = Browser::new(&world);
    let question = bob.log_in(&url(&[]), "bob").await;
    assert!(question.html.contains("cannot allow") && !question.html.contains("scope:write"), "{}", question.html);
    bob.decide(&question, "allow", &["read", "write"]).await;
    assert_eq!(world.codes().await[0]["scopes"], serde_json::json!(["read"]));

    let mut eve = Browser::new(&world);
    let question = eve.log_in(&url(&[]), "eve").await;
    assert!(question.html.contains("cannot allow anything") && !question.html.contains("value=\"allow\""));
    for decision in ["allow", "deny"] {
        let back = eve.decide(&question, decision, &["read", "write"]).await;
        assert_eq!(back.told()["error"], "access_denied");
    }
    assert_eq!(world.codes().await.len(), 1);
    // Taken away between the question and the answer.
    let question = bob.get(&url(&[("prompt", "consent")])).await;
    world.users.set_scopes("bob", ["admin"]).await.unwrap();
    assert_eq!(bob.decide(&question, "allow", &["read"]).await.told()["error"], "access_denied");
}

#[tokio::test]
async fn what_was_allowed_is_not_asked_again_where_the_client_is_known() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let question = browser.log_in(&url(&[("scope", "read")]), "alice").await;
    browser.decide(&question, "allow", &["read"]).await;
    let again = browser.get(&url(&[("scope", "read")])).await;
    assert!(again.told().contains_key("code"), "{}", again.html);
    let silent = browser.get(&url(&[("scope", "read"), ("prompt", "none")])).await;
    assert!(silent.told().contains_key("code"), "{}", silent.html);

    let more = browser.get(&url(&[])).await;
    assert_eq!(more.status, StatusCode::OK);
    assert!(more.html.contains("(allowed before)") && more.html.contains("(new)"), "{}", more.html);
    let silent = browser.get(&url(&[("prompt", "none")])).await;
    assert_eq!(silent.told()["error"], "consent_required");
    let asked = browser.get(&url(&[("scope", "read"), ("prompt", "consent")])).await;
    assert_eq!(asked.status, StatusCode::OK);
    // What is not ticked any more is not remembered any more.
    browser.decide(&more, "allow", &["write"]).await;
    assert_eq!(browser.get(&url(&[("scope", "read")])).await.status, StatusCode::OK);
    assert!(browser.get(&url(&[("scope", "write")])).await.told().contains_key("code"));

    // The client is another one now, and so is the person.
    let mut other = Browser::new(&world);
    assert_eq!(other.log_in(&url(&[("scope", "read")]), "bob").await.status, StatusCode::OK);
    assert_eq!(world.elsewhere(&browser).get(&url(&[("scope", "write")])).await.status, StatusCode::OK);
}

#[tokio::test]
async fn all_of_where_it_leads_and_of_what_is_allowed_is_shown() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    browser.log_in(&url(&[]), "alice").await;
    for (id, redirect, word) in [
        ("web", "https://app.example/cb", "<bdi>app.example</bdi>"),
        ("port", "https://app.example:8443/cb", "<bdi>app.example:8443</bdi>"),
        ("desktop", "http://127.0.0.1:9123/cb", "<bdi>127.0.0.1:9123</bdi>"),
        ("editor", "com.example.app://evil.ext/cb", "<bdi>com.example.app://evil.ext</bdi>"),
        ("native", "com.example.app:/cb", "<bdi>com.example.app:</bdi>"),
    ] {
        let question = browser.get(&url(&[("client_id", id), ("redirect_uri", redirect)])).await;
        assert!(question.html.contains(word), "{id}: {}", question.html);
    }
    let question = browser.get(&url(&[("scope", "admin")])).await;
    assert!(question.html.contains("This includes: Write notes <code>write</code>"), "{}", question.html);
    assert!(!browser.get(&url(&[])).await.html.contains("This includes"));
}

#[tokio::test]
async fn what_was_taken_back_is_asked_again() {
    let world = World::new().await;
    let server = AuthorizationServer(Arc::clone(&world.core));
    let mut browser = Browser::new(&world);
    let link = url(&[("scope", "read")]);
    browser.log_in(&link, "alice").await;
    let mut bob = Browser::new(&world);
    let question = bob.log_in(&link, "bob").await;
    bob.decide(&question, "allow", &["read"]).await;
    let codes = world.codes().await;
    let bobs = codes[0]["subject"].as_str().unwrap();
    for way in 0..4 {
        let question = browser.get(&link).await;
        browser.decide(&question, "allow", &["read"]).await;
        assert!(browser.get(&link).await.told().contains_key("code"), "{way}: remembered");
        let codes = world.codes().await;
        let subject = codes.iter().find_map(|code| code["subject"].as_str().filter(|it| *it != bobs)).unwrap();
        server.withdraw_consent(subject, "small").await.unwrap();
        server.withdraw_consent(bobs, "desktop").await.unwrap();
        server.revoke_all_for_client("small").await.unwrap();
        assert!(browser.get(&link).await.told().contains_key("code"), "{way}: others are not meant");
        match way {
            0 => drop(server.revoke_all_of(subject).await.unwrap()),
            1 => drop(server.withdraw_consent(subject, "web").await.unwrap()),
            2 => {
                let question = browser.get(&format!("{link}&prompt=consent")).await;
                let back = browser.decide(&question, "allow", &[]).await;
                assert_eq!(back.told()["error"], "access_denied");
            }
            _ => drop(server.revoke_all_for_client("web").await.unwrap()),
        }
        let again = browser.get(&link).await;
        assert_eq!((again.status, again.location()), (StatusCode::OK, ""), "{way}");
        let is_forgotten = world.entries("consent").await.len() == 1;
        assert!(is_forgotten || way == 3, "{way}: what a client was allowed by all only counts for nothing");
        assert_eq!(bob.get(&link).await.told().contains_key("code"), way < 3, "{way}: bob");
    }
}

#[tokio::test]
async fn clients_that_anybody_could_be_are_asked_about_every_time() {
    let world = World::new().await;
    world.publish().await;
    let mut browser = Browser::new(&world);
    browser.log_in(&url(&[]), "alice").await;
    for (id, redirect, word) in [
        (DYNAMIC, "https://dyn.example/cb", "registered itself"),
        ("desktop", "http://127.0.0.1:9000/cb", "a program on this computer"),
        ("native", "com.example.app:/cb", "com.example.app:"),
        (DOCUMENT, "https://doc.example/cb", "doc.example"),
    ] {
        let link = url(&[("client_id", id), ("redirect_uri", redirect), ("scope", "read")]);
        for _ in 0..2 {
            let question = browser.get(&link).await;
            assert_eq!(question.status, StatusCode::OK, "{id}");
            assert!(question.html.contains(word), "{id}: {}", question.html);
            let back = browser.decide(&question, "allow", &["read"]).await;
            assert!(back.location().starts_with(&format!("{redirect}?code=")), "{id}: {}", back.location());
        }
        let silent = url(&[("client_id", id), ("redirect_uri", redirect), ("scope", "read"), ("prompt", "none")]);
        assert_eq!(browser.get(&silent).await.told()["error"], "consent_required", "{id}");
    }
}

#[tokio::test]
async fn a_document_is_looked_at_after_the_login_only() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let link = url(&[("client_id", DOCUMENT), ("redirect_uri", "https://evil.example/cb")]);
    // Whatever else is wrong with it: nobody is sent anywhere for a client that nobody looked at.
    let login = browser.get(&link).await;
    assert!(login.location().starts_with("https://auth.example/login?"));
    let silent = browser.get(&format!("{link}&prompt=none")).await;
    assert_eq!((silent.status, silent.location()), (StatusCode::BAD_REQUEST, ""));
    let login = browser.get(login.location()).await;
    let entered = browser.enter(&login, "alice", PASSWORD).await;
    world.publish().await;
    let page = browser.get(entered.location()).await;
    assert_eq!((page.status, page.location()), (StatusCode::BAD_REQUEST, ""));
    let question = browser.get(&url(&[("client_id", DOCUMENT), ("redirect_uri", "https://doc.example/cb")])).await;
    assert!(question.html.contains("published by"), "{}", question.html);
}

#[tokio::test]
async fn a_new_login_is_one_when_it_is_asked_for() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let silent = browser.get(&url(&[("prompt", "none")])).await;
    assert_eq!((&*silent.told()["error"], &*silent.told()["iss"]), ("login_required", ISSUER));
    browser.log_in(&url(&[]), "alice").await;
    let again = url(&[("prompt", "login")]);
    assert!(browser.get(&again).await.location().contains("/login?"), "somebody is logged in, but that is not asked");
    assert_eq!(browser.log_in(&again, "alice").await.status, StatusCode::OK, "once is enough");
    let another = url(&[("prompt", "login"), ("state", "another")]);
    assert!(browser.get(&another).await.location().contains("/login?"), "for one request only");
    let question = browser.get(&again).await;
    world.clock.advance(Duration::from_secs(601));
    assert!(browser.get(&again).await.location().contains("/login?"), "not for long");
    assert_eq!(browser.decide(&question, "allow", &["read"]).await.status, StatusCode::FORBIDDEN);
    assert!(world.codes().await.is_empty());
}

#[tokio::test]
async fn a_redirect_keeps_its_own_query() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let link =
        url(&[("client_id", "query"), ("redirect_uri", "https://app.example/cb?tenant=1"), ("state", "a b&=#é")]);
    let question = browser.log_in(&link, "alice").await;
    let back = browser.decide(&question, "allow", &["read"]).await;
    assert!(back.location().starts_with("https://app.example/cb?tenant=1&code="), "{}", back.location());
    assert_eq!(back.told()["state"], "a b&=#é");
}

#[tokio::test]
async fn on_this_machine_cookies_have_the_port_in_their_names() {
    let world = World::at(LOCAL, Vec::new()).await;
    let mut browser = Browser::new(&world);
    browser.log_in(&url_at(LOCAL, &[]), "alice").await;
    assert_eq!(browser.jar.keys().collect::<Vec<_>>(), ["mcp-device-8000", "mcp-session-8000"]);
}
