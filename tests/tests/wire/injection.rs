//! Arguments that are part of a scope: no value of theirs reaches a scope that was not granted.

use mcp_runtime::{Args, State, schemars, tool, tools};
use serde_json::{Value, json};

use crate::{
    matrix_delivery::{
        Badges, DELIVERIES, Delivery,
        Outcome::{Needs, Runs as Ran, Wrong},
        Told, Who, user,
    },
    world::{Runs, World},
};

/// A text.
#[tool(scopes = "project:{project}:write")]
async fn text(State(runs): State<Runs>, project: String) {
    runs.add();
    let _ = project;
}

/// A number.
#[tool(scopes = "team:{team}")]
async fn number(State(runs): State<Runs>, team: u32) {
    runs.add();
    let _ = team;
}

/// A number that may be negative.
#[tool(scopes = "floor:{floor}")]
async fn signed(State(runs): State<Runs>, floor: i64) {
    runs.add();
    let _ = floor;
}

/// Two texts.
#[tool(scopes = "org/{org}/{team}")]
async fn two(State(runs): State<Runs>, org: String, team: String) {
    runs.add();
    let _ = (org, team);
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct New {
    project: String,
}

/// A field.
#[tool(scopes = "project:{project}:write")]
async fn field(State(runs): State<Runs>, Args(new): Args<New>) {
    runs.add();
    let _ = new.project;
}

/// One of two ways.
#[tool(scopes = any("admin", "project:{project}:write"))]
async fn either(State(runs): State<Runs>, project: String) {
    runs.add();
    let _ = project;
}

fn world() -> World {
    World::new(tools![text, number, signed, two, field, either], |builder| builder.auth(Badges))
}

/// Everything that a value could be mistaken for is granted, but nothing of these tools' own form with other values.
fn mallory() -> Who {
    let granted = [
        "project:a:write",
        "project:a:write:write",
        "project::write",
        "project:*:write",
        "project:a:b:write",
        "project:a/b:write",
        "project:a%3ab:write",
        "project:null:write",
        "project:{project}:write",
        "project:A:writE",
        "admin:write",
        "team:7",
        "team:+7",
        "team:1e2",
        "team:42.0",
        "team:042",
        "team:",
        "floor:1",
        "org/a/b",
        "org/a/b/c",
        "org//b",
    ];
    user("mallory", &granted.join(" "))
}

async fn call(delivery: Delivery, world: &World, tool: &str, arguments: Value) -> Told {
    delivery.call(world, &mallory(), tool, arguments).await
}

/// Texts that must not stand in a scope.
fn separators() -> Vec<String> {
    let mut texts: Vec<String> = [
        "a:write",
        "a:b",
        "a/b",
        "a b",
        " a",
        "a ",
        "*",
        "a*",
        "a%3ab",
        "%61",
        "a\0",
        "\0",
        "a\nb",
        "a\r\nb",
        "a\tb",
        "a\"b",
        "a\\b",
        "a,b",
        "a;b",
        "a+b",
        "a|b",
        "a{b}",
        "{project}",
        "a}",
        "<a>",
        "a@b",
        "a#b",
        "a?b",
        "a=b",
        "a&b",
        "a$b",
        "(a)",
        "[a]",
        "a!",
        "a'b",
        "a`b",
        "a^b",
        // What looks like it, or vanishes.
        "а",
        "ａ",
        "a\u{200b}",
        "\u{feff}a",
        "a\u{301}",
        "a\u{202e}b",
        "Ａ",
        "ⓐ",
        "𝐚",
        "ﬁ",
        "ß",
        "İ",
        "a\u{a0}b",
        "a：b",
        "a∶b",
        "a／b",
        "a\u{7f}",
        "a\u{85}b",
        "é",
        "",
    ]
    .map(str::to_owned)
    .into();
    texts.extend(["a".repeat(65), "a".repeat(10_000), "a:".repeat(5_000), format!("a{}", "\u{200b}".repeat(100))]);
    texts
}

#[tokio::test]
async fn a_text_with_anything_but_plain_characters_is_a_bad_argument() {
    let world = world();
    for value in separators() {
        for delivery in DELIVERIES {
            for tool in ["text", "field", "either"] {
                println!("{delivery:?} {tool} {value:?}");
                let told = call(delivery, &world, tool, json!({"project": value})).await;
                told.is(Wrong("invalid argument `project`"));
                // What was sent does not come back: it could speak to the model.
                assert!(value.len() < 20 || !told.text().contains(&value), "{}", told.text());
            }
            call(delivery, &world, "two", json!({"org": value, "team": "b"})).await.is(Wrong("invalid argument `org`"));
            call(delivery, &world, "two", json!({"org": "a", "team": value}))
                .await
                .is(Wrong("invalid argument `team`"));
        }
    }
    world.ran(0);
}

#[tokio::test]
async fn what_is_no_text_fills_no_text() {
    let world = world();
    let values = [
        json!(7),
        json!(42.0),
        json!(true),
        json!(null),
        json!(["a"]),
        json!([]),
        json!({"a": "a"}),
        json!({}),
        json!([["a"]]),
    ];
    for delivery in DELIVERIES {
        for value in &values {
            for tool in ["text", "field", "either"] {
                call(delivery, &world, tool, json!({"project": value})).await.is(Wrong("invalid argument"));
            }
        }
        for tool in ["text", "field", "either"] {
            call(delivery, &world, tool, json!({})).await.is(Wrong("invalid argument"));
            call(delivery, &world, tool, json!({"Project": "a"})).await.is(Wrong("invalid argument"));
        }
        call(delivery, &world, "two", json!({"org": "a"})).await.is(Wrong("invalid argument"));
    }
    world.ran(0);
}

/// A number has one spelling in a scope, whatever was sent for it.
#[tokio::test]
async fn a_number_is_a_number_or_a_bad_argument() {
    let world = world();
    let bad: [Value; 12] = [
        json!("7"),
        json!("042"),
        json!("+7"),
        json!(" 7"),
        json!(7.5),
        json!(-7),
        json!(4_294_967_296_u64),
        json!(null),
        json!([7]),
        json!({"7": 7}),
        json!(true),
        json!("7:8"),
    ];
    for delivery in DELIVERIES {
        for value in &bad {
            call(delivery, &world, "number", json!({"team": value})).await.is(Wrong("invalid argument"));
        }
        world.ran(0);
        call(delivery, &world, "signed", json!({"floor": -1})).await.is(Needs("floor:-1"));
        call(delivery, &world, "number", json!({"team": 42})).await.is(Needs("team:42"));
    }
    world.ran(0);
    for delivery in DELIVERIES {
        call(delivery, &world, "number", json!({"team": 7})).await.is(Ran);
    }
    world.ran(4);
}

/// Spellings that JSON itself has more of; sent as they stand.
#[tokio::test]
async fn other_spellings_of_a_number_reach_no_other_scope() {
    let world = world();
    let token = mallory().token().unwrap();
    for spelling in ["42.0", "1e2", "1E2", "4.2e1", "042", "+7", "7.0", "-0", "0x7", "7e0", "\"042\"", "1e400", "NaN"] {
        let arguments = format!(r#"{{"team":{spelling}}}"#);
        let modern = crate::client::Call::tool("number", json!({"team": 0}));
        let legacy = crate::client::Call::legacy_tool("number", json!({"team": 0}));
        for call in [modern, legacy] {
            let body = String::from_utf8(call.body.clone()).unwrap().replace(r#"{"team":0}"#, &arguments);
            assert!(body.contains(spelling));
            let answer = call.with_body(body).token(&token).send(&world).await;
            // A reader may take 7.0 for 7, which is granted; -0 for 0, which is not.
            let text = answer.text();
            let refused = text.contains("invalid argument") || text.contains("not valid JSON") || answer.status == 403;
            assert!(refused, "{spelling}: {text}");
            assert!(answer.status != 403 || text.contains("team:0"), "{spelling}: {text}");
        }
    }
    world.ran(0);
}

/// Two values for one name: neither wins.
#[tokio::test]
async fn an_argument_that_stands_twice_fills_nothing() {
    let world = world();
    let token = mallory().token().unwrap();
    for (tool, name) in [("text", "project"), ("field", "project"), ("either", "project")] {
        for call in [crate::client::Call::tool(tool, json!({})), crate::client::Call::legacy_tool(tool, json!({}))] {
            for doubled in [
                format!(r#""arguments":{{"{name}":"a","{name}":"secret"}}"#),
                format!(r#""arguments":{{"{name}":"secret","{name}":"a"}}"#),
                format!(r#""arguments":{{"{name}":"secret"}},"arguments":{{"{name}":"a"}}"#),
                format!(r#""arguments":{{"{name}":"a"}},"arguments":{{"{name}":"secret"}}"#),
            ] {
                let body = String::from_utf8(call.body.clone()).unwrap().replace(r#""arguments":{}"#, &doubled);
                assert!(body.contains("secret"));
                let answer = call.clone().with_body(body).token(&token).send(&world).await;
                let text = answer.text();
                assert!(text.contains("isError") || text.contains("-32602") || text.contains("-32600"), "{text}");
            }
        }
    }
    world.ran(0);
}

/// Escapes are undone before a value is judged: the same text is the same value.
#[tokio::test]
async fn an_escaped_value_is_the_value() {
    let world = world();
    let token = mallory().token().unwrap();
    for call in [
        crate::client::Call::tool("text", json!({"project": "X"})),
        crate::client::Call::legacy_tool("text", json!({"project": "X"})),
    ] {
        let ask = async |escaped: &str| {
            let body = String::from_utf8(call.body.clone()).unwrap().replace("\"X\"", &format!("\"{escaped}\""));
            call.clone().with_body(body).token(&token).send(&world).await
        };
        ask("\\u0061").await.ok();
        ask("\\u0062").await.error(403, 403);
        assert!(ask("a\\u003awrite").await.failed().starts_with("invalid argument `project`"));
        assert!(ask("a\\u0000").await.failed().starts_with("invalid argument `project`"));
        assert!(ask("a\\u002fb").await.failed().starts_with("invalid argument `project`"));
    }
    world.ran(2);
}

#[tokio::test]
async fn a_value_in_order_needs_its_own_scope_and_no_other() {
    let world = world();
    for delivery in DELIVERIES {
        for value in ["b", "A", "a.", ".", "..", "~a", "a-b", "a_b", "-", "write", "1e2", "a.b"] {
            let scope: &'static str = format!("project:{value}:write").leak();
            call(delivery, &world, "text", json!({"project": value})).await.is(Needs(scope));
            call(delivery, &world, "field", json!({"project": value})).await.is(Needs(scope));
        }
        call(delivery, &world, "two", json!({"org": "a", "team": "c"})).await.is(Needs("org/a/c"));
    }
    world.ran(0);
    for delivery in DELIVERIES {
        call(delivery, &world, "text", json!({"project": "a"})).await.is(Ran);
        call(delivery, &world, "field", json!({"project": "a"})).await.is(Ran);
        call(delivery, &world, "two", json!({"org": "a", "team": "b"})).await.is(Ran);
        // The text "null" is a value like any other; null is none.
        call(delivery, &world, "text", json!({"project": "null"})).await.is(Ran);
    }
    world.ran(16);
}
