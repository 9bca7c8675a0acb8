//! Every variable present, absent and malformed; conflicts; secrets; and that the table, the help and the README are one.

#![cfg(all(
    feature = "dotenv",
    feature = "firebase",
    feature = "github",
    feature = "oidc",
    feature = "sqlite",
    feature = "tls"
))]

mod cases;
mod conflicts;
mod drift;
mod end;
mod secrets;
mod sources;

use super::{Config, Env, Problems, Values};
use crate::{Server, ServerBuilder};

const KEY: &str = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwKy8=";
const HS: &str = "an example of a secret with 32 bytes, or more";

/// Whoever comes from a provider needs these.
const LOGIN: [(&str, &str); 3] =
    [("MCP_ADMIT", "email-domain:example.com"), ("MCP_GRANTS", "*"), ("MCP_STORE", "memory")];
const OIDC: [(&str, &str); 3] =
    [("OIDC_ISSUER", "https://login.example.com"), ("OIDC_CLIENT_ID", "o-id"), ("OIDC_CLIENT_SECRET", "o-secret")];
const AUTH0: [(&str, &str); 3] =
    [("AUTH0_DOMAIN", "example.eu.auth0.com"), ("AUTH0_CLIENT_ID", "a-id"), ("AUTH0_CLIENT_SECRET", "a-secret")];
const GITHUB: [(&str, &str); 2] = [("GITHUB_CLIENT_ID", "g-id"), ("GITHUB_CLIENT_SECRET", "g-secret")];
const FIREBASE: [(&str, &str); 1] = [("FIREBASE_PROJECT_ID", "example-project")];
const JWT: [(&str, &str); 3] =
    [("JWT_SECRET_KEY", HS), ("JWT_ISSUER", "https://tokens.example.com"), ("MCP_ADMIT", "anyone")];

fn all<'a>(lists: &[&[(&'a str, &'a str)]]) -> Vec<(&'a str, &'a str)> {
    lists.concat()
}

fn builder() -> ServerBuilder {
    Server::builder("notes", "1.0").scope("notes:write", "Write notes").scope("admin", "Everything")
}

/// What is read, and what is wrong with it; opens nothing.
fn read_env(env: &Env) -> (Config, Vec<String>) {
    let mut problems = Problems::default();
    let values = Values::read(env, &mut problems);
    let config = Config::read(&values, &builder(), &mut problems);
    let problems = problems.none_or_error().err().map(|error| error.problems().to_vec()).unwrap_or_default();
    (config, problems)
}

fn read(variables: &[(&str, &str)]) -> (Config, Vec<String>) {
    read_env(&Env::of(variables.iter().copied()))
}

/// A private key in PEM.
fn pem() -> &'static str {
    static PEM: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    PEM.get_or_init(|| {
        let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
        key.serialize_pem().replace('\r', "")
    })
}

/// The same in one line, as it stands in the JSON file of a service account.
fn pem_in_a_line() -> &'static str {
    static PEM: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    PEM.get_or_init(|| pem().replace('\n', "\\n"))
}

/// A folder of this test alone, gone at its end.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("mcp-config-{}-{count}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
