//! The notebook behind an identity provider of yours: its tokens, verified with its public key.
//!
//! ```text
//! cargo run --bin resource_server -- --issuer https://login.example.com --audience https://notes.example.com/mcp \
//!     --public-key provider.pem
//! ```

use std::{error::Error, fs, net::SocketAddr, path::PathBuf};

use clap::Parser;
use examples::notebook;
use mcp_runtime::{
    Server,
    auth::{Algorithm, Jwt, VerifyingKey},
};
use tokio::net::TcpListener;

/// Protected MCP tools for whoever has a token of this issuer.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8000")]
    addr: SocketAddr,
    /// Who issues the tokens: their `iss`, byte for byte.
    #[arg(long)]
    issuer: String,
    /// Whom the tokens are for: their `aud`, byte for byte.
    #[arg(long)]
    audience: String,
    /// The issuer's public key, a PEM file.
    #[arg(long, value_name = "FILE")]
    public_key: PathBuf,
    /// The algorithm of its signatures; else RS256, ES256, ES384, ES512 or EdDSA, by the kind of key.
    #[arg(long)]
    algorithm: Option<Algorithm>,
    /// The https URL of the endpoint, if a TLS proxy stands in front.
    #[arg(long)]
    public_url: Option<String>,
    /// Where that proxy connects from: an address, a network, or `private`.
    #[arg(long, value_name = "NETWORK", default_value = "loopback")]
    trusted_proxy: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cli = Cli::parse();
    examples::log_to_stderr();
    let listener =
        TcpListener::bind(cli.addr).await.map_err(|error| format!("cannot listen on {}: {error}", cli.addr))?;
    let url = cli.public_url.clone().unwrap_or(format!("http://{}/mcp", listener.local_addr()?));
    let key = read_key(&cli)?;
    let issuer = Jwt::issuer(cli.issuer)
        .key(key)
        .audience(cli.audience)
        // Many providers call their access tokens plain `JWT`. Their ID tokens are told apart by the claims that only
        // those have, and are refused.
        .accept_plain_jwt()
        // Whoever has an account there may come in; what they may do is in their scopes.
        .anyone();
    let server = notebook::add_to(Server::builder("resource_server", env!("CARGO_PKG_VERSION")))
        .public_url(&url)
        .http(|http| if cli.public_url.is_some() { http.trusted_proxies([&cli.trusted_proxy]) } else { http })
        .auth(issuer)
        .build()?;
    println!("Listening on {url}\n\n{}", server.policies());
    server.serve_on(listener, mcp_runtime::stop_signal()).await?;
    Ok(())
}

fn read_key(cli: &Cli) -> Result<VerifyingKey, Box<dyn Error>> {
    let file = &cli.public_key;
    let pem = fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let key = match cli.algorithm {
        Some(algorithm) => VerifyingKey::from_pem(algorithm, &pem),
        None => VerifyingKey::detect_pem(&pem),
    };
    Ok(key.map_err(|error| format!("{}: {error}", file.display()))?)
}
