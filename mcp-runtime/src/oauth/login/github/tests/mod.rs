//! Against a stub of GitHub on this machine, that says what each test needs. GitHub itself is never asked.

mod arriving;
mod configuration;
mod memberships;
mod rechecks;
pub(crate) mod stub;

use super::GitHub;
use crate::oauth::{
    LoginError,
    login::federated::{Arrived, FederatedLogin, Trip, UpstreamTokens},
    pkce::Pkce,
    visit::Form,
};
use stub::Stub;

const CALLBACK: &str = "https://as.example.com/callback/github";
const SECRET: &str = "client-secret-of-the-app";
const TOKEN: &str = "gho_16C7e42F292c6912E7710c838347Ae178B4a";
const NOW: u64 = 1_800_000_000;

/// The number that the stub's somebody has.
const ID: u64 = 583_231;

pub(crate) fn github(stub: &Stub) -> GitHub {
    GitHub::app("Iv1.app", SECRET).enterprise(&stub.url)
}

fn trip() -> Trip {
    Trip {
        state: "state-of-the-trip".to_owned(),
        nonce: "nonce".to_owned(),
        pkce: Pkce::generate().unwrap(),
        redirect_uri: CALLBACK.to_owned(),
        login_again: false,
        for_tools: false,
        began: NOW,
        now: NOW,
    }
}

fn form(raw: &str) -> Form {
    Form::parse(raw).unwrap()
}

async fn arrive(github: &GitHub) -> Result<Arrived, LoginError> {
    github.arrive(&trip(), &form("code=the-code&state=state-of-the-trip")).await
}

fn tokens(scopes: &[&str]) -> UpstreamTokens {
    UpstreamTokens {
        access_token: TOKEN.to_owned(),
        refresh_token: None,
        expires_at: None,
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
    }
}
