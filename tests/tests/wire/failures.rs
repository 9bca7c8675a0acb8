//! Tools that fail: what their callers learn, and that the server goes on.

use std::{
    fmt,
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use mcp_runtime::{
    Json, State, ToolError,
    schemars::{self, JsonSchema},
    tool, tools,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::json;

use crate::{
    client::{Answer, Call},
    world::{Runs, World, hello},
};

/// What must never leave the server.
const SECRET: &str = "postgres://admin:hunter2@db.internal";

/// Panics.
#[tool(public)]
async fn panics(State(runs): State<Runs>) {
    runs.add();
    panic!("{SECRET}");
}

/// Panics on the pool for blocking work.
#[tool(public)]
fn panics_blocking(State(runs): State<Runs>) {
    runs.add();
    panic!("{SECRET}");
}

#[derive(Debug)]
struct DatabaseError;

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SECRET)
    }
}

impl std::error::Error for DatabaseError {}

/// Fails with a cause.
#[tool(public)]
async fn fails(State(runs): State<Runs>) -> Result<(), ToolError> {
    runs.add();
    Err(DatabaseError)?;
    Ok(())
}

/// Fails with words for the model.
#[tool(public)]
async fn refuses() -> Result<(), ToolError> {
    Err(ToolError::visible("the account is locked"))
}

/// Never ends.
#[tool(public, timeout = "50ms")]
async fn hangs(State(runs): State<Runs>) {
    runs.add();
    std::future::pending::<()>().await;
}

/// An argument whose reader panics.
#[derive(JsonSchema)]
struct Trap;

impl<'de> Deserialize<'de> for Trap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        panic!("{SECRET} {text}");
    }
}

/// Reads a trap.
#[tool(public)]
async fn trapped(State(runs): State<Runs>, #[arg(default = Trap)] trap: Trap) {
    let _ = trap;
    runs.add();
}

/// An output that cannot be written.
#[derive(JsonSchema)]
struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("{SECRET}");
    }
}

/// Cannot write what it made.
#[tool(public)]
async fn unwritable(State(runs): State<Runs>) -> Json<Unwritable> {
    runs.add();
    Json(Unwritable)
}

/// A state that cannot be handed out.
struct Bomb;

impl Clone for Bomb {
    fn clone(&self) -> Self {
        panic!("{SECRET}");
    }
}

/// Takes a bomb, twice a minute.
#[tool(public, rate_limit = "2/m")]
async fn bombed(State(_bomb): State<Bomb>, State(runs): State<Runs>) {
    runs.add();
}

fn world() -> World {
    World::new(tools![hello, panics, panics_blocking, fails, refuses, hangs, trapped, unwritable, bombed], |builder| {
        builder.state(Bomb)
    })
}

/// "internal error", and a reference that is another one each time.
#[track_caller]
fn masked(answer: &Answer) -> String {
    let text = answer.failed();
    let reference = text.strip_prefix("internal error (reference ").and_then(|rest| rest.strip_suffix(')'));
    assert!(reference.is_some_and(|reference| reference.len() == 16), "{text}");
    assert!(!answer.text().contains("hunter2"), "{answer:?}");
    text
}

async fn both(world: &World, tool: &str) -> [Answer; 2] {
    [Call::tool(tool, json!({})).send(world).await, Call::legacy_tool(tool, json!({})).send(world).await]
}

#[tokio::test]
async fn a_panic_or_an_error_is_masked_and_the_server_lives() {
    let world = world();
    let mut references = Vec::new();
    for tool in ["panics", "panics_blocking", "fails", "unwritable"] {
        for answer in both(&world, tool).await {
            references.push(masked(&answer));
        }
    }
    references.sort();
    references.dedup();
    assert_eq!(references.len(), 8);
    world.ran(8);
    Call::tool("hello", json!({})).send(&world).await.ok();
}

#[tokio::test]
async fn a_panic_while_arguments_are_read_is_masked_too() {
    let world = world();
    let arguments = json!({"trap": "x"});
    masked(&Call::tool("trapped", arguments.clone()).send(&world).await);
    masked(&Call::legacy_tool("trapped", arguments.clone()).send(&world).await);
    let part = String::from_utf8(Call::legacy_tool("trapped", arguments).body).unwrap();
    let batch = Call::legacy(None, format!("[{part},{part}]")).send(&world).await;
    assert_eq!(batch.json().as_array().unwrap().len(), 2);
    assert!(!batch.text().contains("hunter2"));
    world.ran(0);
    Call::tool("trapped", json!({})).send(&world).await.ok();
    world.ran(1);
}

#[tokio::test]
async fn a_panic_while_a_parameter_is_made_is_one_call() {
    let world = world();
    masked(&Call::tool("bombed", json!({})).send(&world).await);
    masked(&Call::tool("bombed", json!({})).send(&world).await);
    Call::tool("bombed", json!({})).send(&world).await.error(429, 429);
    world.ran(0);
}

#[tokio::test]
async fn words_for_the_model_arrive() {
    let world = world();
    for answer in both(&world, "refuses").await {
        assert_eq!(answer.failed(), "the account is locked");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_hangs_is_stopped() {
    let world = world();
    for answer in both(&world, "hangs").await {
        assert!(answer.failed().contains("50ms"), "{answer:?}");
    }
    world.ran(2);
    Call::tool("hello", json!({})).send(&world).await.ok();
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_hangs_is_stopped_by_default() {
    let world = World::new(tools![forever], |builder| builder.default_timeout(Duration::from_secs(7)));
    let before = tokio::time::Instant::now();
    Call::tool("forever", json!({})).send(&world).await.failed();
    assert_eq!(before.elapsed().as_secs(), 7);
}

/// Never ends, and does not say when it should.
#[tool(public)]
async fn forever() {
    std::future::pending::<()>().await;
}

/// Keeps threads waiting until it is opened.
#[derive(Clone, Default)]
struct Latch(Arc<(Mutex<bool>, Condvar)>);

impl Latch {
    fn wait(&self) {
        let (open, changed) = &*self.0;
        drop(changed.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
    }

    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

/// Blocks its thread until it is let go.
#[tool(public, timeout = "100ms")]
fn blocked(State(runs): State<Runs>, State(latch): State<Latch>) -> &'static str {
    runs.add();
    latch.wait();
    "let go"
}

/// Opens the latch however a test ends: threads that wait for it would keep the test from ending.
struct Opened(Latch);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.open();
    }
}

/// Calls that are all on their way at once, each from the address that its number stands for.
async fn blocked_calls(world: &World, addresses: impl Iterator<Item = usize>) -> Vec<String> {
    let calls: Vec<_> = addresses
        .map(|number| {
            let (router, from) = (world.router.clone(), format!("10.1.{}.{}", number / 250, number % 250));
            tokio::spawn(async move { Call::tool("blocked", json!({})).from(&from).send_to(&router).await })
        })
        .collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap().failed());
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_without_async_that_had_not_begun_never_begins() {
    let latch = Latch::default();
    let opened = Opened(latch.clone());
    let world = World::new(tools![blocked], |builder| builder.state(latch));
    for answer in blocked_calls(&world, 0..400).await {
        assert!(answer.contains("100ms"), "{answer}");
    }
    let begun = world.runs.count();
    drop(opened);
    assert!((1..=256).contains(&begun), "{begun} began");
    // Bodies that still wait for a thread would begin before this one ends.
    Call::tool("blocked", json!({})).send(&world).await.ok();
    world.ran(begun + 1);
}

/// Their bodies outlive their calls, so that one caller could hold the whole pool.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_caller_holds_a_quarter_of_the_bodies_without_async() {
    let latch = Latch::default();
    let opened = Opened(latch.clone());
    let world = World::new(tools![blocked], |builder| builder.state(latch));
    let answers = blocked_calls(&world, std::iter::repeat_n(499, 100)).await;
    let refused = answers.iter().filter(|answer| answer.contains("as many of your calls")).count();
    assert_eq!(refused, 36);
    assert!(world.runs.count() <= 64, "{} began", world.runs.count());
    drop(opened);
}
