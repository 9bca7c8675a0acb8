//! The README's table of the authentication guide: every section is there, and links to what is run.

use std::{fs, path::Path};

const README: &str = include_str!("../../README.md");
const GUIDES: &str = include_str!("../../mcp-runtime/src/guide.rs");
/// Runs the commands of a guide.
const RUNS_COMMANDS: &str = include_str!("../../examples/tests/curl_guide.rs");

const SECTIONS: [&str; 14] = [
    "no authentication",
    "identity in a tool",
    "static bearer tokens",
    "the OAuth endpoints",
    "Firebase",
    "Auth0",
    "token validation",
    "token storage and expiry",
    "PKCE",
    "rate limits",
    "unit tests",
    "curl tests",
    "the five common issues",
    "environment variables",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// The cells of the rows below a heading.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, after) = README.split_once(&format!("\n## {heading}\n")).expect("the heading");
    let section = after.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.skip(1).map(|row| row.split(" | ").collect()).collect()
}

/// Where the links of a cell lead.
fn links(cell: &str) -> Vec<&str> {
    cell.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0)).collect()
}

fn is_included(guide: &str, by: &str) -> bool {
    by.contains(&format!("include_str!(\"../../{guide}\")"))
}

/// Whether `tests/run` runs what is there: the code of a guide, or the tests of an example.
fn is_run(link: &str) -> bool {
    let text = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    if link.starts_with("docs/") {
        let has_code = text(&root().join(link)).contains("\n```rust\n");
        return is_included(link, GUIDES) && (has_code || is_included(link, RUNS_COMMANDS));
    }
    let Some(file) = link.strip_prefix("examples/src/bin/") else { return false };
    let has_tests = |path: &Path| ["#[test]", "#[tokio::test]"].iter().any(|mark| text(path).contains(mark));
    let path = root().join(link);
    match file.strip_suffix("/main.rs") {
        // Its tests are in a module, which must be one of its own.
        Some(_) => text(&path).contains("#[cfg(test)]\nmod tests;") && has_tests(&path.with_file_name("tests.rs")),
        None => has_tests(&path),
    }
}

#[test]
fn every_section_links_to_what_is_run() {
    let rows = rows("The authentication guide, section by section");
    let sections: Vec<_> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(sections, SECTIONS);
    for row in rows {
        let found = links(row[2]);
        assert!(!found.is_empty(), "{}: no link", row[0]);
        for link in found {
            assert!(root().join(link).is_file(), "{}: there is no {link}", row[0]);
            assert!(is_run(link), "{}: nothing runs {link}", row[0]);
        }
    }
}

#[test]
fn every_guide_is_listed_and_there() {
    let listed: Vec<_> = rows("Guides").iter().flat_map(|row| links(row[0])).collect();
    let mut files: Vec<_> =
        fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    for file in files {
        let link = format!("docs/{}", file.to_string_lossy());
        assert!(listed.contains(&&*link), "the README does not list {link}");
        assert!(is_included(&link, GUIDES), "{link} is not in guide.rs");
    }
}

#[test]
fn what_nothing_runs_is_seen() {
    assert!(!is_run("docs/nothing.md") && !is_run("examples/src/bin/resource_server.rs") && !is_run("tests/run"));
    assert!(is_run("docs/testing.md") && is_run("examples/src/bin/quickstart/main.rs"));
}
