//! A server that people log in to, in one command: `cargo run --bin quickstart`.
//!
//! Four tools on a notebook in memory, each with another protection, and an OAuth 2.1 authorization server beside them:
//! clients find it, register, and send people to its login and consent pages. Everything it must remember is in the data
//! directory: `store.db` (users, grants, sessions, clients, keys) and `store.key`, which seals what is secret in it. There
//! is no special door for development, except the one that says so: `--auto-approve`.
//!
//! * `deployment.rs`: the store, its key, and the authorization server on top of them. Begin there.
//! * `serve.rs`: the server, and what it says at its start.
//! * `users.rs`, `grants.rs`, `keys.rs`: what an operator does meanwhile, from another process on the same file.

mod deployment;
mod grants;
mod keys;
mod serve;
#[cfg(test)]
mod tests;
mod users;

use std::{error::Error, process::ExitCode};

use clap::{Parser, Subcommand};

use self::deployment::Place;

/// Protected MCP tools over HTTP, and a login for them.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Options,
}

#[derive(Subcommand)]
enum Command {
    /// Who can log in.
    #[command(subcommand)]
    User(users::Command),
    /// Print a token that is valid for an hour, and nothing else. It is a grant to the client `operator`, which `grants`
    /// lists and revokes.
    Token {
        /// Who the token speaks for: a user, or else a script of that name.
        #[arg(long)]
        sub: String,
        /// What it allows, separated by spaces: `notes:write`, `admin`.
        #[arg(long, default_value = "")]
        scope: String,
        #[command(flatten)]
        place: Place,
    },
    /// What clients may do for somebody, and until when.
    #[command(subcommand)]
    Grants(grants::Command),
    /// The keys that tokens are signed with.
    #[command(subcommand)]
    Keys(keys::Command),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), Box<dyn Error>> {
    match cli.command {
        None => serve::run(&cli.serve).await,
        Some(Command::User(command)) => users::run(command).await,
        Some(Command::Token { sub, scope, place }) => grants::print_token(&place, &sub, &scope).await,
        Some(Command::Grants(command)) => grants::run(command).await,
        Some(Command::Keys(command)) => keys::run(command).await,
    }
}
