//! A hundred thousand bodies that nobody would write: every one gets a well-formed answer, and none runs a tool that
//! a second reading of the message does not allow.

use serde_json::{Value, json};

use crate::{
    client::{Answer, Call, MODERN, meta},
    oracle::{Frame, Token, allowed},
    world::World,
};

const ROUNDS: u32 = 30_000;

/// xorshift64*: the same bodies every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 32).unwrap() % end.max(1)
    }

    fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }
}

const FRAGMENTS: [&str; 40] = [
    "null",
    "true",
    "{}",
    "[]",
    "\"\"",
    "0",
    "-1",
    "1e999",
    "99999999999999999999999999",
    "1.5",
    "-0",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\"id\":1,",
    "\"id\":null,",
    "\"method\":\"tools/call\",",
    "\"method\":\"tools/list\",",
    "\"params\":{},",
    "\"name\":\"whoami\",",
    "\"name\":\"vault\",",
    "\"arguments\":{},",
    "\"text\":\"y\",",
    "\"result\":{},",
    "\"error\":{},",
    "\"_meta\":{},",
    "\"count\":9,",
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    "/",
    "\u{0}",
    "\u{feff}",
    "\u{10ffff}",
    "\"n\\u0061me\":\"whoami\",",
    "\"jsonrpc\":\"2.0\",",
];

/// Bodies to begin with; the first two are calls.
fn seeds(modern: bool) -> Vec<String> {
    let message = |method: &str, mut params: Value| {
        if modern {
            params["_meta"] = meta();
        }
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
    };
    let vault = message("tools/call", json!({"name": "vault", "arguments": {"text": "x", "count": 2}}));
    let whoami = message("tools/call", json!({"name": "whoami"}));
    let mut seeds = vec![
        vault.clone(),
        whoami.clone(),
        vault.replace("\"id\":1", "\"id\":\"\\u0031\""),
        message("tools/list", json!({"cursor": "page-1"})),
        message("server/discover", json!({})),
        message("subscriptions/listen", json!({"notifications": {"resourceSubscriptions": ["x"]}})),
        message("initialize", json!({"protocolVersion": "2025-11-25"})),
        message("ping", json!({})),
        format!("[{vault},{whoami}]"),
        format!("[{whoami},{{}},7,{vault}]"),
    ];
    seeds.push(format!("[{}]", vec![whoami; 51].join(",")));
    seeds
}

fn mutate(random: &mut Random, body: &mut Vec<u8>) {
    let at = random.below(body.len() + 1);
    match random.below(12) {
        0 => body.truncate(at),
        1 if at < body.len() => body[at] ^= 1 << random.below(8),
        2 if at < body.len() => body[at] = random.next().to_le_bytes()[0],
        3 => {
            let end = at + random.below(body.len() - at + 1).min(40);
            body.drain(at..end);
        }
        4 => {
            let piece = body[at..].iter().take(random.below(60)).copied().collect::<Vec<_>>();
            let to = random.below(body.len() + 1);
            body.splice(to..to, piece);
        }
        // A half character, or a byte that is never one.
        5 => drop(body.splice(at..at, [[0xc3, 0x28], [0xff, 0xfe], [0xe2, 0x82], [0xf0, 0x9f]][random.below(4)])),
        6 => {
            let (open, close) = [("[", "]"), ("{\"a\":", "}")][random.below(2)];
            let depth = [3, 130, 1000][random.below(3)];
            let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            body.splice(at..at, deep.into_bytes());
        }
        7 => {
            let number = format!("{}e{}", random.next(), random.next());
            body.splice(at..at, number.into_bytes());
        }
        // A fragment where one may stand: after an opening brace, or instead of a value.
        8 | 9 => {
            let marks: Vec<usize> = (0..body.len()).filter(|&at| b"{[:,".contains(&body[at])).collect();
            if let Some(&mark) = marks.get(random.below(marks.len())) {
                let fragment = random.pick(&FRAGMENTS);
                body.splice(mark + 1..mark + 1, fragment.bytes());
            }
        }
        10 => {
            let marks: Vec<usize> =
                (0..body.len()).filter(|&at| body[at].is_ascii_digit() || body[at] == b'"').collect();
            if let Some(&mark) = marks.get(random.below(marks.len())) {
                body.splice(mark..=mark, random.pick(&FRAGMENTS).bytes());
            }
        }
        _ => drop(body.splice(at..at, random.pick(&FRAGMENTS).bytes())),
    }
}

/// One response of JSON-RPC.
fn is_response(json: &Value) -> bool {
    let Some(object) = json.as_object() else { return false };
    let id = object.get("id").is_none_or(|id| id.is_string() || id.is_number());
    let error = object.get("error").is_none_or(|error| error["code"].is_i64() && error["message"].is_string());
    let result = object.get("result").is_none_or(Value::is_object);
    let one = object.contains_key("result") != object.contains_key("error");
    // A result always answers something.
    let answers = !object.contains_key("result") || object.contains_key("id");
    object["jsonrpc"] == "2.0" && id && error && result && one && answers
}

fn is_well_formed(answer: &Answer) -> bool {
    if answer.status == 202 {
        return answer.body.is_empty();
    }
    match answer.json() {
        Value::Array(parts) => answer.status == 200 && !parts.is_empty() && parts.iter().all(is_response),
        json => matches!(answer.status, 200 | 400 | 401 | 403 | 404) && is_response(&json),
    }
}

/// How many calls the answer says have succeeded.
fn successes(answer: &Answer) -> usize {
    if answer.status != 200 {
        return 0;
    }
    let called = |json: &Value| json["result"]["content"].is_array() && json["result"]["isError"] != true;
    match answer.json() {
        Value::Array(parts) => parts.iter().filter(|part| called(part)).count(),
        json => usize::from(called(&json)),
    }
}

async fn attack(revision: Option<&'static str>, seed: u64) {
    let world =
        World::new(crate::lists::protected(), |builder| builder.no_default_rate_limit().no_address_rate_limit());
    let (poor, full) = (world.plain("mallory"), world.full("alice"));
    let mut random = Random(seed);
    let modern = revision == Some(MODERN);
    let seeds = seeds(modern);
    let (mut ran, mut refused) = (0, 0);
    for round in 0..ROUNDS {
        let start = if random.below(2) == 0 { random.below(2) } else { random.below(seeds.len()) };
        let mut body = seeds[start].clone().into_bytes();
        if random.below(32) == 0 {
            body = (0..random.below(200)).map(|_| random.next().to_le_bytes()[0]).collect();
        }
        for _ in 0..random.below(4) {
            mutate(&mut random, &mut body);
        }
        let token = [Token::Full, Token::Full, Token::Full, Token::Poor, Token::None][random.below(5)];
        let method =
            if random.below(8) > 0 { "tools/call" } else { random.pick(&["tools/list", "server/discover", "x"]) };
        let name =
            if random.below(8) > 0 { ["vault", "whoami"][start % 2] } else { random.pick(&["vault", "whoami", "x"]) };
        let frame = Frame { revision, method, name, token };
        let mut call = Call::legacy(revision, body.clone());
        if modern {
            call = call.header("Mcp-Method", method).header("Mcp-Name", name);
        }
        call = match token {
            Token::None => call,
            Token::Poor => call.token(&poor),
            Token::Full => call.token(&full),
        };
        let response = call.open(&world.router).await;
        let shown = || format!("round {round}, {frame:?}: {}", String::from_utf8_lossy(&body));
        if response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream") {
            assert_eq!(response.status(), 200, "{}", shown());
            assert_eq!(world.runs.count(), ran, "{}", shown());
            continue;
        }
        let answer = read(response).await;
        assert!(is_well_formed(&answer), "{}: {answer:?}", shown());
        let now = world.runs.count() - ran;
        assert!(now <= allowed(frame, &body), "{} ran: {answer:?}", shown());
        assert_eq!(successes(&answer), now, "{}: {answer:?}", shown());
        ran += now;
        refused += usize::from(now == 0);
    }
    // Neither side is empty.
    assert!(ran > 1_000 && refused > 10_000, "{ran} ran, {refused} were refused");
}

async fn read(response: http::Response<axum::body::Body>) -> Answer {
    let (parts, body) = response.into_parts();
    let body = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes().to_vec();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

#[tokio::test]
async fn stateless_messages() {
    attack(Some(MODERN), 0x9E37_79B9_7F4A_7C15).await;
}

#[tokio::test]
async fn messages_of_the_newest_handshake() {
    attack(Some("2025-11-25"), 0xD1B5_4A32_D192_ED03).await;
}

#[tokio::test]
async fn messages_and_batches_of_the_oldest() {
    attack(Some("2025-03-26"), 0x8CB9_2BA7_2F3D_8DD7).await;
}

#[tokio::test]
async fn messages_that_name_no_revision() {
    attack(None, 0xABC9_8388_FB8F_AC03).await;
}
