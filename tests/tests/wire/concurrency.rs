//! `concurrency = N`: who gets a slot, and when it is free again.

use std::{
    future::pending,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use mcp_runtime::{State, ToolError, ToolSet, tool, tools};
use serde_json::json;
use tokio::{sync::Semaphore, task::JoinHandle};

use crate::{
    client::Call,
    matrix_delivery::{
        Badges, DELIVERIES, Delivery,
        Outcome::{Full, Runs as Ran},
        Told, Who, anonymous, user,
    },
    raw::{Live, soon},
    world::{Runs, World},
};

/// Bodies that wait here until they are let go, one by one.
#[derive(Clone)]
struct Stage {
    go_on: Arc<Semaphore>,
    inside: Arc<AtomicUsize>,
}

impl Stage {
    fn new() -> Self {
        Self { go_on: Arc::new(Semaphore::new(0)), inside: Arc::default() }
    }

    async fn wait(&self) {
        self.inside.fetch_add(1, Ordering::SeqCst);
        let _leave = Leave(&self.inside);
        self.go_on.acquire().await.unwrap().forget();
    }

    fn let_go(&self, bodies: usize) {
        self.go_on.add_permits(bodies);
    }

    /// Waits until so many bodies are inside.
    async fn holds(&self, bodies: usize) {
        until(|| self.inside.load(Ordering::SeqCst) == bodies).await;
    }
}

struct Leave<'a>(&'a AtomicUsize);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn until(condition: impl Fn() -> bool) {
    soon(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Three at once: two of one caller's.
#[tool(scopes = "a", concurrency = 3, rate_limit("9/m", per = global))]
async fn three(State(runs): State<Runs>, State(stage): State<Stage>) {
    runs.add();
    stage.wait().await;
}

/// One at once, which ends in many ways.
#[tool(scopes = "a", concurrency = 1, timeout = "2s")]
async fn one(State(runs): State<Runs>, #[arg(default)] how: String) -> Result<(), ToolError> {
    runs.add();
    match how.as_str() {
        "error" => Err(ToolError::visible("no"))?,
        "masked" => Err(std::io::Error::other("no"))?,
        "panic" => panic!("on purpose"),
        "hang" => pending().await,
        _ => Ok(()),
    }
}

/// One at once, for anybody.
#[tool(public, concurrency = 2)]
async fn anybody(State(runs): State<Runs>, State(stage): State<Stage>) {
    runs.add();
    stage.wait().await;
}

/// As many as come.
#[tool(scopes = "a")]
async fn free(State(runs): State<Runs>) {
    runs.add();
}

/// Keeps a thread until it is opened.
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

/// Lets the threads go also where the test fails: the runtime waits for them.
struct Opens(Latch);

impl Drop for Opens {
    fn drop(&mut self) {
        self.0.open();
    }
}

/// One at once, on a thread of its own.
#[tool(scopes = "a", concurrency = 1, timeout = "50ms")]
fn thread(State(runs): State<Runs>, State(latch): State<Latch>) {
    runs.add();
    latch.wait();
}

fn world_with(stage: &Stage, latch: &Latch, tools: impl ToolSet) -> Arc<World> {
    Arc::new(World::new(tools, |builder| builder.auth(Badges).state(stage.clone()).state(latch.clone())))
}

fn world(stage: &Stage) -> Arc<World> {
    world_with(stage, &Latch::default(), tools![three, one, anybody, free, thread])
}

fn start(world: &Arc<World>, delivery: Delivery, who: Who, tool: &'static str) -> JoinHandle<Told> {
    let world = Arc::clone(world);
    tokio::spawn(async move { delivery.call(&world, &who, tool, json!({})).await })
}

fn holder(subject: &str) -> Who {
    user(subject, "a")
}

/// The third slot is somebody else's, the fourth call nobody's.
#[tokio::test]
async fn one_caller_holds_half_and_two_hold_all() {
    for delivery in DELIVERIES {
        let stage = Stage::new();
        let world = world(&stage);
        let call = async |who: Who| delivery.call(&world, &who, "three", json!({})).await;
        let held = [start(&world, delivery, holder("ann"), "three"), start(&world, delivery, holder("ann"), "three")];
        stage.holds(2).await;
        // Ann has her half, through whatever client and from wherever.
        call(holder("ann")).await.is(Full);
        call(holder("ann").through("another")).await.is(Full);
        call(holder("ann").at("198.51.100.7")).await.is(Full);
        delivery.call(&world, &holder("ann"), "free", json!({})).await.is(Ran);
        let bobs = start(&world, delivery, holder("bob"), "three");
        stage.holds(3).await;
        for name in ["ann", "bob", "carol"] {
            call(holder(name)).await.is(Full);
        }
        world.ran(4);
        stage.let_go(3);
        for call in held.into_iter().chain([bobs]) {
            soon(call).await.unwrap().is(Ran);
        }
        // All are free again, and none of the refused calls was counted: nine a minute are for all.
        let again =
            [start(&world, delivery, holder("carol"), "three"), start(&world, delivery, holder("dave"), "three")];
        stage.let_go(2);
        for call in again {
            soon(call).await.unwrap().is(Ran);
        }
        world.ran(6);
        stage.let_go(9);
        let mut more = 0;
        for name in ["e", "f", "g", "h", "i", "j", "k"] {
            more += usize::from(call(holder(name)).await.ran());
        }
        assert_eq!(more, 4, "{delivery:?}: of nine calls five had run");
    }
}

#[tokio::test]
async fn a_full_tool_says_so_without_speaking_of_quotas() {
    let stage = Stage::new();
    let world = world(&stage);
    let held = [
        start(&world, Delivery::Headers, holder("ann"), "three"),
        start(&world, Delivery::Headers, holder("ann"), "three"),
    ];
    stage.holds(2).await;
    for call in [Call::tool("three", json!({})), Call::legacy_tool("three", json!({}))] {
        let answer = call.token(&holder("ann").token().unwrap()).send(&world).await;
        let error = answer.error(429, 429);
        assert_eq!(error["error"]["data"], json!({"reason": "rate_limited", "concurrency": 3, "retryAfterMs": 1000}));
        assert_eq!(answer.header("retry-after"), "1");
        for header in ["ratelimit", "ratelimit-policy", "www-authenticate"] {
            answer.has_no(header);
        }
    }
    stage.let_go(2);
    for call in held {
        soon(call).await.unwrap().is(Ran);
    }
}

/// It is known before the body is read.
#[tokio::test]
async fn a_full_tool_does_not_wait_for_the_body() {
    let stage = Stage::new();
    let world = world(&stage);
    let live = Live::start(&world.server).await;
    let held = [
        start(&world, Delivery::Headers, holder("ann"), "three"),
        start(&world, Delivery::Headers, holder("ann"), "three"),
    ];
    stage.holds(2).await;
    let mut wire = live.connect().await;
    wire.send(&Call::tool("three", json!({})).token(&holder("ann").token().unwrap()).head(1_000_000)).await;
    wire.answer().await.error(429, 429);
    stage.let_go(2);
    for call in held {
        soon(call).await.unwrap().is(Ran);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slot_is_free_however_the_call_ended() {
    for delivery in DELIVERIES {
        let world = world(&Stage::new());
        for (number, how) in ["", "error", "masked", "panic", "hang", "", "hang", "panic", ""].iter().enumerate() {
            let told = delivery.call(&world, &holder("ann"), "one", json!({"how": how})).await;
            assert_eq!(told.ran(), how.is_empty(), "{how} {told:?}");
            world.ran(number + 1);
        }
    }
}

/// What never ran holds nothing.
#[tokio::test]
async fn refused_calls_hold_no_slot() {
    let world = world(&Stage::new());
    for delivery in DELIVERIES {
        for _ in 0..3 {
            assert!(!delivery.call(&world, &user("bob", ""), "one", json!({})).await.ran());
            assert!(!delivery.call(&world, &anonymous(), "one", json!({})).await.ran());
            assert!(!delivery.call(&world, &holder("ann"), "one", json!({"how": 7})).await.ran());
        }
        world.ran(0);
    }
    Delivery::Headers.call(&world, &holder("ann"), "one", json!({})).await.is(Ran);
}

#[tokio::test]
async fn a_client_that_goes_away_gives_its_slots_back() {
    let stage = Stage::new();
    let world = world(&stage);
    let live = Live::start(&world.server).await;
    let call = Call::tool("three", json!({})).token(&holder("ann").token().unwrap());
    let (mut first, mut second) = (live.connect().await, live.connect().await);
    first.send(&call.bytes()).await;
    second.send(&call.bytes()).await;
    stage.holds(2).await;
    call.clone().send(&world).await.error(429, 429);
    drop((first, second));
    stage.holds(0).await;
    let next = start(&world, Delivery::Headers, holder("ann"), "three");
    stage.holds(1).await;
    stage.let_go(1);
    soon(next).await.unwrap().is(Ran);
}

/// A call of an older revision outlives its connection, and so does its slot.
#[tokio::test]
async fn a_client_that_goes_away_keeps_the_slot_of_an_older_call() {
    let stage = Stage::new();
    let world = world(&stage);
    let live = Live::start(&world.server).await;
    let call = Call::legacy_tool("anybody", json!({}));
    let mut wire = live.connect().await;
    wire.send(&call.bytes()).await;
    stage.holds(1).await;
    drop(wire);
    // Whoever notices the closed connection notices it while this is answered.
    for _ in 0..20 {
        let mut other = live.connect().await;
        other.send(&call.bytes()).await;
        other.answer().await.error(429, 429);
    }
    stage.let_go(1);
    stage.holds(0).await;
    stage.let_go(1);
    let mut other = live.connect().await;
    other.send(&call.bytes()).await;
    other.answer().await.ok();
    world.ran(2);
}

#[tokio::test]
async fn callers_without_credentials_are_told_apart_by_address() {
    let stage = Stage::new();
    let world = world(&stage);
    for delivery in DELIVERIES {
        let held = start(&world, delivery, anonymous(), "anybody");
        stage.holds(1).await;
        delivery.call(&world, &anonymous(), "anybody", json!({})).await.is(Full);
        let other = start(&world, delivery, anonymous().at("198.51.100.7"), "anybody");
        stage.holds(2).await;
        stage.let_go(2);
        soon(held).await.unwrap().is(Ran);
        soon(other).await.unwrap().is(Ran);
    }
}

/// It cannot be stopped, so it still takes what the slot stands for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_that_outlives_its_timeout_keeps_its_slot() {
    for delivery in DELIVERIES {
        let latch = Latch::default();
        let _opens = Opens(latch.clone());
        let world = world_with(&Stage::new(), &latch, tools![thread]);
        let told = delivery.call(&world, &holder("ann"), "thread", json!({})).await;
        assert!(told.text().contains("50ms"), "{}", told.text());
        for name in ["ann", "bob"] {
            delivery.call(&world, &holder(name), "thread", json!({})).await.is(Full);
        }
        world.ran(1);
        latch.open();
        soon(async {
            loop {
                if delivery.call(&world, &holder("bob"), "thread", json!({})).await.ran() {
                    return;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
        world.ran(2);
    }
}

/// Messages of a batch run one after another, so one caller needs one slot for all of them.
#[tokio::test]
async fn a_batch_needs_one_slot() {
    let world = world(&Stage::new());
    let part = |id: u32| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "one"}});
    let batch = json!([part(1), part(2), part(3)]).to_string();
    let answer = Call::legacy(None, batch).token(&holder("ann").token().unwrap()).send(&world).await.json();
    assert!(answer.as_array().unwrap().iter().all(|part| part["result"].is_object()), "{answer}");
    world.ran(3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_at_once_are_never_more_than_there_are_slots() {
    let stage = Stage::new();
    let world = world(&stage);
    let most = Arc::new(AtomicUsize::new(0));
    let calls: Vec<_> = (0..100)
        .map(|number| {
            let (world, stage, most) = (Arc::clone(&world), stage.clone(), Arc::clone(&most));
            tokio::spawn(async move {
                stage.let_go(1);
                let who = holder(["ann", "bob", "carol", "dave"][number % 4]);
                let told = Delivery::Headers.call(&world, &who, "anybody", json!({})).await;
                most.fetch_max(stage.inside.load(Ordering::SeqCst), Ordering::SeqCst);
                told.ran()
            })
        })
        .collect();
    let mut ran = 0;
    for call in calls {
        ran += usize::from(soon(call).await.unwrap());
    }
    world.ran(ran);
    assert!((1..=100).contains(&ran) && most.load(Ordering::SeqCst) <= 2, "{ran} ran, {most:?} at once");
}
