//! Connecting an account elsewhere: only by the person in whose name a tool was called, and only after a click.

use super::{stub::Stub, *};
use crate::oauth::{people::vault, upstream::ticket};

/// Somebody who is logged in.
struct Person {
    browser: Browser,
    subject: String,
}

async fn world(up: &Stub) -> World {
    World::at(ISSUER, vec![Box::new(up.clone())]).await
}

async fn person(world: &World, name: &str) -> Person {
    let mut browser = Browser::new(world);
    let choice = browser.get(&url(&[])).await;
    let page = browser.get(&format!("{}&provider=local", choice.location())).await;
    let entered = browser.enter(&page, name, PASSWORD).await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}", entered.html);
    let id = world.users.get(name).await.unwrap().unwrap().id;
    let subject = crate::oauth::people::known_subject(&world.core, LocalUsers::NAME, &id).await.unwrap().unwrap();
    Person { browser, subject }
}

impl Person {
    fn link(&self, world: &World) -> String {
        ticket::link(&world.core, (&self.subject, "up"))
    }

    async fn connected(&self, world: &World) -> Option<String> {
        vault::kept(&world.core, (&self.subject, "up")).await.unwrap().map(|kept| kept.account)
    }

    async fn click(&mut self, page: &Page) -> Page {
        let (action, token) = page.form("/connect");
        self.browser.post(&action, &[("token", &token)]).await
    }
}

/// Where the provider sends somebody back to.
fn way_back(gone: &Page) -> String {
    let told = gone.told();
    let fields = [("state", &told["state"]), ("code", &told["code_challenge"])];
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    format!("{ISSUER}/callback/up?{query}")
}

#[tokio::test]
async fn somebody_clicks_goes_and_comes_back_with_an_account() {
    let up = Stub::named("up").may("Read <everything>");
    let world = world(&up).await;
    let mut alice = person(&world, "alice").await;
    let asked = alice.browser.get(&alice.link(&world)).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.html);
    for text in ["The up", "Notes &amp; Co", "alice", "Read &lt;everything&gt;"] {
        assert!(asked.html.contains(text), "{text}: {}", asked.html);
    }
    assert!(!asked.html.contains("connected already") && !asked.html.contains(&alice.subject));
    assert_eq!(up.asked(), (0, 0, 0), "nothing before the click");

    let gone = alice.click(&asked).await;
    assert!(gone.location().starts_with("https://up.example/auth?"), "{}", gone.html);
    assert!(!gone.location().contains("ticket"), "{}", gone.location());
    assert_eq!(alice.connected(&world).await, None);
    let home = alice.browser.get(&way_back(&gone)).await;
    assert!(home.status == StatusCode::OK && home.html.contains("Connected"), "{}", home.html);
    assert!(!home.html.contains("took the place") && !home.html.contains("upstream-"));
    assert_eq!(alice.connected(&world).await.as_deref(), Some("1"));
    assert_eq!(alice.browser.get(&way_back(&gone)).await.status, StatusCode::FORBIDDEN, "once");

    // Another account takes its place, and it is said before and after.
    up.says("2", json!({}));
    let asked = alice.browser.get(&alice.link(&world)).await;
    assert!(asked.html.contains("connected already"), "{}", asked.html);
    let gone = alice.click(&asked).await;
    let home = alice.browser.get(&way_back(&gone)).await;
    assert!(home.html.contains("took the place"), "{}", home.html);
    assert_eq!(alice.connected(&world).await.as_deref(), Some("2"));
    // Nobody logs in by that.
    assert!(world.entries("federated").await.is_empty());
    assert_eq!(world.entries("session").await.len(), 1);
}

#[tokio::test]
async fn a_link_in_other_hands_leads_nowhere() {
    let up = Stub::named("up");
    let world = World::at(ISSUER, vec![Box::new(up.clone()), Box::new(Stub::named("unused"))]).await;
    let (mut alice, mut mallory) = (person(&world, "alice").await, person(&world, "bob").await);
    let link = alice.link(&world);
    let unused = ticket::link(&world.core, (&alice.subject, "unused"));
    let good = alice.browser.get(&link).await;
    let (action, token) = good.form("/connect");
    let theirs = mallory.link(&world);
    let (their_action, their_token) = mallory.browser.get(&theirs).await.form("/connect");
    let own = [("origin", ISSUER), ("sec-fetch-site", "same-origin")];
    let form = [("token", &*token)];
    let frame = [("sec-fetch-dest", "iframe")];

    let refused = [
        ("somebody else's browser", mallory.browser.get(&link).await, 403),
        ("a link that was sent to the victim", alice.browser.get(&theirs).await, 403),
        ("somebody else's browser, by POST", mallory.browser.post(&action, &form).await, 403),
        (
            "the victim, with the attacker's form",
            alice.browser.post(&their_action, &[("token", &their_token)]).await,
            403,
        ),
        ("the attacker's token", alice.browser.post(&action, &[("token", &their_token)]).await, 403),
        ("no token", alice.browser.post(&action, &[]).await, 403),
        ("a page elsewhere", alice.browser.post_from(&action, &[("origin", "https://evil.example")], &form).await, 403),
        ("a page that does not say", alice.browser.post_from(&action, &[], &form).await, 403),
        ("nobody, by POST", Browser::new(&world).post_from(&action, &own, &form).await, 401),
        ("a frame", alice.browser.send(Method::GET, &link, &frame, String::new()).await, 403),
        ("another provider", alice.browser.get(&link.replace("at=up", "at=other")).await, 400),
        ("one with people of its own", alice.browser.get(&link.replace("at=up", "at=local")).await, 400),
        ("one that no tool works with", alice.browser.get(&unused).await, 400),
        ("no ticket", alice.browser.get(link.split("&ticket").next().unwrap()).await, 403),
        ("half a ticket", alice.browser.get(&link[..link.len() - 20]).await, 403),
        ("two tickets", alice.browser.get(&format!("{link}&ticket=x")).await, 403),
    ];
    for (what, page, status) in &refused {
        assert_eq!(page.status, *status, "{what}: {}", page.html);
        assert!(page.location().is_empty() && !page.html.contains("<form"), "{what}: {}", page.html);
        assert!(!page.html.contains(&alice.subject) && !page.html.contains("alice"), "{what}: {}", page.html);
    }
    assert_eq!(up.asked(), (0, 0, 0), "nothing went upstream");
    for kind in ["attempt", "upstream"] {
        assert!(world.entries(kind).await.is_empty(), "{kind}");
    }
    assert_eq!(alice.click(&good).await.status, StatusCode::SEE_OTHER, "the test can see it");
}

#[tokio::test]
async fn a_ticket_is_good_for_ten_minutes_and_for_its_provider() {
    let (up, other) = (Stub::named("up"), Stub::named("other"));
    let world = World::at(ISSUER, vec![Box::new(up.clone()), Box::new(other.clone())]).await;
    let mut alice = person(&world, "alice").await;
    let link = alice.link(&world);
    assert_eq!(alice.browser.get(&link.replace("at=up", "at=other")).await.status, StatusCode::FORBIDDEN);
    world.clock.advance(std::time::Duration::from_secs(599));
    let page = alice.browser.get(&link).await;
    assert_eq!(page.status, StatusCode::OK);
    world.clock.advance(std::time::Duration::from_secs(1));
    assert!(alice.browser.get(&link).await.html.contains("10 minutes"));
    assert_eq!(alice.click(&page).await.status, StatusCode::FORBIDDEN, "the form neither");
    // Its time cannot be changed.
    let (start, ticket) = link.rsplit_once('=').unwrap();
    let mut bytes = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, ticket).unwrap();
    bytes[0] = 1;
    let later = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes);
    assert!(alice.browser.get(&format!("{start}={later}")).await.html.contains("not for you"));
    assert_eq!((up.asked(), other.asked()), ((0, 0, 0), (0, 0, 0)));
}

#[tokio::test]
async fn whoever_comes_back_is_whoever_went() {
    let up = Stub::named("up");
    let world = world(&up).await;
    let (mut alice, mut bob) = (person(&world, "alice").await, person(&world, "bob").await);
    let went = async |person: &mut Person, world: &World| {
        let link = person.link(world);
        let asked = person.browser.get(&link).await;
        person.click(&asked).await
    };
    // Another browser comes back from it: with nothing, and with a login of somebody else.
    let gone = went(&mut alice, &world).await;
    for browser in [&mut Browser::new(&world), &mut bob.browser] {
        assert_eq!(browser.get(&way_back(&gone)).await.status, StatusCode::FORBIDDEN);
    }
    // The same browser, in which somebody else has logged in meanwhile, or nobody is any more.
    for other in [Some("bob"), None] {
        let gone = went(&mut alice, &world).await;
        let jar = alice.browser.jar.clone();
        alice.browser.jar.retain(|name, _| !name.ends_with("session"));
        if other.is_some() {
            let session = bob.browser.jar.iter().find(|(name, _)| name.ends_with("session")).unwrap();
            alice.browser.jar.insert(session.0.clone(), session.1.clone());
        }
        let page = alice.browser.get(&way_back(&gone)).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.html);
        assert_eq!(up.asked().1, 0, "not even the code was exchanged");
        alice.browser.jar = jar;
        assert_eq!(alice.browser.get(&way_back(&gone)).await.status, StatusCode::FORBIDDEN, "and it has ended");
    }
    assert!(world.entries("upstream").await.is_empty());
    let gone = went(&mut bob, &world).await;
    assert_eq!(bob.browser.get(&way_back(&gone)).await.status, StatusCode::OK);
    assert_eq!((bob.connected(&world).await.as_deref(), alice.connected(&world).await), (Some("1"), None));
}

#[tokio::test]
async fn what_goes_wrong_at_the_provider_connects_nothing() {
    let up = Stub::named("up");
    let world = world(&up).await;
    let mut alice = person(&world, "alice").await;
    let link = alice.link(&world);
    let asked = alice.browser.get(&link).await;
    let gone = alice.click(&asked).await;
    up.forgets();
    let page = alice.browser.get(&way_back(&gone)).await;
    assert!(page.status == StatusCode::FORBIDDEN && page.html.contains("Not connected"), "{}", page.html);
    up.is_down(true);
    assert_eq!(alice.click(&asked).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(world.entries("upstream").await.is_empty());
}

/// The account that somebody logs in with is looked up with these tokens: those of another one would lock them out.
#[tokio::test]
async fn who_logs_in_there_connects_that_very_account() {
    let up = Stub::named("up");
    let world = world(&up).await;
    let mut browser = Browser::new(&world);
    let choice = browser.get(&url(&[])).await;
    let choice = browser.get(choice.location()).await;
    let (action, token) = choice.form("/login");
    let gone = browser.post(&action, &[("token", &token)]).await;
    assert_eq!(browser.get(&way_back(&gone)).await.status, StatusCode::SEE_OTHER);
    let known = crate::oauth::people::known_subject(&world.core, "up", &up.account_id("1")).await.unwrap();
    let mut person = Person { browser, subject: known.unwrap() };
    for (id, status) in [("2", StatusCode::FORBIDDEN), ("1", StatusCode::OK)] {
        up.says(id, json!({}));
        let link = person.link(&world);
        let asked = person.browser.get(&link).await;
        let gone = person.click(&asked).await;
        assert_eq!(person.browser.get(&way_back(&gone)).await.status, status, "{id}");
        assert_eq!(person.connected(&world).await.as_deref(), Some("1"), "{id}");
    }
}

#[tokio::test]
async fn the_question_names_what_tools_do_elsewhere() {
    let up = Stub::named("up").may("Read <everything>");
    let world = world(&up).await;
    let mut alice = person(&world, "alice").await;
    let question = alice.browser.get(&url(&[])).await;
    let text = "Tools of this server may use your <bdi>The up</bdi> account to:";
    assert!(question.html.contains(text) && question.html.contains("Read &lt;everything&gt;"), "{}", question.html);
}

/// A grant outlasts the session that it was made in.
#[tokio::test]
async fn who_is_not_logged_in_any_more_logs_in_and_goes_on() {
    let up = Stub::named("up");
    let world = world(&up).await;
    let alice = person(&world, "alice").await;
    let link = alice.link(&world);
    for wrong in [&link[..link.len() - 4], &link.replace("at=up", "at=local"), &format!("{link}&ticket=x")] {
        let page = Browser::new(&world).get(wrong).await;
        assert!(page.location().is_empty() && !page.html.contains("<form"), "{wrong}: {}", page.html);
        let login = wrong.replace("/connect?", "/login?");
        let page = Browser::new(&world).get(&login).await;
        assert!(page.location().is_empty() && !page.html.contains("<form"), "{login}: {}", page.html);
    }
    for (name, status) in [("alice", StatusCode::OK), ("bob", StatusCode::FORBIDDEN)] {
        let mut browser = Browser::new(&world);
        let gone = browser.get(&link).await;
        assert!(gone.location().starts_with("https://auth.example/login?at=up"), "{}", gone.location());
        let choice = browser.get(gone.location()).await;
        assert!(choice.html.contains("tools of this server may use your account"), "{}", choice.html);
        let local = choice.html.split("href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
        let login = browser.get(&local).await;
        let entered = browser.enter(&login, name, PASSWORD).await;
        assert!(entered.location().starts_with("https://auth.example/connect?at=up"), "{}", entered.location());
        let asked = browser.get(entered.location()).await;
        assert_eq!(asked.status, status, "{name}: {}", asked.html);
    }
    assert_eq!(up.asked(), (0, 0, 0));
    world.clock.advance(std::time::Duration::from_secs(600));
    assert!(Browser::new(&world).get(&link).await.location().is_empty(), "it is over");
}
