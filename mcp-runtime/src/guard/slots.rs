//! `concurrency = 4`: how many calls of one tool run at once.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::Denial;
use crate::auth::{Caller, CallerKey};

/// When to come back to a tool that is full. Nobody knows when a call ends.
const WAIT: Duration = Duration::from_secs(1);

/// The slots of one tool. Nobody waits for one; one caller holds half of them at most, rounded up.
#[derive(Debug)]
pub(super) struct Slots {
    all: u32,
    held: Mutex<Held>,
}

/// Never more entries than slots.
#[derive(Debug, Default)]
struct Held {
    total: u32,
    by: HashMap<CallerKey, u32>,
}

impl Slots {
    pub(super) fn new(all: NonZeroU32) -> Self {
        Self { all: all.get(), held: Mutex::default() }
    }

    /// Whether this caller would get a slot now.
    pub(super) fn test(&self, caller: &Caller) -> Result<(), Denial> {
        self.fits(&self.lock(), caller.quota_key())
    }

    /// Takes a slot for as long as what is returned lives.
    pub(super) fn take(self: &Arc<Self>, caller: &Caller) -> Result<Slot, Denial> {
        let key = caller.quota_key();
        let mut held = self.lock();
        self.fits(&held, key)?;
        held.total += 1;
        *held.by.entry(key).or_default() += 1;
        drop(held);
        Ok(Slot(Arc::new(Taken { slots: Arc::clone(self), key })))
    }

    fn fits(&self, held: &Held, caller: CallerKey) -> Result<(), Denial> {
        let own = held.by.get(&caller).copied().unwrap_or(0);
        let free = held.total < self.all && own < self.all.div_ceil(2);
        if free { Ok(()) } else { Err(Denial::Busy { concurrency: self.all, retry_after: WAIT }) }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slot that is taken. Clones share it; it is free again when the last is gone.
#[derive(Debug, Clone)]
pub(crate) struct Slot(#[expect(dead_code, reason = "held for its end")] Arc<Taken>);

#[derive(Debug)]
struct Taken {
    slots: Arc<Slots>,
    key: CallerKey,
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut held = self.slots.lock();
        held.total = held.total.saturating_sub(1);
        if let Some(own) = held.by.get_mut(&self.key) {
            *own -= 1;
            if *own == 0 {
                held.by.remove(&self.key);
            }
        }
    }
}
