//! The built-in OAuth 2.1 authorization server: for MCP servers without an identity provider, and the bridge for those
//! whose provider knows neither registration nor our audience.

mod browser;
mod clients;
mod core;
mod endpoints;
mod error;
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
mod visit;

pub use self::core::AuthorizationServer;
pub(crate) use self::core::{Core, Surroundings};
pub use clients::RegisteredClient;
pub(crate) use endpoints::{Endpoint, answer, paths};
#[cfg(feature = "dev-login")]
pub use login::AutoApprove;
pub use login::{Account, LocalUsers, LoginError, LoginForm, LoginPage, LoginProvider, UserError, UserInfo};
pub use operate::{GrantInfo, MintError};
pub use seal::{StoreKey, StoreKeyError};
pub use settings::AuthorizationServerBuilder;
pub(crate) use visit::Visit;
