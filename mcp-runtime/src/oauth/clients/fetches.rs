//! Fetches that are under way, and those that failed: nobody makes us ask twice for the same thing.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use quick_cache::sync::Cache;
use tokio::sync::watch;

/// How many may be under way at once.
const MAX_FLIGHTS: usize = 64;

/// How many failures are remembered, and for how long, in milliseconds. Never longer: what failed may be mended.
const MAX_FAILURES: usize = 4_096;
const FAILED_FOR: u64 = 30_000;

pub(super) struct Fetches {
    flights: Mutex<HashMap<String, watch::Receiver<()>>>,
    /// Until when.
    failures: Cache<String, u64>,
}

/// Whose turn it is.
pub(super) enum Turn<'f> {
    /// Ours: the flight ends when this is dropped.
    Lead(Flight<'f>),
    /// Somebody else's; the channel closes when it has ended.
    Follow(watch::Receiver<()>),
    /// Too many are under way.
    Full,
}

pub(super) struct Flight<'f> {
    fetches: &'f Fetches,
    url: String,
    _ends: watch::Sender<()>,
}

impl Fetches {
    pub(super) fn new() -> Self {
        Self { flights: Mutex::default(), failures: Cache::new(MAX_FAILURES) }
    }

    pub(super) fn join(&self, url: &str) -> Turn<'_> {
        let mut flights = self.flights();
        if let Some(flight) = flights.get(url) {
            return Turn::Follow(flight.clone());
        }
        if flights.len() >= MAX_FLIGHTS {
            return Turn::Full;
        }
        let (ends, flight) = watch::channel(());
        flights.insert(url.to_owned(), flight);
        Turn::Lead(Flight { fetches: self, url: url.to_owned(), _ends: ends })
    }

    pub(super) fn failed(&self, url: &str, now: u64) {
        self.failures.insert(url.to_owned(), now.saturating_add(FAILED_FOR));
    }

    pub(super) fn failed_lately(&self, url: &str, now: u64) -> bool {
        self.failures.get(url).is_some_and(|until| now < until)
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<String, watch::Receiver<()>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Flight<'_> {
    /// Also when whoever led it went away: then somebody else asks.
    fn drop(&mut self) {
        self.fetches.flights().remove(&self.url);
    }
}

/// Waits until a flight has ended.
pub(super) async fn landed(mut flight: watch::Receiver<()>) {
    while flight.changed().await.is_ok() {}
}
