//! A program may compile in both of jsonwebtoken's crypto providers, and jsonwebtoken then panics unless one is chosen.

use std::{path::Path, process::Command};

/// In a crate of its own, because features of a workspace are shared.
#[test]
#[ignore = "builds a crate of its own, which takes minutes"]
fn a_jwt_server_works_with_both_crypto_providers_compiled_in() {
    assert_eq!(run(&[]), "both providers: a good token is taken, a bad one is not");
    assert_eq!(run(&["--", "too-late"]), "too late: an error says what to do");
}

fn run(arguments: &[&str]) -> String {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--manifest-path"]).arg(here.join("providers/Cargo.toml"));
    // What the workspace has built already, of the same features, is used again.
    cargo.arg("--target-dir").arg(here.join("../target")).args(arguments);
    let output = cargo.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}
