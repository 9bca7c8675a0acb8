//! Who has spent how much of what: every table of counters of one server.

use std::sync::{Mutex, PoisonError};

use super::{
    BoundLimit, Denial, Floor, Limit, LimitState, Per, QuotaTable,
    quota::{Account, Accounts, charge_all, test_all},
};
use crate::auth::{Caller, CallerKey, ClientAddress};

/// The counters. Several tables, so that a flood in one takes no place from callers in another.
pub(super) struct Ledger {
    identified: QuotaTable,
    anonymous: QuotaTable,
    /// Limits counted per address, whether or not there are credentials.
    networks: QuotaTable,
    /// Limits that all callers share.
    everyone: QuotaTable,
    /// What one network may fail at, or do without a name. Strangers who fill the others turn nobody's 401 into a 429.
    failures: QuotaTable,
    failure_limits: Vec<BoundLimit>,
    /// The limits of groups, bound once however many members they have, by their place in memory.
    groups: Mutex<Vec<(usize, Limits)>>,
}

/// The limits that a call must fit into, by who they are counted for and as each table knows them.
#[derive(Clone, Default)]
pub(super) struct Limits {
    subject: Both,
    client: Both,
    address: Vec<BoundLimit>,
    global: Vec<BoundLimit>,
}

/// A caller is in one of two tables, so a limit is bound to both.
#[derive(Clone, Default)]
struct Both {
    identified: Vec<BoundLimit>,
    anonymous: Vec<BoundLimit>,
}

impl Ledger {
    pub(super) fn new(capacity: usize, failures_per_address: Option<Limit>) -> Self {
        let failures = QuotaTable::new(capacity);
        let failure_limits = failures_per_address.map(|limit| failures.bind(limit)).into_iter().collect();
        Self {
            identified: QuotaTable::new(capacity),
            anonymous: QuotaTable::new(capacity),
            networks: QuotaTable::new(capacity),
            everyone: QuotaTable::small(),
            failures,
            failure_limits,
            groups: Mutex::default(),
        }
    }

    #[cfg(any(test, feature = "testing"))]
    pub(super) fn failure_limit(&self) -> Option<Limit> {
        self.failure_limits.first().map(|bound| bound.limit())
    }

    /// Gives limits their places, together with those of the group, which all its members share.
    pub(super) fn bind(&self, own: &[Limit], group: Option<&'static Floor>) -> Limits {
        let mut limits = Limits::default();
        own.iter().for_each(|limit| self.bind_one(*limit, &mut limits));
        if let Some(floor) = group {
            limits.add(&self.group(floor));
        }
        limits
    }

    fn group(&self, floor: &'static Floor) -> Limits {
        let place = std::ptr::from_ref(floor).addr();
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = groups.iter().find(|(known, _)| *known == place) {
            return known.clone();
        }
        let mut limits = Limits::default();
        floor.limits.iter().for_each(|limit| self.bind_one(*limit, &mut limits));
        groups.push((place, limits.clone()));
        limits
    }

    fn bind_one(&self, limit: Limit, limits: &mut Limits) {
        let both = |limit: Limit, to: &mut Both| {
            to.identified.push(self.identified.bind(limit));
            to.anonymous.push(self.anonymous.bind(limit));
        };
        match limit.counted_per() {
            Per::Subject => both(limit, &mut limits.subject),
            Per::Client => both(limit, &mut limits.client),
            Per::Address => limits.address.push(self.networks.bind(limit)),
            Per::Global => {
                limits.global.push(self.everyone.bind(limit));
                both(limit.share(), &mut limits.subject);
            }
        }
    }

    /// Whether one call fits into all of its limits. Spends nothing.
    pub(super) fn test(&self, caller: &Caller, limits: &Limits, now_ms: u64) -> Result<(), Denial> {
        test_all(&self.accounts(caller, limits), now_ms).map_err(|limit| Denial::RateLimited { limit })
    }

    /// Charges one call: all of its limits or none.
    pub(super) fn charge(&self, caller: &Caller, limits: &Limits, now_ms: u64) -> Result<Option<LimitState>, Denial> {
        charge_all(&self.accounts(caller, limits), now_ms).map_err(|limit| Denial::RateLimited { limit })
    }

    /// As [`test`](Self::test), and how the caller stands.
    #[cfg(test)]
    fn look(&self, caller: &Caller, limits: &Limits, now_ms: u64) -> super::quota::Verdict {
        let accounts = self.accounts(caller, limits);
        test_all(&accounts, now_ms)?;
        let states = accounts.iter().flatten().map(|account| account.table.look(account.key, account.limits, now_ms));
        states
            .reduce(|one, other| match (one?, other?) {
                (Some(one), Some(other)) => Ok(Some(one.tighter(other))),
                (one, other) => Ok(one.or(other)),
            })
            .unwrap_or(Ok(None))
    }

    fn accounts<'t>(&'t self, caller: &Caller, limits: &'t Limits) -> Accounts<'t> {
        let (table, subject, client) = match caller {
            Caller::Anonymous(_) => (&self.anonymous, &limits.subject.anonymous, &limits.client.anonymous),
            Caller::Identified(..) => (&self.identified, &limits.subject.identified, &limits.client.identified),
        };
        // Keys are hashes under a secret, so they are made only for limits that there are.
        [
            account(table, subject, || caller.quota_key()),
            account(table, client, || caller.client_quota_key()),
            account(&self.networks, &limits.address, || caller.address().quota_key()),
            // One key for everybody: each limit has a number of its own.
            account(&self.everyone, &limits.global, || ClientAddress::LOCAL.quota_key()),
        ]
    }

    /// Takes back what was charged for the caller itself at `charged_at_ms`.
    pub(super) fn give_back(&self, caller: &Caller, limits: &Limits, charged_at_ms: u64) {
        let (table, limits) = match caller {
            Caller::Anonymous(_) => (&self.anonymous, &limits.subject.anonymous),
            Caller::Identified(..) => (&self.identified, &limits.subject.identified),
        };
        table.give_back(caller.quota_key(), limits, charged_at_ms);
    }

    /// Writes down a failure to authenticate, or a call without credentials.
    pub(super) fn charge_failure(&self, address: ClientAddress, now_ms: u64) -> Result<(), Denial> {
        let charged = self.failures.charge(address.quota_key(), &self.failure_limits, now_ms);
        charged.map(drop).map_err(|limit| Denial::RateLimited { limit })
    }

    /// Whether an address has no failure left.
    pub(super) fn has_failed_often(&self, address: ClientAddress, now_ms: u64) -> bool {
        self.failures.test(address.quota_key(), &self.failure_limits, now_ms).is_err()
    }
}

impl Limits {
    fn add(&mut self, other: &Self) {
        for (to, from) in [(&mut self.subject, &other.subject), (&mut self.client, &other.client)] {
            to.identified.extend(&from.identified);
            to.anonymous.extend(&from.anonymous);
        }
        self.address.extend(&other.address);
        self.global.extend(&other.global);
    }
}

/// An account, where there is anything to count.
fn account<'t>(
    table: &'t QuotaTable,
    limits: &'t [BoundLimit],
    key: impl FnOnce() -> CallerKey,
) -> Option<Account<'t>> {
    (!limits.is_empty()).then(|| Account { table, key: key(), limits })
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
