//! What operators are told.

use super::*;

const CALLBACK: &str = "https://mcp.example.com:8443/callback/firebase";

fn problems(login: &Firebase) -> Vec<String> {
    login.problems(CALLBACK, true)
}

#[test]
fn a_project_and_a_rule_are_enough() {
    assert_eq!(problems(&Firebase::project(PROJECT).anyone()), Vec::<String>::new());
}

#[test]
fn every_mistake_is_named() {
    let good = || Firebase::project(PROJECT).anyone();
    for (login, word) in [
        (Firebase::project(PROJECT), "whom to admit"),
        (Firebase::project("").anyone(), "project id"),
        (Firebase::project("Example Project").anyone(), "project id"),
        (Firebase::project("a/b").anyone(), "project id"),
        (good().name("My Firebase"), ".name"),
        (good().api_key("AIza\"><"), ".api_key"),
        (good().auth_domain("https://a.example"), ".auth_domain"),
        (good().auth_domain("a.example;x"), ".auth_domain"),
        (good().tenant("a/b"), ".tenant"),
        (good().sign_in_with(Vec::<String>::new()), "nobody"),
        (good().sign_in_with(["google.com", "phone"]), "\"phone\""),
        (good().sign_in_with(["saml."]), "\"saml.\""),
        (good().sdk("http://cdn.example", "12.4.0"), "https URL"),
        (good().sdk("https://cdn.example/a b", "12.4.0"), "https URL"),
        (good().sdk("https://cdn.example/a;b", "12.4.0"), "https URL"),
        (good().sdk("https://cdn.example", "../x"), "version"),
        (good().sdk("https://cdn.example", ""), "version"),
        (good().sdk_integrity("sha384-a", "md5-b"), "sha384"),
        (good().service_account("nobody", "x"), "client_email"),
        (good().service_account("a@b.example", "x"), "cannot be read"),
    ] {
        let problems = problems(&login);
        assert!(problems.len() == 1 && problems[0].contains(word), "{word}: {problems:?}");
    }
    let for_tools = Firebase::project(PROJECT).problems(CALLBACK, false);
    assert!(for_tools.len() == 1 && for_tools[0].contains(".connection"), "{for_tools:?}");
}

#[test]
fn the_console_is_explained() {
    let lines = Firebase::project(PROJECT).console(CALLBACK).join("\n");
    for word in ["mcp.example.com", "Google, Email/Password", "init.json", "Authorized domains", "no service account"] {
        assert!(lines.contains(word), "{word}: {lines}");
    }
    assert!(!lines.contains("8443"));
}
