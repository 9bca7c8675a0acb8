//! Tools that are called: who is given a token, and what everybody else reads.

use serde_json::json;

use super::*;
use crate::{
    Json, Server, ServerBuilder, ToolError,
    auth::{BearerToken, Identity, Principal, Scopes, StaticTokens},
    oauth::{LocalUsers, Source, Upstream, UpstreamProvider, people::vault::Place},
    testing::{Called, TestClient},
    tools,
};

struct Fake;

impl UpstreamProvider for Fake {
    const NAME: &'static str = "fake";
}

/// Says how long the token is, and how often a tool was given one.
#[crate::tool(crate = crate, scopes = "calendar:read")]
async fn today(fake: Upstream<Fake>) -> Result<Json<usize>, ToolError> {
    let token = fake.token().await?;
    assert_eq!(token.secret(), "upstream-access-1");
    Ok(Json(token.secret().len()))
}

/// Its handle has another name.
type Handle = Upstream<Fake>;

/// Whoever calls may have everything.
#[crate::tool(crate = crate)]
async fn renamed(#[inject] fake: Handle) -> Result<(), ToolError> {
    fake.token().await.map(drop)
}

#[crate::toolset(crate = crate, scopes = "calendar:read")]
mod scoped {
    /// The scopes are those of its group.
    #[crate::tool]
    pub(super) async fn grouped(#[inject] fake: super::Handle) -> Result<(), crate::ToolError> {
        fake.token().await.map(drop)
    }
}

fn builder() -> ServerBuilder {
    Server::builder("notes", "1").public_url(RESOURCE).scope("calendar:read", "See what you do")
}

/// A server with people of its own, who can connect accounts elsewhere.
struct House {
    world: World,
    server: Server,
    users: LocalUsers,
}

impl House {
    async fn new() -> Self {
        let world = World::new(Arc::new(MemoryStore::new()));
        let users = LocalUsers::cheap(Arc::clone(&world.store));
        let key = StoreKey::from_base64(KEY).unwrap();
        let oauth = AuthorizationServer::builder(Arc::clone(&world.store), key).login(users.clone());
        let server = builder()
            .clock(world.clock.clone())
            .tools(tools![crate = crate; today])
            .auth(StaticTokens::new().token("wQ7hYp3mZ0tRk9cLxV5nBg", "alice", ["calendar:read"]))
            .authorization_server(oauth.connection(world.fake.clone()))
            .build()
            .unwrap();
        Self { world, server, users }
    }

    fn oauth(&self) -> &AuthorizationServer {
        self.server.authorization_server().unwrap()
    }

    /// Somebody with a token of the server's own.
    async fn person(&self, name: &str) -> Identity {
        if self.users.get(name).await.unwrap().is_none() {
            self.users.add(name, "a long pass phrase", ["calendar:read"]).await.unwrap();
        }
        let id = self.users.get(name).await.unwrap().unwrap().id;
        let hour = std::time::Duration::from_secs(3_600);
        let token = self.oauth().mint(LocalUsers::NAME, &id, ["calendar:read"], hour).await.unwrap();
        self.oauth().0.verify(&BearerToken::new(&token).unwrap()).await.unwrap()
    }

    /// With an access token that must be refreshed.
    async fn connect(&self, subject: &str) {
        let place: Place<'_> = (subject, "fake");
        let tokens = UpstreamTokens { expires_at: Some(0), ..self.world.fake.tokens(0) };
        vault::keep(&self.oauth().0, place, "1", &tokens).await.unwrap();
    }

    async fn call(&self, who: &Identity) -> Called {
        TestClient::new(&self.server).as_identity(who.clone()).call("today", json!({})).await
    }
}

#[tokio::test]
async fn a_person_who_connected_an_account_is_served_and_nobody_else() {
    let house = House::new().await;
    let (alice, bob) = (house.person("alice").await, house.person("bob").await);
    house.connect(alice.subject()).await;
    assert_eq!(house.call(&alice).await.json::<usize>(), "upstream-access-1".len());
    assert_eq!(house.world.fake.refreshes(), 1);

    let text = house.call(&bob).await.error_text();
    let link = text.split_whitespace().last().unwrap();
    assert!(text.contains("Fake Inc.") && link.starts_with("https://a.example/connect?at=fake&ticket="), "{text}");
    assert!(!text.contains(bob.subject()) && !text.contains(alice.subject()), "{text}");

    // Others who are called the same.
    let scopes = || Scopes::parse("calendar:read");
    let claims = || alice.claims().clone();
    let ours = house.oauth().0.issuer.clone();
    let strangers = [
        Identity::new("static", alice.subject()).scopes(scopes()).claims(claims()).build(),
        Identity::new(format!("{ours}/"), alice.subject()).scopes(scopes()).claims(claims()).build(),
        Identity::new(&*ours, alice.subject()).scopes(scopes()).build(),
        Identity::new(&*ours, alice.subject()).scopes(scopes()).claims(claims()).principal(Principal::Service).build(),
    ];
    for (at, stranger) in strangers.iter().enumerate() {
        let text = house.call(stranger).await.error_text();
        assert!(text.contains("only people who logged in") && !text.contains("/connect"), "{at}: {text}");
    }
    assert!(house.call(&Identity::new(&*ours, "alice").build()).await.denial().is_some(), "and it takes scopes");
    assert_eq!(house.world.fake.refreshes(), 1);
}

/// No answer has a token in it, whatever happens.
#[tokio::test]
async fn no_answer_shows_a_token() {
    let house = House::new().await;
    let alice = house.person("alice").await;
    let mut answers = vec![format!("{:?}", house.call(&alice).await)];
    house.connect(alice.subject()).await;
    for mood in [Mood::IsDown, Mood::Panics, Mood::Laconic, Mood::Denies] {
        house.world.fake.is(mood);
        // The laconic one gives a token that the tool does not expect: it panics with it in its message.
        answers.push(format!("{:?}", house.call(&alice).await));
    }
    house.connect(alice.subject()).await;
    house.world.fake.is(Mood::Kind);
    answers.push(format!("{:?}", house.call(&alice).await));
    assert!(answers.iter().any(|answer| answer.contains("try again later")), "{answers:#?}");
    assert!(answers.iter().any(|answer| answer.contains("internal error")), "{answers:#?}");
    assert!(answers.iter().any(|answer| answer.contains("/connect?")), "{answers:#?}");
    for answer in &answers {
        assert!(!answer.contains("upstream-") && !answer.contains(alice.subject()), "{answer}");
    }
}

/// Whoever lets no client do anything any more lets tools do nothing either.
#[tokio::test]
async fn with_the_last_grant_the_tokens_go() {
    let house = House::new().await;
    let alice = house.person("alice").await;
    let again = house.person("alice").await;
    assert_eq!(alice.subject(), again.subject());
    house.connect(alice.subject()).await;
    let grants = house.oauth().grants_of(alice.subject()).await.unwrap();
    assert_eq!(grants.len(), 2);
    for (at, grant) in grants.iter().enumerate() {
        assert_eq!(house.oauth().connections_of(alice.subject()).await.unwrap().len(), 1, "{at}");
        house.oauth().revoke_grant(&grant.id).await.unwrap();
    }
    assert!(house.oauth().connections_of(alice.subject()).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_work_is_not_built() {
    let clock = ManualClock::new();
    let oauth = || {
        let store = Arc::new(MemoryStore::new());
        let users = LocalUsers::cheap(Arc::clone(&store));
        AuthorizationServer::builder(store, StoreKey::from_base64(KEY).unwrap()).login(users)
    };
    let problems = |builder: ServerBuilder| builder.build().map(drop).unwrap_err().to_string();
    let static_tokens = || StaticTokens::new().token("wQ7hYp3mZ0tRk9cLxV5nBg", "alice", ["calendar:read"]);

    let nobody = problems(builder().tools(tools![crate = crate; today]).auth(static_tokens()));
    assert!(nobody.contains("`today`") && nobody.contains("there is no authorization server"), "{nobody}");
    let other = problems(builder().tools(tools![crate = crate; today]).authorization_server(oauth()));
    assert!(other.contains("no such provider") && other.contains(".connection(…)"), "{other}");
    // One of that name whose people have no account elsewhere.
    struct Local;
    impl UpstreamProvider for Local {
        const NAME: &'static str = "local";
    }
    #[crate::tool(crate = crate, scopes = "calendar:read")]
    async fn local(_it: Upstream<Local>) {}
    let local = problems(builder().tools(tools![crate = crate; local]).authorization_server(oauth()));
    assert!(local.contains("no such provider"), "{local}");

    let fake = || oauth().connection(FakeProvider::new(&clock));
    let unscoped = problems(builder().tools(tools![crate = crate; renamed]).authorization_server(fake()));
    assert!(unscoped.contains("`renamed`") && unscoped.contains("needs no scopes"), "{unscoped}");
    let grouped = builder().tools(scoped::tools()).authorization_server(fake()).build().unwrap();
    assert_eq!(grouped.authorization_server().unwrap().0.used_by_tools, ["fake"]);
    let core = &grouped.authorization_server().unwrap().0;
    assert_eq!(core.tools_access(), [("Fake Inc.", vec!["Read your <calendar>"])]);
    let _ = Source(Arc::clone(core));
}
