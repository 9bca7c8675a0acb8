//! The in-memory client of users' own tests: the same gate, the same clock.

use std::time::Duration;

use mcp_runtime::{
    Json, State,
    auth::{Identity, Scopes},
    guard::Denial,
    schemars::{self, JsonSchema},
    testing::TestClient,
    tool, tools,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::world::{Runs, World, five, hello, vault, whoami};

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Who {
    subject: String,
    client: Option<String>,
    service: bool,
}

/// Says precisely who calls.
#[tool]
async fn who(me: Identity, State(runs): State<Runs>) -> Json<Who> {
    runs.add();
    let service = me.principal() == mcp_runtime::auth::Principal::Service;
    Json(Who { subject: me.subject().into(), client: me.client().map(Into::into), service })
}

fn world() -> World {
    World::new(tools![hello, whoami, vault, five, who], |builder| builder)
}

#[tokio::test]
async fn a_client_is_who_it_says() {
    let world = world();
    let anybody = TestClient::new(&world.server);
    let alice = anybody.as_user("alice");
    assert_eq!(alice.call("whoami", json!({})).await.text(), "alice");
    let named = |subject: &str, client: Option<&str>, service| Who {
        subject: subject.into(),
        client: client.map(Into::into),
        service,
    };
    assert_eq!(alice.call("who", json!({})).await.json::<Who>(), named("alice", None, false));
    let through = alice.clone().through("editor");
    assert_eq!(through.call("who", json!({})).await.json::<Who>(), named("alice", Some("editor"), false));
    let robot = anybody.as_service("robot");
    assert_eq!(robot.call("who", json!({})).await.json::<Who>(), named("robot", Some("robot"), true));
    let given = Identity::new("https://else.example", "eve").scopes(Scopes::parse("vault:open")).build();
    let given = anybody.as_identity(given);
    assert_eq!(given.call("vault", json!({"text": "x"})).await.text(), "x");
    assert_eq!(anybody.call("hello", json!({})).await.text(), "hello");
}

#[tokio::test]
async fn denials_are_what_they_are_on_the_wire() {
    let world = world();
    let anybody = TestClient::new(&world.server);
    anybody.call("whoami", json!({})).await.assert_unauthenticated();
    anybody.call("vault", json!({"text": "x"})).await.assert_unauthenticated();
    let poor = anybody.as_user("alice").scopes(["vault", "VAULT:OPEN", "vault:open\t"]);
    let denied = poor.call("vault", json!({"text": "x"})).await;
    denied.assert_missing_scopes(["vault:open"]);
    assert!(matches!(denied.denial(), Some(Denial::MissingScopes { .. })));
    assert!(!denied.is_ok());
    assert_eq!(poor.call("nothing", json!({})).await.protocol_error(), (-32602, "unknown tool"));
    world.ran(0);
    let rich = anybody.as_user("alice").scopes(["vault:open"]);
    assert!(rich.call("vault", json!({"text": "x"})).await.is_ok());
    let text = rich.call("vault", json!({"text": 7})).await.error_text();
    assert!(text.starts_with("invalid argument `text`"), "{text}");
    world.ran(1);
}

#[tokio::test]
async fn the_clock_moves_quotas() {
    let world = world();
    let alice = TestClient::new(&world.server).as_user("alice").scopes(["vault:open"]);
    for _ in 0..5 {
        assert!(alice.call("five", json!({})).await.is_ok());
    }
    let wait = alice.call("five", json!({})).await.assert_rate_limited();
    assert_eq!(wait, Duration::from_millis(63_750));
    let bob = TestClient::new(&world.server).as_user("bob").scopes(["vault:open"]);
    assert!(bob.call("five", json!({})).await.is_ok());
    world.clock.advance(wait - Duration::from_millis(1));
    assert_eq!(alice.call("five", json!({})).await.assert_rate_limited(), Duration::from_millis(1));
    world.clock.advance(Duration::from_millis(1));
    assert!(alice.call("five", json!({})).await.is_ok());
    world.ran(7);
}

#[tokio::test]
async fn lists_are_what_callers_see() {
    let world = World::fenced();
    let list = TestClient::new(&world.server).as_user("alice").tools().await;
    assert_eq!(list, ["whoami", "vault", "five"]);
}

macro_rules! complains {
    ($($name:ident: $call:expr;)*) => {
        $(
            #[tokio::test]
            #[should_panic(expected = "expected ")]
            async fn $name() {
                let world = world();
                let client = TestClient::new(&world.server).as_user("alice");
                let call: fn(mcp_runtime::testing::Called) = $call;
                call(client.call("whoami", json!({})).await);
            }
        )*
    };
}

// An assertion that holds for everything would hold for nothing.
complains! {
    success_is_not_unauthenticated: |called| called.assert_unauthenticated();
    success_lacks_no_scopes: |called| called.assert_missing_scopes(["x"]);
    success_is_not_limited: |called| assert!(called.assert_rate_limited() > Duration::ZERO);
    success_has_no_error_text: |called| drop(called.error_text());
    success_is_no_protocol_error: |called| assert!(called.protocol_error().0 > 0);
}
