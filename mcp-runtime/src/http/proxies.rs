//! Whose word counts about where a request comes from.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, header::FORWARDED};

use super::{
    forwarded::{ForwardedHeader, X_FORWARDED_FOR},
    network::Network,
};
use crate::auth::ClientAddress;

/// The most proxies in a row that are looked behind.
const MAX_HOPS: usize = 32;

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Tcp(SocketAddr),
    /// A Unix socket: somebody on this machine who may open the socket's file.
    Unix,
    /// The app that the server is mounted in does not say.
    Unknown,
}

impl Peer {
    pub(crate) fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip().to_canonical()),
            Self::Unix | Self::Unknown => None,
        }
    }

    /// Whether it is on this machine, as far as can be known.
    pub(crate) fn is_local(self) -> bool {
        self == Self::Unix || self.ip().is_some_and(|ip| ip.is_loopback())
    }

    fn address(self) -> ClientAddress {
        self.ip().map_or(ClientAddress::LOCAL, ClientAddress::new)
    }
}

/// The proxies that stand in front of the server, as its operator declared them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxies {
    networks: Vec<Network>,
    hops: Option<usize>,
    header: Option<ForwardedHeader>,
    problems: Vec<String>,
}

impl Proxies {
    pub(super) fn add_network(&mut self, text: &str) {
        match Network::parse(text) {
            Ok(networks) => self.networks.extend(networks),
            Err(problem) => self.problems.push(problem),
        }
    }

    /// For people; `None` if nobody is believed.
    pub(super) fn line(&self) -> Option<String> {
        let header = self.header.unwrap_or_default();
        match self.hops {
            Some(hops) => Some(format!("* Believed: {hops} proxies counted from the right of {header:?}.")),
            None if self.networks.is_empty() => None,
            None => {
                let networks: Vec<_> = self.networks.iter().map(ToString::to_string).collect();
                Some(format!("* Believed: {header:?} of {}.", networks.join(", ")))
            }
        }
    }

    pub(super) fn set_hops(&mut self, hops: usize) {
        self.hops = Some(hops);
    }

    pub(super) fn set_header(&mut self, header: ForwardedHeader) {
        self.header = Some(header);
    }

    /// Whether anybody stands in front of the server.
    pub(crate) fn are_declared(&self) -> bool {
        self.hops.is_some() || !self.networks.is_empty()
    }

    /// Whether what this peer says about where requests come from is believed.
    ///
    /// Counted hops stand between the server and everybody. A Unix socket is opened by a proxy if there is any.
    pub(crate) fn is_trusted(&self, peer: Peer) -> bool {
        self.hops.is_some()
            || match peer {
                Peer::Tcp(address) => self.is_proxy(address.ip().to_canonical()),
                Peer::Unix => !self.networks.is_empty(),
                Peer::Unknown => false,
            }
    }

    /// Where a request comes from: the last address, seen from the server, that no declared proxy has. What a caller
    /// wrote into the header itself is further away than that, and never read.
    pub(crate) fn client(&self, peer: Peer, headers: &HeaderMap) -> ClientAddress {
        if !self.is_trusted(peer) {
            return peer.address();
        }
        let mut entries = self.header.unwrap_or_default().entries(headers);
        let found = match self.hops {
            Some(hops) => entries.nth(hops.saturating_sub(1)).flatten(),
            None => self.first_stranger(entries),
        };
        found.map_or_else(|| peer.address(), ClientAddress::new)
    }

    /// Where an entry cannot be read, the proxy that wrote it is all that is known.
    fn first_stranger(&self, entries: impl Iterator<Item = Option<IpAddr>>) -> Option<IpAddr> {
        let mut proxy = None;
        for entry in entries.take(MAX_HOPS) {
            match entry {
                Some(address) if self.is_proxy(address) => proxy = entry,
                Some(_) => return entry,
                None => break,
            }
        }
        proxy
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }

    /// What is wrong with the declaration, in sentences that say what to do.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = self.problems.clone();
        let has_networks = !self.networks.is_empty() || !self.problems.is_empty();
        if self.hops.is_some() && has_networks {
            problems.push("`trusted_proxies` and `trusted_proxy_hops` exclude each other; keep one of them".to_owned());
        }
        if self.hops.is_some_and(|hops| !(1..=MAX_HOPS).contains(&hops)) {
            problems.push(format!("`trusted_proxy_hops` is a number from 1 to {MAX_HOPS}; leave it out for none"));
        }
        if self.header.is_some() && self.hops.is_none() && !has_networks {
            problems.push(
                "`forwarded_header` says what proxies write, but there are none; add `trusted_proxies([…])` or \
                 `trusted_proxy_hops(1)`"
                    .to_owned(),
            );
        }
        problems
    }
}

/// Whether a request says that it was made for somebody else.
pub(crate) fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED)
}

#[cfg(test)]
#[path = "proxies_tests.rs"]
mod tests;
