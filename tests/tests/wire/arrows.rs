//! Imports go one way: reads every `crate::` path of the runtime and refuses those against the arrows.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// What a room may take from another.
enum Of {
    All(&'static str),
    /// These items and no others: an exception, said aloud.
    Only(&'static str, &'static [&'static str]),
}

use Of::{All, Only};

/// The one rule. Lower rooms know nothing of higher ones.
const ARROWS: [(&str, &[Of]); 15] = [
    ("caught", &[]),
    ("clock", &[]),
    ("guide", &[]),
    ("in_time", &[]),
    ("protocol", &[]),
    ("auth", &[All("clock"), All("protocol")]),
    ("guard", &[All("auth"), All("caught"), All("clock"), All("protocol")]),
    ("tool", &[All("guard"), All("auth"), All("clock"), All("protocol")]),
    // The exceptions: settings are collected by the builder, and the shared HTTP surface asks whose name the server
    // goes by.
    (
        "server",
        &[
            All("tool"),
            All("guard"),
            All("auth"),
            All("caught"),
            All("clock"),
            All("in_time"),
            All("protocol"),
            // Built by the builder, from what it knows.
            All("oauth"),
            Only("http", &["HttpSettings", "Tls"]),
        ],
    ),
    ("store", &[All("clock")]),
    (
        "oauth",
        &[
            All("store"),
            All("http"),
            // What tools are given of other providers' accounts.
            Only("tool", &["CallContext", "Inject", "Requirements", "ToolError"]),
            All("guard"),
            All("auth"),
            All("caught"),
            All("clock"),
            All("in_time"),
            All("protocol"),
        ],
    ),
    ("http", &[Only("auth", &["ClientAddress", "PublicUrl", "WebUrl", "is_loopback_host", "split_port"])]),
    (
        "transport",
        &[
            // Why a server does not start may be its store.
            Only("store", &["StoreError"]),
            All("in_time"),
            All("server"),
            All("oauth"),
            All("http"),
            All("tool"),
            All("guard"),
            All("auth"),
            All("clock"),
            All("protocol"),
        ],
    ),
    (
        "config",
        &[
            // Where a server does not start, `serve` says so.
            All("transport"),
            All("server"),
            All("oauth"),
            All("store"),
            All("http"),
            All("guard"),
            All("auth"),
        ],
    ),
    (
        "testing",
        &[
            All("transport"),
            All("server"),
            All("oauth"),
            All("store"),
            All("http"),
            All("tool"),
            All("guard"),
            All("auth"),
            All("clock"),
            All("protocol"),
        ],
    ),
];

fn is_allowed(from: &str, to: &str, item: &str) -> bool {
    let arrows = ARROWS.iter().find(|(room, _)| *room == from).map_or(&[][..], |(_, arrows)| arrows);
    from == to
        || arrows.iter().any(|arrow| match arrow {
            All(room) => *room == to,
            Only(room, items) => *room == to && items.contains(&item),
        })
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The code without comments and without its tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Every path after `crate::`, its first two names.
fn paths(code: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_none_or(|before| !before.is_alphanumeric() && !"_$:".contains(before)) {
            tree(&code[at + "crate::".len()..], &mut Vec::new(), &mut found);
        }
    }
    found
}

/// Reads one tree of a `use`, or a plain path; returns how much of the text it took.
fn tree(text: &str, prefix: &mut Vec<String>, found: &mut Vec<(String, String)>) -> usize {
    let skipped = text.len() - text.trim_start().len();
    let rest = &text[skipped..];
    if let Some(mut inner) = rest.strip_prefix('{') {
        loop {
            let taken = tree(inner, prefix, found);
            inner = inner[taken..].trim_start();
            match inner.as_bytes().first() {
                Some(b',') => inner = &inner[1..],
                Some(b'}') => return text.len() - inner.len() + 1,
                // The rest of an alias.
                Some(_) => inner = &inner[inner.find([',', '}']).unwrap_or(inner.len())..],
                None => return text.len(),
            }
        }
    }
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*').unwrap_or(rest.len());
    if end == 0 {
        return skipped;
    }
    prefix.push(rest[..end].to_owned());
    let taken = match rest[end..].strip_prefix("::") {
        Some(more) => end + 2 + tree(more, prefix, found),
        None => {
            let item = prefix.get(1).cloned().unwrap_or_default();
            found.push((prefix[0].clone(), item));
            end
        }
    };
    prefix.pop();
    skipped + taken
}

#[test]
fn imports_go_one_way() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mcp-runtime/src");
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    for file in files(&source) {
        let inside = file.strip_prefix(&source).unwrap();
        let name = inside.to_string_lossy().into_owned();
        let room = inside.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned();
        let is_test = name.contains("/tests/") || name.ends_with("tests.rs");
        // The crate's root names all rooms; that is what it is for.
        if room == "lib" || is_test {
            continue;
        }
        assert!(ARROWS.iter().any(|(known, _)| *known == room), "{room} is a new room: say what it may import");
        for (to, item) in paths(&code(&fs::read_to_string(&file).unwrap())) {
            *seen.entry((room.clone(), to.clone())).or_default() += 1;
            if !is_allowed(&room, &to, &item) {
                wrong.push(format!("{name}: {room} -> {to}::{item}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // That there was something to read.
    assert!(seen.contains_key(&("transport".to_owned(), "server".to_owned())), "{seen:?}");
    assert!(seen.len() > 12, "{seen:?}");
}

#[test]
fn paths_are_read_as_rust_reads_them() {
    let pairs = |code: &str| paths(code).into_iter().map(|(room, item)| format!("{room}.{item}")).collect::<Vec<_>>();
    assert_eq!(pairs("use crate::auth::Identity;"), ["auth.Identity"]);
    assert_eq!(
        pairs("use crate::{\n    auth::{Caller, jwt::{A, B as C}},\n    clock::Clock,\n};"),
        ["auth.Caller", "auth.jwt", "auth.jwt", "clock.Clock"]
    );
    assert_eq!(pairs("let x = crate::http::HttpSettings::default();"), ["http.HttpSettings"]);
    assert_eq!(pairs("pub(crate) fn x(y: crate::guard::Denial) -> crate::State { }"), ["guard.Denial", "State."]);
    assert!(!is_allowed("auth", "guard", "Policy") && !is_allowed("http", "server", "Server"));
    assert!(is_allowed("http", "auth", "PublicUrl"));
}
