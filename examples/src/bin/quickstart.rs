//! Protected tools over HTTP in one command: `cargo run --bin quickstart`.
//!
//! Four tools on a notebook in memory, each with another protection. Tokens are signed with a key that is kept in
//! the data directory, and verified like any other issuer's: there is no special door for development.

use std::{
    error::Error,
    fs,
    io::{IsTerminal, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use clap::{Args, Parser, Subcommand};
use examples::notebook;
use mcp_runtime::{
    Server,
    auth::{Jwt, SigningKey},
};
use serde_json::json;
use tokio::net::TcpListener;

/// Who signs the tokens. Not a URL: there is no authorization server that a client could ask.
const ISSUER: &str = "quickstart";

/// How long a token is valid, in seconds.
const TOKEN_LIFE: u64 = 3600;

/// Protected MCP tools over HTTP, ready to be called.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    place: Place,
}

#[derive(Subcommand)]
enum Command {
    /// Print a token, and nothing else.
    Token {
        /// Who the token speaks for.
        #[arg(long)]
        sub: String,
        /// What it allows, separated by spaces: `notes:write`, `admin`.
        #[arg(long, default_value = "")]
        scope: String,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Args)]
struct Place {
    /// Where to listen; tokens are valid for one address only.
    #[arg(long, default_value = "127.0.0.1:8000")]
    addr: SocketAddr,
    /// Where the signing key is kept.
    #[arg(long, default_value = "./.quickstart")]
    data: PathBuf,
    /// The https URL of the endpoint, if a TLS proxy stands in front.
    #[arg(long)]
    public_url: Option<String>,
}

impl Place {
    /// The endpoint's URL, which is also the audience of its tokens.
    fn url(&self, addr: SocketAddr) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{addr}/mcp"))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cli = Cli::parse();
    match cli.command {
        None => serve(&cli.place).await,
        Some(Command::Token { sub, scope, place }) => {
            let key = load_key(&place.data)?;
            println!("{}", mint(&key, &place.url(place.addr), &sub, &scope)?);
            Ok(())
        }
    }
}

async fn serve(place: &Place) -> Result<(), Box<dyn Error>> {
    examples::log_to_stderr();
    let listener =
        TcpListener::bind(place.addr).await.map_err(|error| format!("cannot listen on {}: {error}", place.addr))?;
    let addr = listener.local_addr()?;
    let url = place.url(addr);
    let key = load_key(&place.data)?;
    let server = notebook::add_to(Server::builder("quickstart", env!("CARGO_PKG_VERSION")))
        .public_url(&url)
        .auth(Jwt::issuer(ISSUER).key(key.verifying_key()?).anyone())
        .build()?;
    greet(&server, &url, &key, addr)?;
    server.serve_on(listener, mcp_runtime::stop_signal()).await?;
    println!("Stopped.");
    Ok(())
}

fn greet(server: &Server, url: &str, key: &SigningKey, addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "Listening on {url}\n\n{}", server.policies())?;
    writeln!(out, "Anyone may list notes:\n\n  {}\n", curl(url, "list_notes", ""))?;
    // A secret is for eyes, not for log files, and not for a server that others can reach.
    if out.is_terminal() && addr.ip().is_loopback() {
        let token = mint(key, url, "alice", "notes:write admin")?;
        writeln!(out, "A token for alice, valid for an hour:\n\n  {token}\n")?;
    }
    writeln!(out, "Print a token: cargo run --bin quickstart token --sub alice --scope \"notes:write admin\"")?;
    writeln!(out, "Stop with Ctrl-C.")?;
    out.flush()?;
    Ok(())
}

/// A call in the words of the oldest revision, which needs no headers and so fits on a line.
fn curl(url: &str, tool: &str, arguments: &str) -> String {
    format!(
        r#"curl {url} -H 'Content-Type: application/json' -d '{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{{{arguments}}}}}}}'"#
    )
}

fn mint(key: &SigningKey, audience: &str, sub: &str, scope: &str) -> Result<String, Box<dyn Error>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let claims = json!({
        "iss": ISSUER, "aud": audience, "sub": sub, "scope": scope, "iat": now, "exp": now + TOKEN_LIFE,
    });
    Ok(key.sign(&claims)?)
}

/// The signing key of this data directory; made on first use.
fn load_key(data: &Path) -> Result<SigningKey, Box<dyn Error>> {
    let file = data.join("signing-key.pem");
    make_private_dir(data)?;
    if !file.exists() {
        // Written aside and linked into place, so that of two that start at once one wins and neither reads half a key.
        let aside = data.join(format!("signing-key.{}.new", std::process::id()));
        write_private(&aside, &SigningKey::generate()?.to_pkcs8_pem()?)?;
        let linked = fs::hard_link(&aside, &file);
        fs::remove_file(&aside)?;
        if let Err(error) = linked
            && error.kind() != std::io::ErrorKind::AlreadyExists
        {
            return Err(error.into());
        }
    }
    let pem = fs::read(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    Ok(SigningKey::from_pkcs8_pem(&pem)
        .map_err(|error| format!("{}: {error}; delete it to get a new one", file.display()))?)
}

fn make_private_dir(dir: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(text.as_bytes())
}
