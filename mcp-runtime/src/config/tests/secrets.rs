//! A secret shows nowhere.

use super::{super::variables::VARIABLES, *};

const MARK: &str = "MARKEDSECRET";

/// A value that the variable takes, and one that it does not, both with the mark.
fn marked(name: &str) -> [String; 2] {
    let good = match name {
        // 44 characters of base64 with the mark in them.
        "MCP_STORE_KEY" => format!("{MARK}{}=", "A".repeat(31)),
        "FIREBASE_PRIVATE_KEY" => pem().to_owned(),
        _ => format!("{MARK}-0123456789-0123456789-0123456789"),
    };
    let bad = match name {
        "JWT_SECRET_KEY" => MARK.to_owned(),
        "FIREBASE_PRIVATE_KEY" => format!("-----BEGIN PRIVATE KEY-----\n{MARK}\n-----END PRIVATE KEY-----\n"),
        _ => format!("{MARK} é \u{7}"),
    };
    [good, bad]
}

/// Whether the mark shows, or a line of the key that cannot have it.
fn is_shown(text: &str) -> bool {
    text.contains(MARK) || pem().lines().filter(|line| !line.starts_with('-')).any(|line| text.contains(line))
}

/// Everything there is to be said around a secret variable.
fn around(name: &str) -> Vec<(&'static str, &'static str)> {
    let own: &[(&str, &str)] = match name.split('_').next() {
        Some("JWT") => return all(&[&JWT]),
        Some("AUTH0") => &AUTH0,
        Some("GITHUB") => &GITHUB,
        Some("FIREBASE") => &[FIREBASE[0], ("FIREBASE_CLIENT_EMAIL", "a@b.example")],
        Some("OAUTH") => &[OIDC[0], ("OAUTH_CLIENT_ID", "shared")],
        _ => &OIDC,
    };
    all(&[&LOGIN, own])
}

fn secrets() -> impl Iterator<Item = &'static str> {
    VARIABLES.iter().filter(|variable| variable.is_secret()).map(|variable| variable.name)
}

/// Everything that is ever shown of a configuration.
fn shown(variables: &[(&str, &str)]) -> String {
    let env = Env::of(variables.iter().copied());
    let (config, problems) = read_env(&env);
    let mut shown = format!("{env:?} {config:?} {problems:?}");
    let mut read = Problems::default();
    shown += &format!("{:?} {read:?}", Values::read(&env, &mut read));
    match builder().from(env) {
        Err(error) => shown += &format!("{error} {error:?}"),
        Ok(builder) => {
            shown += &format!("{builder:?}");
            match builder.build() {
                Ok(server) => shown += &format!("{server:?} {} {}", server.summary(), server.policies()),
                Err(error) => shown += &format!("{error} {error:?}"),
            }
        }
    }
    shown
}

#[test]
fn all_variables_that_say_secret_or_key_are_marked_so() {
    let names: Vec<_> = secrets().collect();
    assert_eq!(
        names,
        [
            "MCP_STORE_KEY",
            "OAUTH_CLIENT_SECRET",
            "OIDC_CLIENT_SECRET",
            "AUTH0_CLIENT_SECRET",
            "GITHUB_CLIENT_SECRET",
            "FIREBASE_PRIVATE_KEY",
            "JWT_SECRET_KEY"
        ]
    );
}

#[test]
fn a_good_secret_shows_nowhere() {
    for name in secrets() {
        let [good, _] = marked(name);
        let mut variables = around(name);
        variables.retain(|(other, _)| *other != name);
        variables.push((name, &good));
        assert_eq!(read(&variables).1, Vec::<String>::new(), "{name}");
        let shown = shown(&variables);
        assert!(shown.contains("Listens on"), "{name}: {shown}");
        assert!(!is_shown(&shown), "{name}: {shown}");
    }
}

#[test]
fn a_bad_secret_shows_nowhere() {
    let folder = Folder::new();
    for name in secrets() {
        let [good, bad] = marked(name);
        let (path, file_name) = (folder.write("secret", &bad), format!("{name}_FILE"));
        let mut variables = around(name);
        variables.retain(|(other, _)| *other != name);
        let [single, double] = ['\'', '"'].map(|quote| format!("{quote}{good}{quote}"));
        for wrong in [
            vec![(name, &*bad)],
            vec![(name, &*single)],
            vec![(name, &*double)],
            vec![(&*file_name, &*single)],
            vec![(&*file_name, &*path)],
            vec![(name, &*good), (&*file_name, &*good)],
            // Where only the path of a file belongs.
            vec![(&*file_name, &*good)],
            vec![(name, &*good), ("MCP_BIND", "nowhere")],
        ] {
            let shown = shown(&all(&[&variables, &wrong]));
            assert!(shown.contains("the server cannot be configured"), "{name}: {shown}");
            assert!(!is_shown(&shown), "{name}: {shown}");
        }
    }
}
