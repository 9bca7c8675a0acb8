//! The author's own rules: asked once, before the body, and never taken for a yes when they do not say so.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use mcp_runtime::{
    Identity, State, ToolSet,
    guard::{GuardCx, Refused},
    tool, tools,
};
use serde_json::{Value, json};

use crate::{
    client::Call,
    matrix_delivery::{
        Badges, DELIVERIES, Delivery,
        Outcome::{Full, Login, Needs, Refused as No, Runs as Ran, Spent, Undecided, Wrong},
        Who, anonymous, user,
    },
    raw::Live,
    world::{Runs, World},
};

/// Counts how often a rule is asked.
#[derive(Clone, Default)]
struct Asked(Arc<AtomicUsize>);

impl Asked {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// What must stay in the log.
const SECRET: &str = "postgres://admin:hunter2@db.internal";

#[derive(Debug)]
struct DatabaseError;

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SECRET)
    }
}

impl std::error::Error for DatabaseError {}

fn database(answers: bool) -> Result<(), DatabaseError> {
    if answers { Ok(()) } else { Err(DatabaseError) }
}

fn asked(cx: &GuardCx) -> Result<(), Refused> {
    cx.state::<Asked>()?.0.fetch_add(1, Ordering::SeqCst);
    Ok(())
}

async fn never_bob(cx: &GuardCx) -> Result<(), Refused> {
    asked(cx)?;
    assert_eq!(cx.tool(), if cx.tool() == "of_anybody" { "of_anybody" } else { "of_caller" });
    match cx.identity().map(Identity::subject) {
        Some("bob") => Err(Refused::new("bob must not")),
        Some("carol") => Ok(database(false)?),
        Some("dave") => panic!("{SECRET}"),
        Some("eve") => std::future::pending().await,
        _ => Ok(()),
    }
}

async fn opens(cx: &GuardCx, pin: &str) -> Result<(), Refused> {
    asked(cx)?;
    match pin {
        "1234" => Ok(()),
        "error" => Ok(database(false)?),
        "panic" => panic!("{SECRET}"),
        "hang" => std::future::pending().await,
        _ => Err(Refused::new("a wrong number")),
    }
}

async fn without_state(cx: &GuardCx) -> Result<(), Refused> {
    cx.state::<u64>().map(drop)
}

/// A rule about the caller.
#[tool(guard = never_bob, scopes = "a", timeout = "5s")]
async fn of_caller(State(runs): State<Runs>, #[arg(default)] text: String) -> String {
    runs.add();
    text
}

/// The same for anybody.
#[tool(public, guard = never_bob)]
async fn of_anybody(who: Option<Identity>, State(runs): State<Runs>) -> String {
    runs.add();
    who.map_or("nobody".to_owned(), |who| who.subject().to_owned())
}

/// A rule about an argument.
#[tool(guard = opens(pin), scopes = "a", rate_limit = "2/m", timeout = "5s")]
async fn safe(State(runs): State<Runs>, pin: String) {
    runs.add();
    assert_eq!(pin, "1234");
}

/// A rule that needs what the server has not.
#[tool(guard = without_state)]
async fn stateless(State(runs): State<Runs>) {
    runs.add();
}

fn with(asked: &Asked, tools: impl ToolSet) -> World {
    World::new(tools, |builder| builder.auth(Badges).state(asked.clone()))
}

fn world() -> (World, Asked) {
    let asked = Asked::default();
    let world = with(&asked, tools![of_caller, of_anybody, safe, stateless]);
    (world, asked)
}

fn holder(subject: &str) -> Who {
    user(subject, "a")
}

#[tokio::test(start_paused = true)]
async fn a_rule_is_asked_once_wherever_rights_suffice_and_arguments_can_be_read() {
    let wrong = "invalid argument";
    for delivery in DELIVERIES {
        #[rustfmt::skip]
        let cases = [
            // tool        caller             arguments               comes of it                 asked
            ("of_caller",  holder("ann"),     json!({}),              Ran,                        1),
            ("of_caller",  holder("ann"),     json!({"text": 7}),     Wrong(wrong),               1),
            ("of_caller",  holder("ann"),     json!({"extra": 7}),    Wrong(wrong),               1),
            ("of_caller",  holder("bob"),     json!({}),              No("bob must not"),         1),
            ("of_caller",  holder("bob"),     json!({"text": 7}),     No("bob must not"),         1),
            ("of_caller",  holder("carol"),   json!({}),              Undecided,                  1),
            ("of_caller",  holder("dave"),    json!({}),              Undecided,                  1),
            ("of_caller",  holder("eve"),     json!({}),              Undecided,                  1),
            ("of_caller",  user("ann", "b"),  json!({}),              Needs("a"),                 0),
            ("of_caller",  anonymous(),       json!({}),              Login("a"),                 0),
            ("of_anybody", anonymous(),       json!({}),              Ran,                        1),
            ("of_anybody", user("ann", ""),   json!({}),              Ran,                        1),
            ("of_anybody", user("bob", ""),   json!({}),              No("bob must not"),         1),
            ("safe",       holder("ann"),     json!({"pin": "1234"}), Ran,                        1),
            ("safe",       holder("ann"),     json!({"pin": "1235"}), No("a wrong number"),       1),
            ("safe",       holder("ann"),     json!({"pin": "error"}), Undecided,                 1),
            ("safe",       holder("ann"),     json!({"pin": "panic"}), Undecided,                 1),
            ("safe",       holder("ann"),     json!({"pin": "hang"}), Undecided,                  1),
            ("safe",       holder("ann"),     json!({"pin": 1234}),   Wrong(wrong),               0),
            ("safe",       user("ann", ""),   json!({"pin": "1234"}), Needs("a"),                 0),
            ("safe",       anonymous(),       json!({"pin": "1234"}), Login("a"),                 0),
            ("stateless",  holder("ann"),     json!({}),              Undecided,                  0),
        ];
        for (tool, who, arguments, outcome, times) in cases {
            let (world, asked) = world();
            println!("{delivery:?} {tool} {who:?} {arguments} {outcome:?}");
            let told = delivery.call(&world, &who, tool, arguments).await;
            told.is(outcome);
            assert!(!told.text().contains("hunter2"), "{}", told.text());
            world.ran(usize::from(outcome == Ran));
            assert_eq!(asked.count(), times, "how often the rule was asked");
        }
    }
}

#[tokio::test]
async fn an_anonymous_caller_that_a_rule_lets_through_is_nobody() {
    let (world, _) = world();
    for delivery in DELIVERIES {
        let told = delivery.call(&world, &anonymous(), "of_anybody", json!({})).await;
        assert_eq!(told.result()["content"][0]["text"], "nobody");
    }
}

/// The tool's own two calls a minute are for those whom the rule lets through.
#[tokio::test]
async fn what_a_rule_refuses_costs_nothing_of_the_tools_quota() {
    for delivery in DELIVERIES {
        let (world, _) = world();
        let call = async |pin: &str| delivery.call(&world, &holder("ann"), "safe", json!({"pin": pin})).await;
        for pin in ["0", "1", "error", "panic", "2", "3"] {
            assert!(!call(pin).await.ran());
        }
        call("1234").await.is(Ran);
        call("0").await.is(No("a wrong number"));
        call("1234").await.is(Ran);
        call("1234").await.is(Spent("2/m"));
        world.ran(2);
    }
}

#[tokio::test]
async fn over_the_limit_a_rule_is_not_asked() {
    for delivery in DELIVERIES {
        let (world, asked) = world();
        for _ in 0..2 {
            delivery.call(&world, &holder("ann"), "safe", json!({"pin": "1234"})).await.is(Ran);
        }
        for pin in ["1234", "0"] {
            delivery.call(&world, &holder("ann"), "safe", json!({"pin": pin})).await.is(Spent("2/m"));
        }
        assert_eq!(asked.count(), 2);
    }
}

/// Each refusal is paid for with the general quota; when that is spent, a right guess is worth no more than a wrong one.
#[tokio::test]
async fn a_rule_cannot_be_guessed_at_for_ever() {
    for delivery in DELIVERIES {
        let asked = Asked::default();
        let world = World::new(tools![safe, of_caller], |builder| {
            builder.auth(Badges).state(asked.clone()).default_rate_limit("5/m")
        });
        let guess = async |pin: Value| delivery.call(&world, &holder("ann"), "safe", json!({"pin": pin})).await;
        // Each batch begins with a message that costs one as well.
        let guesses = if delivery == Delivery::Batch { 2 } else { 5 };
        for number in 0..guesses {
            guess(json!(number.to_string())).await.is(No("a wrong number"));
        }
        guess(json!("9999")).await.is(Spent("5/m"));
        guess(json!("1234")).await.is(Spent("5/m"));
        world.ran(0);
        // Others may go on.
        delivery.call(&world, &holder("bob"), "safe", json!({"pin": "1234"})).await.is(Ran);
        world.clock.advance(Duration::from_secs(64));
        guess(json!("1234")).await.is(Ran);
    }
}

/// The same for the rule about the caller alone.
#[tokio::test]
async fn a_rule_that_refuses_a_caller_is_not_asked_for_ever() {
    for delivery in DELIVERIES {
        let asked = Asked::default();
        let world = World::new(tools![of_caller], |builder| {
            builder.auth(Badges).state(asked.clone()).default_rate_limit("5/m")
        });
        let call = async || delivery.call(&world, &holder("bob"), "of_caller", json!({})).await;
        let refusals = if delivery == Delivery::Batch { 2 } else { 5 };
        for _ in 0..refusals {
            call().await.is(No("bob must not"));
        }
        for _ in 0..5 {
            call().await.is(Spent("5/m"));
        }
        assert_eq!(asked.count(), refusals, "the rule was asked though its answer was paid for no more");
        world.ran(0);
    }
}

#[tokio::test]
async fn a_rule_about_the_caller_is_asked_before_the_body_is_read() {
    let (world, asked) = world();
    let live = Live::start(&world.server).await;
    let call = Call::tool("of_caller", json!({})).token(&holder("bob").token().unwrap());
    for length in [100, 1_000_000] {
        let mut wire = live.connect().await;
        wire.send(&call.head(length)).await;
        let answer = wire.answer().await;
        let error = answer.error(403, 403);
        assert_eq!((&error["error"]["data"]["reason"], error.get("id")), (&json!("refused"), None), "{error}");
        answer.has_no("www-authenticate");
    }
    let call = Call::tool("of_caller", json!({})).token(&holder("carol").token().unwrap());
    let mut wire = live.connect().await;
    wire.send(&call.head(1_000_000)).await;
    wire.answer().await.error(503, 503);
    assert_eq!(asked.count(), 3);
    world.ran(0);
}

#[tokio::test]
async fn what_the_headers_say_is_asked_about_and_what_the_body_says_must_be_the_same() {
    let (world, asked) = world();
    // Dave's rule panics; the header names a tool that lets dave through.
    let body = Call::tool("of_caller", json!({})).body;
    let call = Call::around("safe", body).token(&holder("dave").token().unwrap());
    call.send(&world).await.error(400, -32020);
    world.ran(0);
    assert_eq!(asked.count(), 0);
}

#[tokio::test]
async fn no_number_of_messages_in_a_batch_gets_around_a_rule() {
    let (world, asked) = world();
    let part = |id: usize, pin: &str| {
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": {"name": "safe", "arguments": {"pin": pin}}})
    };
    let batch = json!([part(1, "0"), part(2, "1234"), part(3, "1"), part(4, "1234"), part(5, "1234")]).to_string();
    let answer = Call::legacy(None, batch).token(&holder("ann").token().unwrap()).send(&world).await.json();
    let codes: Vec<_> = answer.as_array().unwrap().iter().map(|part| part["error"]["code"].as_i64()).collect();
    assert_eq!(codes, [Some(403), None, Some(403), None, Some(429)], "{answer}");
    world.ran(2);
    assert_eq!(asked.count(), 4);
}

/// Two at once, one of them for each caller.
#[tool(guard = waits_for(gate), scopes = "a", concurrency = 2, rate_limit = "9/m")]
async fn narrow(State(runs): State<Runs>, State(gates): State<Gates>, gate: String) {
    runs.add();
    gates.body.notified().await;
    drop(gate);
}

#[derive(Clone, Default)]
struct Gates {
    rule: Arc<tokio::sync::Notify>,
    body: Arc<tokio::sync::Notify>,
    waiting: Arc<AtomicUsize>,
}

async fn waits_for(cx: &GuardCx, _gate: &str) -> Result<(), Refused> {
    let gates = cx.state::<Gates>()?;
    gates.waiting.fetch_add(1, Ordering::SeqCst);
    gates.rule.notified().await;
    Ok(())
}

/// While rules think nothing is held; the slot and the quota are taken together when they have said yes.
#[tokio::test]
async fn several_calls_may_be_asked_about_and_only_as_many_run_as_there_are_slots() {
    let gates = Gates::default();
    let world = Arc::new(World::new(tools![narrow], |builder| builder.auth(Badges).state(gates.clone())));
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(
                async move { Delivery::Headers.call(&world, &holder("ann"), "narrow", json!({"gate": "x"})).await },
            )
        })
        .collect();
    crate::raw::soon(async {
        while gates.waiting.load(Ordering::SeqCst) < 3 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    world.ran(0);
    for _ in 0..3 {
        gates.rule.notify_one();
        tokio::task::yield_now().await;
    }
    gates.rule.notify_waiters();
    crate::raw::soon(async {
        while world.runs.count() < 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    gates.body.notify_one();
    let mut ran = 0;
    for call in calls {
        let told = crate::raw::soon(call).await.unwrap();
        ran += usize::from(told.ran());
        if !told.ran() {
            told.is(Full);
        }
    }
    assert_eq!(ran, 1);
    world.ran(1);
}

/// Guesses are paid for before the rule is asked, so that all at once they buy no more than one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_at_the_same_moment_are_not_asked_on_credit() {
    let asked = Asked::default();
    let world = World::new(tools![door], |builder| builder.default_rate_limit("5/m").state(asked.clone()));
    let token = world.plain("mallory");
    let guesses: Vec<_> = (0..200)
        .map(|pin| {
            let (router, token) = (world.router.clone(), token.clone());
            tokio::spawn(
                async move { Call::tool("door", json!({"pin": pin})).token(&token).send_to(&router).await.status },
            )
        })
        .collect();
    let mut refused = 0;
    for guess in guesses {
        refused += usize::from(guess.await.unwrap() == 403);
    }
    assert_eq!((asked.count(), refused), (5, 5));
    world.ran(0);
}

/// What the rule says yes to costs nothing of what guesses cost.
#[tokio::test]
async fn a_yes_is_given_back() {
    let asked = Asked::default();
    let world = World::new(tools![door], |builder| builder.default_rate_limit("5/m").state(asked.clone()));
    let call = |pin: u32| Call::tool("door", json!({"pin": pin})).token(&world.plain("alice"));
    for runs in 1..=20 {
        call(1234).send(&world).await.ok();
        world.ran(runs);
    }
    for _ in 0..5 {
        assert_eq!(call(1).send(&world).await.status, 403);
    }
    assert_eq!(call(1234).send(&world).await.status, 429);
    assert_eq!(asked.count(), 25);
}

async fn knows_the_pin(cx: &GuardCx, pin: &u32) -> Result<(), Refused> {
    asked(cx)?;
    tokio::task::yield_now().await;
    if *pin == 1234 { Ok(()) } else { Err(Refused::new("another pin")) }
}

/// Opens for those who know.
#[tool(rate_limit = "1000/m", guard = knows_the_pin(pin))]
async fn door(State(runs): State<Runs>, pin: u32) -> String {
    runs.add();
    pin.to_string()
}
