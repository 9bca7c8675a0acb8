//! One case for each variable: what it does, what holds without it, and what it may not say.

use std::time::Duration;

use super::{
    super::{
        address::{DEFAULT_BIND, Proxies},
        login::{Kind, Provider, firebase, github, oidc},
        rules::{Admit, Grant, Grants, To},
        variables::VARIABLES,
    },
    *,
};

struct Case {
    name: &'static str,
    /// What must be there beside it.
    around: Vec<(&'static str, &'static str)>,
    good: &'static str,
    /// Whether the good value has arrived.
    arrived: fn(&Config) -> bool,
    without: Without,
    /// Values, and what is said of them.
    bad: &'static [(&'static str, &'static str)],
}

enum Without {
    Missing,
    Holds(fn(&Config) -> bool),
}

use Without::{Holds, Missing};

fn providers(config: &Config) -> &[Provider] {
    config.login.as_ref().map_or(&[], |login| &login.providers)
}

fn one(config: &Config) -> &Provider {
    assert_eq!(providers(config).len(), 1);
    &providers(config)[0]
}

fn oidc(config: &Config) -> &oidc::Choice {
    let Kind::Oidc(choice) = &one(config).kind else { panic!("another provider") };
    choice
}

fn github(config: &Config) -> &github::Choice {
    let Kind::GitHub(choice) = &one(config).kind else { panic!("another provider") };
    choice
}

fn firebase(config: &Config) -> &firebase::Choice {
    let Kind::Firebase(choice) = &one(config).kind else { panic!("another provider") };
    choice
}

fn admits_subject(config: &Config) -> bool {
    one(config).rules.admit == [Admit::Subjects(vec!["7".into(), "8".into()])]
}

fn admits_the_general(config: &Config) -> bool {
    one(config).rules.admit == [Admit::EmailDomains(vec!["example.com".into()])]
}

fn grants_admin(config: &Config) -> bool {
    let to = To::Claim("groups".into(), "admins".into());
    one(config).rules.grants == Grants::Some(vec![Grant { scope: "admin".into(), to }])
}

fn grants_all(config: &Config) -> bool {
    one(config).rules.grants == Grants::All
}

const ADMIT: &str = "subject:7,8";
const BAD_ADMIT: &[(&str, &str)] = &[
    ("everybody", "does not exist"),
    ("anyone and subject:7", "stands alone"),
    ("email-domain:example.com,claim:groups=staff", "another rule in its value"),
    ("email-domain:example.com,anyone", "another rule in its value"),
    ("email-domain:@example.com", "write it without, like `email-domain:example.com`"),
    ("email-domain:example", "cannot be read"),
    ("email-domain:", "empty value"),
    ("email:alice", "cannot be read"),
    ("email:a@b@c.example", "cannot be read"),
    ("claim:groups", "cannot be read"),
    ("claim:=staff", "cannot be read"),
    ("claim:groups=", "empty value"),
    ("subject:7,,8", "empty value"),
    ("subject:7 AND claim:groups=staff", "in small letters"),
    ("claim:groups=staff or email:a@b.example", "there is no `or`"),
    ("subject:7 and ", "spaces"),
    ("subject:7 and nothing", "(rule 2 of 2)"),
    ("organization:a,b", "cannot be read"),
];
const GRANTS: &str = "admin@claim:groups=admins";
const BAD_GRANTS: &[(&str, &str)] = &[
    ("* admin", "stands alone"),
    ("*@claim:groups=admins", "stands alone"),
    ("notes:read,admin", "`admin@claim:groups=admins`"),
    ("notes:read admin@x notes:write", "(part 2 of 3)"),
    ("admin@groups=admins", "cannot be read"),
    ("admin@claim:groups", "cannot be read"),
    ("admin@claim:=x", "cannot be read"),
    ("@claim:groups=admins", "cannot be read"),
    ("admin@team:acme", "cannot be read"),
    ("a\"b", "cannot be read"),
];
const BAD_CLIENT: &[(&str, &str)] = &[("two words", "has spaces"), ("clé", "ASCII")];

fn server_cases() -> Vec<Case> {
    vec![
        Case {
            name: "MCP_PUBLIC_URL",
            around: vec![("MCP_BIND", "0.0.0.0:80")],
            good: "https://notes.example.com/mcp",
            arrived: |config| config.public_url.as_deref() == Some("https://notes.example.com/mcp"),
            without: Missing,
            bad: &[
                ("notes.example.com", "is not a URL"),
                ("http://notes.example.com/mcp", "https"),
                ("https://notes.example.com/mcp?x", "no query"),
                ("https://user:hunter2@notes.example.com/mcp", "is not a URL"),
            ],
        },
        Case {
            name: "MCP_BIND",
            around: vec![("MCP_PUBLIC_URL", "https://notes.example.com/mcp")],
            good: "[::]:8443",
            arrived: |config| config.bind.to_string() == "[::]:8443",
            without: Holds(|config| config.bind == DEFAULT_BIND),
            bad: &[
                ("0.0.0.0", "with a port"),
                (":80", "with a port"),
                ("localhost:80", "with a port"),
                ("1.2.3.4:99999", "port"),
            ],
        },
        Case {
            name: "MCP_TRUSTED_PROXIES",
            around: vec![],
            good: "10.0.3.0/24, loopback",
            arrived: |config| config.proxies == Some(Proxies::Networks(vec!["10.0.3.0/24".into(), "loopback".into()])),
            without: Holds(|config| config.proxies.is_none()),
            bad: &[
                ("proxy.internal", "not an address"),
                ("0.0.0.0/0", "everybody"),
                ("10.0.0.0/8,", "not an address"),
                ("hops:0", "1 to 32"),
                ("hops:many", "1 to 32"),
                ("hops:33", "1 to 32"),
            ],
        },
        Case {
            name: "MCP_TLS_CERT",
            around: vec![("MCP_TLS_KEY", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))],
            good: concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
            arrived: |config| config.tls.as_ref().is_some_and(|(cert, _)| cert.ends_with("Cargo.toml")),
            without: Missing,
            bad: &[("/nowhere/cert.pem", "cannot be read"), (env!("CARGO_MANIFEST_DIR"), "names a folder")],
        },
        Case {
            name: "MCP_TLS_KEY",
            around: vec![("MCP_TLS_CERT", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))],
            good: concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
            arrived: |config| config.tls.as_ref().is_some_and(|(_, key)| key.ends_with("Cargo.toml")),
            without: Missing,
            bad: &[("/nowhere/key.pem", "cannot be read"), (env!("CARGO_MANIFEST_DIR"), "names a folder")],
        },
    ]
}

fn login_cases() -> Vec<Case> {
    let around = all(&[&LOGIN, &OIDC]);
    let shared = vec![
        ("OIDC_ISSUER", "https://login.example.com"),
        ("OAUTH_CLIENT_ID", "shared"),
        ("OAUTH_CLIENT_SECRET", "shared-secret"),
    ];
    let shared = all(&[&LOGIN, &shared]);
    vec![
        Case {
            name: "MCP_ADMIT",
            around: around.clone(),
            good: ADMIT,
            arrived: admits_subject,
            without: Missing,
            bad: BAD_ADMIT,
        },
        Case {
            name: "MCP_GRANTS",
            around: around.clone(),
            good: GRANTS,
            arrived: grants_admin,
            without: Missing,
            bad: BAD_GRANTS,
        },
        Case {
            name: "MCP_DEFAULT_SCOPES",
            around: around.clone(),
            good: "notes:read notes:write",
            arrived: |config| config.login.as_ref().unwrap().default_scopes == ["notes:read", "notes:write"],
            without: Holds(|config| config.login.as_ref().unwrap().default_scopes.is_empty()),
            bad: &[
                ("notes:read,notes:write", "single spaces"),
                ("a  b", "single spaces"),
                ("a\\b", "not a list of scopes"),
            ],
        },
        Case {
            name: "MCP_STORE",
            around: around.clone(),
            good: "state/oauth.db",
            arrived: |config| {
                format!("{:?}", config.login.as_ref().unwrap().place)
                    == r#"Place { file: Some("state/oauth.db"), keys: File("state/oauth.key") }"#
            },
            without: Holds(|config| {
                config.login.as_ref().unwrap().place.to_string() == "data/store.db, sealed with data/store.key"
            }),
            bad: &[
                ("state/", "is a folder"),
                ("/", "is a folder"),
                ("postgres://db/notes", "is a URL"),
                (":memory:", "is a URL"),
                ("data/store.key", "file of its key"),
            ],
        },
        Case {
            name: "MCP_STORE_KEY",
            around: around.clone(),
            good: KEY,
            arrived: |config| config.login.as_ref().unwrap().place.to_string().ends_with("sealed with MCP_STORE_KEY"),
            without: Holds(|config| config.login.as_ref().unwrap().place.to_string().starts_with("memory")),
            bad: &[
                ("c2hvcnQ=", "32 bytes in base64"),
                ("a-passphrase-that-somebody-made-up", "32 bytes in base64"),
                ("MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwKy8=,", "32 bytes in base64"),
            ],
        },
        Case {
            name: "TOKEN_EXPIRY_HOURS",
            around: around.clone(),
            good: "12",
            arrived: |config| config.login.as_ref().unwrap().expiry == Some(Duration::from_secs(12 * 3600)),
            without: Holds(|config| config.login.as_ref().unwrap().expiry.is_none()),
            bad: &[
                ("0", "1 to 8760"),
                ("8761", "1 to 8760"),
                ("-1", "1 to 8760"),
                ("+1", "1 to 8760"),
                ("1.5", "1 to 8760"),
                ("1h", "1 to 8760"),
                ("99999999999999999999", "1 to 8760"),
            ],
        },
        Case {
            name: "OAUTH_CLIENT_ID",
            around: shared.clone(),
            good: "shared",
            arrived: |config| oidc(config).client.id == "shared",
            without: Missing,
            bad: BAD_CLIENT,
        },
        Case {
            name: "OAUTH_CLIENT_SECRET",
            around: shared,
            good: "shared-secret",
            arrived: |config| oidc(config).client.secret.is("shared-secret"),
            without: Missing,
            bad: BAD_CLIENT,
        },
        Case {
            name: "OAUTH_REDIRECT_URI",
            around,
            good: "http://127.0.0.1:8000/callback/oidc",
            arrived: |config| config.login.is_some(),
            without: Holds(|config| config.login.is_some()),
            bad: &[
                ("http://127.0.0.1:8000/callback", "register `http://127.0.0.1:8000/callback/oidc`"),
                ("http://127.0.0.1:8000/callback/oidc/", "register `http://127.0.0.1:8000/callback/oidc`"),
                ("callback", "is not a URL"),
            ],
        },
    ]
}

fn oidc_cases() -> Vec<Case> {
    let around = all(&[&LOGIN, &OIDC]);
    let case = |name, good, arrived, without, bad| Case { name, around: around.clone(), good, arrived, without, bad };
    vec![
        case(
            "OIDC_ISSUER",
            "https://sso.example.com/realms/a",
            |config| one(config).issuer == "https://sso.example.com/realms/a",
            Missing,
            &[
                ("login.example.com", "is not an `https` URL"),
                ("http://login.example.com", "is not an `https` URL"),
                ("https://login.example.com?tenant=1", "is not an `https` URL"),
                ("https://user:hunter2@login.example.com", "is not an `https` URL"),
            ],
        ),
        case("OIDC_CLIENT_ID", "mine", |config| oidc(config).client.id == "mine", Missing, BAD_CLIENT),
        case("OIDC_CLIENT_SECRET", "s3cret", |config| oidc(config).client.secret.is("s3cret"), Missing, BAD_CLIENT),
        case(
            "OIDC_NAME",
            "work",
            |config| one(config).name == "work",
            Holds(|config| one(config).name == "oidc"),
            &[("Work", "short word"), ("a/b", "short word"), ("abcdefghijklmnopqrstuvwxyz-0123456", "short word")],
        ),
        case(
            "OIDC_LABEL",
            "Büro",
            |config| oidc(config).label.as_deref() == Some("Büro"),
            Holds(|config| oidc(config).label.is_none()),
            &[("00000000011111111112222222222333333333344444444445555555555666666", "64 characters")],
        ),
        case(
            "OIDC_SCOPES",
            "groups roles",
            |config| oidc(config).scopes == ["groups", "roles"],
            Holds(|config| oidc(config).scopes.is_empty()),
            &[("groups,roles", "single spaces")],
        ),
        case("OIDC_ADMIT", ADMIT, admits_subject, Holds(admits_the_general), BAD_ADMIT),
        case("OIDC_GRANTS", GRANTS, grants_admin, Holds(grants_all), BAD_GRANTS),
    ]
}

fn auth0_and_github_cases() -> Vec<Case> {
    let auth0 = all(&[&LOGIN, &AUTH0]);
    let auth0 = |name, good, arrived, without, bad| Case { name, around: auth0.clone(), good, arrived, without, bad };
    let hub = all(&[&LOGIN, &GITHUB]);
    let hub = |name, good, arrived, without, bad| Case { name, around: hub.clone(), good, arrived, without, bad };
    vec![
        auth0(
            "AUTH0_DOMAIN",
            "login.example.com",
            |config| one(config).issuer == "https://login.example.com/" && one(config).name == "auth0",
            Missing,
            &[
                ("https://example.eu.auth0.com", "is not a domain"),
                ("example.eu.auth0.com/", "is not a domain"),
                ("example", "is not a domain"),
                ("a..b", "is not a domain"),
            ],
        ),
        auth0("AUTH0_CLIENT_ID", "mine", |config| oidc(config).client.id == "mine", Missing, BAD_CLIENT),
        auth0("AUTH0_CLIENT_SECRET", "s3cret", |config| oidc(config).client.secret.is("s3cret"), Missing, BAD_CLIENT),
        auth0("AUTH0_ADMIT", ADMIT, admits_subject, Holds(admits_the_general), BAD_ADMIT),
        auth0("AUTH0_GRANTS", GRANTS, grants_admin, Holds(grants_all), BAD_GRANTS),
        hub("GITHUB_CLIENT_ID", "mine", |config| github(config).client.id == "mine", Missing, BAD_CLIENT),
        hub("GITHUB_CLIENT_SECRET", "s3cret", |config| github(config).client.secret.is("s3cret"), Missing, BAD_CLIENT),
        hub("GITHUB_ADMIT", ADMIT, admits_subject, Holds(admits_the_general), BAD_ADMIT),
        hub(
            "GITHUB_GRANTS",
            "admin@team:acme/ops",
            |config| {
                let to = To::Team("acme".into(), "ops".into());
                one(config).rules.grants == Grants::Some(vec![Grant { scope: "admin".into(), to }])
            },
            Holds(grants_all),
            BAD_GRANTS,
        ),
    ]
}

fn firebase_cases() -> Vec<Case> {
    let account = [("FIREBASE_CLIENT_EMAIL", "a@b.example"), ("FIREBASE_PRIVATE_KEY", pem_in_a_line())];
    let around = all(&[&LOGIN, &FIREBASE, &account]);
    let case = |name, good, arrived, without, bad| Case { name, around: around.clone(), good, arrived, without, bad };
    vec![
        case(
            "FIREBASE_PROJECT_ID",
            "another-project",
            |config| firebase(config).project == "another-project",
            Missing,
            &[("Example Project", "is not the id"), ("a", "is not the id"), ("a/../b", "is not the id")],
        ),
        case(
            "FIREBASE_API_KEY",
            "AIza-x_1",
            |config| firebase(config).api_key.as_deref() == Some("AIza-x_1"),
            Holds(|config| firebase(config).api_key.is_none()),
            &[("AIza\"><script>", "web API key")],
        ),
        case(
            "FIREBASE_CLIENT_EMAIL",
            "c@d.example",
            |config| firebase(config).account.as_ref().is_some_and(|(email, _)| email == "c@d.example"),
            Missing,
            &[("somebody", "is not the e-mail"), ("a@b@c", "is not the e-mail")],
        ),
        case(
            "FIREBASE_PRIVATE_KEY",
            pem_in_a_line(),
            |config| firebase(config).account.as_ref().is_some_and(|(_, key)| key.is(pem())),
            Missing,
            &[
                ("AAAA", "is not an RSA private key"),
                ("-----BEGIN PRIVATE KEY-----\\nAAAA", "is not an RSA private key"),
                ("-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----", "is not an RSA private key"),
                ("-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----\\n", "is not an RSA private key"),
            ],
        ),
        case("FIREBASE_ADMIT", ADMIT, admits_subject, Holds(admits_the_general), BAD_ADMIT),
        case("FIREBASE_GRANTS", GRANTS, grants_admin, Holds(grants_all), BAD_GRANTS),
    ]
}

fn token_cases() -> Vec<Case> {
    let case = |name, good, arrived, without, bad| Case { name, around: JWT.to_vec(), good, arrived, without, bad };
    vec![
        // That it verifies what it is to verify: `end.rs`.
        case(
            "JWT_SECRET_KEY",
            "0123456789abcdef0123456789abcdef",
            |config| config.tokens.is_some(),
            Missing,
            &[("0123456789abcdef0123456789abcde", "at least 32"), ("-----BEGIN PUBLIC KEY-----", "PEM")],
        ),
        case(
            "JWT_ISSUER",
            "quickstart",
            |config| config.tokens.as_ref().unwrap().issuer == "quickstart",
            Missing,
            &[("two words", "has spaces")],
        ),
        case(
            "JWT_AUDIENCE",
            "api://notes",
            |config| config.tokens.as_ref().unwrap().audience.as_deref() == Some("api://notes"),
            Holds(|config| config.tokens.as_ref().unwrap().audience.is_none()),
            &[("two words", "has spaces")],
        ),
    ]
}

fn cases() -> Vec<Case> {
    let lists =
        [server_cases(), login_cases(), oidc_cases(), auth0_and_github_cases(), firebase_cases(), token_cases()];
    lists.into_iter().flatten().collect()
}

/// Those around, with this one in the place of its name.
fn with<'a>(around: &[(&'a str, &'a str)], name: &'a str, value: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    let others = around.iter().copied().filter(|(other, _)| *other != name);
    others.chain(value.map(|value| (name, value))).collect()
}

#[test]
fn every_variable_has_a_case() {
    let cases = cases();
    for variable in VARIABLES {
        assert_eq!(cases.iter().filter(|case| case.name == variable.name).count(), 1, "{}", variable.name);
    }
    assert_eq!(cases.len(), VARIABLES.len());
}

#[test]
fn present() {
    for case in cases() {
        let (config, problems) = read(&with(&case.around, case.name, Some(case.good)));
        assert_eq!(problems, Vec::<String>::new(), "{}", case.name);
        assert!((case.arrived)(&config), "{}: {config:?}", case.name);
    }
}

#[test]
fn absent() {
    for case in cases() {
        let (config, problems) = read(&with(&case.around, case.name, None));
        match case.without {
            Missing => {
                let said = problems.iter().any(|problem| {
                    problem.starts_with(&format!("`{}`", case.name)) && problem.contains("is missing: ")
                });
                assert!(said, "{}: {problems:?}", case.name);
            }
            Holds(holds) => {
                assert_eq!(problems, Vec::<String>::new(), "{}", case.name);
                assert!(holds(&config), "{}: {config:?}", case.name);
            }
        }
    }
}

#[test]
fn malformed() {
    let everywhere = [
        ("", "is empty"),
        (" x", "spaces or line breaks around"),
        ("x\n", "line breaks"),
        ("x\0y", "control"),
        ("'x'", "is in quotes, which are part of it: remove them"),
        ("\"x\"", "is in quotes"),
    ];
    for case in cases() {
        assert!(!case.bad.is_empty(), "{}", case.name);
        for (bad, what) in case.bad.iter().chain(&everywhere) {
            let (_, problems) = read(&with(&case.around, case.name, Some(bad)));
            let start = format!("`{}` ", case.name);
            let said = problems.iter().any(|problem| problem.starts_with(&start) && problem.contains(what));
            assert!(said, "{} = {bad:?}: {problems:?}", case.name);
            // It is there, so nobody says that it is missing.
            assert!(problems.iter().all(|problem| !problem.starts_with(&format!("{start}is missing"))), "{problems:?}");
        }
    }
}

#[test]
fn in_a_file() {
    let folder = Folder::new();
    for case in cases() {
        let file_name = format!("{}_FILE", case.name);
        let without = with(&case.around, case.name, None);
        for end in ["", "\n", "\r\n"] {
            let path = folder.write("value", format!("{}{end}", case.good));
            let (config, problems) = read(&with(&without, &file_name, Some(&path)));
            if VARIABLES.iter().any(|variable| variable.name == case.name && variable.file_name().is_none()) {
                let what = format!("`{file_name}` does not exist");
                assert!(problems.iter().any(|problem| problem.contains(&what)), "{problems:?}");
                continue;
            }
            assert_eq!(problems, Vec::<String>::new(), "{file_name}");
            assert!((case.arrived)(&config), "{file_name}: {config:?}");
        }
        let both = with(&with(&without, case.name, Some(case.good)), &file_name, Some("/nowhere")).to_vec();
        let (_, problems) = read(&both);
        let said = problems.iter().any(|problem| problem.contains("both set") || problem.contains("does not exist"));
        assert!(said, "{file_name}: {problems:?}");
    }
}
