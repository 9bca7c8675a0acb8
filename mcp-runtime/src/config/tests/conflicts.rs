//! Things that do not go together.

use super::*;
use crate::auth::StaticTokens;

/// The one problem there is.
fn problem(variables: &[(&str, &str)]) -> String {
    let (_, problems) = read(variables);
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.into_iter().next().unwrap()
}

#[test]
fn callers_are_known_in_one_way() {
    for provider in [&OIDC[..], &AUTH0, &GITHUB, &FIREBASE] {
        let said = problem(&all(&[&LOGIN, provider, &JWT[..2]]));
        assert!(said.contains("`JWT_SECRET_KEY`") && said.contains("two ways"), "{said}");
    }
    let token = || StaticTokens::new().token("wQ7hYp3mZ0tRk9cLxV5nBg", "alice", ["admin"]);
    let error = builder().auth(token()).from(Env::of(JWT)).unwrap_err();
    assert!(error.to_string().contains("`JWT_SECRET_KEY`") && error.to_string().contains(".auth(…)"), "{error}");
    let error = builder().insecure_no_auth().from(Env::of(JWT)).unwrap_err();
    assert!(error.to_string().contains(".insecure_no_auth()"), "{error}");
    let code = crate::oauth::AuthorizationServer::builder(
        crate::store::MemoryStore::new(),
        crate::oauth::StoreKey::generate().unwrap(),
    );
    let error = builder().authorization_server(code).from(Env::of(all(&[&LOGIN, &GITHUB]))).unwrap_err();
    assert!(error.to_string().contains(".authorization_server(…)"), "{error}");
    // The other way round it is found when the server is built.
    let error = builder().from(Env::of(JWT)).unwrap().auth(token()).build().unwrap_err();
    assert!(error.to_string().contains("after `.from_env()`"), "{error}");
    // Where the environment says nothing of callers, the code may.
    let server = builder().auth(token()).from(Env::of([("MCP_BIND", "127.0.0.1:9")])).unwrap().build().unwrap();
    assert_eq!(server.bind_address().port(), 9);
}

#[test]
fn no_provider_is_named_twice() {
    let issuer = [("OIDC_ISSUER", "https://EXAMPLE.eu.auth0.com"), OIDC[1], OIDC[2]];
    let said = problem(&all(&[&LOGIN, &issuer, &AUTH0]));
    assert!(said.contains("`OIDC_ISSUER` and `AUTH0_DOMAIN` name the same provider"), "{said}");
    let issuer = [("OIDC_ISSUER", "https://securetoken.google.com/example-project"), OIDC[1], OIDC[2]];
    assert!(problem(&all(&[&LOGIN, &issuer, &FIREBASE])).contains("the same provider"));
    let said = problem(&all(&[&LOGIN, &OIDC, &GITHUB, &[("OIDC_NAME", "github")]]));
    assert!(said.contains("two providers are called `github`"), "{said}");
    // All four beside each other are fine.
    let (config, problems) = read(&all(&[&LOGIN, &OIDC, &AUTH0, &GITHUB, &FIREBASE]));
    assert_eq!((config.login.unwrap().providers.len(), problems), (4, vec![]));
}

/// Anybody can take the name of an organization at GitHub, and be number 42 somewhere else.
#[test]
fn what_means_one_provider_is_not_said_for_several() {
    for (name, rule, own) in [
        ("MCP_ADMIT", "subject:42", "GITHUB_ADMIT"),
        ("MCP_ADMIT", "organization:acme", "GITHUB_ADMIT"),
        ("MCP_ADMIT", "email-domain:example.com and claim:groups=staff", "GITHUB_ADMIT"),
        ("MCP_GRANTS", "notes:write admin@claim:sub=42", "GITHUB_GRANTS"),
    ] {
        let said = [LOGIN.into_iter().filter(|(other, _)| *other != name).collect(), vec![(name, rule)]].concat();
        let one = read(&all(&[&said, &GITHUB])).1;
        assert_eq!(one, Vec::<String>::new(), "{rule}");
        let several = problem(&all(&[&said, &GITHUB, &AUTH0]));
        let both = [own.replace("GITHUB", "AUTH0"), own.to_owned()];
        let what = format!("set `{}` and `{}` instead", both[0], both[1]);
        assert!(several.starts_with(&format!("`{name}` holds")) && several.contains(&what), "{rule}: {several}");
        // One that says it for itself leaves the other.
        let half = problem(&all(&[&said, &GITHUB, &AUTH0, &[(own, rule)]]));
        assert!(half.contains(&format!("set `{}` instead", both[0])), "{rule}: {half}");
        let owned: Vec<_> = both.iter().map(|own| (&**own, rule)).collect();
        assert_eq!(read(&all(&[&said, &GITHUB, &AUTH0, &owned])).1, Vec::<String>::new(), "{rule}");
    }
    let said =
        [("MCP_ADMIT", "claim:email=a@example.com"), ("MCP_GRANTS", "admin@claim:email=a@example.com"), LOGIN[2]];
    assert_eq!(read(&all(&[&said, &GITHUB, &AUTH0])).1, Vec::<String>::new());
}

#[test]
fn the_shared_client_is_for_the_one_provider_without_its_own() {
    let shared = [("OAUTH_CLIENT_ID", "shared"), ("OAUTH_CLIENT_SECRET", "shared-secret")];
    let domain = [AUTH0[0]];
    let (config, problems) = read(&all(&[&LOGIN, &domain, &GITHUB, &shared]));
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(config.login.unwrap().providers.len(), 2);
    assert!(problem(&all(&[&LOGIN, &GITHUB, &shared])).contains("there is none"));
    assert!(problem(&all(&[&LOGIN, &FIREBASE, &shared])).contains("there is none"));
    let (_, problems) = read(&all(&[&LOGIN, &domain, &[OIDC[0]], &shared]));
    assert!(problems[0].contains("several providers: set `OIDC_CLIENT_ID` and `AUTH0_CLIENT_ID`"), "{problems:?}");
    // Half of its own is no reason to take the other half from elsewhere.
    let (_, problems) = read(&all(&[&LOGIN, &AUTH0[..2], &shared]));
    assert!(problems.iter().any(|problem| problem.starts_with("`AUTH0_CLIENT_SECRET` is missing")), "{problems:?}");
}

#[test]
fn the_redirect_uri_is_that_of_the_provider_it_is_for() {
    let url = [("MCP_PUBLIC_URL", "https://notes.example.com/mcp")];
    let uri = |uri| [("OAUTH_REDIRECT_URI", uri)];
    let both = all(&[&LOGIN, &url, &OIDC, &GITHUB]);
    for good in ["https://notes.example.com/callback/oidc", "https://notes.example.com/callback/github"] {
        assert_eq!(read(&all(&[&both, &uri(good)])).1, Vec::<String>::new());
    }
    let said = problem(&all(&[&both, &uri("https://notes.example.com/callback/auth0")]));
    assert!(said.contains("`https://notes.example.com/callback/oidc` or `https://notes.example.com/callback/github`"));
    let shared = [("OAUTH_CLIENT_ID", "shared"), ("OAUTH_CLIENT_SECRET", "s")];
    let one = all(&[&LOGIN, &url, &OIDC[..1], &GITHUB, &shared]);
    assert_eq!(read(&all(&[&one, &uri("https://notes.example.com/callback/oidc")])).1, Vec::<String>::new());
    assert!(problem(&all(&[&one, &uri("https://notes.example.com/callback/github")])).contains("callback/oidc"));
    let said = problem(&all(&[&LOGIN, &url, &FIREBASE, &uri("https://notes.example.com/callback/firebase")]));
    assert!(said.contains("no provider here sends anybody back"), "{said}");
}

#[test]
fn what_means_nothing_is_not_passed_over() {
    for lonely in [
        ("MCP_ADMIT", "anyone"),
        ("MCP_GRANTS", "*"),
        ("MCP_DEFAULT_SCOPES", "admin"),
        ("MCP_STORE", "memory"),
        ("MCP_STORE_KEY", KEY),
        ("TOKEN_EXPIRY_HOURS", "1"),
        ("OAUTH_CLIENT_ID", "x"),
        ("OAUTH_CLIENT_SECRET", "x"),
        ("OAUTH_REDIRECT_URI", "http://127.0.0.1:8000/callback/oidc"),
    ] {
        let said = problem(&[lonely]);
        assert!(said.starts_with(&format!("`{}` is set, and no", lonely.0)), "{said}");
        if lonely.0 != "MCP_ADMIT" {
            assert!(problem(&all(&[&JWT, &[lonely]])).starts_with(&format!("`{}` is set, and no", lonely.0)));
        }
    }
    // What the code fills in waits until it is needed.
    let env = Env::of([("MCP_BIND", "127.0.0.1:80")]).or("MCP_GRANTS", "*").or("MCP_ADMIT", "anyone");
    assert_eq!(read_env(&env).1, Vec::<String>::new());
}

#[test]
fn rules_that_a_provider_cannot_keep_are_refused() {
    let admit = |rule| [("MCP_ADMIT", rule), LOGIN[1], LOGIN[2]];
    for (provider, rule) in [
        (&OIDC[..], "organization:acme"),
        (&FIREBASE, "organization:acme"),
        (&JWT[..2], "email:a@example.com"),
        (&JWT[..2], "email-domain:example.com"),
        (&JWT[..2], "organization:acme"),
    ] {
        let rules = if provider[0].0 == "JWT_SECRET_KEY" { admit(rule)[..1].to_vec() } else { admit(rule).to_vec() };
        let said = problem(&all(&[&rules, provider]));
        assert!(said.starts_with("`MCP_ADMIT` has a rule that cannot be kept here"), "{said}");
    }
    for provider in [&AUTH0[..], &GITHUB] {
        assert_eq!(read(&all(&[&admit("organization:acme"), provider])).1, Vec::<String>::new());
    }
    assert!(problem(&all(&[&admit("organization:a and organization:b"), &GITHUB])).contains("two organizations"));
    let team = [LOGIN[0], ("MCP_GRANTS", "admin@team:acme/ops"), LOGIN[2]];
    assert!(problem(&all(&[&team, &OIDC])).contains("only GitHub has teams"));
}

#[test]
fn everything_wrong_is_said_at_once() {
    let (_, problems) = read(&[
        ("MCP_BIND", "nowhere"),
        ("MCP_PUBLIC_URL", "nowhere"),
        ("MCP_PUBLIC_ULR", "https://notes.example.com/mcp"),
        ("OIDC_CLIENT_ID", "x"),
        ("TOKEN_EXPIRY_HOURS", "soon"),
        ("MCP_STORE", "memory"),
    ]);
    let about = |name: &str| problems.iter().filter(|problem| problem.starts_with(&format!("`{name}`"))).count();
    for name in [
        "MCP_BIND",
        "MCP_PUBLIC_URL",
        "MCP_PUBLIC_ULR",
        "OIDC_ISSUER",
        "OIDC_CLIENT_SECRET",
        "MCP_ADMIT",
        "MCP_GRANTS",
        "TOKEN_EXPIRY_HOURS",
    ] {
        assert_eq!(about(name), 1, "{name}: {problems:?}");
    }
    assert_eq!(problems.len(), 8, "{problems:?}");
    let error = builder().from(Env::of([("MCP_BIND", "nowhere")])).unwrap_err();
    assert_eq!(format!("{error:?}"), error.to_string(), "what a `main` prints");
    assert!(error.to_string().starts_with("the server cannot be configured:\n  - `MCP_BIND` "), "{error}");
}

#[test]
fn a_misspelt_name_is_not_passed_over() {
    for (name, near) in [
        ("MCP_BINDS", "did you mean `MCP_BIND`?"),
        ("MCP_STORE_KEYS_FILE", "did you mean `MCP_STORE_KEY`?"),
        ("MCP_TRUSTED_PROXY", "did you mean `MCP_TRUSTED_PROXIES`?"),
        ("MCP_SOMETHING_ELSE_ENTIRELY", "`--help` lists those there are. If"),
        ("OIDC_ISUER", "did you mean `OIDC_ISSUER`? If"),
        ("OIDC_CLIENTSECRET", "did you mean `OIDC_CLIENT_SECRET`?"),
        ("OIDC_CLIENTSECRET_FILE", "did you mean `OIDC_CLIENT_SECRET_FILE`?"),
        ("OIDC_ADMIT_FIEL", "did you mean `OIDC_ADMIT_FILE`?"),
        ("AUTH0_DOMIAN", "did you mean `AUTH0_DOMAIN`?"),
        ("FIREBASE_PROJECTID", "did you mean `FIREBASE_PROJECT_ID`?"),
        ("GITHUB_ADMITS", "did you mean `GITHUB_ADMIT`?"),
        ("JWT_SECRETKEY", "did you mean `JWT_SECRET_KEY`?"),
        ("OAUTH_CLIENT_SECERT", "did you mean `OAUTH_CLIENT_SECRET`?"),
    ] {
        let said = problem(&[(name, "hunter2")]);
        assert!(said.contains(near) && said.contains(name) && !said.contains("hunter2"), "{said}");
        assert_eq!(read_env(&Env::of([(name, "x")]).foreign(name)).1, Vec::<String>::new());
    }
    // Also beside all that is needed.
    assert!(problem(&all(&[&LOGIN, &OIDC, &[("OIDC_ISUER", "x")]])).starts_with("`OIDC_ISUER` is not"));
    let env = Env::of([("MCP_BIND", "127.0.0.1:80")]).or("MCP_STOER", "memory");
    assert!(read_env(&env).1[0].contains("no such variable"));
}

/// What continuous integration, other libraries and other parts of the same app set.
#[test]
fn names_of_others_are_left_alone() {
    let github = "ACTION ACTIONS ACTION_PATH ACTION_REF ACTION_REPOSITORY ACTION_STATUS ACTOR ACTOR_ID API_URL BASE_REF ENV \
                  EVENT_NAME EVENT_PATH GRAPHQL_URL HEAD_REF JOB JOB_ID OUTPUT PATH REF REF_NAME REF_PROTECTED REF_TYPE \
                  REPOSITORY REPOSITORY_ID REPOSITORY_OWNER REPOSITORY_OWNER_ID RETENTION_DAYS RUN_ATTEMPT RUN_ID \
                  RUN_NUMBER SERVER_URL SHA STATE STEP_SUMMARY TOKEN TRIGGERING_ACTOR WORKFLOW WORKFLOW_REF WORKFLOW_SHA \
                  WORKSPACE APP_ID PAT OAUTH_TOKEN ORG USER WEBHOOK_SECRET PRIVATE_KEY REDIRECT_URI";
    let auth0 = "SECRET BASE_URL ISSUER_BASE_URL AUDIENCE SCOPE TENANT API_TOKEN MANAGEMENT_CLIENT_ID";
    let firebase = "APP_ID AUTH_DOMAIN CONFIG DATABASE_URL EMULATOR_HUB MEASUREMENT_ID MESSAGING_SENDER_ID PRIVATE_KEY_ID \
                    STORAGE_BUCKET TOKEN AUTH_EMULATOR_HOST CLIENT_ID WEBAPP_CONFIG";
    let jwt = "ALGORITHM EXPIRES_IN KEY PRIVATE_KEY PUBLIC_KEY SECRET";
    let others =
        [("GITHUB", github), ("AUTH0", auth0), ("FIREBASE", firebase), ("JWT", jwt), ("OAUTH", "TOKEN TOKEN_URL")];
    let mut names = vec!["HOME".to_owned(), "OIDC".to_owned(), "MCPX_BIND".to_owned(), "XOIDC_ISSUER".to_owned()];
    for (prefix, rest) in others {
        names.extend(rest.split_whitespace().map(|name| format!("{prefix}_{name}")));
    }
    // In quotes or not: nothing of theirs is judged.
    assert_eq!(read_env(&Env::of(names.iter().map(|name| (name, "'x'")))).1, Vec::<String>::new());
    // What `_FILE` may be added to is known.
    let known = Env::of([("OIDC_ISSUER_FILE", "/nowhere"), ("GITHUB_ADMIT_FILE", "/nowhere")]);
    assert!(read_env(&known).1.iter().all(|problem| !problem.contains("is not a variable")));
}
