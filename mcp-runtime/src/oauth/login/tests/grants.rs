//! A scope in a grant that nobody declared: it would be granted to nobody, and nobody would notice.

use crate::{
    Server, ServerBuilder,
    config::Env,
    oauth::{AuthorizationServer, Firebase, GitHub, LoginProvider, Oidc, StoreKey},
    store::MemoryStore,
};

fn server() -> ServerBuilder {
    Server::builder("notes", "1.0")
        .public_url("https://notes.example.com/mcp")
        .scope("notes:read", "Read notes")
        .scope("notes:write", "Write notes")
        .scope("project:{project}:write", "Change a project")
}

fn problems(server: ServerBuilder, login: impl LoginProvider) -> String {
    let authorization = AuthorizationServer::builder(MemoryStore::new(), StoreKey::generate().unwrap()).login(login);
    server.authorization_server(authorization).build().err().map_or(String::new(), |error| error.to_string())
}

fn oidc() -> Oidc {
    Oidc::issuer("company", "https://login.example.com").client("me", "kq3-Zr_81Hs").anyone()
}

fn github() -> GitHub {
    GitHub::app("Iv1.app", "kq3-Zr_81Hs").anyone()
}

fn firebase() -> Firebase {
    Firebase::project("example-project").anyone()
}

#[test]
fn every_grant_of_every_provider_is_compared_with_what_is_declared() {
    const WRONG: [&str; 2] = ["notes:read", "notes:wirte"];
    for (said, name) in [
        (problems(server(), oidc().grants(WRONG)), "company"),
        (problems(server(), oidc().grants_to("groups", "ops", WRONG)), "company"),
        (problems(server(), github().grants(WRONG)), "github"),
        (problems(server(), github().grants_to("organizations", "acme", WRONG)), "github"),
        (problems(server(), github().team("acme", "ops", WRONG)), "github"),
        (problems(server(), firebase().grants(WRONG)), "firebase"),
        (problems(server(), firebase().grants_to("role", "editor", WRONG)), "firebase"),
    ] {
        let problem = format!(
            "login `{name}`: it grants `notes:wirte`, which is not declared: did you mean `notes:write`? If not, declare \
             it with `.scope(name, description)`"
        );
        assert!(said.contains(&problem), "{said}");
        assert_eq!(said.matches("is not declared").count(), 1, "one mistake, one problem: {said}");
    }
    let twice = problems(server(), oidc().grants(["x"]).grants_to("groups", "ops", ["x"]));
    assert_eq!(twice.matches("it grants `x`, which is not declared: declare it").count(), 1, "{twice}");
}

#[test]
fn what_is_declared_is_fine_also_with_arguments() {
    for login in [
        oidc().grants(["notes:read", "project:{project}:write"]),
        oidc().grants_to("groups", "ops", ["project:atlas:write"]),
        oidc().grants_all_scopes(),
        oidc(),
    ] {
        assert_eq!(problems(server(), login), "");
    }
}

#[test]
fn where_nothing_is_declared_all_is_said_at_once() {
    let server = || Server::builder("notes", "1.0").public_url("https://notes.example.com/mcp");
    let said = problems(server(), oidc().grants(["notes:read"]).grants_to("groups", "ops", ["admin"]));
    assert!(said.contains("it grants declared scopes only; declare `notes:read`, `admin` with"), "{said}");
    assert_eq!(said.matches("notes:read").count(), 1, "{said}");
    assert_eq!(problems(server(), oidc()), "");
}

#[test]
fn what_the_environment_grants_is_complained_of_by_its_variable_alone() {
    let env = Env::of([
        ("OIDC_ISSUER", "https://login.example.com"),
        ("OIDC_CLIENT_ID", "me"),
        ("OIDC_CLIENT_SECRET", "kq3-Zr_81Hs"),
        ("MCP_ADMIT", "anyone"),
        ("MCP_GRANTS", "notes:wirte"),
        ("MCP_STORE", "memory"),
    ]);
    let said = server().from(env).unwrap().build().unwrap_err().to_string();
    assert!(said.contains("`MCP_GRANTS` (or that of a provider) grants `notes:wirte`"), "{said}");
    assert_eq!(said.matches("notes:wirte").count(), 1, "{said}");
}
