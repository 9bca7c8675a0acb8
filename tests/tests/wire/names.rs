//! Names of tools that do not exist, and what an answer to them gives away.

use serde_json::{Value, json};

use crate::{
    client::{Answer, Call},
    world::World,
};

const NAMES: [&str; 9] = ["nothing", "VAULT", "Vault", "vault ", "vaul", "vaultt", "", "../vault", "v\u{e4}ult"];

fn call(name: &str) -> Call {
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, name);
    Call::tool(name, json!({"text": "x"})).set("Mcp-Name", format!("=?base64?{encoded}?="))
}

fn same(answer: &Answer) -> (u16, Value, Vec<(String, Vec<u8>)>) {
    let mut headers: Vec<_> =
        answer.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    headers.sort();
    (answer.status, answer.json(), headers)
}

#[tokio::test]
async fn all_unknown_names_are_answered_alike() {
    let world = World::fenced();
    for token in [world.plain("alice"), world.full("bob")] {
        let mut answers = Vec::new();
        for name in NAMES {
            let answer = call(name).token(&token).send(&world).await;
            answer.error(200, -32602);
            answer.has_no("www-authenticate");
            answers.push(same(&answer));
            let legacy = Call::legacy_tool(name, json!({"text": "x"})).token(&token).send(&world).await;
            legacy.error(200, -32602);
            answers.push(same(&legacy));
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    }
    world.ran(0);
}

#[tokio::test]
async fn a_stranger_on_a_protected_server_learns_no_names() {
    let world = World::fenced();
    // A tool without scopes is what an unknown one looks like.
    let real = same(&Call::tool("whoami", json!({})).send(&world).await);
    for name in NAMES {
        let answer = call(name).send(&world).await;
        answer.unauthenticated(false);
        assert_eq!(same(&answer), real, "{name:?}");
        let legacy = Call::legacy_tool(name, json!({})).send(&world).await;
        legacy.unauthenticated(false);
    }
    world.ran(0);
}

#[tokio::test]
async fn an_unknown_name_does_not_repeat_itself_in_the_answer() {
    let world = World::fenced();
    let answer = call("<script>alert(1)</script>").token(&world.plain("alice")).send(&world).await;
    assert!(!answer.text().contains("script"), "{answer:?}");
}

#[tokio::test]
async fn guessing_names_is_limited_for_each_caller() {
    let world = World::new(crate::lists::protected(), |builder| builder.default_rate_limit("10/m"));
    let (alice, bob) = (world.full("alice"), world.full("bob"));
    for _ in 0..10 {
        call("nothing").token(&alice).send(&world).await.error(200, -32602);
    }
    call("nothing").token(&alice).send(&world).await.error(429, 429);
    call("nothing").token(&bob).send(&world).await.error(200, -32602);
    // What the tools themselves allow is another matter.
    Call::tool("whoami", json!({})).token(&alice).send(&world).await.ok();
}
