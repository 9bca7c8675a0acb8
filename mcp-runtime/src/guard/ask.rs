//! `guard = owns(project)`: the author's own rule, asked before a tool runs.

use std::{any::type_name, borrow::Cow, error::Error, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use super::{Denial, StateMap};
use crate::auth::{Caller, Identity};

/// When to ask again where a guard could not decide.
const WAIT: Duration = Duration::from_secs(5);

/// What a guard may look at besides the arguments that it names.
///
/// ```
/// use mcp_runtime::{guard::{GuardCx, Refused}, tool};
///
/// #[derive(Clone)]
/// struct Projects;
/// # impl Projects { async fn owner(&self, _: &str) -> Result<String, std::io::Error> { Ok(String::new()) } }
///
/// async fn owns(cx: &GuardCx, project: &str) -> Result<(), Refused> {
///     let owner = cx.state::<Projects>()?.owner(project).await?;
///     let is_owner = cx.identity().is_some_and(|who| who.subject() == owner);
///     if is_owner { Ok(()) } else { Err(Refused::new("this project belongs to somebody else")) }
/// }
///
/// /// Renames a project.
/// #[tool(guard = owns(project))]
/// async fn rename(project: String, name: String) {}
/// ```
#[derive(Debug, Clone)]
pub struct GuardCx {
    tool: &'static str,
    caller: Caller,
    states: Arc<StateMap>,
}

impl GuardCx {
    pub(crate) fn new(tool: &'static str, caller: Caller, states: Arc<StateMap>) -> Self {
        Self { tool, caller, states }
    }

    /// The tool that is called.
    #[must_use]
    pub fn tool(&self) -> &'static str {
        self.tool
    }

    /// Who calls.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The identity, if there is one.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.caller.identity()
    }

    /// A state that was given to the server with `.state(value)`.
    ///
    /// # Errors
    /// If there is none of this type: the call is then answered with 503, and the log says what is missing.
    pub fn state<T: Clone + 'static>(&self) -> Result<T, Refused> {
        self.states.get().ok_or_else(|| Refused::undecided(&Missing(type_name::<T>())))
    }
}

/// Why a guard does not let a call through.
///
/// It deliberately is no [`Error`], so that `?` on any error of yours means that nothing could be decided: the call is
/// answered with 503, and the error goes to the log alone.
#[derive(Debug, Clone)]
pub struct Refused(Why);

#[derive(Debug, Clone)]
enum Why {
    No(Cow<'static, str>),
    Undecided,
}

impl Refused {
    /// No. The message is for the caller to read; it is answered with 403.
    #[must_use]
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self(Why::No(message.into()))
    }

    fn undecided(error: &dyn fmt::Display) -> Self {
        tracing::error!(cause = %error, "a guard could not decide");
        Self(Why::Undecided)
    }

    fn into_denial(self) -> Denial {
        match self.0 {
            Why::No(message) => Denial::Refused { message },
            Why::Undecided => undecided(),
        }
    }
}

impl<E: Error> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::undecided(&error)
    }
}

struct Missing(&'static str);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server has no state of type `{}`; add `.state(value)`", self.0)
    }
}

pub(super) fn undecided() -> Denial {
    Denial::Unavailable { retry_after: WAIT }
}

/// What a guard function returns.
#[diagnostic::on_unimplemented(
    message = "this cannot be a guard",
    label = "not a guard",
    note = "a guard is an `async fn(cx: &GuardCx, ..) -> Result<(), Refused>`, where `..` are the arguments that it names, each as a borrow"
)]
pub trait Asking: Future<Output = Result<(), Refused>> {}

#[diagnostic::do_not_recommend]
impl<F: Future<Output = Result<(), Refused>>> Asking for F {}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A guard as the macros write it down, with the arguments it looks at.
#[doc(hidden)]
pub enum GuardOf<A> {
    /// There is none.
    None,
    /// Looks at the caller alone, so it can be asked before the body of a request is read.
    Caller(fn(GuardCx) -> Boxed<Result<(), Refused>>),
    /// Looks at arguments too, and gives them back.
    Arguments(ArgumentGuard<A>),
}

pub(super) type ArgumentGuard<A> = fn(GuardCx, A) -> Boxed<(Result<(), Refused>, A)>;

impl<A> Clone for GuardOf<A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for GuardOf<A> {}

/// Asks a type whether it is a guard's future; this is the one place.
#[doc(hidden)]
pub async fn asking<F: Asking>(future: F) -> Result<(), Refused> {
    future.await
}

/// Boxes a guard.
#[doc(hidden)]
pub fn boxed<T>(future: impl Future<Output = T> + Send + 'static) -> Boxed<T> {
    Box::pin(future)
}

/// Waits for a guard. One that panics or takes too long has not said yes.
pub(super) async fn asked<T>(
    tool: &'static str,
    timeout: Option<Duration>,
    asking: impl Future<Output = T>,
) -> Result<T, Denial> {
    let asking = crate::caught::caught(asking);
    let answer = match timeout {
        None => asking.await,
        Some(limit) => tokio::time::timeout(limit, asking).await.unwrap_or(None),
    };
    answer.ok_or_else(|| {
        tracing::error!(tool, "a guard panicked, or did not answer in time");
        undecided()
    })
}

pub(super) fn verdict(answer: Result<(), Refused>) -> Result<(), Denial> {
    answer.map_err(Refused::into_denial)
}
