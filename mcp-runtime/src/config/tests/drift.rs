//! One table, shown in three places.

use std::{env, fs};

use super::super::{help, help::table, variables::VARIABLES};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
const BEGIN: &str =
    "<!-- variables: written by `UPDATE_README=1 cargo test -p mcp-runtime --all-features --lib readme` -->\n";
const END: &str = "<!-- end of variables -->";

#[test]
fn the_readme_shows_the_table() {
    let readme = fs::read_to_string(README).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("README.md has the line that begins the table");
    let (shown, after) = rest.split_once(END).expect("README.md has the line that ends the table");
    if env::var_os("UPDATE_README").is_some_and(|value| value != "0" && !value.is_empty()) {
        fs::write(README, format!("{before}{BEGIN}\n{}\n{END}{after}", table())).unwrap();
    } else {
        assert!(shown.trim() == table().trim(), "README.md shows another table: run this test with UPDATE_README=1");
    }
}

#[test]
fn the_help_names_every_variable_with_its_default() {
    let help = help();
    let words = |text: &str| text.replace('`', "'").split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
    let said = words(&help);
    for variable in VARIABLES {
        let secret = if variable.is_secret() { "  (secret)" } else { "" };
        assert!(help.contains(&format!("\n  {}{secret}\n", variable.name)), "{}", variable.name);
        assert!(said.contains(&words(variable.about)) && said.contains(&words(variable.default)), "{}", variable.name);
    }
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    assert!(!help.contains("not in this program"), "all features are compiled in");
}

#[test]
fn the_table_is_in_order() {
    let mut names: Vec<_> = VARIABLES.iter().map(|variable| variable.name).collect();
    for variable in VARIABLES {
        assert!(!variable.about.is_empty() && !variable.about.ends_with('.'), "{}", variable.name);
        assert!(!variable.name.ends_with("_FILE"), "{}", variable.name);
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), VARIABLES.len());
}
