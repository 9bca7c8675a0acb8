//! More tokens, clients and addresses are not more quota; and nobody spends another's.

use std::time::Duration;

use mcp_runtime::{State, tool, tools};
use serde_json::json;

use crate::{
    client::{Answer, Call},
    matrix_limits::{address, client, global, subject},
    world::{Runs, World},
};

/// In a bucket for all, of five.
#[tool(scopes = "a", rate_limit("1/m", burst = 5, per = global))]
async fn bucket(State(runs): State<Runs>) {
    runs.add();
}

const TOOLS: [(&str, usize, usize); 5] =
    // How many one caller gets, and how many two get.
    [("subject", 4, 8), ("client", 4, 8), ("address", 4, 4), ("global", 2, 4), ("bucket", 3, 5)];

fn world() -> World {
    World::new(tools![subject, client, address, global, bucket], |builder| builder)
}

/// Calls with a token of another client each time, as somebody who registers clients by the dozen would.
async fn call(world: &World, tool: &str, who: &str, number: usize) -> Answer {
    let token = world.grant(who, "a").claim("jti", number.to_string());
    let token = match number % 4 {
        0 => token.client(&format!("invented-{number}")),
        1 => token.claim("azp", format!("invented-{number}")),
        2 => token.client("editor").claim("azp", format!("invented-{number}")),
        // What looks like more than it is.
        _ => token.client("editor").claim("client_registered", true).claim("registered_client", "editor"),
    };
    let call = if number.is_multiple_of(2) { Call::tool(tool, json!({})) } else { Call::legacy_tool(tool, json!({})) };
    call.token(&token.build()).from("203.0.113.9").send(world).await
}

async fn most(world: &World, tool: &str, who: &str) -> usize {
    let mut admitted = 0;
    for number in 0..40 {
        let answer = call(world, tool, who, number).await;
        match answer.status {
            200 => admitted += 1,
            _ => drop(answer.error(429, 429)),
        }
    }
    admitted
}

#[tokio::test]
async fn invented_clients_multiply_nothing_and_spend_nobody_elses() {
    for (tool, one, two) in TOOLS {
        let world = world();
        assert_eq!(most(&world, tool, "mallory").await, one, "{tool}");
        assert_eq!(most(&world, tool, "ann").await, two - one, "{tool}: what is left for somebody else");
        world.ran(two);
    }
}

/// However many identities somebody has, what is for all is for all; and one of them never gets it alone.
#[tokio::test]
async fn what_is_for_all_comes_back_for_all() {
    for (tool, count) in [("global", 4), ("bucket", 5)] {
        let world = world();
        let mut admitted = 0;
        for number in 0..30 {
            admitted += usize::from(call(&world, tool, &format!("sybil-{number}"), number).await.status == 200);
        }
        assert_eq!(admitted, count, "{tool}");
        let refused = call(&world, tool, "ann", 0).await;
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        world.clock.advance(Duration::from_secs(wait) - Duration::from_millis(1000));
        call(&world, tool, "ann", 0).await.error(429, 429);
        world.clock.advance(Duration::from_secs(1));
        call(&world, tool, "ann", 0).await.ok();
    }
}

/// New addresses, as a botnet has them, are not new callers where callers are known by name.
#[tokio::test]
async fn other_addresses_multiply_nothing_but_limits_of_addresses() {
    for (tool, one, _) in TOOLS {
        let world = world();
        let mut admitted = 0;
        for number in 0..40 {
            let call = Call::tool(tool, json!({})).token(&world.grant("mallory", "a").build());
            admitted += usize::from(call.from(&format!("198.51.100.{number}")).send(&world).await.status == 200);
        }
        assert_eq!(admitted, if tool == "address" { 40 } else { one }, "{tool}");
    }
    // All of one IPv6 network are one address.
    let world = world();
    let mut admitted = 0;
    for number in 0..40 {
        let call = Call::tool("address", json!({})).token(&world.grant(&format!("s{number}"), "a").build());
        admitted += usize::from(call.from(&format!("2001:db8:1:2:{number:x}::1")).send(&world).await.status == 200);
    }
    assert_eq!(admitted, 4);
}

/// Three limits; the one that refuses is the only one that was needed to know.
#[tool(scopes = "a", rate_limit("2/m", per = address), rate_limit("9/m", per = global), rate_limit = "3/m")]
async fn several(State(runs): State<Runs>) {
    runs.add();
}

#[tokio::test]
async fn a_refused_call_spends_nothing_of_its_other_limits() {
    let world = World::new(tools![several], |builder| builder);
    let ask = async |who: &str, from: &str| {
        Call::tool("several", json!({})).token(&world.grant(who, "a").build()).from(from).send(&world).await.status
    };
    let (here, there, elsewhere) = ("203.0.113.9", "198.51.100.7", "192.0.2.1");
    assert_eq!([ask("ann", here).await, ask("bob", here).await], [200, 200]);
    for _ in 0..30 {
        // The address is used up.
        assert_eq!([ask("ann", here).await, ask("bob", here).await, ask("carol", here).await], [429, 429, 429]);
    }
    // Of three ann has two left, and no more.
    assert_eq!([ask("ann", there).await, ask("ann", there).await, ask("ann", elsewhere).await], [200, 200, 429]);
    for _ in 0..30 {
        assert_eq!(ask("ann", elsewhere).await, 429);
    }
    // Elsewhere nothing is spent: two calls by whom nothing was taken from either.
    assert_eq!(
        [ask("bob", elsewhere).await, ask("carol", elsewhere).await, ask("carol", elsewhere).await],
        [200, 200, 429]
    );
    // Of nine for all six are spent.
    let others = [("d", "192.0.2.2"), ("e", "192.0.2.3"), ("f", "192.0.2.4"), ("g", "192.0.2.5")];
    let mut told = Vec::new();
    for (who, from) in others {
        told.push(ask(who, from).await);
    }
    assert_eq!(told, [200, 200, 200, 429]);
    world.ran(9);
}
