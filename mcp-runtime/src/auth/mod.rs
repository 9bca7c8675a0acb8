//! Who is calling: credentials in, a verified [`Identity`] out.

#[cfg(any(feature = "introspection", feature = "jwt"))]
mod admission;
mod authenticator;
#[cfg(any(feature = "introspection", feature = "jwt"))]
mod claim_says;
#[cfg(any(feature = "introspection", feature = "jwt"))]
mod claims;
mod identity;
#[cfg(feature = "introspection")]
mod introspection;
#[cfg(feature = "jwks")]
mod jwks;
#[cfg(feature = "jwt")]
mod jwt;
#[cfg(any(feature = "introspection", feature = "jwt"))]
mod object;
#[cfg(any(feature = "introspection", feature = "jwks"))]
// Each feature alone uses a part of it.
#[cfg_attr(not(all(feature = "introspection", feature = "jwks")), allow(dead_code))]
mod outbound;
#[cfg(any(feature = "introspection", feature = "jwks"))]
mod public_address;
mod public_url;
#[cfg(feature = "http")]
mod resource_metadata;
#[cfg(any(feature = "introspection", feature = "jwt"))]
mod scope_claim;
mod static_tokens;
mod verifier;
mod web_url;

pub(crate) use authenticator::Asker;
pub use authenticator::{AuthError, Authenticator, BearerToken, MAX_TOKEN_BYTES, Verify};
#[cfg(any(feature = "firebase", feature = "github", feature = "oidc"))]
pub(crate) use claim_says::{NoEmail, claim_in_words, claim_says, email, find_claim, verified_email};
pub use identity::{Caller, ClientAddress, Identity, IdentityBuilder, Principal, Scopes};
pub(crate) use identity::{CallerKey, is_scope_token};
#[cfg(feature = "introspection")]
pub use introspection::Introspection;
#[cfg(feature = "firebase")]
pub(crate) use jwks::PublishedKeys;
#[cfg(feature = "oauth")]
pub(crate) use jwks::{ClientAssertion, ClientKeys, RemoteClientKeys, max_age};
#[cfg(feature = "firebase")]
pub(crate) use jwt::IdToken;
#[cfg(feature = "oauth")]
pub(crate) use jwt::OwnToken;
#[cfg(feature = "jwt")]
pub use jwt::{
    Algorithm, CryptoProviderError, Jwt, KeyError, SigningKey, UnknownAlgorithm, VerifyingKey, install_crypto_provider,
};
#[cfg(feature = "oauth")]
pub(crate) use object::UniqueObject;
#[cfg(feature = "oauth")]
pub(crate) use outbound::{Outbound, Reach};
pub(crate) use public_url::PublicUrl;
#[cfg(feature = "http")]
pub(crate) use resource_metadata::{ResourceMetadata, WellKnown, well_known_path};
#[cfg(any(feature = "introspection", feature = "jwt"))]
pub use scope_claim::ScopeClaim;
pub use static_tokens::StaticTokens;
#[cfg(feature = "oauth")]
pub(crate) use static_tokens::is_plausibly_random;
pub(crate) use verifier::Verifier;
#[cfg(feature = "http")]
pub(crate) use web_url::{WebUrl, is_loopback_host, split_port};
