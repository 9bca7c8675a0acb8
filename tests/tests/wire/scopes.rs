//! Tokens that are good and grant something else: 403, one challenge that names what is needed, no body that ran.

use mcp_runtime::{State, tool, tools};
use serde_json::json;

use crate::{
    client::{Answer, Call},
    world::{METADATA, Runs, World},
};

#[track_caller]
fn insufficient(answer: &Answer, scopes: &str) {
    let json = answer.error(403, 403);
    assert_eq!(json["error"]["data"]["reason"], "insufficient_scope");
    let required: Vec<&str> = scopes.split(' ').collect();
    assert_eq!(json["error"]["data"]["required"], json!(required));
    let expected = format!("Bearer error=\"insufficient_scope\", scope=\"{scopes}\", resource_metadata=\"{METADATA}\"");
    assert_eq!(answer.header("www-authenticate"), expected);
    assert_eq!(answer.headers.get_all("www-authenticate").iter().count(), 1);
}

#[tokio::test]
async fn what_looks_like_the_scope_is_not_the_scope() {
    let world = World::fenced();
    for scope in [
        "",
        "vault",
        "vault:",
        "vault:ope",
        "vault:opened",
        "vault:open:more",
        "vault:*",
        "*",
        "vault",
        "Vault:Open",
        "VAULT:OPEN",
        "vault:open\t",
        "\tvault:open",
        "vault:read\tvault:open",
        "vault:open\n",
        "vault:read\nvault:open",
        "vault:open,vault:read",
        "vault:open;",
        "\"vault:open\"",
        "vault%3Aopen",
        "vault:o\u{70}en\u{200b}",
        "vault\u{ff1a}open",
        "vault :open",
        "xvault:open",
    ] {
        let token = world.grant("mallory", scope).build();
        for call in [Call::tool("vault", json!({"text": "x"})), Call::legacy_tool("vault", json!({"text": "x"}))] {
            let answer = call.token(&token).send(&world).await;
            assert_eq!(answer.status, 403, "{scope:?}");
            insufficient(&answer, "vault:open");
        }
        world.ran(0);
    }
    for scope in ["vault:open", "a vault:open", "vault:open a", "  vault:open  "] {
        let token = world.grant("alice", scope).build();
        Call::tool("vault", json!({"text": "x"})).token(&token).send(&world).await.ok();
    }
    world.ran(4);
}

#[tokio::test]
async fn a_claim_of_another_type_or_name_grants_nothing() {
    let world = World::fenced();
    let token = || world.factory.token("mallory");
    for token in [
        token().claim("scope", json!(["vault:open"])),
        token().claim("scope", json!({"vault:open": true})),
        token().claim("scope", json!(true)),
        token().claim("scopes", json!(["vault:open"])),
        token().claim("scp", json!(["vault:open"])),
        token().claim("roles", json!("vault:open")),
        token().claim("Scope", json!("vault:open")),
    ] {
        let answer = Call::tool("vault", json!({"text": "x"})).token(&token.build()).send(&world).await;
        insufficient(&answer, "vault:open");
    }
    world.ran(0);
}

#[tokio::test]
async fn what_the_caller_says_of_its_scopes_grants_nothing() {
    let world = World::fenced();
    let mut body: serde_json::Value = serde_json::from_slice(&Call::tool("vault", json!({"text": "x"})).body).unwrap();
    body["params"]["scope"] = json!("vault:open");
    body["params"]["_meta"]["scope"] = json!("vault:open");
    body["params"]["_meta"]["io.modelcontextprotocol/clientInfo"] = json!({"name": "admin", "version": "1"});
    let call = Call::around("vault", body.to_string())
        .header("Scope", "vault:open")
        .header("X-OAuth-Scopes", "vault:open")
        .token(&world.plain("mallory"));
    insufficient(&call.send(&world).await, "vault:open");
    world.ran(0);
}

/// Needs two scopes.
#[tool(scopes = "a b")]
async fn both(State(runs): State<Runs>) {
    runs.add();
}

/// Needs one of several.
#[tool(scopes = any("admin", all("read", "audit")))]
async fn either(State(runs): State<Runs>) {
    runs.add();
}

#[tokio::test]
async fn one_challenge_names_everything_that_is_needed() {
    let world = World::new(tools![both, either], |builder| builder);
    let ask = async |tool: &str, scope: &str| {
        Call::tool(tool, json!({})).token(&world.grant("alice", scope).build()).send(&world).await
    };
    insufficient(&ask("both", "").await, "a b");
    insufficient(&ask("both", "a").await, "a b");
    insufficient(&ask("both", "b").await, "a b");
    insufficient(&ask("both", "ab").await, "a b");
    insufficient(&ask("either", "").await, "admin");
    insufficient(&ask("either", "x").await, "admin");
    world.ran(0);
    ask("both", "b a").await.ok();
    ask("either", "admin").await.ok();
    ask("either", "audit read").await.ok();
    world.ran(3);
    let answer = ask("either", "audit").await;
    assert_eq!(answer.status, 403);
    world.ran(3);
}

#[tokio::test]
async fn a_broad_scope_includes_what_the_server_says_and_nothing_more() {
    let world = World::new(tools![both], |builder| {
        builder.scope("a", "A").scope("b", "B").scope("all", "All of it").implies(["a", "b"])
    });
    let ask = async |scope: &str| {
        Call::tool("both", json!({})).token(&world.grant("alice", scope).build()).send(&world).await
    };
    ask("all").await.ok();
    world.ran(1);
    insufficient(&ask("al").await, "a b");
    insufficient(&ask("a").await, "a b");
    world.ran(1);
}
