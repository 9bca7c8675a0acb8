//! The proof that a call was admitted.

use std::borrow::Cow;

use super::{GuardOf, Policy};
use crate::auth::Caller;

/// The guarded half of a tool: what the gate needs to know about its type.
///
/// `#[tool]` implements it; the gate reads [`POLICY`](Self::POLICY) from the type and accepts no other.
pub trait Protected: 'static {
    /// The name that clients call.
    const NAME: &'static str;
    /// What a caller must bring.
    const POLICY: Policy;
    /// The checked arguments: a tuple in the order of the function's parameters.
    type Args;
    /// The author's own rule.
    const GUARD: GuardOf<Self::Args> = GuardOf::None;

    /// The value of the argument at a position, as it stands in a scope. A policy without arguments in its scopes never
    /// asks; the empty text is no part of any scope.
    fn scope_value(args: &Self::Args, at: usize) -> Cow<'_, str> {
        let _ = (args, at);
        Cow::Borrowed("")
    }
}

/// Proof that the gate admitted one call of `T`, holding its checked arguments.
///
/// Running a tool takes its permit *by value*: there is no other way to get one than the gate, it is for this tool
/// only, and it is spent by running.
#[must_use = "a permit has been paid for with the caller's quota"]
pub struct Permit<T: Protected> {
    caller: Caller,
    args: T::Args,
}

impl<T: Protected> Permit<T> {
    /// Only the gate calls this, after scope and quota said yes.
    pub(super) fn issue(caller: Caller, args: T::Args) -> Self {
        Self { caller, args }
    }

    /// Who was admitted.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Spends the permit and hands the arguments to the tool's body.
    #[must_use]
    pub fn into_args(self) -> T::Args {
        self.args
    }
}

impl<T: Protected> std::fmt::Debug for Permit<T> {
    /// Never shows arguments: they are the caller's data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Permit").field("tool", &T::NAME).field("caller", &self.caller).finish_non_exhaustive()
    }
}
