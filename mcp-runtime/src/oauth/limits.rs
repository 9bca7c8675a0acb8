//! How often one address may use each route, and how often something that was verified may.

use crate::{
    auth::{CallerKey, ClientAddress},
    clock::Clock,
    guard::{BoundLimit, Limit, QuotaTable, RateLimit},
};

use super::error::OAuthError;

/// What is counted apart from everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// The documents: discovery and keys.
    Metadata,
    Authorize,
    /// A password that was entered.
    Login,
    /// To go to another provider: written down before anybody is known.
    Depart,
    Consent,
    Token,
    /// A client or a token that was not who or what it said.
    TokenFailed,
    Register,
    /// A registration that a web page sent which is not ours.
    RegisterFromPage,
    Revoke,
    Introspect,
    /// A document about a client, fetched from elsewhere.
    Document,
}

/// So much of one route.
struct Allowance {
    route: Route,
    /// For one address (an IPv6 /64).
    address: RateLimit,
    /// For all addresses together, on this node.
    everybody: Option<RateLimit>,
    /// For one grant, user or host, by [`RouteLimits::charge_key`].
    key: RateLimit,
}

const MINUTE: u32 = 60;
const HOUR: u32 = 3_600;

const fn per(count: u32, seconds: u32) -> RateLimit {
    RateLimit::new(count, seconds)
}

/// The numbers. Whole offices share an address, so what costs little is allowed often; what writes into the store or sends
/// us elsewhere is not. A grant that is used as it should be refreshes a few times in an hour.
#[rustfmt::skip]
const ALLOWANCES: [Allowance; 12] = [
    Allowance { route: Route::Metadata,    address: per(600, MINUTE),   everybody: None,                     key: per(600, MINUTE) },
    Allowance { route: Route::Authorize,   address: per(300, MINUTE),   everybody: None,                     key: per(120, MINUTE) },
    Allowance { route: Route::Login,       address: per(60, MINUTE),    everybody: None,                     key: per(20, MINUTE) },
    // Each is up to 9 kB in the store for ten minutes: half a gigabyte at most.
    Allowance { route: Route::Depart,      address: per(60, MINUTE),    everybody: Some(per(6_000, MINUTE)), key: per(20, MINUTE) },
    Allowance { route: Route::Consent,     address: per(120, MINUTE),   everybody: None,                     key: per(60, MINUTE) },
    Allowance { route: Route::Token,       address: per(1_200, MINUTE), everybody: None,                     key: per(120, MINUTE) },
    Allowance { route: Route::TokenFailed, address: per(120, MINUTE),   everybody: None,                     key: per(60, MINUTE) },
    Allowance { route: Route::Register,    address: per(20, HOUR),      everybody: Some(per(1_000, HOUR)),   key: per(20, HOUR) },
    // Its visitors lend a page their addresses, so it gets by with less, and takes nothing from programs.
    Allowance { route: Route::RegisterFromPage, address: per(10, HOUR), everybody: Some(per(200, HOUR)), key: per(10, HOUR) },
    Allowance { route: Route::Revoke,      address: per(600, MINUTE),   everybody: None,                     key: per(120, MINUTE) },
    Allowance { route: Route::Introspect,  address: per(6_000, MINUTE), everybody: None,                     key: per(6_000, MINUTE) },
    Allowance { route: Route::Document,    address: per(60, HOUR),      everybody: Some(per(600, MINUTE)),   key: per(30, MINUTE) },
];

/// An [`Allowance`] with the places where it is counted.
struct Bound {
    address: BoundLimit,
    network: BoundLimit,
    everybody: Option<BoundLimit>,
    key: BoundLimit,
}

/// The limits of all routes. Addresses and keys have tables of their own, so that strangers cannot crowd out who is known.
/// While there is no room for another address, those that come are counted by their wide networks: whoever has addresses
/// enough to fill the table shuts out his neighbours at most.
pub(crate) struct RouteLimits {
    clock: Clock,
    addresses: QuotaTable,
    networks: QuotaTable,
    everybody: QuotaTable,
    keys: QuotaTable,
    bound: Vec<Bound>,
    enforced: bool,
}

/// How many addresses, and how many keys, can be told apart at once: for each about 64 bytes on every route it uses.
const CAPACITY: usize = 131_072;

/// How many times the allowance of one address a wide network has, for all its addresses that there is no room for.
const NETWORK: u32 = 10;

impl RouteLimits {
    pub(crate) fn new(clock: Clock) -> Self {
        Self::with_room(clock, CAPACITY)
    }

    fn with_room(clock: Clock, addresses: usize) -> Self {
        let (addresses, networks) = (QuotaTable::new(addresses), QuotaTable::new(CAPACITY));
        let (everybody, keys) = (QuotaTable::small(), QuotaTable::new(CAPACITY));
        let wide = |one: RateLimit| per(one.count() * NETWORK, one.window().as_secs() as u32);
        let bind = |allowance: &Allowance| Bound {
            address: addresses.bind(Limit::new(allowance.address)),
            network: networks.bind(Limit::new(wide(allowance.address))),
            everybody: allowance.everybody.map(|rate| everybody.bind(Limit::new(rate))),
            key: keys.bind(Limit::new(allowance.key)),
        };
        let bound = ALLOWANCES.iter().map(bind).collect();
        Self { clock, addresses, networks, everybody, keys, bound, enforced: true }
    }

    /// None at all: for tests that do in a second what a person does in a day.
    pub(crate) fn off(clock: Clock) -> Self {
        Self { enforced: false, ..Self::new(clock) }
    }

    /// Whether anything is limited: always, but in some tests.
    pub(crate) fn are_on(&self) -> bool {
        self.enforced
    }

    /// Counts one request of this address, and of all together.
    pub(crate) fn charge(&self, route: Route, address: ClientAddress) -> Result<(), OAuthError> {
        self.charge_address(route, address)?;
        self.charge_everybody(route)
    }

    /// Counts one request of this address alone.
    pub(crate) fn charge_address(&self, route: Route, address: ClientAddress) -> Result<(), OAuthError> {
        let Some(bound) = self.bound(route) else { return Ok(()) };
        let key = address.quota_key();
        self.spend(&self.addresses, key, bound.address).or_else(|refused| {
            if self.addresses.knows(key, &bound.address) {
                return Err(refused);
            }
            self.spend(&self.networks, address.network_key(), bound.network)
        })
    }

    /// Counts one request of all addresses together, where it is known to be worth that: what costs nothing to send must
    /// not use up what all have in common.
    pub(crate) fn charge_everybody(&self, route: Route) -> Result<(), OAuthError> {
        match self.bound(route).and_then(|bound| bound.everybody) {
            Some(limit) => self.spend(&self.everybody, CallerKey::of_other("everybody", ""), limit),
            None => Ok(()),
        }
    }

    /// Counts one request of something that was verified, or of somewhere we go. Never of a bare client id: anybody can
    /// write that, and would spend it for everybody.
    pub(crate) fn charge_key(&self, route: Route, key: &str) -> Result<(), OAuthError> {
        let Some(bound) = self.bound(route) else { return Ok(()) };
        self.spend(&self.keys, CallerKey::of_other("key", key), bound.key)
    }

    fn bound(&self, route: Route) -> Option<&Bound> {
        let at = ALLOWANCES.iter().position(|allowance| allowance.route == route)?;
        self.bound.get(at).filter(|_| self.enforced)
    }

    fn spend(&self, table: &QuotaTable, key: CallerKey, limit: BoundLimit) -> Result<(), OAuthError> {
        match table.charge(key, &[limit], self.clock.millis()) {
            Ok(_) => Ok(()),
            Err(state) => Err(OAuthError::slow_down(state.wait_secs())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{net::IpAddr, time::Duration};

    use super::*;
    use crate::clock::ManualClock;

    const ROUTES: [Route; 12] = [
        Route::Metadata,
        Route::Authorize,
        Route::Login,
        Route::Depart,
        Route::Consent,
        Route::Token,
        Route::TokenFailed,
        Route::Register,
        Route::RegisterFromPage,
        Route::Revoke,
        Route::Introspect,
        Route::Document,
    ];

    fn address(text: &str) -> ClientAddress {
        ClientAddress::new(text.parse::<IpAddr>().unwrap())
    }

    fn admitted(mut one: impl FnMut() -> Result<(), OAuthError>) -> usize {
        (0..10_000).take_while(|_| one().is_ok()).count()
    }

    #[test]
    fn every_route_has_a_limit_for_each_address() {
        let limits = RouteLimits::new(ManualClock::new().into());
        for (route, allowance) in ROUTES.iter().zip(&ALLOWANCES) {
            assert_eq!(*route, allowance.route);
            let used = admitted(|| limits.charge(*route, address("192.0.2.1")));
            assert_eq!(used, allowance.address.count() as usize, "{route:?}");
            let refused = limits.charge(*route, address("192.0.2.1")).unwrap_err();
            assert!(refused.retry_after.is_some_and(|seconds| seconds > 0), "{route:?}: {refused:?}");
            // Somebody else is not refused.
            limits.charge(*route, address("192.0.2.2")).unwrap();
            assert_eq!(admitted(|| limits.charge_key(*route, "grant")), allowance.key.count() as usize, "{route:?}");
            limits.charge_key(*route, "another").unwrap();
        }
    }

    #[test]
    fn capacity_comes_back() {
        let clock = ManualClock::new();
        let limits = RouteLimits::new(clock.clone().into());
        assert_eq!(admitted(|| limits.charge(Route::Register, address("192.0.2.1"))), 20);
        clock.advance(Duration::from_secs(3_600 + 225));
        assert_eq!(admitted(|| limits.charge(Route::Register, address("192.0.2.1"))), 20);
    }

    #[test]
    fn many_addresses_are_bounded_together_where_something_is_written() {
        let limits = RouteLimits::new(ManualClock::new().into());
        let mut at = 0_u32;
        let flood = admitted(|| {
            at += 1;
            limits.charge(Route::Register, ClientAddress::new(std::net::Ipv4Addr::from(at).into()))
        });
        assert_eq!(flood, 1_000);
        assert_eq!(limits.charge(Route::Authorize, address("192.0.2.1")), Ok(()));
    }

    /// Somebody with a /48 has 65,536 addresses that are counted apart.
    #[test]
    fn who_fills_the_table_shuts_out_his_own_network() {
        let limits = RouteLimits::with_room(ManualClock::new().into(), 1_024);
        let charge = |text: &str| limits.charge(Route::Authorize, address(text));
        let known = "198.51.100.1";
        charge(known).unwrap();
        let neighbour = |n: u32| format!("2001:db8:0:{n:x}::1");
        // All places are taken, and what the network has besides is used up.
        let flood = (0..10_000).filter(|n| charge(&neighbour(*n)).is_ok()).count();
        assert_eq!(limits.addresses.len(), 1_024);
        assert_eq!(flood, 1_023 + 3_000);
        assert!(charge("2001:db8:ffff::1").unwrap_err().retry_after.is_some_and(|seconds| seconds > 0));
        // Others are heard, though together: in v4 and v6, and on every route.
        assert_eq!(admitted(|| charge("192.0.2.1")), 3_000);
        assert!(charge("192.0.99.1").is_err());
        charge("2001:db9::1").unwrap();
        limits.charge(Route::Token, address("192.0.2.1")).unwrap();
        // Who has a place keeps it, and what was spent of it.
        assert_eq!(admitted(|| charge(known)), 299);
        charge("198.51.7.7").unwrap();
        assert_eq!(limits.addresses.len(), 1_024);
    }

    #[test]
    fn one_network_is_one_address() {
        let limits = RouteLimits::new(ManualClock::new().into());
        let mut at = 0_u32;
        let used = admitted(|| {
            at += 1;
            limits.charge(Route::Register, address(&format!("2001:db8::{at:x}")))
        });
        assert_eq!(used, 20);
    }
}
