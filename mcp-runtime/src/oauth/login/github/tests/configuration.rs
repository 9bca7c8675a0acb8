//! What is wrong with a configuration, and what to type in.

use std::time::Duration;

use super::{super::GitHub, CALLBACK, SECRET};
use crate::{
    Server,
    oauth::{AuthorizationServer, LoginProvider, StoreKey, login::federated::FederatedLogin},
    store::MemoryStore,
};

fn app() -> GitHub {
    GitHub::app("Iv1.app", SECRET)
}

fn many() -> GitHub {
    (0..31).fold(app(), |github, number| github.organization(format!("acme{number}")))
}

#[test]
fn what_is_right() {
    for github in [
        app().anyone(),
        app().organization("Acme-Inc"),
        app().organization("acme").team("Acme", "Site-Ops", ["admin"]),
        app().email_domains(["example.com"]).tools_may("repo:status", "Commit statuses"),
        app().subjects(["583231"]).enterprise("https://github.example.com/"),
    ] {
        assert_eq!(github.problems(CALLBACK, true), Vec::<String>::new(), "{github:?}");
    }
    assert_eq!(app().problems(CALLBACK, false), Vec::<String>::new(), "nobody logs in with it");
}

#[test]
fn what_is_wrong_is_all_said() {
    for (github, part) in [
        (app(), "whom to admit"),
        (app().team("acme", "ops", ["admin"]), "whom to admit"),
        (app().grants_all_scopes(), "whom to admit"),
        (GitHub::app("", SECRET).anyone(), "client id"),
        (GitHub::app("Iv1.app", " ").anyone(), "client secret"),
        (app().anyone().enterprise("github.example.com"), "no URL"),
        (app().anyone().enterprise("http://github.example.com"), "must be https"),
        (app().organization("Acme Inc"), "`acme inc` is no organisation"),
        (app().claim("organizations", "Acme"), "in lower case"),
        (app().anyone().team("acme", "Site Ops", ["a"]), "`acme/site ops` is no team"),
        (app().anyone().grants_to("teams", "ops", ["a"]), "`ops` is no team"),
        (app().anyone().tools_may("re po", "Repositories"), "`re po` is no scope"),
        (many(), "more than 30"),
    ] {
        let problems = github.problems(CALLBACK, true);
        assert!(problems.len() == 1 && problems[0].contains(part), "{part}: {problems:?}");
        assert!(!problems[0].contains(SECRET));
    }
    let all = GitHub::app("", "").enterprise("x").organization("/").tools_may("", "").problems(CALLBACK, true);
    assert_eq!(all.len(), 4, "{all:?}");
}

#[test]
fn what_to_type_in() {
    let lines = app().anyone().console(CALLBACK).join("\n");
    assert!(lines.contains(CALLBACK) && lines.contains("https://github.com/settings/applications/new"), "{lines}");
    assert!(!lines.contains("Members"), "{lines}");
    let github = app().organization("acme").team("umbrella", "ops", ["a"]).enterprise("https://github.example.com");
    let lines = github.console(CALLBACK).join("\n");
    assert!(lines.contains("Members: Read-only"), "{lines}");
    for organization in ["acme", "umbrella"] {
        let url = format!("https://github.example.com/organizations/{organization}/settings/");
        assert_eq!(lines.matches(&url).count(), 1, "{lines}");
    }
    assert!(!lines.contains(SECRET));
}

#[test]
fn what_it_is_and_what_it_does_not_show() {
    let github = app().organization("acme").recheck_every(Duration::from_secs(60)).grace(Duration::from_secs(30));
    let called = |github: &GitHub| (LoginProvider::name(github).to_owned(), LoginProvider::label(github).to_owned());
    assert_eq!((called(&github), github.issuer()), (("github".into(), "GitHub".into()), "https://github.com"));
    let another = app().anyone().enterprise("https://github.example.com").name("work").label("GitHub at work");
    assert_eq!(called(&another), ("work".into(), "GitHub at work".into()));
    let both = AuthorizationServer::builder(MemoryStore::new(), StoreKey::generate().unwrap());
    let both = both.login(app().anyone()).login(another);
    let server = Server::builder("both", "1").public_url("https://mcp.example.com/mcp").authorization_server(both);
    assert!(server.build().is_ok(), "accounts of both can log in");
    assert_eq!(github.patience().recheck_every, Duration::from_secs(60));
    assert_eq!(github.patience().grace, Duration::from_secs(30));
    assert!(github.federated().is_some() && github.access().is_empty());
    let shown = format!("{github:?} {github:#?}");
    assert!(shown.contains("Iv1.app") && shown.contains("acme") && !shown.contains(SECRET), "{shown}");
    let github = github.tools_may("repo", "Read and write your repositories");
    assert_eq!(
        (&*github.access()[0].scope, &*github.access()[0].description),
        ("repo", "Read and write your repositories")
    );
}
