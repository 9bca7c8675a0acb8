//! Limits, examples, headers and whole structs of arguments: what the schema says is what is enforced, in all eras.

use std::collections::{BTreeMap, BTreeSet};

use mcp_runtime::{
    Args, CallContext, Inject, Server, State, ToolError,
    auth::StaticTokens,
    schemars::{self, JsonSchema},
    testing::TestClient,
    tool, tools,
};
use serde_json::{Value, json};

use crate::{
    client::Call,
    world::{Runs, World},
};

const MOST: u8 = 100;

/// Takes numbers.
#[tool]
async fn numbers(
    State(runs): State<Runs>,
    #[arg(min = 1, max = MOST, default = 10)] count: u8,
    #[arg(min = -5)] offset: Option<i64>,
    #[arg(max = 0.5)] weight: Option<Option<f64>>,
) -> String {
    runs.add();
    format!("{count} {offset:?} {weight:?}")
}

/// Takes what has a length.
#[tool]
async fn lengths(
    State(runs): State<Runs>,
    #[arg(min_len = 2, max_len = 3)] text: Option<String>,
    #[arg(min_len = 1)] list: Option<Vec<u8>>,
    #[arg(max_len = 1)] set: Option<BTreeSet<u8>>,
    #[arg(max_len = 1)] map: Option<BTreeMap<String, u8>>,
) -> String {
    runs.add();
    format!("{text:?} {list:?} {set:?} {map:?}")
}

/// Is mirrored.
#[tool]
async fn mirrored(
    State(runs): State<Runs>,
    #[arg(header = "Region", example = "eu-1")] region: Option<String>,
    #[arg(header = "Count", example(1, 2))] count: Option<i64>,
    #[arg(header = "Small")] small: Option<u16>,
    #[arg(header = "Dry-Run")] dry: Option<bool>,
) {
    let _ = (region, count, small, dry);
    runs.add();
}

#[derive(serde::Deserialize, JsonSchema)]
struct Address {
    city: String,
}

/// A user to be.
#[derive(serde::Deserialize, JsonSchema)]
struct NewUser {
    /// How others see the user.
    #[serde(alias = "nick")]
    name: String,
    age: Option<u8>,
    address: Option<Address>,
}

/// Adds a user.
#[tool]
async fn add_user(State(runs): State<Runs>, Args(user): Args<NewUser>) -> String {
    runs.add();
    format!("{} {:?} {:?}", user.name, user.age, user.address.map(|address| address.city))
}

#[derive(serde::Deserialize, JsonSchema)]
struct Open {
    id: u32,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

/// Collects the rest.
#[tool]
async fn collect(State(runs): State<Runs>, all: Args<Open>) -> String {
    runs.add();
    format!("{} {:?}", all.id, all.more.keys().collect::<Vec<_>>())
}

#[derive(serde::Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Shape {
    Circle { radius: u8 },
    Square,
}

/// Draws.
#[tool]
async fn draw(State(runs): State<Runs>, Args(shape): Args<Shape>) -> String {
    runs.add();
    match shape {
        Shape::Circle { radius } => format!("circle {radius}"),
        Shape::Square => "square".to_owned(),
    }
}

#[derive(serde::Deserialize, JsonSchema)]
struct Tree {
    name: String,
    #[serde(default)]
    children: Vec<Tree>,
}

/// Counts a tree.
#[tool]
async fn count_tree(State(runs): State<Runs>, Args(tree): Args<Tree>) -> String {
    fn count(tree: &Tree) -> usize {
        tree.name.len() + tree.children.iter().map(count).sum::<usize>()
    }
    runs.add();
    count(&tree).to_string()
}

fn world() -> World {
    World::new(tools![numbers, lengths, mirrored, add_user, collect, draw, count_tree], |builder| builder)
}

/// The answer's text in the stateless era and the one before, which must be one.
async fn told(world: &World, tool: &str, arguments: Value) -> Result<String, String> {
    let token = world.plain("alice");
    let mut texts = Vec::new();
    for call in [Call::tool(tool, arguments.clone()), Call::legacy_tool(tool, arguments)] {
        let answer = call.token(&token).send(world).await;
        let result = &answer.json()["result"];
        let text = result["content"][0]["text"].as_str().unwrap_or_default().to_owned();
        texts.push(if result["isError"] == true { Err(text) } else { Ok(text) });
    }
    assert_eq!(texts[0], texts[1], "the eras differ");
    texts.remove(0)
}

#[tokio::test]
async fn numbers_keep_to_their_limits() {
    let world = world();
    for (arguments, why) in [
        (json!({"count": 0}), "invalid argument `count`: invalid value: 0, expected at least 1"),
        (json!({"count": 101}), "invalid argument `count`: invalid value: 101, expected at most 100"),
        (json!({"offset": -6}), "invalid argument `offset`: invalid value: -6, expected at least -5"),
        (json!({"weight": 0.75}), "invalid argument `weight`: invalid value: 0.75, expected at most 0.5"),
    ] {
        assert_eq!(told(&world, "numbers", arguments).await.unwrap_err(), why);
    }
    world.ran(0);
    let text = told(&world, "numbers", json!({"count": 100, "offset": -5, "weight": 0.5})).await;
    assert_eq!(text.unwrap(), "100 Some(-5) Some(Some(0.5))");
    let text = told(&world, "numbers", json!({"count": 1, "offset": null})).await;
    assert_eq!(text.unwrap(), "1 None None");
    assert_eq!(told(&world, "numbers", json!({})).await.unwrap(), "10 None None");
}

#[tokio::test]
async fn lengths_keep_to_their_limits_and_texts_are_not_repeated() {
    let world = world();
    for (arguments, why) in [
        (json!({"text": "a"}), "invalid argument `text`: invalid length 1, expected at least 2 characters"),
        (json!({"text": "geheim"}), "invalid argument `text`: invalid length 6, expected at most 3 characters"),
        (json!({"list": []}), "invalid argument `list`: invalid length 0, expected at least 1 item"),
        (json!({"set": [1, 2]}), "invalid argument `set`: invalid length 2, expected at most 1 item"),
        (json!({"map": {"a": 1, "b": 2}}), "invalid argument `map`: invalid length 2, expected at most 1 entry"),
    ] {
        assert_eq!(told(&world, "lengths", arguments).await.unwrap_err(), why);
    }
    world.ran(0);
    // Three scalar values, whatever they take in bytes or UTF-16.
    let text = told(&world, "lengths", json!({"text": "ä€😀", "list": [1], "set": [1, 1], "map": {"a": 1}})).await;
    assert_eq!(text.unwrap(), r#"Some("ä€😀") Some([1]) Some({1}) Some({"a": 1})"#);
}

#[tokio::test]
async fn numbers_that_a_header_cannot_mirror_are_refused() {
    let world = world();
    for count in [9_007_199_254_740_992_i64, -9_007_199_254_740_992] {
        let why = told(&world, "mirrored", json!({"count": count})).await.unwrap_err();
        let expected = "expected between -9007199254740991 and 9007199254740991";
        assert_eq!(why, format!("invalid argument `count`: invalid value: {count}, {expected}"));
    }
    world.ran(0);
}

async fn schema(tool: &str) -> Value {
    let world = world();
    let answer = Call::modern("tools/list", json!({})).token(&world.plain("alice")).send(&world).await.result();
    let tools = answer["tools"].as_array().unwrap().clone();
    tools.into_iter().find(|listed| listed["name"] == tool).unwrap()["inputSchema"].clone()
}

#[tokio::test]
async fn the_schema_says_what_is_enforced() {
    let numbers = schema("numbers").await["properties"].clone();
    let count = json!({"type": "integer", "format": "uint8", "minimum": 1, "maximum": 100, "default": 10});
    assert_eq!(numbers["count"], count);
    assert_eq!((&numbers["offset"]["minimum"], numbers["offset"].get("maximum")), (&json!(-5), None));
    assert_eq!(numbers["weight"]["maximum"], 0.5);
    let lengths = schema("lengths").await["properties"].clone();
    assert_eq!(lengths["text"], json!({"type": "string", "minLength": 2, "maxLength": 3}));
    assert_eq!(lengths["list"]["minItems"], 1);
    assert_eq!(lengths["set"]["maxItems"], 1);
    assert_eq!(lengths["map"]["maxProperties"], 1);
    let mirrored = schema("mirrored").await["properties"].clone();
    let region = json!({"type": "string", "examples": ["eu-1"], "x-mcp-header": "Region"});
    assert_eq!(mirrored["region"], region);
    let count = json!({
        "type": "integer", "format": "int64", "examples": [1, 2], "x-mcp-header": "Count",
        "minimum": -9_007_199_254_740_991_i64, "maximum": 9_007_199_254_740_991_i64,
    });
    assert_eq!(mirrored["count"], count);
    assert_eq!(mirrored["small"]["maximum"], 65_535);
    assert_eq!(mirrored["dry"], json!({"type": "boolean", "x-mcp-header": "Dry-Run"}));
}

#[tokio::test]
async fn a_struct_is_the_whole_schema() {
    let user = schema("add_user").await;
    assert_eq!(user["type"], "object");
    assert_eq!(user["required"], json!(["name"]));
    assert_eq!(user["additionalProperties"], false);
    assert_eq!(user["properties"]["name"]["description"], "How others see the user.");
    assert_eq!(user["properties"]["age"]["type"], "integer");
    assert!(user.get("title").is_none(), "{user}");
    let open = schema("collect").await;
    assert_ne!(open["additionalProperties"], false);
    assert_eq!(schema("draw").await["type"], "object");
    let tree = schema("count_tree").await;
    assert_eq!((&tree["type"], tree.get("$ref")), (&json!("object"), None));
    assert_eq!(tree["properties"]["children"]["items"]["$ref"], "#/$defs/Tree");
    assert_eq!(tree["$defs"]["Tree"]["type"], "object");
}

#[tokio::test]
async fn a_struct_is_as_strict_as_arguments() {
    let world = world();
    for (arguments, why) in [
        (json!({}), "invalid arguments: missing field `name`"),
        (json!({"name": 7}), "invalid argument `name`: invalid type: integer `7`, expected a string"),
        (json!({"name": "a", "age": 256}), "invalid argument `age`: invalid value: integer `256`, expected u8"),
        (
            json!({"name": "a", "address": {"city": 1}}),
            "invalid argument `address.city`: invalid type: integer `1`, expected a string",
        ),
        (
            json!({"name": "a", "admin": true}),
            "invalid arguments: `admin` is not an argument of this tool, which takes `name`, `nick`, `age`, `address`",
        ),
        (json!(["a"]), "invalid arguments: invalid type: sequence, expected an object with the arguments by name"),
        (json!("a"), "invalid arguments: invalid type: string \"a\", expected an object with the arguments by name"),
    ] {
        assert_eq!(told(&world, "add_user", arguments).await.unwrap_err(), why);
    }
    for tool in ["draw", "collect"] {
        for arguments in [json!([1]), json!("square"), json!(null), json!({})] {
            let why = told(&world, tool, arguments).await.unwrap_err();
            assert!(why.starts_with("invalid argument"), "{why}");
        }
    }
    world.ran(0);
    let user = json!({"nick": "a", "address": {"city": "b"}});
    assert_eq!(told(&world, "add_user", user).await.unwrap(), "a None Some(\"b\")");
    assert_eq!(told(&world, "collect", json!({"id": 1, "x": 2})).await.unwrap(), r#"1 ["x"]"#);
    assert_eq!(told(&world, "draw", json!({"kind": "circle", "radius": 3})).await.unwrap(), "circle 3");
    assert_eq!(told(&world, "count_tree", json!({"name": "a", "children": [{"name": "b"}]})).await.unwrap(), "2");
}

#[tokio::test]
async fn names_that_stand_twice_in_a_struct_are_refused() {
    let world = world();
    for (tool, arguments) in [
        ("add_user", r#"{"name":"a","name":"b"}"#),
        ("add_user", r#"{"name":"a","n\u0061me":"a"}"#),
        ("add_user", r#"{"name":"a","nick":"b"}"#),
        ("add_user", r#"{"name":"a","age":null,"age":1}"#),
        ("collect", r#"{"id":1,"id":2}"#),
        ("collect", r#"{"id":1,"x":1,"x":2}"#),
        ("collect", r#"{"id":1,"x":1,"\u0078":1}"#),
        ("draw", r#"{"kind":"square","kind":"circle","radius":1}"#),
        ("draw", r#"{"kind":"circle","radius":1,"radius":2}"#),
    ] {
        let call = Call::tool(tool, json!({"here": 1}));
        let body = String::from_utf8(call.body.clone()).unwrap().replace(r#"{"here":1}"#, arguments);
        assert!(body.contains(arguments), "{body}");
        call.with_body(body).token(&world.plain("alice")).send(&world).await.failed();
        world.ran(0);
    }
}

struct Floating(f64);

impl mcp_runtime::HeaderValue for Floating {
    fn mirrored(&self) -> Option<mcp_runtime::Mirrored<'_>> {
        None
    }
}

impl<'de> serde::Deserialize<'de> for Floating {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for Floating {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Floating".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        f64::json_schema(generator)
    }
}

#[derive(serde::Deserialize, JsonSchema)]
#[schemars(extend("x-mcp-header" = "Sneaky"))]
struct Sneaky {
    inside: String,
}

/// Has mistakes that only the whole schema shows.
#[tool(public)]
async fn wrong(
    #[arg(header = "Rate")] rate: Floating,
    #[arg(min = 1, example(0, 5))] count: u8,
    #[arg(example = 7)] text: String,
    sneaky: Sneaky,
) {
    let _ = (rate.0, count, text, sneaky.inside);
}

/// Its arguments are no object.
#[tool(public)]
async fn no_object(Args(text): Args<String>) {
    let _ = text;
}

/// Nor are these, always.
#[tool(public)]
async fn maybe_object(Args(user): Args<Option<NewUser>>) {
    let _ = user;
}

/// Its mark is not enforced.
#[tool(public)]
async fn sneaky_object(Args(sneaky): Args<Sneaky>) {
    let _ = sneaky;
}

#[test]
fn what_is_wrong_with_a_schema_is_told_when_the_server_is_built() {
    let tools = tools![wrong, no_object, maybe_object, sneaky_object];
    let problems = Server::builder("wrong", "1.0").tools(tools).build().unwrap_err();
    let problems = problems.problems();
    for (tool, part) in [
        (
            "`wrong`",
            "`header = \"Rate\"` needs a schema of type `string`, `integer` or `boolean`, and here it is number",
        ),
        ("`wrong`", "the example 0 of argument `count` is none: invalid value: 0, expected at least 1"),
        ("`wrong`", "the example 7 of argument `text` is none: invalid type: integer `7`, expected a string"),
        ("`wrong`", "argument `sneaky`: `x-mcp-header` in a type's own schema is not enforced"),
        ("`no_object`", "does not read an object; take a struct, or a plain argument"),
        ("`maybe_object`", "does not read an object; take a struct, or a plain argument"),
        ("`sneaky_object`", "`x-mcp-header` in a type's own schema is not enforced"),
    ] {
        assert!(problems.iter().any(|text| text.contains(tool) && text.contains(part)), "{part}: {problems:#?}");
    }
    assert_eq!(problems.len(), 7, "{problems:#?}");
}

/// Who pays, from the token.
struct Tenant(String);

impl Inject for Tenant {
    fn inject(call: &CallContext<'_>) -> Result<Self, ToolError> {
        let identity = call.caller().identity().ok_or_else(|| ToolError::visible("nobody pays"))?;
        Ok(Self(format!("{} calls {}", identity.subject(), call.tool())))
    }
}

/// Says who pays.
#[tool]
async fn bill(#[inject] Tenant(tenant): Tenant) -> String {
    tenant
}

#[tokio::test]
async fn what_is_injected_is_never_sent() {
    let auth = StaticTokens::new().token("wQ7hYp3mZ0tRk9cLxV5nBg", "alice", []);
    let server = Server::builder("bills", "1.0").tools(tools![bill]).auth(auth).build().unwrap();
    let alice = TestClient::new(&server).as_user("alice");
    assert_eq!(alice.call("bill", json!({})).await.text(), "alice calls bill");
    let sent = alice.call("bill", json!({"tenant": "bob"})).await;
    assert_eq!(sent.error_text(), "invalid arguments: `tenant` is not an argument of this tool, which takes none");
}
