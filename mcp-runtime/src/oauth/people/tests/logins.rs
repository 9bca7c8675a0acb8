//! Who gets in, how often they may try, and how long it lasts.

use std::{
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::Duration,
};

use super::*;
use crate::oauth::{Account, LoginError, LoginForm, LoginPage, LoginProblem, UserError, people::subject_of};

async fn login_page(browser: &mut Browser) -> Page {
    let first = browser.get(&url(&[])).await;
    browser.get(first.location()).await
}

fn stranger(world: &World, last: u8) -> Browser {
    Browser { address: ClientAddress::new([198, 51, 100, last].into()), ..Browser::new(world) }
}

/// What differs from try to try: the token in the form, and the nonce of the page.
fn without_secrets(page: &Page) -> (StatusCode, Vec<String>, String) {
    let mut names: Vec<String> = page.headers.keys().map(ToString::to_string).collect();
    names.sort();
    let token = page.form("/login").1;
    (page.status, names, page.html.replace(&token, ""))
}

#[tokio::test]
async fn nobody_learns_who_has_an_account() {
    let world = World::new().await;
    world.users.lock("bob").await.unwrap();
    let mut answers = Vec::new();
    let long = "x".repeat(2_000);
    for (at, (name, password)) in [
        ("alice", "wrong password"),
        ("nobody", "wrong password"),
        ("bob", PASSWORD),
        ("not a name!", "wrong password"),
        ("", ""),
        ("alice", ""),
        ("alice", &*long),
        ("nobody", &*long),
    ]
    .into_iter()
    .enumerate()
    {
        let mut browser = stranger(&world, u8::try_from(at).unwrap());
        let login = login_page(&mut browser).await;
        let runs = world.users.runs();
        let page = browser.enter(&login, name, password).await;
        assert_eq!(world.users.runs(), runs + 1, "{name}: the same work, once");
        assert!(page.set_cookies().is_empty());
        answers.push((name, without_secrets(&page)));
    }
    assert_eq!(answers[0].1.0, StatusCode::FORBIDDEN);
    for (name, answer) in &answers {
        assert_eq!(answer, &answers[0].1, "{name}");
    }
    assert!(world.entries("session").await.is_empty() && world.entries("link").await.is_empty());
}

#[tokio::test]
async fn guessing_is_slow_and_the_same_for_names_that_nobody_has() {
    let world = World::new().await;
    for (at, name) in ["alice", "nobody"].into_iter().enumerate() {
        let mut browser = stranger(&world, u8::try_from(at).unwrap());
        let login = login_page(&mut browser).await;
        for _ in 0..5 {
            assert_eq!(browser.enter(&login, name, "wrong password").await.status, StatusCode::FORBIDDEN);
        }
        let runs = world.users.runs();
        // Another spelling is the same account, and the right password does not help now.
        for name in [name.to_owned(), format!(" {}", name.to_uppercase())] {
            let page = browser.enter(&login, &name, PASSWORD).await;
            assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "{name}");
            assert!(page.header("retry-after").parse::<u64>().unwrap() > 0);
        }
        assert_eq!(world.users.runs(), runs, "refused before any work");
    }
    // The same person from elsewhere is not in the way, and time heals.
    let mut elsewhere = stranger(&world, 9);
    assert_eq!(elsewhere.log_in(&url(&[]), "alice").await.status, StatusCode::OK);
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(stranger(&world, 0).log_in(&url(&[]), "alice").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_owner_gets_in_while_the_world_guesses() {
    let world = World::new().await;
    let mut owner = Browser::new(&world);
    owner.log_in(&url(&[]), "alice").await;
    let mut refused = 0;
    for at in 0..40 {
        let mut guesser = stranger(&world, at);
        let login = login_page(&mut guesser).await;
        let page = guesser.enter(&login, "alice", "wrong password").await;
        refused += usize::from(page.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(refused, 20, "all of them together have 20 tries");
    // Also from the owner's own address.
    let mut neighbour = Browser::new(&world);
    let login = login_page(&mut neighbour).await;
    assert_eq!(neighbour.enter(&login, "alice", PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);
    let mut forged = Browser::new(&world);
    let device = owner.jar["__Host-mcp-device"].clone();
    forged.jar.insert(
        "__Host-mcp-device".to_owned(),
        format!("{}{}", if device.starts_with('B') { 'C' } else { 'B' }, &device[1..]),
    );
    let login = login_page(&mut forged).await;
    assert_eq!(forged.enter(&login, "alice", PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);

    let login = login_page_of(&mut owner).await;
    assert_eq!(owner.enter(&login, "alice", PASSWORD).await.status, StatusCode::SEE_OTHER);
    // The browser's own tries have an end too, and it counts for this account only.
    for _ in 0..10 {
        let login = login_page_of(&mut owner).await;
        assert_eq!(owner.enter(&login, "alice", "wrong password").await.status, StatusCode::FORBIDDEN);
    }
    let login = login_page_of(&mut owner).await;
    assert_eq!(owner.enter(&login, "alice", PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);
}

async fn login_page_of(browser: &mut Browser) -> Page {
    let link = url(&[]).replace("/authorize?", "/login?");
    browser.get(&link).await
}

#[tokio::test]
async fn one_address_guesses_at_few_accounts() {
    let world = World::new().await;
    let mut browser = stranger(&world, 1);
    let login = login_page(&mut browser).await;
    let mut tried = 0;
    for at in 0..60 {
        let page = browser.enter(&login, &format!("user{at}"), "wrong password").await;
        tried += usize::from(page.status == StatusCode::FORBIDDEN);
    }
    assert_eq!(tried, 30);
    assert_eq!(world.users.runs(), 30 + 3, "three were made with a password");
    // Who logs in as they should never meets a limit.
    for _ in 0..40 {
        let mut browser = stranger(&world, 2);
        browser.log_in(&url(&[]), "alice").await;
    }
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_anyway() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    browser.log_in(&url(&[]), "alice").await;
    let version = || async { world.entries("session").await[0].1.version };
    let first = version().await;
    world.clock.advance(Duration::from_secs(59));
    browser.get(&url(&[])).await;
    assert_eq!(version().await, first, "the store hears of it once a minute at most");
    world.clock.advance(Duration::from_secs(1));
    browser.get(&url(&[])).await;
    assert_ne!(version().await, first);
    let hour = Duration::from_secs(3600);
    for _ in 0..15 {
        world.clock.advance(11 * hour);
        assert_eq!(browser.get(&url(&[])).await.status, StatusCode::OK, "used every eleven hours");
    }
    world.clock.advance(4 * hour);
    assert!(browser.get(&url(&[])).await.location().contains("/login?"), "a week is the end");
    browser.log_in(&url(&[]), "alice").await;
    world.clock.advance(12 * hour);
    assert!(browser.get(&url(&[])).await.location().contains("/login?"), "half a day without use too");
}

#[tokio::test]
async fn who_is_locked_or_removed_is_out_at_once() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let question = browser.log_in(&url(&[]), "alice").await;
    world.users.lock("alice").await.unwrap();
    assert!(browser.get(&url(&[])).await.location().contains("/login?"));
    assert_eq!(browser.decide(&question, "allow", &["read"]).await.status, StatusCode::FORBIDDEN);
    world.users.unlock("alice").await.unwrap();
    assert_eq!(browser.get(&url(&[])).await.status, StatusCode::OK);

    let id = |entry: &Entry| serde_json::from_slice::<serde_json::Value>(&entry.value).unwrap()["id"].to_string();
    let users = world.users.clone();
    let before = id(&world.entries("user").await[0].1);
    users.remove("alice").await.unwrap();
    users.add("alice", PASSWORD, ["read"]).await.unwrap();
    assert!(browser.get(&url(&[])).await.location().contains("/login?"), "another alice");
    let after = id(&world.entries("user").await[0].1);
    assert_eq!(users.account("alice/another").await.unwrap(), None, "nor is it found under that name");
    let core = &world.core;
    assert_ne!(subject_of(core, "local", &before).await.unwrap(), subject_of(core, "local", &after).await.unwrap());
}

/// Whoever knew the password before may be logged in somewhere.
#[tokio::test]
async fn another_password_ends_all_sessions() {
    let world = World::new().await;
    let (mut thief, mut bob) = (Browser::new(&world), Browser::new(&world));
    let question = thief.log_in(&url(&[]), "alice").await;
    bob.log_in(&url(&[]), "bob").await;
    world.users.set_scopes("alice", ["read", "write"]).await.unwrap();
    assert_eq!(thief.get(&url(&[])).await.status, StatusCode::OK, "other changes end none");
    world.users.set_password("alice", "another password").await.unwrap();
    assert!(thief.get(&url(&[])).await.location().contains("/login?"));
    assert_eq!(thief.decide(&question, "allow", &["read"]).await.status, StatusCode::FORBIDDEN);
    assert!(world.codes().await.is_empty());
    assert_eq!(bob.get(&url(&[])).await.status, StatusCode::OK, "nobody else's");
    let login = login_page(&mut thief).await;
    assert_eq!(thief.enter(&login, "alice", "another password").await.status, StatusCode::SEE_OTHER);
    assert_eq!(thief.get(&url(&[])).await.status, StatusCode::OK);
}

/// Whoever knew the password before guesses like any stranger.
#[tokio::test]
async fn another_password_ends_what_a_browser_may_try() {
    let world = World::new().await;
    let mut thief = Browser::new(&world);
    thief.log_in(&url(&[]), "alice").await;
    let mut tries = async |most: u16| {
        for at in 0..=most {
            let login = login_page_of(&mut thief).await;
            let status = thief.enter(&login, "alice", "wrong password").await.status;
            let expected = if at < most { StatusCode::FORBIDDEN } else { StatusCode::TOO_MANY_REQUESTS };
            assert_eq!(status, expected, "{at} of {most}");
        }
    };
    world.users.set_scopes("alice", ["read"]).await.unwrap();
    tries(10).await;
    world.clock.advance(Duration::from_secs(3600));
    world.users.set_password("alice", "another password").await.unwrap();
    tries(5).await;
    // The owner's new login counts again.
    let mut owner = stranger(&world, 1);
    let login = login_page(&mut owner).await;
    assert_eq!(owner.enter(&login, "alice", "another password").await.status, StatusCode::SEE_OTHER);
    for _ in 0..10 {
        let login = login_page_of(&mut owner).await;
        assert_eq!(owner.enter(&login, "alice", "wrong password").await.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn users_are_what_they_should_be() {
    let world = World::new().await;
    let users = &world.users;
    for name in ["", "a b", "ä", "a/b", &"x".repeat(65)] {
        assert!(matches!(users.add(name, PASSWORD, ["read"]).await, Err(UserError::InvalidName)), "{name}");
    }
    for password in ["", "1234567", "äöüäöüä", &"x".repeat(1_025)] {
        assert!(matches!(users.add("new", password, ["read"]).await, Err(UserError::InvalidPassword)), "{password}");
    }
    assert!(matches!(users.add("ALICE", PASSWORD, ["read"]).await, Err(UserError::Exists)));
    assert!(matches!(users.lock("nobody").await, Err(UserError::Unknown)));
    users.set_password("alice", "another password").await.unwrap();
    let mut browser = Browser::new(&world);
    let login = login_page(&mut browser).await;
    assert_eq!(browser.enter(&login, "alice", PASSWORD).await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.enter(&login, "alice", "another password").await.status, StatusCode::SEE_OTHER);
    for (_, entry) in world.entries("user").await {
        let text = String::from_utf8(entry.value).unwrap();
        assert!(text.contains("$argon2id$") && !text.contains("password\""), "{text}");
    }
}

#[tokio::test]
async fn one_account_is_one_subject_however_many_meet() {
    let world = World::new().await;
    let core = &world.core;
    let all = (0..50).map(|_| {
        let core = Arc::clone(core);
        tokio::spawn(async move { subject_of(&core, "other", "id").await.unwrap() })
    });
    let mut subjects = Vec::new();
    for one in all.collect::<Vec<_>>() {
        subjects.push(one.await.unwrap());
    }
    subjects.dedup();
    assert_eq!(subjects.len(), 1);
    assert_ne!(subject_of(core, "othe", "rid").await.unwrap(), subjects[0]);
    assert_eq!(world.entries("link").await.len(), 4, "both directions of two");
}

/// A provider whose author had a bad day.
struct Odd(Arc<AtomicUsize>);

#[async_trait::async_trait]
impl LoginProvider for Odd {
    fn name(&self) -> &str {
        "odd"
    }

    fn page(&self, page: &LoginPage<'_>) -> String {
        assert!(!page.action.contains("state=panic"), "on the page");
        crate::oauth::login::default_page(page)
    }

    async fn log_in(&self, form: &LoginForm) -> Result<Account, LoginError> {
        self.0.fetch_add(1, SeqCst);
        assert_eq!(form.field("token"), "", "that is not the provider's business");
        assert_ne!(form.field("username"), "panic", "at the login");
        Err(LoginError::Unavailable)
    }

    async fn account(&self, _: &str) -> Result<Option<Account>, LoginError> {
        Err(LoginError::Unavailable)
    }
}

#[tokio::test]
async fn a_provider_that_fails_takes_nobody_with_it() {
    let asked = Arc::new(AtomicUsize::new(0));
    let world = World::at(ISSUER, vec![Box::new(Odd(Arc::clone(&asked)))]).await;
    let mut browser = Browser::new(&world);
    let login = login_page(&mut browser).await;
    for name in ["panic", "somebody"] {
        for _ in 0..10 {
            let page = browser.enter(&login, name, "x").await;
            assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{name}: and nobody pays for it");
            assert!(!page.header("retry-after").is_empty());
        }
    }
    assert_eq!(asked.load(SeqCst), 20);
    let broken = url(&[("state", "panic")]).replace("/authorize?", "/login?");
    assert_eq!(browser.get(&broken).await.status, StatusCode::SERVICE_UNAVAILABLE);
    // The other way in is a link away.
    assert!(login.html.contains("Log in with local"), "{}", login.html);
    let link = format!("{}&provider=local", url(&[]).replace("/authorize?", "/login?"));
    let login = browser.get(&link).await;
    assert_eq!(browser.enter(&login, "alice", PASSWORD).await.status, StatusCode::SEE_OTHER);
    let unknown = format!("{}&provider=none", url(&[]).replace("/authorize?", "/login?"));
    assert_eq!(browser.get(&unknown).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_at_once() {
    let world = World::new().await;
    let runs = world.users.runs();
    let tries: Vec<_> = (0..1_000_u32)
        .map(|at| {
            let address = ClientAddress::new(std::net::Ipv4Addr::from(0x0a00_0000 + at).into());
            let mut browser = Browser { address, ..Browser::new(&world) };
            tokio::spawn(async move {
                let login = login_page(&mut browser).await;
                browser.enter(&login, &format!("user{at}"), PASSWORD).await.status
            })
        })
        .collect();
    let (mut judged, mut busy) = (0, 0);
    for one in tries {
        match one.await.unwrap() {
            StatusCode::FORBIDDEN => judged += 1,
            StatusCode::SERVICE_UNAVAILABLE => busy += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!(judged + busy, 1_000);
    assert_eq!(world.users.runs() - runs, judged, "once for each that was judged");
    // And afterwards all is as before.
    assert_eq!(Browser::new(&world).log_in(&url(&[]), "alice").await.status, StatusCode::OK);
}

/// A login by number and PIN, with a page in words of its own.
struct Numbers;

#[async_trait::async_trait]
impl LoginProvider for Numbers {
    fn name(&self) -> &str {
        "numbers"
    }

    fn label(&self) -> &str {
        "your <staff> number"
    }

    fn page(&self, page: &LoginPage<'_>) -> String {
        assert_eq!(page.message.is_some(), page.problem.is_some());
        let hidden: String = page
            .hidden
            .iter()
            .map(|(name, value)| format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"))
            .collect();
        let action = page.action.replace('&', "&amp;");
        format!("<p>{:?}</p><form method=\"post\" action=\"{action}\">{hidden}</form>", page.problem)
    }

    async fn log_in(&self, form: &LoginForm) -> Result<Account, LoginError> {
        match (form.field("username"), form.field("password")) {
            ("1001", "4711") => Ok(Account::new("1001", "Bob").scopes(["read"])),
            _ => Err(LoginError::Denied),
        }
    }

    async fn account(&self, id: &str) -> Result<Option<Account>, LoginError> {
        Ok((id == "1001").then(|| Account::new("1001", "Bob").scopes(["read"])))
    }
}

#[tokio::test]
async fn a_page_with_words_of_its_own_knows_what_went_wrong() {
    let world = World::at(ISSUER, vec![Box::new(Numbers)]).await;
    let mut browser = Browser::new(&world);
    let login = login_page(&mut browser).await;
    assert!(login.html.contains("<p>None</p>"), "{}", login.html);
    for _ in 0..5 {
        let denied = browser.enter(&login, "1001", "0000").await;
        assert_eq!(denied.status, StatusCode::FORBIDDEN);
        assert!(denied.html.contains("<p>Some(Denied)</p>"), "{}", denied.html);
    }
    let late = browser.enter(&login, "1001", "4711").await;
    assert_eq!((late.status, late.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "60"));
    assert!(late.html.contains("TooManyTries { wait_secs: 60 }"), "{}", late.html);
    assert!(world.entries("session").await.is_empty());
    // On the page of another login people read what it is called.
    let link = format!("{}&provider=local", url(&[]).replace("/authorize?", "/login?"));
    let local = browser.get(&link).await;
    assert!(local.html.contains("Log in with your &lt;staff&gt; number"), "{}", local.html);
}

#[tokio::test]
async fn a_login_can_be_tried_without_a_server() {
    let right = LoginForm::new([("username", "1001"), ("password", "4711")]);
    assert_eq!(Numbers.log_in(&right).await.unwrap().id, "1001");
    assert_eq!(Numbers.log_in(&LoginForm::new([("username", "1001")])).await, Err(LoginError::Denied));
    let page = LoginPage::new("Notes", "/login").hidden(&[("token", "x")]).problem(LoginProblem::Denied);
    assert!(Numbers.page(&page).contains("Denied") && Numbers.page(&page).contains("name=\"token\""));
}

/// Says for whom it was asked to look.
struct Noting(Arc<std::sync::Mutex<Vec<(ClientAddress, bool)>>>);

#[async_trait::async_trait]
impl LoginProvider for Noting {
    fn name(&self) -> &str {
        "noting"
    }

    fn page(&self, page: &LoginPage<'_>) -> String {
        crate::oauth::login::default_page(page)
    }

    async fn log_in(&self, form: &LoginForm) -> Result<Account, LoginError> {
        self.0.lock().unwrap().push((form.waiter.address, form.waiter.is_known));
        Ok(Account::new("id", "Name"))
    }

    async fn account(&self, _: &str) -> Result<Option<Account>, LoginError> {
        Ok(Some(Account::new("id", "Name")))
    }
}

#[tokio::test]
async fn a_browser_that_logged_in_before_waits_in_its_own_half() {
    let seen = Arc::default();
    let world = World::at(ISSUER, vec![Box::new(Noting(Arc::clone(&seen)))]).await;
    let mut browser = stranger(&world, 3);
    for name in ["alice", "alice", "bob"] {
        let login = login_page_of(&mut browser).await;
        browser.enter(&login, name, PASSWORD).await;
    }
    let known: Vec<bool> = seen.lock().unwrap().iter().map(|(_, known)| *known).collect();
    assert_eq!(known, [false, true, false], "for that account only");
    assert!(seen.lock().unwrap().iter().all(|(address, _)| *address == browser.address));
}
