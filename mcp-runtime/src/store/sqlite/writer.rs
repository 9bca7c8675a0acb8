//! Commits, several of them in one transaction if they are waiting.

use rusqlite::{Connection, OptionalExtension, Statement, params};

use super::{
    Commit, Key, Step,
    cause::Cause,
    lock,
    queue::{Job, Jobs, Reply},
    signed, transaction,
};

/// How many jobs share one transaction, and so one wait for the disk.
const BATCH: usize = 64;

pub(super) const CURRENT: &str = "
    SELECT version FROM entry WHERE kind = ?1 AND name = ?2 AND (expires_at IS NULL OR expires_at > ?3)";
const PUT: &str = "
    INSERT INTO entry (kind, name, value, version, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (kind, name) DO UPDATE
    SET value = excluded.value, version = excluded.version, expires_at = excluded.expires_at";
pub(super) const REMOVE: &str = "DELETE FROM entry WHERE kind = ?1 AND name = ?2";
pub(super) const SWEEP: &str = "
    DELETE FROM entry WHERE id IN (SELECT id FROM entry WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";

pub(super) enum Write {
    Commit { steps: Vec<Step>, now: u64, reply: Reply<Commit> },
    Sweep { now: u64, limit: usize, reply: Reply<usize> },
}

impl Write {
    /// Whether somebody still waits for it. What nobody waits for is not begun.
    fn is_wanted(&self) -> bool {
        match self {
            Self::Commit { reply, .. } => !reply.is_closed(),
            Self::Sweep { reply, .. } => !reply.is_closed(),
        }
    }
}

/// What came of a job.
enum Outcome {
    Commit(Commit),
    Swept(usize),
}

/// Writes until nobody can ask any more.
pub(super) fn run(connection: &Connection, cause: &Cause, jobs: &Jobs<Write>) {
    let Ok(mut statements) = Statements::new(connection) else { return };
    while let Some(first) = jobs.next() {
        lock::since(first.asked);
        let batch = batch(first, jobs);
        if !batch.is_empty() {
            let outcomes = transaction::alone(connection, || statements.run(&batch));
            answer(batch, outcomes, cause);
        }
    }
}

fn batch(first: Job<Write>, jobs: &Jobs<Write>) -> Vec<Write> {
    let waiting = std::iter::from_fn(|| jobs.next_waiting()).take(BATCH - 1);
    std::iter::once(first).chain(waiting).map(|job| job.work).filter(Write::is_wanted).collect()
}

/// Only now, when all is on the disk.
fn answer(batch: Vec<Write>, outcomes: rusqlite::Result<Vec<Outcome>>, cause: &Cause) {
    let outcomes = match outcomes {
        Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
        Err(error) => batch.iter().map(|_| Err(cause.of(&error))).collect::<Vec<_>>(),
    };
    for (work, outcome) in batch.into_iter().zip(outcomes) {
        // Who does not wait any more cannot be told.
        match (work, outcome) {
            (Write::Commit { reply, .. }, Ok(Outcome::Commit(outcome))) => drop(reply.send(Ok(outcome))),
            (Write::Sweep { reply, .. }, Ok(Outcome::Swept(count))) => drop(reply.send(Ok(count))),
            (Write::Commit { reply, .. }, Err(error)) => drop(reply.send(Err(error))),
            (Write::Sweep { reply, .. }, Err(error)) => drop(reply.send(Err(error))),
            // Not their own outcome: they learn nothing, which is an error.
            (_, Ok(_)) => {}
        }
    }
}

/// What is done within a transaction.
pub(super) struct Statements<'c> {
    last: Statement<'c>,
    set_last: Statement<'c>,
    current: Statement<'c>,
    put: Statement<'c>,
    remove: Statement<'c>,
    sweep: Statement<'c>,
}

impl<'c> Statements<'c> {
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            last: connection.prepare("SELECT last FROM counter")?,
            set_last: connection.prepare("UPDATE counter SET last = ?1")?,
            current: connection.prepare(CURRENT)?,
            put: connection.prepare(PUT)?,
            remove: connection.prepare(REMOVE)?,
            sweep: connection.prepare(SWEEP)?,
        })
    }

    /// All jobs of a batch, one after the other. Their versions come from one counter, which stands in the file: so they
    /// never come back, and the numbers of lists are seen in their order.
    fn run(&mut self, batch: &[Write]) -> rusqlite::Result<Vec<Outcome>> {
        let before: i64 = self.last.query_row([], |row| row.get(0))?;
        let mut last = before;
        let outcomes = batch.iter().map(|work| self.one(work, &mut last)).collect::<rusqlite::Result<_>>()?;
        if last != before {
            self.set_last.execute([last])?;
        }
        Ok(outcomes)
    }

    fn one(&mut self, work: &Write, last: &mut i64) -> rusqlite::Result<Outcome> {
        match work {
            Write::Commit { steps, now, .. } => self.commit(steps, *now, last).map(Outcome::Commit),
            Write::Sweep { now, limit, .. } => {
                let limit = i64::try_from(*limit).unwrap_or(i64::MAX);
                self.sweep.execute([signed(*now), limit]).map(Outcome::Swept)
            }
        }
    }

    /// All expectations first, so that a conflict leaves nothing to undo for the others of the batch.
    fn commit(&mut self, steps: &[Step], now: u64, last: &mut i64) -> rusqlite::Result<Commit> {
        for step in steps {
            if !self.holds(step, now)? {
                return Ok(Commit::Conflict);
            }
        }
        for step in steps {
            self.apply(step, last)?;
        }
        Ok(Commit::Done)
    }

    fn holds(&mut self, step: &Step, now: u64) -> rusqlite::Result<bool> {
        Ok(match step {
            Step::Insert { key, .. } => self.version(key, now)?.is_none(),
            Step::Replace { key, version, .. }
            | Step::Check { key, version }
            | Step::Delete { key, version: Some(version) } => self.version(key, now)? == Some(signed(*version)),
            Step::Delete { version: None, .. } | Step::Append { .. } => true,
        })
    }

    fn version(&mut self, key: &Key, now: u64) -> rusqlite::Result<Option<i64>> {
        self.current.query_row(params![key.kind.as_str(), key.name, signed(now)], |row| row.get(0)).optional()
    }

    fn apply(&mut self, step: &Step, last: &mut i64) -> rusqlite::Result<()> {
        match step {
            Step::Insert { key, value, expires_at } | Step::Replace { key, value, expires_at, .. } => {
                *last += 1;
                let end = expires_at.map(signed);
                self.put.execute(params![key.kind.as_str(), key.name, value, *last, end])?;
            }
            Step::Append { kind, value, expires_at } => {
                *last += 1;
                let (name, end) = (format!("{last:020}"), expires_at.map(signed));
                self.put.execute(params![kind.as_str(), name, value, *last, end])?;
            }
            Step::Delete { key, .. } => {
                self.remove.execute([key.kind.as_str(), &key.name])?;
            }
            Step::Check { .. } => {}
        }
        Ok(())
    }
}
