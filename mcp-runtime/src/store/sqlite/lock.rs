//! How long to wait for the file's lock.

use std::{
    cell::Cell,
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;

/// From when something was asked for: what waited in the queue has less time left for the lock. Callers wait 5 seconds.
const PATIENCE: Duration = Duration::from_millis(4_500);

thread_local! {
    /// When the work of this thread has waited enough.
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The lock of what this thread does next is waited for as long as this allows.
pub(super) fn since(asked: Instant) {
    UNTIL.set(asked.checked_add(PATIENCE));
}

/// Has a connection wait for locks of others. SQLite's own way waits longer and longer between two looks, and so the
/// others, who need not wait, get in before it again and again.
pub(super) fn wait_on(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(|_| wait()))
}

/// Waits a moment; `false` if that is enough.
pub(super) fn wait() -> bool {
    let is_in_time = UNTIL.get().is_some_and(|until| Instant::now() < until);
    if is_in_time {
        thread::sleep(Duration::from_millis(1));
    }
    is_in_time
}
