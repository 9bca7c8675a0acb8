//! Who is calling: credentials in, a verified [`Identity`] out.

mod authenticator;
mod identity;

pub use authenticator::{AuthError, Authenticator, BearerToken, MAX_TOKEN_BYTES, Verify};
pub(crate) use identity::{CallerKey, is_scope_token};
pub use identity::{Caller, ClientAddress, Identity, IdentityBuilder, Principal, Scopes};
