//! Logging in elsewhere: that nothing goes there before a click, and that nobody comes back who did not go.

use std::time::Duration;

use serde_json::json;

use super::{stub::Stub, *};
use crate::oauth::{
    limits::Route,
    login::{federated::Once, tests::log::Log},
    people::once,
};

async fn world(providers: &[&Stub]) -> World {
    let logins = providers.iter().map(|&stub| Box::new(stub.clone()) as Box<dyn LoginProvider>);
    World::at(ISSUER, logins.collect()).await
}

impl Browser {
    /// From the client's link to the page with the buttons.
    async fn open_choice(&mut self, url: &str) -> Page {
        let page = self.get(url).await;
        self.get(page.location()).await
    }

    /// Clicks the button of a provider, and says where it leads.
    async fn click(&mut self, choice: &Page, provider: &str) -> Page {
        let (action, token) = choice.button(provider);
        self.post(&action, &[("token", &token)]).await
    }

    async fn go_to_provider(&mut self, provider: &str) -> Page {
        let choice = self.open_choice(&url(&[])).await;
        let gone = self.click(&choice, provider).await;
        assert_eq!(gone.status, StatusCode::SEE_OTHER, "{}", gone.html);
        gone
    }
}

impl Page {
    fn button(&self, provider: &str) -> (String, String) {
        let at = self.html.find(&format!("provider={provider}")).unwrap_or_else(|| panic!("no button: {}", self.html));
        let begin = self.html[..at].rfind('"').unwrap() + 1;
        let action = self.html[begin..].split('"').next().unwrap().replace("&amp;", "&");
        let token = self.html[at..].split_once("name=\"token\" value=\"").unwrap().1.split('"').next().unwrap();
        (action, token.to_owned())
    }
}

/// Where the provider sends somebody back to who went there by this.
fn way_back(gone: &Page, provider: &str) -> String {
    let told = gone.told();
    back(provider, &told["state"], &told["code_challenge"])
}

fn back(provider: &str, state: &str, code: &str) -> String {
    let query =
        form_urlencoded::Serializer::new(String::new()).extend_pairs([("state", state), ("code", code)]).finish();
    format!("{ISSUER}/callback/{provider}?{query}")
}

#[tokio::test]
async fn somebody_goes_and_comes_back_and_is_asked() {
    let up = Stub::named("up");
    let world = world(&[&up]).await;
    let mut browser = Browser::new(&world);
    let choice = browser.open_choice(&url(&[])).await;
    for text in ["Continue with <bdi>The up</bdi>", "The web", "https://app.example", "Log in with <bdi>local</bdi>"] {
        assert!(choice.html.contains(text), "{text}: {}", choice.html);
    }
    assert_eq!(up.asked(), (0, 0, 0), "nothing before the click");

    let gone = browser.click(&choice, "up").await;
    assert!(gone.location().starts_with("https://up.example/auth?"), "{}", gone.location());
    let attempts = format!("{:?}", world.entries("attempt").await);
    assert!(!attempts.contains(&gone.told()["state"]), "only its hash is kept");
    let home = browser.get(&way_back(&gone, "up")).await;
    assert_eq!(home.status, StatusCode::SEE_OTHER, "{}", home.html);
    assert!(home.location().starts_with(&url(&[])), "{}", home.location());
    assert_eq!(up.asked(), (1, 1, 0));

    let question = browser.get(home.location()).await;
    assert!(question.html.contains("<bdi>Person 1</bdi>") && question.html.contains("Read notes"), "{}", question.html);
    assert!(!question.html.contains("Write notes"), "only what the account may: {}", question.html);
    let granted = browser.decide(&question, "allow", &["read", "write"]).await;
    assert!(granted.told().contains_key("code"));
    assert_eq!(world.codes().await[0]["scopes"], json!(["read"]));
    assert!(!world.codes().await[0]["subject"].as_str().unwrap().contains("up.example"));
    for kind in ["federated", "upstream", "attempt"] {
        let kept = world.entries(kind).await;
        assert_eq!(kept.len(), usize::from(kind != "attempt"), "{kind}");
        let shown: String = kept.iter().map(|(_, entry)| String::from_utf8_lossy(&entry.value).into_owned()).collect();
        assert!(!shown.contains("upstream-") && !shown.contains("\"id\""), "sealed: {shown}");
    }
}

#[tokio::test]
async fn nothing_goes_upstream_without_the_click() {
    let up = Stub::named("up");
    let world = world(&[&up]).await;
    let mut browser = Browser::new(&world);
    for changes in [
        &[][..],
        &[("prompt", "login")],
        &[("prompt", "none")],
        &[("client_id", DYNAMIC), ("redirect_uri", "https://dyn.example/cb")],
    ] {
        let page = browser.get(&url(changes)).await;
        if page.location().starts_with(ISSUER) {
            browser.get(page.location()).await;
        }
    }
    let choice = browser.open_choice(&url(&[])).await;
    let (action, token) = choice.button("up");
    let own = [("origin", ISSUER), ("sec-fetch-site", "same-origin")];
    let mut stranger = Browser::new(&world);
    let other = stranger.open_choice(&url(&[("state", "other")])).await.button("up");
    let refused = [
        browser.post(&action, &[]).await,
        browser.post(&action, &[("token", "x")]).await,
        // That of another browser, and that of another request.
        browser.post(&action, &[("token", &other.1)]).await,
        browser.post(&other.0, &[("token", &token)]).await,
        browser.post_from(&action, &[], &[("token", &token)]).await,
        browser.post_from(&action, &[("origin", "https://evil.example")], &[("token", &token)]).await,
        browser.post_from(&action, &[("origin", ISSUER), ("sec-fetch-site", "cross-site")], &[("token", &token)]).await,
        Browser::new(&world).post_from(&action, &own, &[("token", &token)]).await,
    ];
    for (at, page) in refused.iter().enumerate() {
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{at}: {}", page.html);
    }
    // A request that leads nowhere does not lead there either.
    let nowhere = action.replace("app.example", "evil.example");
    assert_eq!(browser.post(&nowhere, &[("token", &token)]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(up.asked(), (0, 0, 0));
    assert!(world.entries("attempt").await.is_empty());
    browser.click(&choice, "up").await;
    assert_eq!(up.asked(), (1, 0, 0), "the test can see it");
}

/// Anybody can click, from as many addresses as they have, and each click is written down.
#[tokio::test]
async fn clicks_of_strangers_do_not_fill_the_store() {
    let up = Stub::named("up");
    let world = world(&[&up]).await;
    let (store, clock) = (Arc::clone(&world.store), world.clock.clone().into());
    let limited = core(ISSUER, store, clock, vec![Box::new(up.clone())], &world.users, ("The web", true)).unwrap();
    let world = World { core: limited, ..world };
    let address = |n: u32| ClientAddress::new(std::net::IpAddr::V4((0x0a00_0000 + n).into()));
    let spent = (0..20_000).take_while(|n| world.core.limits.charge(Route::Depart, address(*n)).is_ok()).count();
    assert_eq!(spent, 6_000);
    let mut browser = Browser::new(&world);
    let choice = browser.open_choice(&url(&[])).await;
    assert_eq!(browser.click(&choice, "up").await.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(world.entries("attempt").await.is_empty() && up.asked() == (0, 0, 0));
    world.clock.advance(Duration::from_secs(120));
    assert_eq!(browser.click(&choice, "up").await.status, StatusCode::SEE_OTHER);
}

/// What comes back from a page of ours comes by its form, or not at all.
#[tokio::test]
async fn nobody_logs_in_with_a_form_that_is_not_the_page_s() {
    let (up, plain) = (Stub::named("up").with_page(), Stub::named("plain"));
    let world = world(&[&up, &plain]).await;
    let mut browser = Browser::new(&world);
    let gone = browser.go_to_provider("up").await;
    let home = way_back(&gone, "up");
    let page = browser.get(&home).await;
    assert_eq!((page.status, up.asked().1), (StatusCode::OK, 0), "a link finishes nothing");
    let (state, code) = (gone.told()["state"].clone(), gone.told()["code_challenge"].clone());
    let token = page.html.split_once("name=\"token\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    assert!(browser.get(&format!("{home}&token={token}")).await.html.contains("token"), "nor with its token");

    let (action, own) = (format!("{ISSUER}/callback/up"), [("origin", ISSUER), ("sec-fetch-site", "same-origin")]);
    let with = |token: &str| [("state", state.clone()), ("code", code.clone()), ("token", token.to_owned())];
    let foreign: [&[(&str, &str)]; 4] = [
        &[],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", ISSUER), ("sec-fetch-site", "cross-site")],
    ];
    for (at, (headers, token)) in
        foreign.into_iter().map(|headers| (headers, &*token)).chain([(&own[..], ""), (&own, "x")]).enumerate()
    {
        let fields = with(token);
        let fields = fields.each_ref().map(|(name, value)| (*name, &**value));
        let refused = browser.post_from(&action, headers, &fields).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{at}");
    }
    // The token of one attempt is none for another, and a provider without a page takes no form.
    let other = browser.go_to_provider("up").await;
    let plainly = browser.go_to_provider("plain").await;
    for (provider, gone) in [("up", &other), ("plain", &plainly)] {
        let told = gone.told();
        let fields = [("state", &*told["state"]), ("code", &*told["code_challenge"]), ("token", &*token)];
        let refused = browser.post(&format!("{ISSUER}/callback/{provider}"), &fields).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{provider}");
    }
    assert_eq!((up.asked().1, plain.asked().1, world.entries("session").await.len()), (0, 0, 0));

    let fields = with(&token);
    let home = browser.post(&action, &fields.each_ref().map(|(name, value)| (*name, &**value))).await;
    assert_eq!((home.status, up.asked().1), (StatusCode::SEE_OTHER, 1), "{}", home.html);
}

/// They may be those of an account that was linked since, or that the person has taken back.
#[tokio::test]
async fn who_comes_back_without_tokens_has_none() {
    let up = Stub::named("up");
    let world = world(&[&up]).await;
    for (claims, kept) in [(json!({}), 1), (json!({ "tokens": false }), 0)] {
        up.says("1", claims);
        let mut browser = Browser::new(&world);
        let home = way_back(&browser.go_to_provider("up").await, "up");
        assert_eq!(browser.get(&home).await.status, StatusCode::SEE_OTHER);
        assert_eq!(world.entries("upstream").await.len(), kept);
    }
}

#[tokio::test]
async fn nobody_comes_back_who_did_not_go() {
    let (up, other) = (Stub::named("up"), Stub::named("other"));
    let world = world(&[&up, &other]).await;
    let mut victim = Browser::new(&world);
    let gone = victim.go_to_provider("up").await;
    let mut attacker = Browser::new(&world);
    let theirs = attacker.go_to_provider("up").await;
    let (state, code) = (gone.told()["state"].clone(), gone.told()["code_challenge"].clone());

    let refused = [
        ("without a cookie", Browser::new(&world).get(&way_back(&gone, "up")).await),
        ("in another browser", attacker.get(&way_back(&gone, "up")).await),
        // Login CSRF: the victim would be logged in as the attacker.
        ("with another's state and code", victim.get(&way_back(&theirs, "up")).await),
        ("from another provider", victim.get(&way_back(&gone, "other")).await),
        ("from one that is no such provider", victim.get(&way_back(&gone, "local")).await),
        ("from none", victim.get(&way_back(&gone, "nothing")).await),
        ("with a state of its own making", victim.get(&back("up", &"a".repeat(43), &code)).await),
        ("without a state", victim.get(&format!("{ISSUER}/callback/up?code={code}")).await),
        (
            "in a frame",
            victim.send(Method::GET, &way_back(&gone, "up"), &[("sec-fetch-dest", "iframe")], String::new()).await,
        ),
    ];
    for (what, page) in &refused {
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{what}: {}", page.html);
        assert!(page.set_cookies().is_empty(), "{what}");
    }
    let twice = format!("{}&state={state}", way_back(&gone, "up"));
    assert_eq!(victim.get(&twice).await.status, StatusCode::BAD_REQUEST);
    assert_eq!((up.asked(), other.asked()), ((2, 0, 0), (0, 0, 0)), "no provider was asked who that is");
    assert!(world.entries("session").await.is_empty());

    // Nothing of that has ended the way of whoever did go.
    assert_eq!(victim.get(&way_back(&gone, "up")).await.status, StatusCode::SEE_OTHER);
    assert_eq!(victim.get(&way_back(&gone, "up")).await.status, StatusCode::FORBIDDEN, "once");
    assert_eq!(up.asked().1, 1);
    assert_eq!(world.entries("session").await.len(), 1);
}

#[tokio::test]
async fn a_code_of_another_attempt_is_no_code() {
    let up = Stub::named("up");
    let world = world(&[&up]).await;
    let mut browser = Browser::new(&world);
    let (first, second) = (browser.go_to_provider("up").await, browser.go_to_provider("up").await);
    let page = browser.get(&back("up", &first.told()["state"], &second.told()["code_challenge"])).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.html.contains("Try again") && world.entries("session").await.is_empty());
    let page = browser.get(&back("up", &first.told()["state"], &first.told()["code_challenge"])).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "one try for each attempt");
    assert_eq!(browser.get(&way_back(&second, "up")).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn of_many_who_come_back_at_once_one_does() {
    let up = Stub::named("up");
    let world = world(&[&up]).await;
    let mut browser = Browser::new(&world);
    let home = way_back(&browser.go_to_provider("up").await, "up");
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (mut browser, home) = (browser.clone(), home.clone());
        tasks.spawn(async move { browser.get(&home).await.status });
    }
    let statuses = tasks.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::SEE_OTHER).count(), 1, "{statuses:?}");
    assert_eq!((up.asked().1, world.entries("session").await.len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever() {
    let up = Stub::named("up");
    let world = world(&[&up]).await;
    up.says("1", json!({ "hangs": true }));
    let mut browser = Browser::new(&world);
    let home = way_back(&browser.go_to_provider("up").await, "up");
    let page = tokio::time::timeout(Duration::from_secs(60), browser.get(&home)).await.expect("an answer");
    assert_eq!((page.status, world.entries("session").await.len()), (StatusCode::SERVICE_UNAVAILABLE, 0));
}

/// Each look costs a look into the store, and may cost a question elsewhere.
#[tokio::test]
async fn coming_back_is_limited() {
    let up = Stub::named("up");
    let world = world(&[&up]).await.limited();
    let mut browser = Browser::new(&world);
    let mut statuses = Vec::new();
    for _ in 0..61 {
        statuses.push(browser.get(&back("up", "x", "y")).await.status);
    }
    assert_eq!(statuses.iter().position(|status| *status == StatusCode::TOO_MANY_REQUESTS), Some(60));
}

/// On two nodes both may have looked before either takes.
#[tokio::test]
async fn of_two_who_have_looked_one_takes() {
    use crate::oauth::people::attempts::{Going, Purpose, begin, look, take};
    let world = World::new().await;
    let going = Going { provider: "up", holder: "cookie", login_again: false, for_tools: false };
    let trip = begin(&world.core, going, Purpose::LogIn { query: String::new() }).await.unwrap();
    let mut rows = Vec::new();
    for _ in 0..2 {
        rows.push(look(&world.core, &trip.state, "up", Some("cookie")).await.unwrap().unwrap());
    }
    assert!(take(&world.core, &rows[0]).await.unwrap());
    assert!(!take(&world.core, &rows[1]).await.unwrap());
}

#[tokio::test]
async fn whoever_takes_too_long_starts_again() {
    let up = Stub::named("up");
    let world = world(&[&up]).await;
    let mut browser = Browser::new(&world);
    let home = way_back(&browser.go_to_provider("up").await, "up");
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(browser.get(&home).await.status, StatusCode::FORBIDDEN);
    assert_eq!((up.asked().1, world.entries("session").await.len()), (0, 0));
}

#[tokio::test]
async fn who_is_not_admitted_leaves_nothing_behind() {
    let up = Stub::named("up");
    let world = world(&[&up]).await;
    let mut browser = Browser::new(&world);
    let guide = include_str!("../../../../../docs/troubleshooting.md");
    let (log, _guard) = Log::collect();
    for (at, down) in [(0, false), (1, true), (2, false)] {
        up.is_down(false);
        let home = way_back(&browser.go_to_provider("up").await, "up");
        match at {
            0 => up.says("1", json!({ "admitted": false })),
            1 => up.is_down(down),
            _ => up.forgets(),
        }
        let page = browser.get(&home).await;
        assert_eq!(page.status, if down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::FORBIDDEN }, "{at}");
        assert!(page.html.contains("The up"), "it says who: {}", page.html);
        let words = match at {
            0 => "your account there may not use this server",
            1 => "cannot be reached right now",
            _ => "did not say who you are",
        };
        assert!(page.html.contains(words) && guide.contains(words), "{}", page.html);
        assert_eq!(page.html.contains("whoever runs this server finds the reason in its log"), down, "{}", page.html);
        up.says("1", json!({}));
    }
    let said = "provider=\"up\" rule=\"claim \\\"admitted\\\"\" why=\"the stub says so\"";
    let line = log.text().lines().find(|line| line.contains("somebody is not admitted")).map(str::to_owned).unwrap();
    assert!(line.starts_with("INFO") && line.ends_with(said), "{line}");
    assert!(guide.contains("`somebody is not admitted`"));
    up.is_down(true);
    let choice = browser.open_choice(&url(&[])).await;
    assert_eq!(browser.click(&choice, "up").await.status, StatusCode::SERVICE_UNAVAILABLE);
    for kind in ["session", "federated", "upstream", "link"] {
        assert!(world.entries(kind).await.is_empty(), "{kind}");
    }
}

/// The client has the victim's browser, in which the victim is logged in: it gets nothing without a question.
#[tokio::test]
async fn a_client_that_registered_itself_always_asks() {
    let up = Stub::named("up");
    let world = world(&[&up]).await;
    let mut victim = Browser::new(&world);
    let home = way_back(&victim.go_to_provider("up").await, "up");
    let home = victim.get(&home).await;
    let question = victim.get(home.location()).await;
    victim.decide(&question, "allow", &["read"]).await;
    assert!(victim.get(&url(&[])).await.told().contains_key("code"), "the operator's client need not ask again");
    let codes = world.codes().await.len();
    let own = [("client_id", DYNAMIC), ("redirect_uri", "https://dyn.example/cb")];
    for prompt in ["", "none", "login", "consent"] {
        let page = victim.get(&url(&[&own[..], &[("prompt", prompt)]].concat())).await;
        assert!(!page.told().contains_key("code"), "{prompt}");
    }
    assert_eq!((world.codes().await.len(), up.asked()), (codes, (1, 1, 0)));
}

#[tokio::test]
async fn who_must_log_in_again_does_so_there_too() {
    let up = Stub::named("up");
    let world = world(&[&up]).await;
    let mut browser = Browser::new(&world);
    up.says("1", json!({ "away": 599 }));
    for prompt in ["login", "select_account"] {
        let choice = browser.open_choice(&url(&[("prompt", prompt)])).await;
        let gone = browser.click(&choice, "up").await;
        world.clock.advance(Duration::from_secs(599));
        assert_eq!(gone.told().get("prompt").map(String::as_str), Some("login"), "{prompt}");
        let home = browser.get(&way_back(&gone, "up")).await;
        assert_eq!(browser.get(home.location()).await.status, StatusCode::OK, "and once is enough");
    }
}

#[tokio::test]
async fn people_are_told_by_issuer_and_id_and_by_addresses_only_if_that_is_asked_for() {
    let (up, other) = (Stub::named("up"), Stub::named("other"));
    let world = world(&[&up, &other]).await;
    let subject_after = async |stub: &Stub, name: &str, claims: Value| {
        stub.says("1", claims);
        let mut browser = Browser::new(&world);
        let home = way_back(&browser.go_to_provider(name).await, name);
        assert_eq!(browser.get(&home).await.status, StatusCode::SEE_OTHER);
        let account_id = stub.account_id("1");
        crate::oauth::people::known_subject(&world.core, name, &account_id).await.unwrap().unwrap()
    };
    let first = subject_after(&up, "up", json!({ "email": "a@example.com" })).await;
    let second = subject_after(&other, "other", json!({ "email": "a@example.com" })).await;
    assert_ne!(first, second, "the same id and address elsewhere are somebody else");
    assert_eq!(subject_after(&up, "up", json!({})).await, first);

    // The operator lets these be linked.
    let (left, right) = (Stub::named("left"), Stub::named("right"));
    let world = super::federated::world(&[&left, &right]).await;
    let log_in = async |stub: &Stub, name: &str, id: &str, claims: Value| {
        stub.says(id, claims);
        let mut browser = Browser::new(&world);
        let home = way_back(&browser.go_to_provider(name).await, name);
        assert_eq!(browser.get(&home).await.status, StatusCode::SEE_OTHER);
        let account_id = stub.account_id(id);
        crate::oauth::people::known_subject(&world.core, name, &account_id).await.unwrap().unwrap()
    };
    let first = log_in(&left, "left", "1", json!({ "linked": "a@example.com" })).await;
    assert_eq!(log_in(&right, "right", "7", json!({ "linked": "a@example.com" })).await, first);
    assert_eq!(
        crate::oauth::people::linked_account(&world.core, &first).await.unwrap().unwrap(),
        ("right".to_owned(), right.account_id("7")),
        "it is the one that logged in last"
    );
    assert_ne!(log_in(&right, "right", "8", json!({ "linked": "b@example.com" })).await, first);
    // An address that changes hands takes no account along.
    assert_ne!(log_in(&right, "right", "8", json!({ "linked": "a@example.com" })).await, first);
}

/// Else the provider, which still knows them, would bring back whoever has just logged out.
#[tokio::test]
async fn who_logs_out_can_log_in_as_somebody_else() {
    let up = Stub::named("up");
    let world = world(&[&up]).await;
    for (prompt, after) in [("", "select_account"), ("consent", "consent select_account")] {
        let mut browser = Browser::new(&world);
        let choice = browser.open_choice(&url(&[("prompt", prompt)])).await;
        let gone = browser.click(&choice, "up").await;
        let home = browser.get(&way_back(&gone, "up")).await;
        let question = browser.get(home.location()).await;
        let (action, token) = question.form("/logout");
        let out = browser.post(&action, &[("token", &token)]).await;
        assert_eq!(out.told().get("prompt").map(String::as_str), Some(after));
        let choice = browser.open_choice(out.location()).await;
        let gone = browser.click(&choice, "up").await;
        assert_eq!(gone.told().get("prompt").map(String::as_str), Some("login"), "{prompt}");
    }
}

/// A node whose clock is behind, or that was kept waiting, still takes it for good.
#[tokio::test]
async fn what_was_used_is_remembered_for_longer_than_it_is_good() {
    let world = World::new().await;
    let once = Once { key: "a hash".to_owned(), until: world.core.records.now() + 9 };
    assert!(once::use_up(&world.core, "up", &once).await.unwrap());
    for passed in [9, 60, 20] {
        world.clock.advance(Duration::from_secs(passed));
        world.core.records.sweep(100).await.unwrap();
        assert!(!once::use_up(&world.core, "up", &once).await.unwrap());
    }
}

#[tokio::test]
async fn what_is_good_once_is_used_up_on_every_node() {
    let up = Stub::named("up");
    let world = world(&[&up]).await;
    up.says("1", json!({ "once": "a token" }));
    for (at, status) in [(0, StatusCode::SEE_OTHER), (1, StatusCode::FORBIDDEN)] {
        let mut browser = Browser::new(&world);
        let home = way_back(&browser.go_to_provider("up").await, "up");
        assert_eq!(browser.get(&home).await.status, status, "{at}");
    }
    assert_eq!((up.asked().1, world.entries("session").await.len()), (2, 1));
    assert!(!format!("{:?}", world.entries("used-once").await).contains("a token"));
    world.clock.advance(Duration::from_secs(300 + 90));
    assert!(world.store.sweep(world.clock.millis() / 1000, 100).await.unwrap() > 0, "and is forgotten in time");
    assert!(world.entries("used-once").await.is_empty());
}

/// There is no password to change here and no account to lock: who was locked there, and has everything taken away here, must
/// not go on with the browser until the next look.
#[tokio::test]
async fn who_has_everything_taken_away_logs_in_there_again() {
    let up = Stub::named("up");
    let world = world(&[&up]).await;
    let mut browser = Browser::new(&world);
    let home = way_back(&browser.go_to_provider("up").await, "up");
    let question = browser.get(&home).await;
    let question = browser.get(question.location()).await;
    let subject = crate::oauth::people::known_subject(&world.core, "up", &up.account_id("1")).await.unwrap().unwrap();
    AuthorizationServer(Arc::clone(&world.core)).revoke_all_of(&subject).await.unwrap();
    up.forgets();
    let decided = browser.decide(&question, "allow", &["read"]).await;
    assert!(!decided.told().contains_key("code"), "{}", decided.location());
    for prompt in ["", "none"] {
        let page = browser.get(&url(&[("prompt", prompt)])).await;
        assert!(page.location().contains("/login?") || page.told()["error"] == "login_required", "{}", page.location());
    }
    assert!(world.codes().await.is_empty());
    let home = way_back(&browser.go_to_provider("up").await, "up");
    assert_eq!(browser.get(&home).await.status, StatusCode::FORBIDDEN);
    // Who is still there comes in again.
    up.says("1", json!({}));
    let home = way_back(&browser.go_to_provider("up").await, "up");
    let home = browser.get(&home).await;
    assert_eq!(browser.get(home.location()).await.status, StatusCode::OK);
}
