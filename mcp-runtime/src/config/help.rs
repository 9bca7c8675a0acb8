//! The table of variables, for people.

use std::fmt::Write;

use super::variables::{Group, VARIABLES, Variable};

const WIDTH: usize = 100;
const INDENT: &str = "      ";

/// What `--help` says of all variables: their names, what each is for, and what holds without it.
///
/// ```
/// let help = mcp_runtime::config::help();
/// assert!(help.contains("MCP_PUBLIC_URL") && help.contains("_FILE"));
/// ```
#[must_use]
pub fn help() -> String {
    let mut text =
        "Environment variables. NAME_FILE names a file that holds the value of NAME, for all but paths.\n".to_owned();
    for group in Group::ALL {
        let _ = write!(text, "\n{}{}\n", group.title(), lacking(group));
        for variable in VARIABLES.iter().filter(|variable| variable.group == group) {
            let _ = writeln!(text, "  {}{}", variable.name, if variable.is_secret() { "  (secret)" } else { "" });
            wrap(&mut text, &explained(variable).replace('`', "'"));
        }
    }
    text
}

fn lacking(group: Group) -> String {
    if group.is_compiled_in() {
        return String::new();
    }
    format!(" (not in this program: it was compiled without the feature {})", group.features().join(" or "))
}

fn explained(variable: &Variable) -> String {
    match variable.default {
        "" => variable.about.to_owned(),
        default => format!("{}. Default: {default}", variable.about),
    }
}

fn wrap(text: &mut String, words: &str) {
    let mut line = String::new();
    for word in words.split(' ') {
        if !line.is_empty() && INDENT.len() + line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(text, "{INDENT}{line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(text, "{INDENT}{line}");
}

/// The same as a Markdown table, which the README shows.
#[cfg(test)]
pub(super) fn table() -> String {
    let mut text = "| variable | what it says | default | feature |\n|---|---|---|---|\n".to_owned();
    for variable in VARIABLES {
        let secret = if variable.is_secret() { " (secret)" } else { "" };
        let features: Vec<_> = variable.group.features().iter().map(|feature| format!("`{feature}`")).collect();
        let cells = [variable.about, variable.default].map(|cell| cell.replace('|', "\\|"));
        let [about, default] = cells;
        let _ = writeln!(text, "| `{}`{secret} | {about} | {default} | {} |", variable.name, features.join(", "));
    }
    text
}
