//! What SQLite says, in words for the operator.

use std::path::{Path, PathBuf};

use rusqlite::{Error, ErrorCode};

use super::StoreError;

/// Makes errors that say which file they are about. Nothing of what is in the file goes into them.
#[derive(Debug, Clone)]
pub(super) struct Cause {
    path: PathBuf,
}

impl Cause {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    pub(super) fn of(&self, error: &Error) -> StoreError {
        match error {
            Error::SqliteFailure(failure, message) => {
                // Its messages name tables and columns, never what is in them.
                let message = message.clone().unwrap_or_else(|| failure.to_string());
                match advice(failure.code) {
                    Some(advice) => self.say(&format!("{message}; {advice}")),
                    None => self.say(&format!("{message} ({})", failure.extended_code)),
                }
            }
            // Whatever else it is, a row or a table does not look as we make them.
            _ => self.say(&format!("{error}; {DAMAGED}")),
        }
    }

    pub(super) fn say(&self, what: &str) -> StoreError {
        StoreError::new(format!("{}: {what}", self.path.display()))
    }
}

pub(super) const DAMAGED: &str = "the file is damaged: stop the server and restore a backup";

fn advice(code: ErrorCode) -> Option<&'static str> {
    Some(match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            "another process has held the lock for more than 4.5 seconds"
        }
        ErrorCode::NotADatabase => "the file is damaged, or not from this program",
        ErrorCode::DatabaseCorrupt => DAMAGED,
        ErrorCode::DiskFull => "make room on the disk",
        ErrorCode::ReadOnly => "the file must be writable, and must not be moved or replaced while it is in use",
        ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
            "the server's user must be able to read and write the file, and to make others beside it"
        }
        // What we ask for is always the same, so this is about the tables.
        ErrorCode::Unknown => DAMAGED,
        _ => return None,
    })
}
