//! The server, and what it says at its start.

use std::{
    error::Error,
    io::{IsTerminal, Write},
    net::SocketAddr,
    time::Duration,
};

use clap::Args;
use mcp_runtime::Server;
use tokio::net::TcpListener;

use crate::{
    deployment::{Deployment, Place, notebook_at},
    users,
};

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Where the TLS proxy connects from, if there is one: an address, a network, or `private`.
    #[arg(long, value_name = "NETWORK", default_value = "loopback")]
    trusted_proxy: String,
    /// Log everybody on this machine in as this one, without asking: for first tries and tests.
    #[cfg(feature = "dev-login")]
    #[arg(long, value_name = "NAME")]
    auto_approve: Option<String>,
    /// How long access tokens are valid, instead of 15 minutes: tests cannot wait.
    #[arg(long, hide = true, value_name = "N")]
    access_token_seconds: Option<u64>,
}

pub(crate) async fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    examples::log_to_stderr();
    let place = &options.place;
    let listener =
        TcpListener::bind(place.addr).await.map_err(|error| format!("cannot listen on {}: {error}", place.addr))?;
    let addr = listener.local_addr()?;
    let url = place.url(addr);
    let deployment = place.data.open().await?;
    let server = build(options, &deployment, &url)?;
    // Before anybody is told that it works.
    if let Some(authorization) = server.authorization_server() {
        authorization.ready().await?;
    }
    greet(&server, options, &deployment, addr).await?;
    server.serve_on(listener, mcp_runtime::stop_signal()).await?;
    println!("Stopped.");
    Ok(())
}

pub(crate) fn build(options: &Options, deployment: &Deployment, url: &str) -> Result<Server, Box<dyn Error>> {
    let mut authorization = deployment.authorization_server()?;
    #[cfg(feature = "dev-login")]
    if let Some(name) = &options.auto_approve {
        authorization = authorization.login(mcp_runtime::oauth::AutoApprove::new(name));
    }
    if let Some(seconds) = options.access_token_seconds {
        authorization = authorization.access_token_lifetime(Duration::from_secs(seconds));
    }
    let mut server = notebook_at(url);
    if options.place.public_url.is_some() {
        server = server.http(|http| http.trusted_proxies([&options.trusted_proxy]));
    }
    Ok(server.authorization_server(authorization).build()?)
}

async fn greet(
    server: &Server,
    options: &Options,
    deployment: &Deployment,
    addr: SocketAddr,
) -> Result<(), Box<dyn Error>> {
    let (url, flags) = (options.place.url(addr), options.place.flags(addr));
    let who = who_can_log_in(options, deployment).await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "Listening on {url}\n\n{}", server.policies())?;
    writeln!(out, "Anyone may list notes:\n\n  {}\n", curl(&url, "list_notes", ""))?;
    writeln!(
        out,
        "For the others a client logs in by itself, with a browser; give it this URL:\n\n  {url}\n\n{who}\n"
    )?;
    writeln!(out, "Print a token: cargo run --bin quickstart token --sub alice --scope \"notes:write admin\"{flags}")?;
    writeln!(out, "Stop with Ctrl-C.")?;
    out.flush()?;
    Ok(())
}

async fn who_can_log_in(options: &Options, deployment: &Deployment) -> Result<String, Box<dyn Error>> {
    #[cfg(feature = "dev-login")]
    if let Some(name) = &options.auto_approve {
        return Ok(format!("EVERYBODY on this machine is logged in as {name}, without being asked."));
    }
    let more = "cargo run --bin quickstart user --help";
    let users = deployment.users.list(None, 5).await?;
    if !users.is_empty() {
        let names: Vec<_> = users.into_iter().map(|user| user.name).collect();
        return Ok(format!("Users: {}{}. More: {more}", names.join(", "), if names.len() == 5 { ", …" } else { "" }));
    }
    // A secret is for eyes, not for log files.
    if std::io::stdout().is_terminal() {
        let password = users::add_with_random_password(&deployment.users, "alice", None).await?;
        return Ok(format!("Log in as `alice` with the password `{password}`, which is shown only now. More: {more}"));
    }
    let flags = options.place.data.flags();
    Ok(format!("Nobody can log in yet. Add a user: cargo run --bin quickstart user add alice{flags}"))
}

/// A call in the words of the oldest revision, which needs no headers and so fits on a line.
fn curl(url: &str, tool: &str, arguments: &str) -> String {
    format!(
        r#"curl {url} -H 'Content-Type: application/json' -d '{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{{{arguments}}}}}}}'"#
    )
}
