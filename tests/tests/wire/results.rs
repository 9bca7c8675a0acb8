//! One result in the words of four revisions.

use mcp_runtime::{
    CallToolResult, Content, Json,
    schemars::{self, JsonSchema},
    tool, tools,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{client::Call, world::World};

#[derive(Serialize, JsonSchema)]
struct Weather {
    celsius: f64,
}

/// An object.
#[tool(public, title = "The weather", read_only)]
async fn weather() -> Json<Weather> {
    Json(Weather { celsius: 21.5 })
}

/// A list, which older revisions cannot say as data.
#[tool(public)]
async fn list() -> Json<Vec<u32>> {
    Json(vec![1, 2])
}

/// A number.
#[tool(public)]
async fn number() -> Json<u32> {
    Json(7)
}

/// Nothing at all.
#[tool(public)]
async fn nothing() {}

/// A block that the oldest revision does not know.
#[tool(public)]
async fn link() -> CallToolResult {
    CallToolResult::content(vec![Content::text("see"), Content::resource_link("https://a.example/x", "x")])
}

const ALL: [&str; 4] = ["2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];

fn world() -> World {
    World::new(tools![weather, list, number, nothing, link], |builder| builder)
}

async fn ask(world: &World, revision: &str, method: &str, params: Value) -> Value {
    let call = if revision == "2026-07-28" {
        Call::modern(method, params)
    } else {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        Call::legacy(Some(revision), body.to_string())
    };
    call.send(world).await.result()
}

#[tokio::test]
async fn structured_content_is_sent_where_it_is_known() {
    let world = world();
    for (revision, object, other) in [
        ("2025-03-26", false, false),
        ("2025-06-18", true, false),
        ("2025-11-25", true, false),
        ("2026-07-28", true, true),
    ] {
        for (name, structured, known) in
            [("weather", json!({"celsius": 21.5}), object), ("list", json!([1, 2]), other), ("number", json!(7), other)]
        {
            let result = ask(&world, revision, "tools/call", json!({"name": name})).await;
            assert_eq!(result.get("structuredContent"), known.then_some(&structured), "{name} in {revision}");
            // Its mirror is text for everybody.
            let mirror: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
            assert_eq!(mirror, structured);
        }
        assert_eq!(ask(&world, revision, "tools/call", json!({"name": "nothing"})).await["content"], json!([]));
    }
}

#[tokio::test]
async fn an_output_schema_is_listed_where_its_content_can_be_sent() {
    let world = world();
    for revision in ALL {
        let list = ask(&world, revision, "tools/list", json!({})).await;
        let has: Vec<bool> =
            list["tools"].as_array().unwrap().iter().map(|tool| tool.get("outputSchema").is_some()).collect();
        let expected = match revision {
            "2025-03-26" => [false; 5],
            "2026-07-28" => [true, true, true, false, false],
            _ => [true, false, false, false, false],
        };
        assert_eq!(has, expected, "{revision}");
        let titled = list["tools"][0].get("title").is_some();
        assert_eq!(titled, revision != "2025-03-26", "{revision}");
        assert_eq!(list["tools"][0]["annotations"]["readOnlyHint"], true, "{revision}");
    }
}

#[tokio::test]
async fn only_the_stateless_revision_says_more_about_its_results() {
    let world = world();
    for revision in ALL {
        let modern = revision == "2026-07-28";
        let list = ask(&world, revision, "tools/list", json!({})).await;
        let call = ask(&world, revision, "tools/call", json!({"name": "weather"})).await;
        for result in [&list, &call] {
            assert_eq!(result.get("resultType"), modern.then_some(&json!("complete")), "{revision}");
            let server = result.get("_meta").map(|meta| &meta["io.modelcontextprotocol/serverInfo"]["name"]);
            assert_eq!(server, modern.then_some(&json!("attacked")), "{revision}");
        }
        for key in ["ttlMs", "cacheScope"] {
            assert_eq!(list.get(key).is_some(), modern, "{revision}");
            assert_eq!(call.get(key), None, "{revision}");
        }
    }
}

#[tokio::test]
async fn a_block_that_a_revision_does_not_know_is_not_sent() {
    let world = world();
    for revision in ALL {
        let result = ask(&world, revision, "tools/call", json!({"name": "link"})).await;
        let kinds: Vec<_> = result["content"].as_array().unwrap().iter().map(|block| &block["type"]).collect();
        let known = kinds.iter().any(|kind| *kind == "resource_link");
        assert_eq!(known, revision != "2025-03-26", "{revision}: {kinds:?}");
    }
}
