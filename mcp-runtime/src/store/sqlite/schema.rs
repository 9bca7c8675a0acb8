//! Opening the file, and what is in it.

use std::{fs, path::Path, time::Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{
    StoreError,
    cause::{Cause, DAMAGED},
    lock, reader, transaction, writer,
};

/// Says in the file's header whose it is: "MCPA".
const APPLICATION: i64 = 0x4d43_5041;

/// What makes each version of the file from the one before. Never change one that was released; add another.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE entry (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        value BLOB NOT NULL,
        version INTEGER NOT NULL,
        expires_at INTEGER,
        UNIQUE (kind, name)
    ) STRICT;
    CREATE INDEX entry_by_end ON entry (expires_at) WHERE expires_at IS NOT NULL;
    -- The last version given out.
    CREATE TABLE counter (last INTEGER NOT NULL) STRICT;
    INSERT INTO counter VALUES (0);
"];

/// Larger files are not read through when they are opened; this much takes less than a second.
const CHECKED: u64 = 256 << 20;

/// Opens the file to write, after bringing it up to date.
pub(super) fn open(path: &Path, cause: &Cause) -> Result<Connection, StoreError> {
    lock::since(Instant::now());
    let sqlite = |error: rusqlite::Error| cause.of(&error);
    let connection = connect(path).map_err(sqlite)?;
    if connection.is_readonly("main").map_err(sqlite)? {
        return Err(cause.say("the server's user must be able to write to the file"));
    }
    // Before anything is changed.
    version(&connection, cause)?;
    write_ahead(&connection, cause)?;
    migrate(&connection, cause)?;
    check(&connection, path, cause)?;
    Ok(connection)
}

/// Opens the file to read, when it is up to date.
pub(super) fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(path)?;
    connection.execute_batch("PRAGMA query_only = ON")?;
    Ok(connection)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags)?;
    lock::wait_on(&connection)?;
    // FULL: a commit returns when it is on the disk; fullfsync asks the same of macOS. The file's schema is not trusted
    // to run functions, nor its pages to be well-formed.
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA foreign_keys = OFF;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA journal_size_limit = 16777216;",
    )?;
    Ok(connection)
}

/// Which version the file has, 0 if it is new; refuses files of others and of the future.
fn version(connection: &Connection, cause: &Cause) -> Result<usize, StoreError> {
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|error| cause.of(&error));
    let version = number("PRAGMA user_version")?;
    match number("PRAGMA application_id")? {
        APPLICATION => {}
        0 if version == 0 && number("SELECT count(*) FROM sqlite_schema")? == 0 => return Ok(0),
        _ => return Err(cause.say("the file belongs to another program: name a different one")),
    }
    match usize::try_from(version) {
        Ok(version) if (1..=MIGRATIONS.len()).contains(&version) => Ok(version),
        _ => Err(cause.say(&format!(
            "a newer version of the server has brought the file to schema {version}, and this one knows {} only: run the \
             newer one, or restore the backup from before",
            MIGRATIONS.len()
        ))),
    }
}

/// Readers and the writer do not wait for each other, and a commit is one write at the end of one file.
fn write_ahead(connection: &Connection, cause: &Cause) -> Result<(), StoreError> {
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => return Err(cause.say("this file system cannot be used: the file must be on a local disk")),
            // SQLite does not always wait by itself here, when another process opens the file at this moment.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && lock::wait() => {}
            Err(error) => return Err(cause.of(&error)),
        }
    }
}

fn migrate(connection: &Connection, cause: &Cause) -> Result<(), StoreError> {
    if version(connection, cause)? == MIGRATIONS.len() {
        return Ok(());
    }
    let migrated = transaction::alone(connection, || {
        // Another process may have been first.
        let Ok(version) = version(connection, cause) else { return Ok(()) };
        for migration in &MIGRATIONS[version..] {
            connection.execute_batch(migration)?;
        }
        connection.pragma_update(None, "application_id", APPLICATION)?;
        connection.pragma_update(None, "user_version", i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX))
    });
    migrated.map_err(|error| cause.of(&error))?;
    version(connection, cause).map(drop)
}

/// That there is nothing wrong with what can be seen now.
fn check(connection: &Connection, path: &Path, cause: &Cause) -> Result<(), StoreError> {
    let sqlite = |error: rusqlite::Error| cause.of(&error);
    reader::Statements::new(connection).map_err(sqlite)?;
    writer::Statements::new(connection).map_err(sqlite)?;
    if fs::metadata(path).is_ok_and(|file| file.len() > CHECKED) {
        return Ok(());
    }
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(sqlite)?;
    if found == "ok" { Ok(()) } else { Err(cause.say(DAMAGED)) }
}
