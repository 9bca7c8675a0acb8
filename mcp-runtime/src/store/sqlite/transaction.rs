//! All or nothing.

use rusqlite::Connection;

/// Does the work in one transaction that no other writer can come between. If there is an error, none of it is done; only
/// if the disk fails while it ends, that is unknown.
pub(super) fn alone<T, E: From<rusqlite::Error>>(
    connection: &Connection,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    if !connection.is_autocommit() {
        // What the last one could not undo.
        connection.execute_batch("ROLLBACK")?;
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let done = work().and_then(|outcome| Ok(connection.execute_batch("COMMIT").map(|()| outcome)?));
    if done.is_err() && !connection.is_autocommit() {
        // If that fails, the next one tries again.
        drop(connection.execute_batch("ROLLBACK"));
    }
    done
}
