//! `.observe(…)`: told once of each call, with one word for what came of it, and nothing that is nobody's business.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use mcp_runtime::{
    CallOutcome, DenialStyle, ObservedCall, State, ToolError, ToolSet, Visibility,
    guard::{GuardCx, Refused},
    tool, tools,
};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    client::Call,
    matrix_delivery::{Badges, DELIVERIES, Delivery, Who, anonymous, user},
    raw::{Live, soon},
    world::{Runs, World},
};

/// What must not be seen: an argument, a token, a result.
const SECRET: &str = "hunter2";

/// What the hook was told.
#[derive(Debug, Clone)]
struct Note {
    tool: Option<&'static str>,
    word: &'static str,
    who: Option<String>,
    id: Option<String>,
    ran_for: Option<Duration>,
    has_limit: bool,
    /// Everything that can be seen of both values.
    seen: String,
}

#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<Note>>>);

impl Notes {
    fn take(&self) -> Vec<Note> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn add(&self, call: &ObservedCall<'_>, outcome: &CallOutcome<'_>) {
        self.0.lock().unwrap().push(Note {
            tool: call.tool,
            word: outcome.as_str(),
            who: call.caller.identity().map(|identity| identity.subject().to_owned()),
            id: call.request_id.map(str::to_owned),
            ran_for: call.ran_for,
            has_limit: call.limit.is_some(),
            seen: format!("{call:?} {outcome:?} {:?}", call.caller),
        });
    }
}

/// Ends in many ways.
#[tool(scopes = "a", rate_limit = "50/m", timeout = "2s")]
async fn ends(
    State(runs): State<Runs>,
    #[arg(default)] how: String,
    #[arg(default)] secret: String,
) -> Result<String, ToolError> {
    runs.add();
    match how.as_str() {
        "failed" => Err(ToolError::visible(secret)),
        "broke" => Err(std::io::Error::other(secret))?,
        "panic" => panic!("{secret}"),
        "hang" => pending().await,
        _ => Ok(secret),
    }
}

async fn rule(cx: &GuardCx) -> Result<(), Refused> {
    match cx.identity().map(|who| who.subject()) {
        Some("bob") => Err(Refused::new("no")),
        Some("carol") => cx.state::<u64>().map(drop),
        _ => Ok(()),
    }
}

/// Has a rule, and one call a minute.
#[tool(scopes = "a", guard = rule, rate_limit = "1/m")]
async fn ruled(State(runs): State<Runs>, #[arg(default)] secret: String) -> String {
    runs.add();
    secret
}

/// Names an argument in its scope.
#[tool(scopes = "project:{secret}")]
async fn template(State(runs): State<Runs>, secret: String) {
    runs.add();
    let _ = secret;
}

fn observed(
    tools: impl ToolSet,
    change: impl FnOnce(mcp_runtime::ServerBuilder) -> mcp_runtime::ServerBuilder,
) -> (World, Notes) {
    let notes = Notes::default();
    let told = notes.clone();
    let world =
        World::new(tools, |builder| change(builder.auth(Badges).observe(move |call, outcome| told.add(call, outcome))));
    (world, notes)
}

#[tokio::test(start_paused = true)]
async fn every_call_is_told_once_with_its_word() {
    let ann = || user("ann", "a").through("editor");
    for delivery in DELIVERIES {
        let secret = || json!({"secret": SECRET});
        let how = |how: &str| json!({"secret": SECRET, "how": how});
        #[rustfmt::skip]
        let cases: [(&str, Who, Value, Option<&str>, &str); 15] = [
            ("ends",     ann(),            secret(),          Some("ends"),     "succeeded"),
            ("ends",     ann(),            how("failed"),     Some("ends"),     "failed"),
            ("ends",     ann(),            how("broke"),      Some("ends"),     "broke"),
            ("ends",     ann(),            how("panic"),      Some("ends"),     "broke"),
            ("ends",     ann(),            how("hang"),       Some("ends"),     "timed_out"),
            ("ends",     ann(),            json!({"how": [SECRET]}), Some("ends"), "invalid_arguments"),
            ("ends",     ann(),            json!({"hunter2": 1}), Some("ends"), "invalid_arguments"),
            ("template", user("ann", "project:x"), json!({"secret": "hunter2 "}), Some("template"), "invalid_arguments"),
            ("hunter2",  ann(),            secret(),          None,             "unknown_tool"),
            ("ends",     user("ann", "b"), secret(),          Some("ends"),     "insufficient_scope"),
            ("ends",     anonymous(),      secret(),          Some("ends"),     "unauthenticated"),
            ("ruled",    user("bob", "a"), secret(),          Some("ruled"),    "refused"),
            ("ruled",    user("carol", "a"), secret(),        Some("ruled"),    "unavailable"),
            ("ruled",    ann(),            secret(),          Some("ruled"),    "succeeded"),
            ("ruled",    ann(),            secret(),          Some("ruled"),    "rate_limited"),
        ];
        let (world, notes) = observed(tools![ends, ruled, template], |builder| builder);
        for (tool, who, arguments, expected_tool, word) in cases {
            println!("{delivery:?} {tool} {who:?} {arguments} {word}");
            delivery.call(&world, &who, tool, arguments).await;
            let all = notes.take();
            assert_eq!(all.len(), 1, "told once: {all:?}");
            let note = &all[0];
            assert_eq!(note.word, word, "{note:?}");
            // Where everything of older revisions is refused at once, the name was not looked at.
            if who.token().is_some() || delivery == Delivery::Headers || delivery == Delivery::Memory {
                assert_eq!(note.tool, expected_tool, "{note:?}");
            }
            assert_eq!(note.who.is_some(), who.token().is_some(), "{note:?}");
            assert!(!note.seen.contains(SECRET), "{note:?}");
            assert!(who.token().is_none_or(|token| !note.seen.contains(&token[6..])), "{note:?}");
            let ran = ["succeeded", "failed", "broke", "timed_out"].contains(&word);
            assert_eq!((note.ran_for.is_some(), note.has_limit), (ran, ran), "{note:?}");
            assert!(note.id.as_deref().is_none_or(|id| id == "1"), "{note:?}");
            assert!(!ran || note.id.is_some(), "{note:?}");
        }
    }
}

/// The bearer of a bad token is nobody, and the token is not shown.
#[tokio::test]
async fn a_bad_token_is_told_without_the_token() {
    let (world, notes) = observed(tools![ends], |builder| builder);
    for call in [Call::tool("ends", json!({})), Call::legacy_tool("ends", json!({}))] {
        call.token("badge-hunter2").send(&world).await.unauthenticated(true);
        let all = notes.take();
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!((all[0].word, &all[0].who), ("unauthenticated", &None));
        assert!(!all[0].seen.contains(SECRET), "{all:?}");
    }
}

#[tokio::test]
async fn denials_in_band_and_hidden_tools_are_told_by_their_words() {
    let (world, notes) = observed(tools![crate::world::hello, ends, template], |builder| {
        builder.denial_style(DenialStyle::InBand).visibility(Visibility::Hidden)
    });
    for delivery in DELIVERIES {
        for (tool, who, word) in [
            ("ends", user("bob", ""), "unknown_tool"),
            ("template", user("bob", ""), "unknown_tool"),
            ("ends", anonymous(), "unauthenticated"),
            ("template", user("bob", "project:x"), "insufficient_scope"),
        ] {
            delivery.call(&world, &who, tool, json!({"secret": "y"})).await;
            let all = notes.take();
            assert_eq!(all.iter().map(|note| note.word).collect::<Vec<_>>(), [word], "{delivery:?} {tool} {who:?}");
        }
    }
}

#[tokio::test]
async fn each_message_of_a_batch_is_told() {
    let (world, notes) = observed(tools![ends], |builder| builder);
    let part = |id: u32, how: &str| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "ends", "arguments": {"how": how}}});
    let batch = json!([part(1, ""), part(2, "failed"), part(3, "panic")]).to_string();
    let call = Call::legacy(None, batch);
    call.clone().token(&user("ann", "a").token().unwrap()).send(&world).await;
    let told: Vec<_> = notes.take().into_iter().map(|note| (note.id.unwrap(), note.word)).collect();
    assert_eq!(told, [("1".into(), "succeeded"), ("2".into(), "failed"), ("3".into(), "broke")]);
    world.ran(3);
    // Without a login nothing of it runs, and one refusal is one refusal; also where something is public.
    let (mixed, more) = observed(tools![crate::world::hello, ends], |builder| builder);
    for (world, notes) in [(world, notes), (mixed, more)] {
        let before = world.runs.count();
        call.clone().send(&world).await.unauthenticated(false);
        assert_eq!(notes.take().iter().map(|note| note.word).collect::<Vec<_>>(), ["unauthenticated"]);
        world.ran(before);
    }
}

/// Tells when it was entered, and never ends.
#[tool(scopes = "a")]
async fn waits(State(entered): State<Arc<Notify>>, #[arg(default)] secret: String) {
    entered.notify_one();
    pending::<()>().await;
    drop(secret);
}

#[tokio::test]
async fn a_client_that_goes_away_is_told_as_cancelled() {
    let entered = Arc::new(Notify::new());
    let (world, notes) = observed(tools![waits], |builder| builder.state(entered.clone()));
    let live = Live::start(&world.server).await;
    let mut wire = live.connect().await;
    wire.send(&Call::tool("waits", json!({"secret": SECRET})).token(&user("ann", "a").token().unwrap()).bytes()).await;
    soon(entered.notified()).await;
    assert!(notes.take().is_empty(), "nothing has come of it yet");
    drop(wire);
    let all = soon(async {
        loop {
            let all = notes.take();
            if !all.is_empty() {
                return all;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((all[0].tool, all[0].word, all[0].ran_for.is_some()), (Some("waits"), "cancelled", true));
    assert!(!all[0].seen.contains(SECRET), "{all:?}");
}

#[tokio::test]
async fn a_hook_that_panics_harms_nobody() {
    let world = World::new(tools![ends], |builder| builder.auth(Badges).observe(|_, _| panic!("the hook")));
    for delivery in DELIVERIES {
        for _ in 0..3 {
            assert!(delivery.call(&world, &user("ann", "a"), "ends", json!({})).await.ran());
            assert!(!delivery.call(&world, &user("ann", ""), "ends", json!({})).await.ran());
            assert!(!delivery.call(&world, &anonymous(), "ends", json!({})).await.ran());
        }
    }
    world.ran(12);
}

/// Ids are the client's words: they come as JSON, so that 7 is not "7", and cut.
#[tokio::test]
async fn an_id_is_told_as_it_was_sent_and_no_longer_than_it_may_be() {
    let (world, notes) = observed(tools![ends], |builder| builder);
    let (long, cut) = ("x".repeat(400), format!("\"{}", "x".repeat(63)));
    for (id, expected) in [(json!(7), "7"), (json!("7"), "\"7\""), (json!("a b"), "\"a b\""), (json!(long), &cut)] {
        let body = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "ends"}}).to_string();
        let call = Call::legacy(Some("2025-11-25"), body).token(&user("ann", "a").token().unwrap());
        call.send(&world).await.ok();
        let all = notes.take();
        assert_eq!(all.iter().map(|note| note.id.as_deref().unwrap()).collect::<Vec<_>>(), [expected]);
    }
}
