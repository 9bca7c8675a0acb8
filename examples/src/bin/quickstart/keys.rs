//! The keys that access tokens are signed with. They are changed every 90 days without this.

use std::error::Error;

use clap::Subcommand;
use mcp_runtime::oauth::{SigningKeyInfo, SigningKeyState};

use crate::{
    deployment::Data,
    grants::{ANY_URL, Desk},
};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List them: id, what it does, since when (seconds since 1970).
    List {
        #[command(flatten)]
        data: Data,
    },
    /// Publish a new one, which takes over after five and a half minutes, and print its id. Tokens stay valid.
    Rotate {
        #[command(flatten)]
        data: Data,
    },
    /// Take one away because somebody else may have it: all tokens that it signed are refused within a second.
    Revoke {
        kid: String,
        #[command(flatten)]
        data: Data,
    },
}

pub(crate) async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::List { data } => {
            for SigningKeyInfo { kid, state, since, .. } in
                Desk::open(&data, ANY_URL).await?.authorization()?.signing_keys().await?
            {
                println!("{kid}\t{}\t{since}", word(state));
            }
        }
        Command::Rotate { data } => {
            println!("{}", Desk::open(&data, ANY_URL).await?.authorization()?.rotate_signing_key().await?);
        }
        Command::Revoke { kid, data } => {
            if !Desk::open(&data, ANY_URL).await?.authorization()?.revoke_signing_key(&kid).await? {
                return Err("there is no such key; `keys list` shows them".into());
            }
            println!("Revoked.");
        }
    }
    Ok(())
}

fn word(state: SigningKeyState) -> &'static str {
    match state {
        SigningKeyState::Waiting => "waiting",
        SigningKeyState::Signing => "signing",
        SigningKeyState::Retired => "retired",
        _ => "",
    }
}
