//! How many run at once, all in all and of one caller: `concurrency = 4`, and the places of the whole server.

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

/// Slots that nobody waits for.
#[derive(Debug)]
pub(crate) struct Slots {
    all: u32,
    /// How many one caller may hold.
    share: u32,
    held: Mutex<Held>,
}

/// Never more entries than slots.
#[derive(Debug, Default)]
struct Held {
    total: u32,
    by: HashMap<CallerKey, u32>,
}

impl Slots {
    /// Those of a tool: one caller may hold half of them, rounded up.
    pub(super) fn of_tool(all: NonZeroU32) -> Self {
        Self::new(all.get(), all.get().div_ceil(2))
    }

    /// So many, of which one caller may hold `share`.
    pub(crate) fn new(all: u32, share: u32) -> Self {
        Self { all, share: share.max(1), held: Mutex::default() }
    }

    /// Whether this caller would get a slot now.
    pub(super) fn test(&self, caller: &Caller) -> Result<(), Denial> {
        self.fits(&self.lock(), caller.quota_key())
    }

    /// Takes a slot for as long as what is returned lives.
    pub(crate) fn take(self: &Arc<Self>, caller: &Caller) -> Result<Slot, Denial> {
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
        let free = held.total < self.all && own < self.share;
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
