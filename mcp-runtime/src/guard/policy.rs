//! What a tool demands of its caller, written down as data.

use std::time::Duration;

use super::rate::RateLimit;

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
    limits: &'static [RateLimit],
    timeout: Option<Duration>,
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

/// Which scopes a call needs (RFC 6749 §3.3), as the author wrote them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScopeExpr {
    /// One scope.
    Scope(&'static str),
    /// Every one of these. `All(&[])` asks for nothing.
    All(&'static [ScopeExpr]),
    /// At least one of these. `Any(&[])` can be met by nobody.
    Any(&'static [ScopeExpr]),
}

impl Policy {
    /// Open to anybody: `#[tool(public)]`.
    #[must_use]
    pub const fn public() -> Self {
        Self { access: Access::Public, scopes: ScopeExpr::All(&[]), limits: &[], timeout: None }
    }

    /// Open to every admitted caller: what `#[tool]` alone means.
    #[must_use]
    pub const fn admitted() -> Self {
        Self { access: Access::Admitted, scopes: ScopeExpr::All(&[]), limits: &[], timeout: None }
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
    pub const fn limits(mut self, limits: &'static [RateLimit]) -> Self {
        self.limits = limits;
        self
    }

    /// Replaces the server's default timeout of one call.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
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

    /// The scopes a call needs.
    #[must_use]
    pub const fn required_scopes(&self) -> ScopeExpr {
        self.scopes
    }

    /// The tool's own limits; empty means the server's default applies.
    #[must_use]
    pub const fn rate_limits(&self) -> &'static [RateLimit] {
        self.limits
    }

    /// The tool's own timeout; `None` means the server's default applies.
    #[must_use]
    pub const fn call_timeout(&self) -> Option<Duration> {
        self.timeout
    }
}

impl std::fmt::Display for ScopeExpr {
    /// Reads as it is written in the attribute: `a b`, `any(a, all(b, c))`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        fn list(f: &mut std::fmt::Formatter<'_>, name: &str, parts: &[ScopeExpr]) -> std::fmt::Result {
            write!(f, "{name}(")?;
            for (i, part) in parts.iter().enumerate() {
                if i > 0 {
                    f.write_str(", ")?;
                }
                nested(f, part)?;
            }
            f.write_str(")")
        }
        fn nested(f: &mut std::fmt::Formatter<'_>, expr: &ScopeExpr) -> std::fmt::Result {
            match expr {
                ScopeExpr::Scope(scope) => f.write_str(scope),
                ScopeExpr::All(parts) => list(f, "all", parts),
                ScopeExpr::Any(parts) => list(f, "any", parts),
            }
        }
        match self {
            Self::All(parts) if parts.iter().all(|part| matches!(part, Self::Scope(_))) => {
                for (i, part) in parts.iter().enumerate() {
                    if i > 0 {
                        f.write_str(" ")?;
                    }
                    nested(f, part)?;
                }
                Ok(())
            }
            other => nested(f, other),
        }
    }
}
