//! How fast. Not part of `tests/run`; `cargo test --release -p tests --test store -- --ignored --nocapture measure`.

use std::{sync::Arc, time::Instant};

use mcp_runtime::store::{Commit, SqliteStore, Step, Store};

use super::{LIST, Room, put};

/// Commits of four steps, by so many at once.
async fn commits_per_second(store: &Arc<SqliteStore>, callers: usize, each: usize) -> f64 {
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let store = store.clone();
        tasks.spawn(async move {
            for n in 0..each {
                let value = "x".repeat(400);
                let name = |what: &str| format!("{callers} {caller} {n} {what}");
                let steps = [
                    put(&name("code"), &value),
                    put(&name("grant"), &value),
                    put(&name("session"), &value),
                    Step::append(LIST, value.clone().into(), Some(100)),
                ];
                assert_eq!(store.commit(&steps, 0).await.unwrap(), Commit::Done);
            }
        });
    }
    tasks.join_all().await;
    (callers * each) as f64 / start.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn commits() {
    let room = Room::new("measure");
    let store = Arc::new(room.open().await);
    for (callers, each) in [(1, 500), (10, 200), (100, 50), (1_000, 5)] {
        let rate = commits_per_second(&store, callers, each).await;
        println!("{callers} callers: {rate:.0} commits/s");
    }
    let start = Instant::now();
    for _ in 0..2_000 {
        store.get(&super::thing("100 7 7 code")).await.unwrap().unwrap();
    }
    println!("reads, one after the other: {:.0}/s", 2_000.0 / start.elapsed().as_secs_f64());
}
