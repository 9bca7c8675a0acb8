//! What a server shows of itself: lists for each caller, and names that must look like no names at all.

use mcp_runtime::{
    Identity, State, ToolSet, Tools, Visibility,
    guard::{GuardCx, Refused},
    tool, tools,
};
use serde_json::{Value, json};

use crate::{
    client::Call,
    matrix_delivery::{
        Badges, DELIVERIES, Delivery,
        Outcome::{Login, Needs, Refused as No, Runs as Ran, Spent, Unknown, Wrong},
        Told, Who, anonymous, user,
    },
    world::{Runs, World, hello},
};

/// Any token.
#[tool]
async fn plain(_me: Identity, State(runs): State<Runs>) {
    runs.add();
}

/// One scope.
#[tool(scopes = "a")]
async fn scoped(State(runs): State<Runs>, count: u32) {
    runs.add();
    let _ = count;
}

/// One of two ways.
#[tool(scopes = any("b", all("c", "d")))]
async fn any(State(runs): State<Runs>) {
    runs.add();
}

/// An argument in its scope.
#[tool(scopes = "project:{project}:write")]
async fn template(State(runs): State<Runs>, project: String) {
    runs.add();
    let _ = project;
}

/// An argument in its scope, a rule, few slots and few calls.
#[tool(scopes = "team:{team}", guard = nobody, concurrency = 1, rate_limit("1/h", per = global))]
async fn everything(State(runs): State<Runs>, team: u32) {
    runs.add();
    let _ = team;
}

async fn nobody(cx: &GuardCx) -> Result<(), Refused> {
    if cx.identity().is_some_and(|who| who.subject() == "ann") { Ok(()) } else { Err(Refused::new("not for you")) }
}

fn all() -> Tools {
    tools![hello, plain, scoped, any, template, everything].into_tools()
}

fn world(visibility: Visibility) -> World {
    World::new(all(), |builder| builder.auth(Badges).visibility(visibility))
}

#[tokio::test]
async fn each_caller_is_shown_what_the_table_says() {
    let everything: &[&str] = &["hello", "plain", "scoped", "any", "template", "everything"];
    #[rustfmt::skip]
    let shown: [(Who, &[&str]); 14] = [
        (anonymous(),                                 &["hello"]),
        (user("bob", ""),                             &["hello", "plain"]),
        (user("bob", "a"),                            &["hello", "plain", "scoped"]),
        (user("bob", "b"),                            &["hello", "plain", "any"]),
        (user("bob", "c"),                            &["hello", "plain"]),
        (user("bob", "c d"),                          &["hello", "plain", "any"]),
        (user("bob", "project:x:write"),              &["hello", "plain", "template"]),
        (user("bob", "project:x:read"),               &["hello", "plain"]),
        (user("bob", "project::write"),               &["hello", "plain"]),
        (user("bob", "project:x:y:write"),            &["hello", "plain"]),
        (user("bob", "project:*:write"),              &["hello", "plain"]),
        (user("bob", "project:x:write:more"),         &["hello", "plain"]),
        (user("bob", "team:7"),                       &["hello", "plain", "everything"]),
        (user("ann", "a b project:x:write team:7"),   everything),
    ];
    for (who, names) in shown {
        for delivery in DELIVERIES {
            for visibility in [Visibility::Discreet, Visibility::Hidden] {
                let list = delivery.list(&world(visibility), &who).await;
                assert_eq!(list, names, "{who:?} {delivery:?} {visibility:?}");
            }
            assert_eq!(delivery.list(&world(Visibility::Advertise), &who).await, everything, "{who:?} {delivery:?}");
        }
    }
}

#[tokio::test]
async fn a_long_list_of_few_visible_tools_has_pages_of_those() {
    for visibility in [Visibility::Advertise, Visibility::Discreet, Visibility::Hidden] {
        // 251 public tools, and one that is protected.
        let world = World::new(crate::lists::long(), |builder| {
            builder.auth(Badges).visibility(visibility).tools(tools![scoped])
        });
        for delivery in DELIVERIES {
            let with = delivery.list(&world, &user("ann", "a")).await;
            assert_eq!((with.len(), with.last().map(String::as_str)), (252, Some("scoped")));
            for (who, count) in [(user("bob", ""), 251), (anonymous(), 251)] {
                let count = if visibility == Visibility::Advertise { 252 } else { count };
                let mut list = delivery.list(&world, &who).await;
                assert_eq!(list.len(), count, "{visibility:?} {delivery:?}");
                list.dedup();
                assert_eq!(list.len(), count);
            }
        }
    }
}

/// Discreet: not in the list, and by its name still a tool that says what it needs.
#[tokio::test]
async fn a_discreet_tool_is_challenged_by_name() {
    for delivery in DELIVERIES {
        let world = world(Visibility::Discreet);
        let call = async |who: &Who, tool: &str, arguments: Value| delivery.call(&world, who, tool, arguments).await;
        call(&user("bob", ""), "scoped", json!({"count": 1})).await.is(Needs("a"));
        call(&anonymous(), "scoped", json!({"count": 1})).await.is(Login("a"));
        call(&user("bob", ""), "template", json!({"project": "x"})).await.is(Needs("project:x:write"));
        call(&user("bob", ""), "nothing", json!({})).await.is(Unknown);
        world.ran(0);
        call(&user("ann", "a"), "scoped", json!({"count": 1})).await.is(Ran);
    }
}

/// Arguments of all kinds, for all of the tools.
fn arguments() -> [Value; 9] {
    [
        json!({}),
        json!({"count": 1}),
        json!({"count": "x"}),
        json!({"project": "x"}),
        json!({"project": "x y"}),
        json!({"project": 7}),
        json!({"team": 7}),
        json!({"team": "seven"}),
        json!({"extra": {"deep": [1, 2]}}),
    ]
}

const HIDDEN: [&str; 4] = ["scoped", "any", "template", "everything"];

/// Hidden: to whom it is not for, each of the tools answers as a name does that nobody ever gave to anything.
#[tokio::test]
async fn a_hidden_tool_is_told_from_no_tool_by_nobody() {
    for who in [user("bob", ""), user("bob", "x project:x:read team: a:b"), anonymous()] {
        for delivery in DELIVERIES {
            for arguments in arguments() {
                let world = world(Visibility::Hidden);
                let unknown = delivery.call(&world, &who, "nothing", arguments.clone()).await;
                unknown.is(if who.token().is_some() { Unknown } else { Login("") });
                for tool in HIDDEN {
                    let hidden = delivery.call(&world, &who, tool, arguments.clone()).await;
                    assert_eq!(hidden.text(), unknown.text(), "{who:?} {delivery:?} {tool} {arguments}");
                }
                world.ran(0);
            }
        }
    }
}

/// Nor by what the tool is busy with: its limit for all is spent, its slot is taken, its rule says no.
#[tokio::test]
async fn a_hidden_tool_that_others_have_used_up_is_still_no_tool() {
    for delivery in DELIVERIES {
        let world = world(Visibility::Hidden);
        let ann = user("ann", "team:7");
        delivery.call(&world, &ann, "everything", json!({"team": 7})).await.is(Ran);
        delivery.call(&world, &ann, "everything", json!({"team": 7})).await.is(Spent("1/h"));
        for who in [user("bob", "a"), anonymous()] {
            let unknown = delivery.call(&world, &who, "nothing", json!({"team": 7})).await;
            for team in [json!(7), json!("x")] {
                let hidden = delivery.call(&world, &who, "everything", json!({"team": team})).await;
                assert_eq!(hidden.text(), unknown.text(), "{who:?} {delivery:?}");
            }
        }
        world.ran(1);
    }
}

/// Nor by what guessing costs.
#[tokio::test]
async fn guessing_hidden_names_costs_what_guessing_any_names_costs() {
    for (who, delivery) in
        [user("bob", ""), anonymous()].into_iter().flat_map(|who| DELIVERIES.map(|d| (who.clone(), d)))
    {
        let mut histories = Vec::new();
        for tool in ["nothing", "scoped", "any", "template", "everything"] {
            for arguments in [json!({}), json!({"team": 7}), json!({"project": "x y"}), json!({"count": "x"})] {
                let world = World::new(all(), |builder| {
                    builder
                        .auth(Badges)
                        .visibility(Visibility::Hidden)
                        .default_rate_limit("7/m")
                        .address_rate_limit("5/m")
                });
                let mut history = Vec::new();
                for _ in 0..12 {
                    history.push(delivery.call(&world, &who, tool, arguments.clone()).await.text());
                }
                // And what is left for something else then.
                history.push(delivery.call(&world, &who, "hello", json!({})).await.text());
                world.ran(usize::from(delivery.call(&world, &who, "hello", json!({})).await.ran()) * 2);
                histories.push(history);
            }
        }
        for history in &histories {
            assert_eq!(history, &histories[0], "{who:?} {delivery:?}");
        }
        let changes = histories[0][..12].windows(2).filter(|pair| pair[0] != pair[1]).count();
        if who.token().is_some() {
            assert!(changes > 0, "guesses are counted: {:?}", histories[0]);
        }
    }
}

/// Who may call a tool with some arguments knows of it, and is told what others need.
#[tokio::test]
async fn who_may_call_a_tool_with_some_arguments_is_told_about_others() {
    for delivery in DELIVERIES {
        let world = world(Visibility::Hidden);
        let bob = user("bob", "project:x:write team:7 a");
        let call = async |tool: &str, arguments: Value| delivery.call(&world, &bob, tool, arguments).await;
        call("template", json!({"project": "y"})).await.is(Needs("project:y:write"));
        call("template", json!({"project": "x y"})).await.is(Wrong("invalid argument `project`"));
        call("everything", json!({"team": 7})).await.is(No("not for you"));
        call("scoped", json!({"count": "x"})).await.is(Wrong("invalid argument `count`"));
        world.ran(0);
        call("template", json!({"project": "x"})).await.is(Ran);
    }
}

/// A token that is bad is a 401 for any name, and says nothing about it.
#[tokio::test]
async fn a_bad_token_learns_nothing_about_names() {
    let world = world(Visibility::Hidden);
    for call in [Call::tool, Call::legacy_tool] {
        let ask = async |tool: &str| call(tool, json!({"count": 1})).token("badge-nonsense").send(&world).await;
        let unknown = ask("nothing").await;
        unknown.unauthenticated(true);
        for tool in HIDDEN {
            let hidden = ask(tool).await;
            assert_eq!(Told::Alone(hidden).text(), Told::Alone(unknown.clone()).text(), "{tool}");
        }
    }
    world.ran(0);
}

/// On a server with something public an agent without credentials can look around, use what is open, and is led to
/// the login by the first call that needs one.
#[tokio::test]
async fn an_agent_without_credentials_gets_from_the_list_to_the_login() {
    for delivery in DELIVERIES {
        let world = world(Visibility::Advertise);
        let list = delivery.list(&world, &anonymous()).await;
        assert!(list.contains(&"hello".to_owned()) && list.contains(&"scoped".to_owned()));
        delivery.call(&world, &anonymous(), "hello", json!({})).await.is(Ran);
        delivery.call(&world, &anonymous(), "scoped", json!({"count": 1})).await.is(Login("a"));
        world.ran(1);
        delivery.call(&world, &user("ann", "a"), "scoped", json!({"count": 1})).await.is(Ran);
    }
}

/// Says who it is for.
#[tool(public)]
async fn greet(who: Option<Identity>) -> String {
    who.map_or("stranger".to_owned(), |who| who.subject().to_owned())
}

#[tokio::test]
async fn a_public_tool_knows_who_calls_if_somebody_says_so() {
    let world = World::new(tools![greet, plain], |builder| builder.auth(Badges));
    for delivery in DELIVERIES {
        for (who, name) in [(anonymous(), "stranger"), (user("ann", ""), "ann")] {
            let told = delivery.call(&world, &who, "greet", json!({})).await;
            assert_eq!(told.result()["content"][0]["text"], name);
        }
    }
    // A bad token is no anonymous caller, not even here.
    Call::tool("greet", json!({})).token("badge-nonsense").send(&world).await.unauthenticated(true);
    assert_eq!(Delivery::Headers.list(&world, &anonymous()).await, ["greet", "plain"]);
}
