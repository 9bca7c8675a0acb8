//! What runs behind a permit: descriptors, arguments, output, errors, and what a tool may be given.

mod absent;
mod argument;
pub(crate) mod arguments;
mod context;
mod descriptor;
mod error;
mod header;
mod limits;
mod output;
mod registered;
mod schema;
mod set;
mod template;
mod whole;

use std::{future::Future, pin::Pin, sync::Arc};

pub(crate) use context::CallSite;
#[cfg(feature = "http")]
pub use context::HttpRequest;
pub use context::{CallContext, Context, Inject, Requirements, State};
pub use descriptor::{Annotations, Icon, Location, ToolInfo};
pub(crate) use error::ErrorKind;
pub use error::{IntoToolError, ToolError};
pub(crate) use header::is_canonical;
pub use header::{HeaderValue, Mirrored};
pub use limits::{Bounded, Length, Measured};
pub use output::{CallToolResult, Content, IntoToolOutput, Json};
pub(crate) use registered::{Beginning, Bind, CallInput, Compare, Head, Refusal, Registered, Running, Started};
pub use set::{ToolSet, Tools};
pub use template::TemplateValue;
pub use whole::Args;

use crate::guard::{Permit, Protected, Slot};

/// The future of one call.
pub type ToolFuture<'a> = Pin<Box<dyn Future<Output = Result<CallToolResult, ToolError>> + Send + 'a>>;

tokio::task_local! {
    /// The slot of the call whose future is polled, for what it starts that may outlive it.
    static SLOT: Slot;
}

/// A function that models can call. `#[tool]` implements it; there is no reason to do so by hand.
///
/// It names no bounds on the author's own types: each is asked what it must be able to do in exactly one place, so
/// that a mistake is one error at one spot.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tool",
    label = "put `#[tool]` on this function",
    note = "`tools![…]` takes functions that carry `#[mcp_runtime::tool]`"
)]
pub trait Tool: Protected<Args: arguments::Tuple> + Sized {
    /// What the tool is a method of; `()` for a free function.
    type Receiver: Send + Sync + 'static;
    /// The injected parameters, a tuple in the order of the function's parameters.
    type Injected;
    /// What the function returns.
    type Output;

    /// Names, texts and hints.
    const INFO: ToolInfo;
    /// How arguments are read and described.
    const ARGUMENTS: arguments::Arguments<Self::Args>;
    /// How injected parameters are made.
    const INJECT: context::Injector<Self::Injected>;
    /// How the output becomes a result.
    const OUTPUT: output::OutputOf<Self::Output>;

    /// Runs the body. Only a permit for this very tool gets here.
    fn run<'a>(receiver: &'a Arc<Self::Receiver>, permit: Permit<Self>, injected: Self::Injected) -> ToolFuture<'a>;
}

/// What the macros' expansions call. Not public API: it may change in any release.
#[doc(hidden)]
pub mod private {
    use std::{
        future::Future,
        sync::{Arc, LazyLock},
    };

    use tokio::{sync::Semaphore, task::AbortHandle};

    use crate::{auth::Caller, guard::Slots};

    pub use super::{
        Icon, Tool, ToolFuture, ToolInfo, ToolSet, Tools,
        argument::{ArgRules, ArgSpec},
        arguments::{
            Arguments, args0, args1, args2, args3, args4, args5, args6, args7, args8, args9, args10, args11, args12,
            args13, args14, args15, args16,
        },
        context::{Injector, inject0, inject1, inject2, inject3, inject4, inject5, inject6},
        header::{HeaderValue, Mirror, mirror},
        limits::{Limits, Violation, max, max_len, min, min_len},
        output::{OutputOf, output},
        template::TemplateValue,
        whole::whole,
    };
    pub use crate::guard::{
        Floor, GuardOf, Limit, Per, Permit, Policy, Protected, RateLimit, ScopeExpr, ScopePart,
        private::{asking, boxed},
    };

    /// How many bodies without `async` run at once: half of what tokio's pool holds by default, so that the other half
    /// stays for files and name look-ups.
    const BLOCKING: u32 = 256;

    static PLACES: Semaphore = Semaphore::const_new(BLOCKING as usize);

    /// How many of them one caller may have or wait for: those that outlive their calls cannot be stopped.
    static SHARES: LazyLock<Arc<Slots>> = LazyLock::new(|| Arc::new(Slots::new(u32::MAX, BLOCKING / 4)));

    const TOO_MANY: &str = "as many of your calls run as may at once; wait for one of them";

    /// Who was admitted, for what outlives the permit.
    pub fn caller<T: Protected>(permit: &Permit<T>) -> Caller {
        permit.caller().clone()
    }

    /// A body that has not begun when its call is over never begins. One that has cannot be stopped.
    struct AbortOnDrop(AbortHandle);

    impl Drop for AbortOnDrop {
        fn drop(&mut self) {
            self.0.abort();
        }
    }

    /// Boxes an async body. This is the one place that asks it to be `Send`.
    pub fn finish<'a, F>(body: F, output: OutputOf<F::Output>) -> ToolFuture<'a>
    where
        F: Future + Send + 'a,
        F::Output: 'a,
    {
        Box::pin(async move { output.convert(body.await) })
    }

    /// Runs a body without `async` on the blocking pool, so that it cannot stall other callers.
    pub fn finish_blocking<'a, F, R>(caller: Caller, body: F, output: OutputOf<R>) -> ToolFuture<'a>
    where
        F: FnOnce() -> R + Send + 'static,
        R: 'static,
    {
        Box::pin(async move {
            // A body that cannot be stopped keeps its slot for as long as it runs.
            let slot = super::SLOT.try_with(Clone::clone).ok();
            let share = SHARES.take(&caller).map_err(|_| super::ToolError::visible(TOO_MANY))?;
            // Waited for here, because what waits in the pool itself runs even when nobody wants it any more.
            let place = PLACES.acquire().await;
            let task = tokio::task::spawn_blocking(move || {
                let _held = (place, slot, share);
                output.convert(body())
            });
            let _unwanted = AbortOnDrop(task.abort_handle());
            match task.await {
                Ok(result) => result,
                Err(failure) => match failure.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => Err(super::ToolError::internal("the runtime is shutting down")),
                },
            }
        })
    }

    /// Runs a body without `async` in place, on the thread that answers: `#[tool(inline)]`.
    pub fn finish_inline<'a, F, R>(body: F, output: OutputOf<R>) -> ToolFuture<'a>
    where
        F: FnOnce() -> R + Send + 'a,
        R: 'a,
    {
        Box::pin(async move { output.convert(body()) })
    }

    /// Keeps a method's receiver alive for as long as a blocking body needs it.
    pub fn share<S>(receiver: &Arc<S>) -> Arc<S> {
        Arc::clone(receiver)
    }
}
