//! Who is at the other end of a connection, and for whom it speaks.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
};

use axum::extract::ConnectInfo;
use http::{Extensions, HeaderMap};

use super::router::App;
use crate::{
    auth::ClientAddress,
    http::{Peer, is_forwarded},
};

/// On requests that came through a Unix socket of ours.
#[derive(Debug, Clone, Copy)]
struct OverUnixSocket;

/// Writes down where a request of our own listener comes from, as axum's server does.
pub(super) fn mark(peer: Peer, request: &mut Extensions) {
    match peer {
        Peer::Tcp(address) => drop(request.insert(ConnectInfo(address))),
        Peer::Unix => drop(request.insert(OverUnixSocket)),
        Peer::Unknown => {}
    }
}

pub(super) fn of(request: &Extensions) -> Peer {
    match request.get::<ConnectInfo<SocketAddr>>() {
        Some(ConnectInfo(address)) => Peer::Tcp(*address),
        None if request.get::<OverUnixSocket>().is_some() => Peer::Unix,
        None => Peer::Unknown,
    }
}

/// The address that a request is counted by.
pub(super) fn client_address(app: &App, peer: Peer, headers: &HeaderMap) -> ClientAddress {
    let proxies = &app.server.settings().http.proxies;
    if is_forwarded(headers) && !proxies.is_trusted(peer) && app.undeclared.is_due(now(app)) {
        warn_undeclared(peer);
    }
    proxies.client(peer, headers)
}

/// Without this word all callers behind a proxy would be counted as one, and nobody would know why.
fn warn_undeclared(peer: Peer) {
    match peer {
        Peer::Tcp(address) => tracing::warn!(
            peer = %address.ip(),
            "a peer that is not declared as a proxy sends X-Forwarded-For or Forwarded, which are not believed; if it is \
             yours, declare it with `.http(|http| http.trusted_proxies([\"{ip}\"]))` or `trusted_proxy_hops(1)`",
            ip = address.ip().to_canonical(),
        ),
        Peer::Unix => tracing::warn!(
            "the peer on the Unix socket sends X-Forwarded-For or Forwarded, which are not believed; if it is a proxy of \
             yours, declare it with `.http(|http| http.trusted_proxy_hops(1))`"
        ),
        Peer::Unknown => tracing::warn!(
            "requests with X-Forwarded-For or Forwarded come from peers without an address; serve the app with \
             `into_make_service_with_connect_info::<SocketAddr>()`, or declare `trusted_proxy_hops`"
        ),
    }
}

pub(super) fn now(app: &App) -> u64 {
    app.server.core().gate.clock().millis()
}

/// Something that is said at most once a minute, however often there is reason to.
#[derive(Debug, Default)]
pub(super) struct Seldom {
    /// When it may be said again, in milliseconds.
    due: AtomicU64,
}

impl Seldom {
    pub(super) fn is_due(&self, now: u64) -> bool {
        let due = self.due.load(Ordering::Relaxed);
        let next = now.saturating_add(60_000);
        now >= due && self.due.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_once_a_minute() {
        let seldom = Seldom::default();
        let said: Vec<u64> = (0..200_000).step_by(500).filter(|now| seldom.is_due(*now)).collect();
        assert_eq!(said, [0, 60_000, 120_000, 180_000]);
    }
}
