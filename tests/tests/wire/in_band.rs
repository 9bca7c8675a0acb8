//! `DenialStyle::InBand`: denials that hosts can show to a model, with what a client needs to do about them.

use mcp_runtime::{
    DenialStyle, State, ToolSet, Visibility,
    guard::{GuardCx, Refused},
    tool, tools,
};
use serde_json::{Value, json};

use crate::{
    client::Call,
    matrix_delivery::{
        Badges, DELIVERIES, Delivery,
        Outcome::{self, Login, Needs, Refused as No, Undecided, Unknown, Wrong},
        Told, Who, anonymous, challenge, user,
    },
    world::{Runs, World, hello},
};

/// One scope, twice a minute.
#[tool(scopes = "a", rate_limit = "2/m")]
async fn scoped(State(runs): State<Runs>) {
    runs.add();
}

/// An argument in its scope.
#[tool(scopes = "project:{project}:write")]
async fn template(State(runs): State<Runs>, project: String) {
    runs.add();
    let _ = project;
}

async fn never(_: &GuardCx) -> Result<(), Refused> {
    Err(Refused::new("not today"))
}

async fn broken(cx: &GuardCx) -> Result<(), Refused> {
    cx.state::<u64>().map(drop)
}

/// A rule that says no.
#[tool(scopes = "a", guard = never)]
async fn guarded(State(runs): State<Runs>) {
    runs.add();
}

/// A rule that cannot say.
#[tool(scopes = "a", guard = broken)]
async fn undecided(State(runs): State<Runs>) {
    runs.add();
}

fn world(tools: impl ToolSet) -> World {
    World::new(tools, |builder| builder.auth(Badges).denial_style(DenialStyle::InBand))
}

/// With something public, and without.
fn worlds() -> [World; 2] {
    [world(tools![hello, scoped, template, guarded, undecided]), world(tools![scoped, template, guarded, undecided])]
}

/// Asserts a failed result that carries the challenge which the header would have had.
#[track_caller]
fn told_in_band(told: &Told, outcome: Outcome) -> Value {
    if let Told::Alone(answer) = told {
        answer.has_no("www-authenticate");
        assert_eq!(answer.status, 200);
    }
    let result = told.result();
    assert_eq!(result["isError"], true, "{result}");
    assert!(result["content"][0]["text"].as_str().is_some_and(|text| text.len() > 10), "{result}");
    match challenge(outcome) {
        Some(challenge) => assert_eq!(result["_meta"]["mcp/www_authenticate"], json!([challenge]), "{result}"),
        None => assert_eq!(result["_meta"].get("mcp/www_authenticate"), None, "{result}"),
    }
    result["_meta"]["denial"].clone()
}

#[tokio::test]
async fn missing_tokens_and_scopes_are_results_with_the_same_challenge() {
    for world in worlds() {
        for delivery in DELIVERIES {
            let call =
                async |who: Who, tool: &str, arguments: Value| delivery.call(&world, &who, tool, arguments).await;
            let told = call(anonymous(), "scoped", json!({})).await;
            let denial = told_in_band(&told, Login("a"));
            assert_eq!(denial, json!({"reason": "unauthenticated", "required": ["a"]}));
            let told = call(user("bob", "b"), "scoped", json!({})).await;
            let denial = told_in_band(&told, Needs("a"));
            assert_eq!(denial, json!({"reason": "insufficient_scope", "required": ["a"]}));
            let told = call(user("bob", "project:y:write"), "template", json!({"project": "x"})).await;
            told_in_band(&told, Needs("project:x:write"));
        }
        world.ran(0);
    }
}

#[tokio::test]
async fn a_spent_quota_is_a_result() {
    for world in worlds() {
        for delivery in DELIVERIES {
            let who = user(&format!("{delivery:?}"), "a");
            for _ in 0..2 {
                assert!(delivery.call(&world, &who, "scoped", json!({})).await.ran());
            }
            let told = delivery.call(&world, &who, "scoped", json!({})).await;
            let denial = told_in_band(&told, Outcome::Spent("2/m"));
            assert_eq!((&denial["reason"], &denial["limit"]), (&json!("rate_limited"), &json!("2/m")));
            assert!(denial["retryAfterMs"].as_u64().is_some_and(|wait| wait > 0), "{denial}");
        }
        world.ran(8);
    }
}

/// What is no matter of logging in or of waiting is as ever.
#[tokio::test]
async fn everything_else_is_as_http_has_it() {
    for world in worlds() {
        let who = user("ann", "a project:x:write");
        for delivery in DELIVERIES {
            let call = async |tool: &str, arguments: Value| delivery.call(&world, &who, tool, arguments).await;
            call("guarded", json!({})).await.is(No("not today"));
            call("undecided", json!({})).await.is(Undecided);
            call("nothing", json!({})).await.is(Unknown);
            call("template", json!({"project": "x y"})).await.is(Wrong("invalid argument `project`"));
        }
        world.ran(0);
        // A token that is bad is a 401, also in a batch and for a public tool.
        let batch = |tool: &str| {
            let one = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool}});
            Call::legacy(None, json!([one]).to_string())
        };
        for tool in ["hello", "scoped", "nothing"] {
            for call in [Call::tool(tool, json!({})), Call::legacy_tool(tool, json!({})), batch(tool)] {
                call.token("badge-nonsense").send(&world).await.unauthenticated(true);
            }
        }
        world.ran(0);
    }
}

#[tokio::test]
async fn lists_and_discovery_are_as_http_has_them() {
    let [open, closed] = worlds();
    for call in [
        Call::modern("tools/list", json!({})),
        Call::legacy(Some("2025-11-25"), r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#),
    ] {
        assert_eq!(call.clone().send(&open).await.result()["tools"].as_array().unwrap().len(), 5);
        call.send(&closed).await.unauthenticated(false);
    }
    Call::modern("server/discover", json!({})).send(&closed).await.result();
}

/// Each message of a batch has its own result; nothing hides behind another.
#[tokio::test]
async fn a_batch_tells_message_by_message() {
    for world in worlds() {
        let part = |id: u32, tool: &str, arguments: Value| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": arguments}});
        let batch = json!([
            part(1, "scoped", json!({})),
            part(2, "template", json!({"project": "x"})),
            part(3, "scoped", json!({})),
        ])
        .to_string();
        let answer = Call::legacy(None, batch).send(&world).await;
        assert_eq!(answer.status, 200);
        let parts = answer.json();
        for (at, scopes) in [(0, "a"), (1, ""), (2, "a")] {
            told_in_band(&Told::Among(parts[at].clone()), Login(scopes));
        }
        world.ran(0);
    }
}

/// The first call of an agent without a token leads to the login, also where the name means nothing here.
#[tokio::test]
async fn names_that_mean_nothing_lead_to_the_login_where_everything_is_protected() {
    let world = world(tools![scoped]);
    for delivery in DELIVERIES {
        told_in_band(&delivery.call(&world, &anonymous(), "nothing", json!({})).await, Login(""));
    }
    world.ran(0);
}

#[tokio::test]
async fn what_is_hidden_is_hidden_in_band_too() {
    let world = World::new(tools![hello, scoped, template], |builder| {
        builder.auth(Badges).denial_style(DenialStyle::InBand).visibility(Visibility::Hidden)
    });
    for delivery in DELIVERIES {
        let ask = async |who: Who, tool: &str| delivery.call(&world, &who, tool, json!({})).await;
        let unknown = ask(anonymous(), "nothing").await;
        told_in_band(&unknown, Login(""));
        for tool in ["scoped", "template"] {
            assert_eq!(ask(anonymous(), tool).await.text(), unknown.text(), "{delivery:?} {tool}");
            ask(user("bob", ""), tool).await.is(Unknown);
        }
    }
    world.ran(0);
}

/// Refused calls cost the address what they cost otherwise.
#[tokio::test]
async fn denials_in_band_are_counted() {
    let world = World::new(tools![hello, scoped], |builder| {
        builder.auth(Badges).denial_style(DenialStyle::InBand).address_rate_limit("5/m")
    });
    let mut told = Vec::new();
    for _ in 0..8 {
        let answer = Call::tool("scoped", json!({})).from("203.0.113.9").send(&world).await;
        told.push(answer.status == 200);
    }
    assert_eq!(told, [true, true, true, true, true, false, false, false]);
    assert!(Delivery::Headers.call(&world, &user("ann", "a"), "scoped", json!({})).await.ran());
    world.ran(1);
}
