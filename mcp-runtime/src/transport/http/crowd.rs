//! How many connections one address holds open.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::peer::Seldom;
use crate::{
    auth::ClientAddress,
    http::{HttpSettings, Peer},
};

/// The open connections of each address; as many entries as there are connections at most.
#[derive(Debug)]
pub(super) struct Crowd {
    most: usize,
    open: Mutex<HashMap<ClientAddress, usize>>,
    refused: Seldom,
}

/// One connection's place, given back when it ends. Peers that are not counted take none.
#[derive(Debug)]
pub(super) struct Seat(Option<(Arc<Crowd>, ClientAddress)>);

impl Crowd {
    pub(super) fn new(settings: &HttpSettings) -> Self {
        Self { most: settings.max_connections_per_address, open: Mutex::default(), refused: Seldom::default() }
    }

    /// A place for a connection; `None` if its address has as many as it may have.
    pub(super) fn enter(self: &Arc<Self>, peer: Peer, settings: &HttpSettings, now: u64) -> Option<Seat> {
        let Some(ip) = peer.ip().filter(|_| !settings.proxies.is_trusted(peer)) else { return Some(Seat(None)) };
        let address = ClientAddress::new(ip);
        let mut open = self.open();
        let mine = open.get(&address).copied().unwrap_or(0);
        if mine < self.most {
            open.insert(address, mine + 1);
            return Some(Seat(Some((Arc::clone(self), address))));
        }
        drop(open);
        tracing::debug!(%ip, "a connection was closed: its address has too many");
        if self.refused.is_due(now) {
            tracing::warn!(
                %ip,
                connections = self.most,
                "one address has all the connections it may have; if it is a proxy of yours, declare it with \
                 `trusted_proxies`, else see `max_connections_per_address`"
            );
        }
        None
    }

    fn open(&self) -> MutexGuard<'_, HashMap<ClientAddress, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some((crowd, address)) = self.0.take() else { return };
        let mut open = crowd.open();
        match open.get_mut(&address) {
            Some(mine) if *mine > 1 => *mine -= 1,
            _ => drop(open.remove(&address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(address: &str) -> Peer {
        Peer::Tcp(std::net::SocketAddr::new(address.parse().unwrap(), 1))
    }

    #[test]
    fn each_address_has_its_share_and_leaves_nothing_behind() {
        let settings = HttpSettings::default().max_connections_per_address(2).trusted_proxies(["10.0.0.0/8"]);
        let crowd = Arc::new(Crowd::new(&settings));
        let enter = |address: &str| crowd.enter(tcp(address), &settings, 0);
        let seats = [enter("2001:db8::1"), enter("2001:db8::2"), enter("192.0.2.1"), enter("::ffff:192.0.2.1")];
        assert!(seats.iter().all(Option::is_some));
        assert!(enter("2001:db8::3").is_none() && enter("192.0.2.1").is_none());
        let others = [enter("2001:db8:0:1::1"), enter("192.0.2.2"), crowd.enter(Peer::Unix, &settings, 0)];
        assert!(others.iter().all(Option::is_some));
        let proxy: Vec<_> = (0..10).map(|_| enter("10.0.0.1")).collect();
        assert!(proxy.iter().all(Option::is_some));
        drop(seats);
        assert!(enter("192.0.2.1").is_some());
        drop((others, proxy));
        assert!(crowd.open().is_empty());
    }

    #[test]
    fn behind_counted_hops_every_peer_is_a_proxy() {
        let settings = HttpSettings::default().max_connections_per_address(1).trusted_proxy_hops(1);
        let crowd = Arc::new(Crowd::new(&settings));
        let seats: Vec<_> = (0..3).map(|_| crowd.enter(tcp("192.0.2.1"), &settings, 0)).collect();
        assert!(seats.iter().all(Option::is_some));
    }
}
