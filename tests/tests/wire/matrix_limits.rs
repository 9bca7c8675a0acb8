//! Whom each limit counts: after one call of ann's, how many are left to whom. The table is the specification.

use mcp_runtime::{State, tool, tools};
use serde_json::json;

use crate::{
    matrix::{one, two},
    matrix_delivery::{Badges, DELIVERIES, Delivery, Outcome::Spent, Who, user},
    world::{Runs, World},
};

/// Four a minute of each kind.
#[tool(scopes = "a", rate_limit = "4/m")]
pub(crate) async fn subject(State(runs): State<Runs>) {
    runs.add();
}

/// For the client.
#[tool(scopes = "a", rate_limit("4/m", per = client))]
pub(crate) async fn client(State(runs): State<Runs>) {
    runs.add();
}

/// For the address.
#[tool(scopes = "a", rate_limit("4/m", per = address))]
pub(crate) async fn address(State(runs): State<Runs>) {
    runs.add();
}

/// For all.
#[tool(scopes = "a", rate_limit("4/m", per = global))]
pub(crate) async fn global(State(runs): State<Runs>) {
    runs.add();
}

/// For all, in an odd number: the half is rounded up.
#[tool(scopes = "a", rate_limit("5/m", per = global))]
async fn odd(State(runs): State<Runs>) {
    runs.add();
}

/// A bucket for the client.
#[tool(scopes = "a", rate_limit("1/h", burst = 4, per = client))]
async fn bucket(State(runs): State<Runs>) {
    runs.add();
}

/// The tightest counts.
#[tool(scopes = "a", rate_limit = "9/m", rate_limit("4/m", per = client), rate_limit("20/m", per = address))]
async fn several(State(runs): State<Runs>) {
    runs.add();
}

struct Row {
    tool: &'static str,
    /// Ann again, through the same client and from the same address.
    ann: usize,
    /// Ann through a client that she made up.
    through_another: usize,
    /// Ann from elsewhere.
    elsewhere: usize,
    /// Bob through the client and from the address that ann used.
    bob: usize,
    /// Bob through a client of his own, from elsewhere.
    bob_elsewhere: usize,
    /// Somebody whom another issuer calls ann, through a client that it calls the same, from where ann was.
    namesake: usize,
    /// What ann is told when nothing is left.
    told: &'static str,
}

#[rustfmt::skip]
const TABLE: [Row; 8] = [
    Row { tool: "subject", ann: 3, through_another: 3, elsewhere: 3, bob: 4, bob_elsewhere: 4, namesake: 4, told: "4/m" },
    Row { tool: "client",  ann: 3, through_another: 4, elsewhere: 3, bob: 3, bob_elsewhere: 4, namesake: 4, told: "4/m per client" },
    Row { tool: "address", ann: 3, through_another: 3, elsewhere: 4, bob: 3, bob_elsewhere: 4, namesake: 3, told: "4/m per address" },
    // One caller has half of it.
    Row { tool: "global",  ann: 1, through_another: 1, elsewhere: 1, bob: 2, bob_elsewhere: 2, namesake: 2, told: "2/m" },
    Row { tool: "odd",     ann: 2, through_another: 2, elsewhere: 2, bob: 3, bob_elsewhere: 3, namesake: 3, told: "3/m" },
    Row { tool: "bucket",  ann: 3, through_another: 4, elsewhere: 3, bob: 3, bob_elsewhere: 4, namesake: 4, told: "1/h burst 4 per client" },
    Row { tool: "several", ann: 3, through_another: 4, elsewhere: 3, bob: 3, bob_elsewhere: 4, namesake: 4, told: "4/m per client" },
    // Of a group whose other tool ann called: three a minute for both.
    Row { tool: "two",     ann: 2, through_another: 2, elsewhere: 2, bob: 3, bob_elsewhere: 3, namesake: 3, told: "3/m" },
];

async fn left(delivery: Delivery, row: &Row, whose: &Who) -> usize {
    let world = World::new(tools![subject, client, address, global, odd, bucket, several, one, two], |builder| {
        builder.auth(Badges)
    });
    let first = if row.tool == "two" { "one" } else { row.tool };
    assert!(delivery.call(&world, &ann(), first, json!({})).await.ran(), "{}", row.tool);
    for call in 0..10 {
        let told = delivery.call(&world, whose, row.tool, json!({})).await;
        if !told.ran() {
            world.ran(call + 1);
            if whose.token() == ann().token() {
                told.is(Spent(row.told));
            }
            return call;
        }
    }
    panic!("{}: there is no end", row.tool)
}

fn ann() -> Who {
    user("ann", "a files:read").through_registered("editor")
}

#[tokio::test]
async fn every_limit_counts_whom_the_table_says_in_every_delivery() {
    let (bob, elsewhere) = (user("bob", "a files:read"), "198.51.100.7");
    for row in &TABLE {
        for delivery in DELIVERIES {
            let of = async |whose: Who| left(delivery, row, &whose).await;
            let found = [
                of(ann()).await,
                of(ann().through("made-up")).await,
                of(ann().at(elsewhere)).await,
                of(bob.clone().through_registered("editor")).await,
                of(bob.clone().through("of-bob").at(elsewhere)).await,
                of(ann().of("https://other.example")).await,
            ];
            let expected = [row.ann, row.through_another, row.elsewhere, row.bob, row.bob_elsewhere, row.namesake];
            assert_eq!(found, expected, "{} {delivery:?}", row.tool);
        }
    }
}
