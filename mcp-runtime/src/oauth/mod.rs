//! The built-in OAuth 2.1 authorization server: for MCP servers without an identity provider.
//!
//! ```no_run
//! # #[cfg(feature = "sqlite")]
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use mcp_runtime::{
//!     Server,
//!     oauth::{AuthorizationServer, LocalUsers, StoreKey},
//!     store::SqliteStore,
//! };
//!
//! let key = StoreKey::load_or_create("./data/store.key")?;
//! let store = Arc::new(SqliteStore::open("./data/oauth.db").await?);
//! let users = LocalUsers::in_store(Arc::clone(&store));
//! let server = Server::builder("notes", "1.0")
//!     .public_url("https://notes.example.com/mcp")
//!     .scope("notes:write", "Add notes")
//!     .authorization_server(AuthorizationServer::builder(store, key).login(users).default_scopes(["notes:write"]))
//!     .build()?;
//! # Ok(()) }
//! ```
//!
//! * [`AuthorizationServer`]: made with [`AuthorizationServerBuilder`], given to
//!   [`ServerBuilder::authorization_server`](crate::ServerBuilder::authorization_server); what the operator does with it.
//! * [`LocalUsers`], or a [`LoginProvider`] of your own: who can log in, and what they may grant.
//! * [`RegisteredClient`]: programs that you register. All others bring a document, or register themselves.
//! * [`Upstream`]: access tokens of other providers, for tools that work with the accounts of whoever calls.
//! * [`StoreKey`], and the [`store`](crate::store) that it seals.
//! * [`pkce`]: for clients of your own.
//!
//! The guides [`add_login`](crate::guide::add_login) and [`connect_your_client`](crate::guide::connect_your_client) go
//! through all of it.

mod browser;
mod clients;
mod core;
mod endpoints;
mod error;
mod hash;
mod limits;
pub mod login;
mod operate;
mod pages;
mod people;
pub mod pkce;
mod request;
mod seal;
mod settings;
mod tokens;
mod upstream;
mod visit;

pub use self::core::AuthorizationServer;
pub(crate) use self::core::{Core, Surroundings};
pub use clients::RegisteredClient;
pub(crate) use endpoints::{Endpoint, answer, paths};
#[cfg(feature = "dev-login")]
pub use login::AutoApprove;
#[cfg(feature = "firebase")]
pub use login::Firebase;
#[cfg(feature = "github")]
pub use login::GitHub;
#[cfg(feature = "oidc")]
pub use login::Oidc;
pub use login::{
    Account, LocalUsers, LoginError, LoginForm, LoginPage, LoginProblem, LoginProvider, UserError, UserInfo,
};
pub use operate::{ConnectionInfo, GrantInfo, MintError, SigningKeyInfo, SigningKeyState};
pub(crate) use people::attempts::callback_of;
pub use seal::{StoreKey, StoreKeyError};
pub use settings::AuthorizationServerBuilder;
pub(crate) use upstream::Source;
pub use upstream::{Upstream, UpstreamProvider, UpstreamToken};
pub(crate) use visit::Visit;
