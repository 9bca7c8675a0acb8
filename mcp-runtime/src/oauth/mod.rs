//! The built-in OAuth 2.1 authorization server: for MCP servers without an identity provider, and the bridge for those
//! whose provider knows neither registration nor our audience.

mod clients;
mod core;
mod endpoints;
mod error;
mod limits;
mod login;
mod pages;
mod people;
pub mod pkce;
mod seal;
mod settings;
mod tokens;
mod visit;

pub use self::core::AuthorizationServer;
pub(crate) use self::core::{Core, Surroundings};
pub use clients::RegisteredClient;
pub(crate) use endpoints::{Endpoint, answer, paths};
pub use login::{Account, LoginError, LoginForm, LoginPage, LoginProvider};
pub use seal::{StoreKey, StoreKeyError};
pub use settings::AuthorizationServerBuilder;
pub(crate) use visit::Visit;
