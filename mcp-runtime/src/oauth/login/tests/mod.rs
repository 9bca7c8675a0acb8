//! What all ways to log in elsewhere have in common.

#[cfg(all(feature = "firebase", feature = "github", feature = "oidc"))]
mod grants;
pub(crate) mod log;
#[cfg(any(feature = "firebase", feature = "github", feature = "oidc"))]
mod rules;
#[cfg(feature = "oidc")]
mod start;
