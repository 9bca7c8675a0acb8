//! What is allowed: policies, scopes, quotas, and the one gate that decides.

mod ask;
mod denial;
mod gate;
mod ledger;
mod limit;
mod permit;
mod policy;
mod quota;
mod rate;
#[cfg(test)]
mod rate_tests;
mod scope;
mod slots;
mod states;

pub use ask::{Asking, GuardCx, GuardOf, Refused};
pub use denial::Denial;
pub(crate) use gate::{Admitted, CallerAsked, CallerVerdict, Decision, Defaults, Gate, Gated, NotAdmitted, own_limits};
pub use limit::{Limit, Per};
pub use permit::{Permit, Protected};
pub use policy::{Access, Floor, Policy};
pub use quota::LimitState;
pub(crate) use quota::{BoundLimit, QuotaTable};
pub use rate::{MAX_WINDOW, RateLimit, RateLimitError};
pub(crate) use scope::is_scope_value;
pub(crate) use scope::{Catalogue, Requirement, UNKNOWN, Values};
pub use scope::{ScopeExpr, ScopeList, ScopePart};
#[cfg(feature = "http")]
pub(crate) use scope::{nearest, nearest_within};
pub(crate) use slots::{Slot, Slots};
pub(crate) use states::StateMap;

/// What the macros write down.
#[doc(hidden)]
pub mod private {
    pub use super::ask::{asking, boxed};
}
