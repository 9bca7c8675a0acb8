//! What is allowed: policies, scopes, quotas, and the one gate that decides.

mod denial;
mod gate;
mod permit;
mod policy;
mod quota;
mod rate;
#[cfg(test)]
mod rate_tests;
mod scope;

pub use denial::Denial;
pub(crate) use gate::{Defaults, Gate, Gated, effective_limits};
pub use permit::{Permit, Protected};
pub use policy::{Access, Policy, ScopeExpr};
pub use quota::LimitState;
pub(crate) use quota::{BoundLimit, QuotaTable};
pub use rate::{MAX_WINDOW, RateLimit, RateLimitError};
pub(crate) use scope::{Catalogue, Requirement};
