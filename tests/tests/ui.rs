//! What compiles, and what authors are told when something does not.

use std::{fs, path::Path};

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    cases.compile_fail("ui/fail/*.rs");
}

/// Every text of the macros is shown by a case, so that somebody has read it where it appears.
#[test]
fn every_message_has_a_case() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let seen = shown(&root.join("ui/fail"));
    let source = fs::read_to_string(root.join("../mcp-macros/src/errors.rs")).expect("the texts");
    let texts = texts(&source);
    assert!(texts.len() > 40, "the texts in errors.rs were not found");
    let missing: Vec<_> = texts.iter().filter(|text| !seen.iter().any(|line| contains_in_order(line, text))).collect();
    assert!(missing.is_empty(), "no .stderr shows these texts: {missing:#?}");
}

/// All first lines of errors.
fn shown(folder: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(folder).expect("the cases") {
        let path = entry.expect("a case").path();
        if path.extension().is_some_and(|extension| extension == "stderr") {
            let text = fs::read_to_string(path).expect("a text");
            lines.extend(text.lines().filter_map(|line| line.strip_prefix("error: ")).map(str::to_owned));
        }
    }
    lines
}

/// The string literals of a file, cut where something is filled in.
fn texts(source: &str) -> Vec<Vec<String>> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code: String = code.collect::<Vec<_>>().join("\n");
    let mut texts = Vec::new();
    let mut rest = code.as_str();
    while let Some(start) = rest.find('"') {
        let (literal, after) = literal(&rest[start + 1..]);
        texts.push(fragments(&literal));
        rest = after;
    }
    texts
}

/// One literal without its escapes, and what follows it.
fn literal(code: &str) -> (String, &str) {
    let mut text = String::new();
    let mut chars = code.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (text, &code[at + 1..]),
            '\\' => text.extend(chars.next().map(|(_, escaped)| escaped)),
            c => text.push(c),
        }
    }
    (text, "")
}

fn fragments(text: &str) -> Vec<String> {
    // Doubled braces stand for themselves, and single ones for what is filled in.
    let text = text.replace("{{", "\u{1}").replace("}}", "\u{2}");
    let mut fragments = Vec::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        fragments.push(before.to_owned());
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    fragments.push(rest.to_owned());
    fragments.iter().map(|fragment| fragment.replace('\u{1}', "{").replace('\u{2}', "}")).collect()
}

fn contains_in_order(line: &str, fragments: &[String]) -> bool {
    let mut rest = line;
    fragments.iter().all(|fragment| match rest.find(fragment.as_str()) {
        Some(at) => {
            rest = &rest[at + fragment.len()..];
            true
        }
        None => false,
    })
}
