//! `.observe(|call, outcome|)`: one hook for every call and every refusal of the gate.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use crate::{
    auth::Caller,
    caught::catch,
    guard::{Denial, LimitState},
    protocol::Id,
};

/// What was asked for, by whom: for metrics, traces and audit logs. Never arguments, results or tokens.
#[derive(Debug)]
#[non_exhaustive]
pub struct ObservedCall<'a> {
    /// The tool, also if it is hidden from the caller; `None` if there is none of the name that was asked for, if something
    /// else than a call was refused, or if it was refused before the name was read.
    pub tool: Option<&'static str>,
    /// Who asked. [`Caller::Anonymous`] also where a token was not accepted.
    pub caller: &'a Caller,
    /// The JSON-RPC id as the client chose it, at most 64 characters; `None` if it was decided before it was read.
    pub request_id: Option<&'a str>,
    /// From the arrival of the message to the decision.
    pub decided_in: Duration,
    /// How long the body ran; `None` if it did not.
    pub ran_for: Option<Duration>,
    /// The tightest limit of an admitted call, after it was charged.
    pub limit: Option<LimitState>,
}

/// What came of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CallOutcome<'a> {
    /// The tool returned a result.
    Succeeded,
    /// The tool returned an error that the model may see.
    Failed,
    /// The tool panicked, or failed in a way that is masked.
    Broke,
    /// The tool took too long.
    TimedOut,
    /// The client went away while the tool ran.
    Cancelled,
    /// The arguments do not fit.
    InvalidArguments,
    /// There is no such tool, or it is hidden from this caller.
    UnknownTool,
    /// The gate said no.
    Denied(&'a Denial),
}

impl CallOutcome<'_> {
    /// A stable word for logs and metrics: `succeeded`, `failed`, `broke`, `timed_out`, `cancelled`, `invalid_arguments`,
    /// `unknown_tool`, or the [reason](Denial::reason) of a denial.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Broke => "broke",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::InvalidArguments => "invalid_arguments",
            Self::UnknownTool => "unknown_tool",
            Self::Denied(denial) => denial.reason(),
        }
    }
}

type Hook = dyn Fn(&ObservedCall<'_>, &CallOutcome<'_>) + Send + Sync;

/// The author's hook, if there is one.
#[derive(Default)]
pub(crate) struct Observer {
    hook: Option<Box<Hook>>,
    panicked: AtomicBool,
}

impl Observer {
    pub(crate) fn new(hook: impl Fn(&ObservedCall<'_>, &CallOutcome<'_>) + Send + Sync + 'static) -> Self {
        Self { hook: Some(Box::new(hook)), panicked: AtomicBool::new(false) }
    }

    /// Begins to watch one call. Without a hook nothing is measured and nothing kept.
    pub(crate) fn watch<'a>(&'a self, caller: &'a Caller, id: Option<&Id<'_>>) -> Watch<'a> {
        Watch(self.hook.is_some().then(|| Watched {
            observer: self,
            tool: None,
            caller,
            id: id.map(Id::brief),
            begun: Instant::now(),
            decided: None,
            limit: None,
        }))
    }

    /// Reports what was refused before there was anything to watch.
    pub(crate) fn denied(&self, tool: Option<&'static str>, caller: &Caller, denial: &Denial) {
        let mut watch = self.watch(caller, None);
        watch.tool(tool);
        watch.end(&CallOutcome::Denied(denial));
    }

    fn report(&self, call: &ObservedCall<'_>, outcome: &CallOutcome<'_>) {
        let Some(hook) = &self.hook else { return };
        if catch(|| hook(call, outcome)).is_none() && !self.panicked.swap(true, Ordering::Relaxed) {
            tracing::error!("the `observe` hook panicked; further panics of it are not logged");
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").field("hook", &self.hook.is_some()).finish_non_exhaustive()
    }
}

/// One call being watched. Dropped before its end, it was cancelled.
pub(crate) struct Watch<'a>(Option<Watched<'a>>);

struct Watched<'a> {
    observer: &'a Observer,
    tool: Option<&'static str>,
    caller: &'a Caller,
    id: Option<String>,
    begun: Instant,
    decided: Option<Instant>,
    limit: Option<LimitState>,
}

impl Watch<'_> {
    pub(crate) fn tool(&mut self, tool: Option<&'static str>) {
        if let Some(watched) = &mut self.0 {
            watched.tool = tool;
        }
    }

    pub(crate) fn id(&mut self, id: &Id<'_>) {
        if let Some(watched) = &mut self.0 {
            watched.id = Some(id.brief());
        }
    }

    /// The call was admitted and its body begins.
    pub(crate) fn admitted(&mut self, limit: Option<LimitState>) {
        if let Some(watched) = &mut self.0 {
            watched.decided = Some(Instant::now());
            watched.limit = limit;
        }
    }

    pub(crate) fn end(mut self, outcome: &CallOutcome<'_>) {
        if let Some(watched) = self.0.take() {
            watched.report(outcome);
        }
    }

    /// There is nothing to report of what was watched.
    pub(crate) fn forget(mut self) {
        self.0 = None;
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if let Some(watched) = self.0.take() {
            watched.report(&CallOutcome::Cancelled);
        }
    }
}

impl Watched<'_> {
    fn report(&self, outcome: &CallOutcome<'_>) {
        let now = Instant::now();
        let call = ObservedCall {
            tool: self.tool,
            caller: self.caller,
            request_id: self.id.as_deref(),
            decided_in: self.decided.unwrap_or(now) - self.begun,
            ran_for: self.decided.map(|decided| now - decided),
            limit: self.limit,
        };
        self.observer.report(&call, outcome);
    }
}
