//! A file that pins what protects what, so that a change of protection shows in review.

use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::Path};

use crate::server::Server;

/// Compares what protects a server's tools with a file beside your `Cargo.toml`, and fails with the difference.
///
/// The first run writes the file; commit it. After a change on purpose run the test with `UPDATE_POLICIES=1` and commit
/// what it wrote. Where `CI` is set a missing file is a failure, too. It reads files when the test runs, so it is for tests
/// only.
///
/// ```no_run
/// # use mcp_runtime::{Server, tools};
/// # fn server() -> Server { Server::builder("notes", "1.0").build().unwrap() }
/// #[test]
/// fn protection_is_reviewed() {
///     mcp_runtime::testing::assert_policies!(server(), "POLICY.md");
/// }
/// ```
///
/// # Panics
/// If the file says something else.
#[macro_export]
macro_rules! assert_policies {
    ($server:expr, $file:expr $(,)?) => {
        $crate::testing::__compare_policies(&$server, ::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", $file))
    };
}

// A hidden macro would have no page, here neither: so it stands in the crate's root as well.
pub use assert_policies;

/// What `assert_policies!` does.
#[doc(hidden)]
#[track_caller]
pub fn __compare_policies(server: &Server, file: &str) {
    let path = Path::new(file);
    let now = server.policy_document();
    let update = env::var_os("UPDATE_POLICIES").is_some_and(|value| value != "0" && !value.is_empty());
    match fs::read_to_string(path) {
        Ok(_) if update => write(path, &now),
        Ok(before) => {
            if let Some(difference) = difference(&before, &now) {
                panic!("{file} says something else than the server does:\n\n{difference}\n{ADVICE}");
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let in_ci = env::var_os("CI").is_some();
            assert!(
                update || !in_ci,
                "{file} is missing: run this test once where `CI` is not set, and commit the file"
            );
            write(path, &now);
        }
        Err(error) => panic!("{file} cannot be read: {error}"),
    }
}

const ADVICE: &str = "If that is what you want, run the test again with UPDATE_POLICIES=1 and commit the file.";

#[track_caller]
fn write(path: &Path, text: &str) {
    if let Err(error) = fs::write(path, text) {
        panic!("{} cannot be written: {error}", path.display());
    }
}

/// The lines that are not in both, `-` what the file says and `+` what the server does; `None` if there are none. How wide
/// columns are is no difference.
fn difference(before: &str, now: &str) -> Option<String> {
    let lines = |text: &str| text.lines().map(squeezed).filter(|line| !is_rule(line)).collect::<Vec<_>>();
    let (before, now) = (lines(before), lines(now));
    if before == now {
        return None;
    }
    let (old, new): (BTreeSet<_>, BTreeSet<_>) = (before.iter().collect(), now.iter().collect());
    let mut text = String::new();
    for (mark, lines, others) in [('-', &before, &new), ('+', &now, &old)] {
        for line in lines.iter().filter(|line| !others.contains(line)) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{mark} {line}");
        }
    }
    if text.is_empty() {
        text.push_str("the same lines, in another order\n");
    }
    Some(text)
}

/// Without the spaces that line columns up.
fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The line below a table's head.
fn is_rule(line: &str) -> bool {
    line.starts_with('|') && line.chars().all(|c| matches!(c, '|' | '-' | ' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_is_compared() {
        let before = "| tool | scopes |\n| ---- | ------ |\n| a    | admin  |\r\n";
        assert_eq!(difference(before, "| tool      | scopes |\n|---|---|\n| a | admin |\n"), None);
        let changed = difference(before, "| tool | scopes |\n| a | |\n| b | x |\n").unwrap();
        assert_eq!(changed, "- | a | admin |\n+ | a | |\n+ | b | x |\n");
        let order = difference("| a | 1 |\n| b | 2 |\n", "| b | 2 |\n| a | 1 |\n").unwrap();
        assert_eq!(order, "the same lines, in another order\n");
    }
}
