//! Reads, each on its own snapshot of the file.

use rusqlite::{Connection, Error, OptionalExtension, Row, Statement, named_params, params, types::Type};

use super::{
    Entry, Key, Kind,
    cause::Cause,
    lock,
    queue::{Jobs, Reply},
};

pub(super) const GET: &str = "SELECT value, version, expires_at FROM entry WHERE kind = ?1 AND name = ?2";
pub(super) const LIST: &str = "
    SELECT value, version, expires_at, name FROM entry
    WHERE kind = :kind AND name >= :start AND (:after IS NULL OR name > :after)
    ORDER BY name LIMIT :limit";

pub(super) enum Read {
    Get { key: Key, reply: Reply<Option<Entry>> },
    List { kind: Kind, prefix: String, after: Option<String>, limit: usize, reply: Reply<Vec<(String, Entry)>> },
}

/// Reads until nobody can ask any more.
pub(super) fn run(connection: &Connection, cause: &Cause, jobs: &Jobs<Read>) {
    let Ok(mut statements) = Statements::new(connection) else { return };
    while let Some(job) = jobs.next() {
        lock::since(job.asked);
        // Nobody waits any more if an answer cannot be sent.
        match job.work {
            Read::Get { reply, .. } if reply.is_closed() => {}
            Read::List { reply, .. } if reply.is_closed() => {}
            Read::Get { key, reply } => drop(reply.send(statements.get(&key).map_err(|error| cause.of(&error)))),
            Read::List { kind, prefix, after, limit, reply } => {
                let found = statements.list(&kind, &prefix, after.as_deref(), limit);
                drop(reply.send(found.map_err(|error| cause.of(&error))));
            }
        }
    }
}

pub(super) struct Statements<'c> {
    get: Statement<'c>,
    list: Statement<'c>,
}

impl<'c> Statements<'c> {
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self { get: connection.prepare(GET)?, list: connection.prepare(LIST)? })
    }

    fn get(&mut self, key: &Key) -> rusqlite::Result<Option<Entry>> {
        self.get.query_row(params![key.kind.as_str(), key.name], entry).optional()
    }

    fn list(
        &mut self,
        kind: &Kind,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> rusqlite::Result<Vec<(String, Entry)>> {
        let start = after.filter(|after| *after >= prefix).unwrap_or(prefix);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let parameters = named_params! { ":kind": kind.as_str(), ":start": start, ":after": after, ":limit": limit };
        let mut rows = self.list.query(parameters)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let name: String = row.get(3)?;
            if !name.starts_with(prefix) {
                break;
            }
            found.push((name, entry(row)?));
        }
        Ok(found)
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let number = |column: usize, number: i64| {
        u64::try_from(number).map_err(|error| Error::FromSqlConversionFailure(column, Type::Integer, error.into()))
    };
    let expires_at: Option<i64> = row.get(2)?;
    let expires_at = expires_at.map(|end| number(2, end)).transpose()?;
    Ok(Entry::new(row.get(0)?, number(1, row.get(1)?)?, expires_at))
}
