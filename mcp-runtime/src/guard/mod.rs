//! What is allowed: policies, scopes, quotas, and the one gate that decides.

mod permit;
mod policy;
mod rate;

pub use permit::{Permit, Protected};
pub use policy::{Access, Policy, ScopeExpr};
pub use rate::{MAX_WINDOW, RateLimit, RateLimitError};
