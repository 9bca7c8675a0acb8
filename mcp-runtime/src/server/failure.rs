//! When a body does not end well: what the log gets, and what the caller gets.

use std::{
    error::Error,
    fmt,
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::CallOutcome;
use crate::{
    caught::caught,
    in_time::in_time,
    tool::{CallToolResult, ErrorKind, ToolError, ToolFuture},
};

/// A result, and what observers are told of it.
pub(super) struct Ended {
    pub(super) result: CallToolResult,
    pub(super) outcome: CallOutcome<'static>,
}

/// Runs a body to its result. Panics and masked errors become "internal error" and a reference into the log.
pub(super) async fn settle(tool: &'static str, timeout: Option<Duration>, body: ToolFuture<'_>) -> Ended {
    let body = caught(body);
    let outcome = match timeout {
        None => body.await,
        Some(limit) => match in_time(limit, body).await {
            Some(outcome) => outcome,
            None => return Ended { result: too_late(tool, limit), outcome: CallOutcome::TimedOut },
        },
    };
    match outcome {
        Some(Ok(result)) if result.is_error => Ended { result, outcome: CallOutcome::Failed },
        Some(Ok(result)) => Ended { result, outcome: CallOutcome::Succeeded },
        Some(Err(error)) => from_error(tool, error),
        None => Ended { result: panicked(tool), outcome: CallOutcome::Broke },
    }
}

/// A body that took too long. The model may know, so that it does not simply try again.
fn too_late(tool: &'static str, limit: Duration) -> CallToolResult {
    tracing::warn!(tool, ?limit, "a tool did not finish in time");
    CallToolResult::error(format!("the tool did not finish within {limit:?}"))
}

/// A body that panicked; the panic hook has printed where.
pub(crate) fn panicked(tool: &'static str) -> CallToolResult {
    masked(tool, &"it panicked")
}

fn from_error(tool: &'static str, error: ToolError) -> Ended {
    match error.into_kind() {
        ErrorKind::Visible(text) => Ended { result: CallToolResult::error(text), outcome: CallOutcome::Failed },
        ErrorKind::Internal(cause) => Ended { result: masked(tool, &Chain(&*cause)), outcome: CallOutcome::Broke },
    }
}

fn masked(tool: &'static str, cause: &dyn std::fmt::Display) -> CallToolResult {
    let reference = reference();
    tracing::error!(tool, %reference, %cause, "a tool failed");
    CallToolResult::error(format!("internal error (reference {reference})"))
}

/// An error and all its causes.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// Names one failure. It need not be unguessable, only findable.
fn reference() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    static PROCESS: std::sync::OnceLock<RandomState> = std::sync::OnceLock::new();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{:016x}", PROCESS.get_or_init(RandomState::new).hash_one(number))
}
