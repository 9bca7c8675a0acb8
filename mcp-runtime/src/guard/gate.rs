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

/// Who has spent how much. Two tables, so that a flood of strangers takes no place from callers with credentials.
struct Quotas {
    identified: QuotaTable,
    anonymous: QuotaTable,
}

/// Limits as both tables know them.
struct Limits {
    identified: Vec<BoundLimit>,
    anonymous: Vec<BoundLimit>,
}

/// Testing a quota or charging it.
type Ask = fn(&QuotaTable, CallerKey, &[BoundLimit], u64) -> Result<Option<LimitState>, LimitState>;

impl Quotas {
    fn new(capacity: usize) -> Self {
        Self { identified: QuotaTable::new(capacity), anonymous: QuotaTable::new(capacity) }
    }

    fn bind(&self, limits: &[RateLimit]) -> Limits {
        let bind = |table: &QuotaTable| limits.iter().map(|limit| table.bind(*limit)).collect();
        Limits { identified: bind(&self.identified), anonymous: bind(&self.anonymous) }
    }

    fn ask(&self, ask: Ask, caller: &Caller, limits: &Limits, now: u64) -> Result<Option<LimitState>, Denial> {
        let (table, limits) = match caller {
            Caller::Anonymous(_) => (&self.anonymous, &limits.anonymous),
            Caller::Identified(_) => (&self.identified, &limits.identified),
        };
        ask(table, caller.quota_key(), limits, now).map_err(|limit| Denial::RateLimited { limit })
    }
}

/// Decides about every call of one server.
pub(crate) struct Gate {
    clock: Clock,
    catalogue: Catalogue,
    defaults: Defaults,
    quotas: Quotas,
    /// What one network may fail at, or do without a name. In a table of its own, so that strangers who fill theirs turn
    /// nobody's 401 into a 429.
    addresses: QuotaTable,
    address: Vec<BoundLimit>,
    /// Everything that is not a tool call: lists, unknown names, unreadable arguments.
    other: Limits,
}

impl Gate {
    pub(crate) fn new(
        clock: Clock,
        catalogue: Catalogue,
        defaults: Defaults,
        address_limit: Option<RateLimit>,
        capacity: usize,
    ) -> Self {
        let quotas = Quotas::new(capacity);
        let addresses = QuotaTable::new(capacity);
        let address = address_limit.map(|limit| addresses.bind(limit)).into_iter().collect();
        let other = quotas.bind(defaults.limit.as_slice());
        Self { clock, catalogue, defaults, quotas, addresses, address, other }
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
            limits: gate.quotas.bind(limits),
            timeout: policy.call_timeout().or(gate.defaults.timeout),
        };
        Gated { gate: Arc::clone(gate), rule, tool: PhantomData }
    }

    /// Charges a caller for something that is not a tool call.
    pub(crate) fn charge_other(&self, caller: &Caller) -> Result<(), Denial> {
        self.quotas.ask(QuotaTable::charge, caller, &self.other, self.clock.millis()).map(drop)
    }

    /// Writes down a failure to authenticate, or a call without credentials.
    pub(crate) fn charge_address(&self, address: ClientAddress) -> Result<(), Denial> {
        let charged = self.addresses.charge(address.quota_key(), &self.address, self.clock.millis());
        charged.map(drop).map_err(|limit| Denial::RateLimited { limit })
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }
}

/// One policy, ready to be asked.
struct Rule {
    is_public: bool,
    requirement: Requirement,
    limits: Limits,
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
        self.gate.quotas.ask(ask, caller, &self.rule.limits, self.gate.clock.millis())
    }
}

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
