//! People log in with the accounts they have; where, the environment says.
//!
//! ```text
//! OIDC_ISSUER=https://login.example.com OIDC_CLIENT_ID=… OIDC_CLIENT_SECRET=… cargo run --features oidc --bin federated
//! AUTH0_DOMAIN=example.eu.auth0.com AUTH0_CLIENT_ID=… AUTH0_CLIENT_SECRET=… cargo run --features oidc --bin federated
//! GITHUB_CLIENT_ID=… GITHUB_CLIENT_SECRET=… cargo run --features github --bin federated
//! FIREBASE_PROJECT_ID=… FIREBASE_API_KEY=… cargo run --features firebase --bin federated
//! cargo run --bin federated -- --help      # all variables
//! ```
//!
//! The start shows what to type into the provider's console. `MCP_ADMIT` says who is let in. On this machine, which nobody else
//! reaches, the example lets in everybody with an account there if nothing is said; with a `MCP_PUBLIC_URL` it must be.

use std::error::Error;

use examples::notebook;
use mcp_runtime::{
    Server,
    config::{self, Env},
};

/// What the deployment may leave out.
fn with_defaults(env: Env, is_public: bool) -> Env {
    let env = env.or("MCP_STORE", ".federated/store.db").or("MCP_GRANTS", "*").or("MCP_DEFAULT_SCOPES", "notes:write");
    if is_public { env } else { env.or("MCP_ADMIT", "anyone") }
}

fn build(env: Env) -> Result<Server, Box<dyn Error>> {
    Ok(notebook::add_to(Server::builder("federated", env!("CARGO_PKG_VERSION"))).from(env)?.build()?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).is_some() {
        println!("Protected tools, and a login with the accounts people have. All of it comes from the environment:\n");
        println!("{}", config::help());
        return Ok(());
    }
    examples::log_to_stderr();
    let is_public = std::env::vars_os().any(|(name, _)| name.to_string_lossy().starts_with("MCP_PUBLIC_URL"));
    let server = build(with_defaults(Env::process(), is_public))?;
    Ok(server.serve_configured().await?)
}

#[cfg(test)]
#[cfg(feature = "oidc")]
mod tests {
    use super::*;

    const PROVIDER: [(&str, &str); 4] = [
        ("OIDC_ISSUER", "https://login.example.com"),
        ("OIDC_CLIENT_ID", "notes"),
        ("OIDC_CLIENT_SECRET", "u7Jt-9fKq2Lz"),
        ("MCP_STORE", "memory"),
    ];

    #[test]
    fn a_provider_is_all_that_must_be_said_on_one_machine() {
        let summary = build(with_defaults(Env::of(PROVIDER), false)).unwrap().summary().to_string();
        for text in
            ["http://127.0.0.1:8000/callback/oidc", "oidc (login.example.com)", "ANYONE who has an account there"]
        {
            assert!(summary.contains(text), "{text}: {summary}");
        }
        assert!(!summary.contains("u7Jt"), "{summary}");
    }

    #[test]
    fn who_is_let_in_must_be_said_elsewhere() {
        let public = [("MCP_PUBLIC_URL", "https://notes.example.com/mcp"), ("MCP_TRUSTED_PROXIES", "loopback")];
        let env = || Env::of(PROVIDER.into_iter().chain(public));
        let problems = build(with_defaults(env(), true)).unwrap_err().to_string();
        assert!(problems.contains("MCP_ADMIT"), "{problems}");
        let admits = env().or("MCP_ADMIT", "email-domain:example.com");
        assert!(build(with_defaults(admits, true)).unwrap().summary().to_string().contains("example.com"));
    }

    #[test]
    fn without_a_provider_nothing_starts() {
        let problems = build(with_defaults(Env::of([("MCP_BIND", "127.0.0.1:0")]), false)).unwrap_err().to_string();
        assert!(problems.contains("OIDC_ISSUER") && problems.contains("GITHUB_CLIENT_ID"), "{problems}");
    }
}
