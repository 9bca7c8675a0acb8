//! The one place that says yes.

use std::{marker::PhantomData, sync::Arc, time::Duration};

use super::{BoundLimit, Catalogue, Denial, LimitState, Permit, Policy, Protected, QuotaTable, RateLimit, Requirement};
use crate::{
    auth::{Caller, CallerKey, ClientAddress},
    clock::Clock,
};

/// What the server decides for every tool that does not decide itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Defaults {
    pub(crate) limit: Option<RateLimit>,
    pub(crate) timeout: Option<Duration>,
    /// `insecure_no_auth`: there is nobody to ask who someone is.
    pub(crate) no_auth: bool,
}

/// Decides about every call of one server.
pub(crate) struct Gate {
    clock: Clock,
    catalogue: Catalogue,
    defaults: Defaults,
    /// Callers that a credential names. Apart from the others, so that a flood of strangers takes no place here.
    identified: QuotaTable,
    anonymous: QuotaTable,
    /// What one network may fail at, or do without a name.
    address_limit: Vec<BoundLimit>,
    /// Everything that is not a tool call: lists, unknown names, unreadable arguments.
    other: Vec<BoundLimit>,
}

impl Gate {
    pub(crate) fn new(
        clock: Clock,
        catalogue: Catalogue,
        defaults: Defaults,
        address_limit: Option<RateLimit>,
        capacity: usize,
    ) -> Self {
        let identified = QuotaTable::new(capacity);
        let other = defaults.limit.map(|limit| identified.bind(limit)).into_iter().collect();
        let address_limit = address_limit.map(|limit| identified.bind(limit)).into_iter().collect();
        Self { clock, catalogue, defaults, identified, anonymous: QuotaTable::new(capacity), address_limit, other }
    }

    /// Reads the policy of `T` from its type, and from nowhere else.
    pub(crate) fn bind<T: Protected>(gate: &Arc<Self>) -> Gated<T> {
        let policy = T::POLICY;
        let limits = match policy.rate_limits() {
            [] => gate.defaults.limit.as_slice(),
            own => own,
        };
        let rule = Rule {
            is_public: policy.is_public(),
            requirement: Requirement::compile(policy.required_scopes(), &gate.catalogue),
            limits: limits.iter().map(|limit| gate.identified.bind(*limit)).collect(),
            timeout: policy.call_timeout().or(gate.defaults.timeout),
        };
        Gated { gate: Arc::clone(gate), rule, tool: PhantomData }
    }

    /// Charges a caller for something that is not a tool call.
    pub(crate) fn charge_other(&self, caller: &Caller) -> Result<(), Denial> {
        self.table(caller).charge(caller.quota_key(), &self.other, self.clock.millis()).map(drop).map_err(limited)
    }

    /// Writes down a failure, or a call without a name.
    pub(crate) fn charge_address(&self, address: ClientAddress) -> Result<(), Denial> {
        self.anonymous.charge(address.quota_key(), &self.address_limit, self.clock.millis()).map(drop).map_err(limited)
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    fn table(&self, caller: &Caller) -> &QuotaTable {
        match caller {
            Caller::Anonymous(_) => &self.anonymous,
            Caller::Identified(_) => &self.identified,
        }
    }
}

fn limited(limit: LimitState) -> Denial {
    Denial::RateLimited { limit }
}

/// One policy, ready to be asked.
struct Rule {
    is_public: bool,
    requirement: Requirement,
    limits: Vec<BoundLimit>,
    timeout: Option<Duration>,
}

impl Rule {
    /// Who, then what they were granted. Quotas come after: a caller without rights spends nothing of them.
    fn check(&self, gate: &Gate, caller: &Caller) -> Result<(), Denial> {
        if self.is_public || gate.defaults.no_auth {
            return Ok(());
        }
        match caller {
            Caller::Anonymous(_) => {
                Err(Denial::Unauthenticated { scopes: self.requirement.challenge(None), token_sent: false })
            }
            Caller::Identified(identity) if self.requirement.met_by(identity.scopes()) => Ok(()),
            Caller::Identified(identity) => {
                Err(Denial::MissingScopes { required: self.requirement.challenge(Some(identity.scopes())) })
            }
        }
    }
}

/// The gate of one tool.
pub(crate) struct Gated<T: Protected> {
    gate: Arc<Gate>,
    rule: Rule,
    tool: PhantomData<fn() -> T>,
}

impl<T: Protected> Gated<T> {
    /// Whether a call would be admitted now. Spends nothing, and admits nobody.
    pub(crate) fn test(&self, caller: &Caller) -> Result<Option<LimitState>, Denial> {
        self.rule.check(&self.gate, caller)?;
        self.quota(caller, QuotaTable::test)
    }

    /// Decides, charges, and proves it.
    pub(crate) fn admit(&self, caller: &Caller, args: T::Args) -> Result<(Permit<T>, Option<LimitState>), Denial> {
        self.rule.check(&self.gate, caller)?;
        let limit = self.quota(caller, QuotaTable::charge)?;
        Ok((Permit::issue(caller.clone(), args), limit))
    }

    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.rule.timeout
    }

    fn quota(&self, caller: &Caller, ask: Ask) -> Result<Option<LimitState>, Denial> {
        let table = self.gate.table(caller);
        ask(table, caller.quota_key(), &self.rule.limits, self.gate.clock.millis()).map_err(limited)
    }
}

/// Testing a quota or charging it.
type Ask = fn(&QuotaTable, CallerKey, &[BoundLimit], u64) -> Result<Option<LimitState>, LimitState>;

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").field("defaults", &self.defaults).finish_non_exhaustive()
    }
}

/// What a policy comes to on this server, for people to read.
pub(crate) fn effective_limits(policy: &Policy, defaults: Defaults) -> Vec<RateLimit> {
    match policy.rate_limits() {
        [] => defaults.limit.into_iter().collect(),
        own => own.to_vec(),
    }
}
