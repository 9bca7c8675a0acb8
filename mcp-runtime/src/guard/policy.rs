//! What a tool demands of its caller, written down as data.

use std::{num::NonZeroU32, time::Duration};

use super::{limit::Limit, scope::ScopeExpr};

/// What one tool demands before its body may run.
///
/// A policy is a constant of the tool's type: `#[tool(scopes = "admin")]` writes it, the [gate](crate::guard) reads
/// it from the type and from nowhere else, so no caller of the gate can hand in a milder one.
///
/// ```
/// use mcp_runtime::guard::{Policy, ScopeExpr};
///
/// const ADMINS: Policy = Policy::admitted().scopes(ScopeExpr::Scope("admin"));
/// assert!(!ADMINS.is_public());
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Policy {
    access: Access,
    scopes: ScopeExpr,
    limits: &'static [Limit],
    timeout: Option<Duration>,
    concurrency: Option<NonZeroU32>,
    guard: Option<&'static str>,
    floor: Option<&'static Floor>,
}

/// Who may call at all, before scopes are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Anybody, with or without credentials.
    Public,
    /// Any caller that an authenticator verified and the server's admission rule let in.
    Admitted,
}

impl Policy {
    /// Open to anybody: `#[tool(public)]`.
    #[must_use]
    pub const fn public() -> Self {
        Self::new(Access::Public)
    }

    /// Open to every admitted caller: what `#[tool]` alone means.
    #[must_use]
    pub const fn admitted() -> Self {
        Self::new(Access::Admitted)
    }

    const fn new(access: Access) -> Self {
        let scopes = ScopeExpr::All(&[]);
        Self { access, scopes, limits: &[], timeout: None, concurrency: None, guard: None, floor: None }
    }

    /// Demands these scopes as well. A policy with scopes is never public.
    #[must_use]
    pub const fn scopes(mut self, scopes: ScopeExpr) -> Self {
        self.access = Access::Admitted;
        self.scopes = scopes;
        self
    }

    /// Replaces the server's default quota by these limits; a call must fit into all of them.
    #[must_use]
    pub const fn limits(mut self, limits: &'static [Limit]) -> Self {
        self.limits = limits;
        self
    }

    /// Replaces the server's default timeout of one call.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Lets at most this many calls run at once; one caller may hold half of them (rounded up).
    ///
    /// # Panics
    /// If it is zero. In a `const` that is a compile error; the attribute never gets that far.
    #[must_use]
    pub const fn concurrency(mut self, calls: u32) -> Self {
        match NonZeroU32::new(calls) {
            Some(calls) => self.concurrency = Some(calls),
            None => panic!("`concurrency` needs at least one call at a time"),
        }
        self
    }

    /// Says which function of the author's is asked as well, as it stands in the attribute: `owns(project)`. Without the
    /// function itself, which the macro writes beside the policy, nobody is let through.
    #[must_use]
    pub const fn guard(mut self, written: &'static str) -> Self {
        self.guard = Some(written);
        self
    }

    /// Adds what a group of tools demands of each of its members. A group with scopes has no public members.
    #[must_use]
    pub const fn floor(mut self, floor: &'static Floor) -> Self {
        if !matches!(floor.scopes, ScopeExpr::All(&[])) {
            self.access = Access::Admitted;
        }
        self.floor = Some(floor);
        self
    }

    /// Whether callers without credentials are let through.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        matches!(self.access, Access::Public)
    }

    /// Who may call at all.
    #[must_use]
    pub const fn access(&self) -> Access {
        self.access
    }

    /// The scopes the tool itself asks for; its [group](Self::group_floor) may ask for more.
    #[must_use]
    pub const fn required_scopes(&self) -> ScopeExpr {
        self.scopes
    }

    /// Whether every caller who is let in has the scopes, because none is asked for.
    #[cfg(feature = "oauth")]
    pub(crate) fn asks_for_no_scopes(&self) -> bool {
        self.scopes.asks_for_nothing() && self.floor.is_none_or(|floor| floor.scopes.asks_for_nothing())
    }

    /// The tool's own limits. Without any, and without any of its group, the server's default applies.
    #[must_use]
    pub const fn rate_limits(&self) -> &'static [Limit] {
        self.limits
    }

    /// The smaller of the tool's own timeout and its group's; `None` means the server's default applies.
    #[must_use]
    pub fn call_timeout(&self) -> Option<Duration> {
        let group = self.floor.and_then(|floor| floor.timeout);
        self.timeout.into_iter().chain(group).min()
    }

    /// How many calls run at once; `None` is as many as come.
    #[must_use]
    pub const fn max_concurrency(&self) -> Option<NonZeroU32> {
        self.concurrency
    }

    /// The author's own function that is asked as well.
    #[must_use]
    pub const fn call_guard(&self) -> Option<&'static str> {
        self.guard
    }

    /// What the tool's group demands.
    #[must_use]
    pub const fn group_floor(&self) -> Option<&'static Floor> {
        self.floor
    }
}

/// What a group of tools demands of each of its members, beside what they demand themselves:
/// `#[toolset(scopes = "files:read", rate_limit = "1000/d", timeout = "30s")]`.
///
/// Scopes and limits add; the limits are shared by the whole group. The smaller timeout wins. A group is a `static`: the
/// place it stands in memory tells it from others.
///
/// ```
/// use mcp_runtime::guard::{Floor, Limit, Policy, RateLimit, ScopeExpr};
///
/// static FILES: Floor =
///     Floor::new().scopes(ScopeExpr::Scope("files:read")).limits(&[Limit::new(RateLimit::new(1000, 86_400))]);
/// const READ: Policy = Policy::admitted().floor(&FILES);
/// assert!(READ.group_floor().is_some());
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Floor {
    pub(crate) scopes: ScopeExpr,
    pub(crate) limits: &'static [Limit],
    pub(crate) timeout: Option<Duration>,
}

impl Floor {
    /// Demands nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { scopes: ScopeExpr::All(&[]), limits: &[], timeout: None }
    }

    /// Demands these scopes of callers of any of the tools.
    #[must_use]
    pub const fn scopes(mut self, scopes: ScopeExpr) -> Self {
        self.scopes = scopes;
        self
    }

    /// Limits that all tools of the group spend together.
    #[must_use]
    pub const fn limits(mut self, limits: &'static [Limit]) -> Self {
        self.limits = limits;
        self
    }

    /// The longest that any call of the group may take.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

impl Default for Floor {
    fn default() -> Self {
        Self::new()
    }
}
