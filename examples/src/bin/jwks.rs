//! The tokens of any OpenID provider, with its keys as it publishes and changes them.
//!
//! ```text
//! ISSUER=https://login.example.com SUBJECTS=alice,bob cargo run --bin jwks --features jwks
//! ```
//!
//! | variable | means |
//! |---|---|
//! | `ISSUER` | the `iss` of its tokens, byte for byte; its metadata says where the keys are |
//! | `SUBJECTS` | who may come in: their `sub`, separated by commas, or `*` for everyone with an account there |
//! | `PUBLIC_URL` | the endpoint's https URL, if a TLS proxy on this machine stands in front: the `aud` that tokens must name |
//! | `AUDIENCE` | another `aud`, for providers that cannot be told ours; never a client id, which ID tokens name |

use std::{env, error::Error};

use examples::notebook;
use mcp_runtime::{
    Server,
    auth::{Jwt, ScopeClaim},
};

fn required(name: &str, meaning: &str) -> Result<String, String> {
    let value = env::var(name).ok().filter(|value| !value.is_empty());
    value.ok_or_else(|| format!("set {name}: {meaning}"))
}

fn issuer() -> Result<Jwt, String> {
    let issuer = required("ISSUER", "who issues the tokens, for example https://login.example.com")?;
    let subjects = required("SUBJECTS", "who may come in, for example alice,bob; or * for everyone")?;
    let jwt = Jwt::issuer(issuer)
        .discover()
        // Many providers call their access tokens plain `JWT`, and their ID tokens too. Most of those are told by their
        // claims, all of them by their audience: a client id.
        .accept_plain_jwt()
        // Instead of `scope`, which is the standard's, both it and Auth0's way to write them.
        .scope_claim(ScopeClaim::Scope)
        .scope_claim(ScopeClaim::Permissions);
    let jwt = match env::var("AUDIENCE") {
        Ok(audience) => jwt.audience(audience),
        Err(_) => jwt,
    };
    // An issuer vouches for many, and often for whoever registers: that somebody has an account is no reason to let
    // them in.
    Ok(if subjects == "*" { jwt.anyone() } else { jwt.subjects(subjects.split(',')) })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    examples::start(include_str!("jwks.rs"));
    let url = env::var("PUBLIC_URL").unwrap_or_else(|_| "http://127.0.0.1:8000/mcp".to_owned());
    let server = notebook::add_to(Server::builder("jwks", env!("CARGO_PKG_VERSION")))
        .public_url(&url)
        .http(|http| if url.starts_with("https:") { http.trusted_proxies(["loopback"]) } else { http })
        .auth(issuer()?)
        .build()?;
    println!("Listening on {url}\n\n{}", server.policies());
    // Keys are fetched when the first token comes: a provider that is down now does not keep the server from starting.
    Ok(server.serve("127.0.0.1:8000").await?)
}
