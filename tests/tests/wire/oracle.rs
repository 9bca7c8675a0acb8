//! A second, slow reading of messages: which bodies may lead to a call at all.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::client::MODERN;

/// What came with the body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    /// `None` if there is no header.
    pub(crate) revision: Option<&'a str>,
    /// What the headers of a stateless request say.
    pub(crate) method: &'a str,
    pub(crate) name: &'a str,
    /// Whether there is a token, and whether it opens the vault.
    pub(crate) token: Token,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    None,
    Poor,
    Full,
}

/// How many bodies of tools this request may run.
pub(crate) fn allowed(frame: Frame<'_>, body: &[u8]) -> usize {
    let Ok(text) = std::str::from_utf8(body) else { return 0 };
    if frame.token == Token::None {
        return 0;
    }
    let batches = matches!(frame.revision, None | Some("2025-03-26"));
    if batches && text.trim_ascii_start().starts_with('[') {
        let parts: Vec<Box<RawValue>> = serde_json::from_str(text).unwrap_or_default();
        let fits = (1..=50).contains(&parts.len());
        return if fits { parts.iter().filter(|part| is_call(frame, part.get())).count() } else { 0 };
    }
    usize::from(is_call(frame, text))
}

/// The members of an object, all of them, in order.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

impl Members {
    fn of(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// A member that stands exactly once.
    fn one(&self, name: &str) -> Option<&str> {
        let mut all = self.0.iter().filter(|(key, _)| key == name);
        let first = all.next()?;
        all.next().is_none().then(|| first.1.get())
    }

    /// A member that stands once or never.
    fn at_most_one(&self, name: &str) -> bool {
        self.0.iter().filter(|(key, _)| key == name).count() <= 1
    }

    fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.one(name)?).ok()
    }
}

fn is_call(frame: Frame<'_>, text: &str) -> bool {
    call(frame, text).unwrap_or(false)
}

fn call(frame: Frame<'_>, text: &str) -> Option<bool> {
    let message = Members::of(text)?;
    let id = message.one("id")?;
    let integer = id.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
    let good = message.text("jsonrpc")? == "2.0"
        && message.text("method")? == "tools/call"
        && (integer || message.text("id").is_some())
        && !message.has("result")
        && !message.has("error");
    let params = Members::of(message.one("params")?)?;
    let name = params.text("name")?;
    let meta = match params.one("_meta") {
        Some(meta) => Some(Members::of(meta)?),
        None => None,
    };
    let version = meta.as_ref().and_then(|meta| meta.text("io.modelcontextprotocol/protocolVersion"));
    let framed = if frame.revision == Some(MODERN) {
        let capabilities = meta.as_ref()?.one("io.modelcontextprotocol/clientCapabilities")?;
        Members::of(capabilities)?;
        version.as_deref() == Some(MODERN) && frame.method == "tools/call" && frame.name == name
    } else {
        version.is_none_or(|version| frame.revision == Some(version.as_str()))
    };
    let arguments = match params.one("arguments") {
        Some(arguments) => Members::of(arguments)?,
        None => Members(Vec::new()),
    };
    let fits = match name.as_str() {
        "whoami" => arguments.0.is_empty(),
        "vault" => {
            let known = arguments.0.iter().all(|(key, _)| key == "text" || key == "count");
            let count = arguments.one("count").is_none_or(|count| serde_json::from_str::<Option<u32>>(count).is_ok());
            frame.token == Token::Full
                && known
                && count
                && arguments.text("text").is_some()
                && arguments.at_most_one("count")
        }
        _ => false,
    };
    let once = params.at_most_one("arguments") && params.at_most_one("_meta");
    Some(good && framed && fits && once)
}

#[test]
fn the_oracle_tells_good_from_bad() {
    let frame = Frame { revision: None, method: "", name: "", token: Token::Full };
    let good = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"vault","arguments":{"text":"x"}}}"#;
    assert_eq!(allowed(frame, good.as_bytes()), 1);
    assert_eq!(allowed(frame, format!("[{good},{good}]").as_bytes()), 2);
    assert_eq!(allowed(Frame { token: Token::Poor, ..frame }, good.as_bytes()), 0);
    assert_eq!(allowed(Frame { revision: Some(MODERN), ..frame }, good.as_bytes()), 0);
    for (from, to) in [
        ("\"x\"", "7"),
        ("\"id\":1", "\"id\":null"),
        ("\"id\":1", "\"id\":1,\"id\":1"),
        ("text", "more"),
        ("2.0", "1.0"),
    ] {
        assert_eq!(allowed(frame, good.replace(from, to).as_bytes()), 0, "{to}");
    }
}
