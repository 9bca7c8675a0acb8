//! Configuration from the environment: [`ServerBuilder::from_env`].
//!
//! The code says what the tools are and what protects them; the deployment says where the server is and who its people
//! are, in environment variables. [`help`] lists them, and the guide [`configuration`](crate::guide::configuration)
//! explains them. Everything that is wrong is reported at once, by name, and never with a secret in it.
//!
//! ```
//! use mcp_runtime::{Server, config::Env};
//!
//! // `.from_env()?` reads the variables of the process; this reads these, and nothing else.
//! let env = Env::of([("MCP_BIND", "0.0.0.0:8080"), ("MCP_PUBLIC_URL", "https://notes.example.com/mcp")]);
//! let server = Server::builder("notes", "1.0").from(env)?.build()?;
//! assert_eq!(server.bind_address().to_string(), "0.0.0.0:8080");
//!
//! let error = Server::builder("notes", "1.0").from(Env::of([("MCP_BIN", "0.0.0.0:8080")])).unwrap_err();
//! assert!(error.to_string().contains("did you mean `MCP_BIND`?"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// Each way to know callers uses a part of it.
#![cfg_attr(not(all(feature = "firebase", feature = "github", feature = "jwt", feature = "oidc")), allow(dead_code))]

mod access;
mod address;
#[cfg(feature = "dotenv")]
mod dotenv;
mod env;
mod error;
mod help;
#[cfg(any(feature = "oidc", feature = "github", feature = "firebase"))]
mod login;
mod rules;
mod start;
#[cfg(test)]
mod tests;
mod tls;
#[cfg(feature = "jwt")]
mod tokens;
mod values;
mod variables;

use std::{net::SocketAddr, path::PathBuf};

pub use self::{env::Env, error::ConfigError, help::help};

use self::{address::Proxies, error::Problems, values::Values, variables::Group};
use crate::{
    auth::PublicUrl,
    server::{Configured, ServerBuilder},
};

/// What the environment says, checked.
#[derive(Debug)]
struct Config {
    bind: SocketAddr,
    public_url: Option<String>,
    proxies: Option<Proxies>,
    tls: Option<(PathBuf, PathBuf)>,
    #[cfg(feature = "jwt")]
    tokens: Option<tokens::Tokens>,
    #[cfg(any(feature = "oidc", feature = "github", feature = "firebase"))]
    login: Option<login::Login>,
}

impl ServerBuilder {
    /// Configures the server from the variables of the process: where it listens and who its people are. Replaces what was
    /// said before of the same things; tools, scopes and limits stay the code's. See [`config`](crate::config).
    ///
    /// Opens the store and makes its files if people log in, so call it when the server starts, once.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// use mcp_runtime::{Server, tools};
    ///
    /// let server = Server::builder("notes", env!("CARGO_PKG_VERSION")).tools(tools![]).from_env()?.build()?;
    /// server.serve_configured().await?; // writes what is protected by what into the log
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Every problem there is, at once, each with the name of a variable and what to do about it.
    pub fn from_env(self) -> Result<Self, ConfigError> {
        self.from(Env::process())
    }

    /// The same from variables of your choice: with defaults of the code, or in tests.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from(self, env: Env) -> Result<Self, ConfigError> {
        let mut problems = Problems::default();
        env.unread.iter().for_each(|problem| problems.add(problem));
        problems.none_or_error()?;
        let mut problems = Problems::default();
        let values = Values::read(&env, &mut problems);
        let config = Config::read(&values, &self, &mut problems);
        problems.none_or_error()?;
        config.apply(self)
    }
}

impl Config {
    fn read(values: &Values, builder: &ServerBuilder, problems: &mut Problems) -> Self {
        let bind = address::bind(values, problems);
        let said = address::public_url(values, problems);
        let tls = address::tls(values, problems);
        let proxies = address::proxies(values, problems);
        let chosen = chosen(values);
        complain_of_conflicts(values, builder, problems);
        let local = || chosen.and_then(|_| address::local_url(bind, tls.is_some()));
        let from_code = || builder.known_public_url().map(str::to_owned);
        let is_said = values.has("MCP_PUBLIC_URL");
        let text =
            said.map(|url| url.as_str().to_owned()).or_else(|| if is_said { None } else { from_code().or_else(local) });
        if text.is_none() && !is_said && (chosen.is_some() || !bind.ip().to_canonical().is_loopback()) {
            problems.add(
                "`MCP_PUBLIC_URL` is missing: set it to the URL under which clients reach the server, such as \
                 `https://notes.example.com/mcp`",
            );
        }
        // One that the code says is judged when the server is built.
        let url = text.as_deref().and_then(|text| PublicUrl::parse(text).ok());
        let _ = &url;
        #[cfg(any(feature = "oidc", feature = "github", feature = "firebase"))]
        let login = login::read(values, problems).inspect(|login| login.check_redirect(values, url.as_ref(), problems));
        Self {
            bind,
            public_url: text,
            proxies,
            tls,
            #[cfg(feature = "jwt")]
            // What conflicts with the rules of a provider is not held against those.
            tokens: provider(values).is_none().then(|| tokens::read(values, problems)).flatten(),
            #[cfg(any(feature = "oidc", feature = "github", feature = "firebase"))]
            login,
        }
    }

    fn apply(self, mut builder: ServerBuilder) -> Result<ServerBuilder, ConfigError> {
        let mut configured = Configured::new(self.bind, self.public_url.clone());
        if let Some(url) = self.public_url {
            builder = builder.public_url(url);
        }
        if let Some(proxies) = self.proxies {
            builder = builder.http(|http| proxies.apply(http));
        }
        #[cfg_attr(not(any(feature = "oidc", feature = "github", feature = "firebase")), allow(unused_mut))]
        let mut problems = Problems::default();
        if let Some((cert, key)) = self.tls {
            configured.facts.push(("Https", format!("{} with {}", cert.display(), key.display())));
            builder = tls::apply(builder, &cert, &key);
        }
        #[cfg(feature = "jwt")]
        if let Some(tokens) = self.tokens {
            configured.facts.push(("Admitted", rules::in_words(&tokens.admit, "ANYONE with a token of the issuer")));
            configured.knows_callers = true;
            builder = builder.auth(tokens.into_jwt());
        }
        #[cfg(any(feature = "oidc", feature = "github", feature = "firebase"))]
        if let Some(login) = self.login {
            configured.facts.extend(login.facts());
            configured.scopes = login.named_scopes();
            configured.knows_callers = true;
            match login.open() {
                Ok(server) => builder = builder.authorization_server(server),
                Err(problem) => problems.add(problem),
            }
        }
        problems.none_or_error()?;
        Ok(builder.configured(configured))
    }
}

/// The first variable that says how callers are known.
fn chosen(values: &Values) -> Option<&'static str> {
    compiled_first_of(values, Group::Tokens).or_else(|| provider(values))
}

/// The first variable of a provider.
fn provider(values: &Values) -> Option<&'static str> {
    let providers = [Group::Oidc, Group::Auth0, Group::GitHub, Group::Firebase];
    providers.into_iter().find_map(|group| compiled_first_of(values, group))
}

/// What is not compiled in is complained of for that alone.
fn compiled_first_of(values: &Values, group: Group) -> Option<&'static str> {
    values.first_of(group).filter(|_| group.is_compiled_in())
}

/// Two ways to know callers where there is to be one, and rules about nobody.
fn complain_of_conflicts(values: &Values, builder: &ServerBuilder, problems: &mut Problems) {
    if let (Some(tokens), Some(provider)) = (compiled_first_of(values, Group::Tokens), provider(values)) {
        problems.add(format!(
            "`{tokens}` and `{provider}` are two ways to know callers: unset one, so that it is clear whose word counts"
        ));
    }
    if let (Some(name), Some(what)) = (chosen(values), builder.callers_known_by()) {
        problems.add(format!(
            "`{name}` says how callers are known, and so does the code, with `{what}`: unset the variable, or take that \
             out of the code"
        ));
    }
    if chosen(values).is_none() {
        for name in values.set_in(Group::Access) {
            problems.add(format!(
                "`{name}` is set, and nothing knows callers: name a provider with `OIDC_ISSUER`, `AUTH0_DOMAIN`, \
                 `GITHUB_CLIENT_ID` or `FIREBASE_PROJECT_ID`, or an issuer with `JWT_ISSUER`, or unset it"
            ));
        }
    }
}
