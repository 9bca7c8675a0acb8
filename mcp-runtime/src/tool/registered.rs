//! A tool behind its gate, its types forgotten.

use std::{
    future::{Future, ready},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use serde_json::Value;

use super::{
    CallContext, CallSite, Mirrored, Requirements, SLOT, Tool, ToolError, ToolFuture, ToolInfo,
    arguments::ArgumentError,
    schema::{input_schema, output_schema, problems},
};
use crate::{
    auth::Caller,
    guard::{
        Admitted, CallerAsked, CallerVerdict, Decision, Denial, Gate, Gated, LimitState, NotAdmitted, Policy, UNKNOWN,
        Values,
    },
    protocol::{Id, Meta, RpcError},
};

/// A tool that does not know its gate yet.
pub(crate) trait Bind: Send {
    fn name(&self) -> &'static str;
    fn info(&self) -> ToolInfo;
    fn policy(&self) -> Policy;
    fn requirements(&self, needs: &mut Requirements);
    /// What is wrong with the schema of the arguments.
    fn problems(&self) -> Vec<String>;
    fn bind(self: Box<Self>, gate: &Arc<Gate>) -> Box<dyn Registered>;
}

pub(crate) struct Unbound<T: Tool>(Arc<T::Receiver>);

impl<T: Tool> Unbound<T> {
    pub(crate) fn new(receiver: Arc<T::Receiver>) -> Self {
        Self(receiver)
    }
}

impl<T: Tool> Bind for Unbound<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn info(&self) -> ToolInfo {
        T::INFO
    }

    fn policy(&self) -> Policy {
        T::POLICY
    }

    fn requirements(&self, needs: &mut Requirements) {
        (T::INJECT.requirements)(needs);
    }

    fn problems(&self) -> Vec<String> {
        problems::<T>()
    }

    fn bind(self: Box<Self>, gate: &Arc<Gate>) -> Box<dyn Registered> {
        Box::new(Bound::<T> { gated: Gate::bind(gate), receiver: self.0 })
    }
}

/// A tool that can be asked and called, whatever its types.
pub(crate) trait Registered: Send + Sync {
    fn name(&self) -> &'static str;
    fn info(&self) -> ToolInfo;
    fn input_schema(&self) -> Value;
    fn output_schema(&self) -> Option<Value>;
    /// How long one call may take; `None` is for ever.
    fn timeout(&self) -> Option<Duration>;
    /// Whether this caller could call the tool now, as far as the arguments are known. Spends nothing, and admits nobody.
    fn test(&self, caller: &Caller, values: Values<'_>) -> Result<(), Denial>;
    /// Whether this caller may call the tool with some arguments; says nothing about quotas.
    fn is_open_to(&self, caller: &Caller) -> bool;
    /// The header that mirrors one of the arguments, by its position.
    fn header_of(&self, at: usize) -> Option<&'static str>;
    /// Whether the author has a rule about the caller alone.
    fn asks_caller(&self) -> bool;
    /// Asks the author's rule about the caller alone, if there is one.
    fn ask_caller(&self, caller: &Caller) -> CallerVerdict;
    /// Reads a whole message, and starts the call if message, arguments and gate agree.
    fn call_message<'a, 'b>(&'a self, body: &'b str, input: CallInput<'a, '_>) -> Started<'a, 'b>;
    /// Begins a call with arguments that were cut out of a message.
    fn call_arguments<'a>(&'a self, arguments: Option<&str>, input: CallInput<'a, '_>) -> Beginning<'a>;
}

/// What comes with a message that was said to be a call of this tool.
pub(crate) struct CallInput<'a, 'v> {
    pub(crate) caller: &'v Caller,
    /// That the author's rule about the caller alone has let this request through.
    pub(crate) caller_asked: Option<&'v CallerAsked>,
    pub(crate) site: CallSite<'a>,
    /// Compares the message with what was announced for it.
    pub(crate) verify: &'v dyn Fn(&Head<'_>) -> Result<(), RpcError>,
    /// Compares an argument with the header that mirrors it.
    pub(crate) compare: &'v Compare<'v>,
}

/// Takes the part of a header's name behind `Mcp-Param-`, and what the header must say.
pub(crate) type Compare<'v> = dyn Fn(&str, Option<Mirrored<'_>>) -> Result<(), RpcError> + 'v;

/// What a message says of itself beside its arguments.
pub(crate) struct Head<'b> {
    pub(crate) method: Option<&'b str>,
    pub(crate) name: Option<&'b str>,
    pub(crate) meta: Option<&'b Meta<'b>>,
}

/// What became of a message.
pub(crate) enum Started<'a, 'b> {
    /// It could not be read in one pass. Reading it piece by piece tells why.
    Unreadable,
    /// It is not what was announced.
    Mismatch(Id<'b>, RpcError),
    Begun(Id<'b>, Beginning<'a>),
}

/// A call whose arguments were read: decided, or waiting for the author's rule.
pub(crate) enum Beginning<'a> {
    Decided(Result<Running<'a>, Refusal>),
    Asking(Pin<Box<dyn Future<Output = Result<Running<'a>, Refusal>> + Send + 'a>>),
}

/// A call that was admitted.
pub(crate) struct Running<'a> {
    pub(crate) future: ToolFuture<'a>,
    pub(crate) limit: Option<LimitState>,
}

impl Running<'_> {
    /// A call that broke on its way to its body.
    pub(crate) fn broken() -> Self {
        let future = Box::pin(ready(Err(ToolError::internal("the call panicked before its body ran"))));
        Self { future, limit: None }
    }
}

/// Why a call was not started.
pub(crate) enum Refusal {
    Arguments(ArgumentError),
    /// A header says something else of an argument.
    Mismatch(RpcError),
    /// This argument cannot be part of a scope.
    ScopeValue(&'static str),
    Denied(Denial),
}

impl From<NotAdmitted> for Refusal {
    fn from(refusal: NotAdmitted) -> Self {
        match refusal {
            NotAdmitted::Denied(denial) => Self::Denied(denial),
            NotAdmitted::Argument(name) => Self::ScopeValue(name),
        }
    }
}

struct Bound<T: Tool> {
    gated: Gated<T>,
    receiver: Arc<T::Receiver>,
}

impl<T: Tool> Bound<T> {
    fn begin<'a>(&'a self, arguments: T::Args, input: &CallInput<'a, '_>) -> Beginning<'a> {
        let site = input.site;
        if let Some(error) = self.mismatch(&arguments, input) {
            // It is nothing to tell to those who may not call the tool, and it runs in no case.
            let refusal =
                self.gated.test(input.caller, UNKNOWN).map_or_else(Refusal::Denied, |()| Refusal::Mismatch(error));
            return Beginning::Decided(Err(refusal));
        }
        match self.gated.admit(input.caller, arguments, input.caller_asked) {
            Decision::Now(Ok(admitted)) => Beginning::Decided(Ok(self.run(admitted, site))),
            Decision::Now(Err(refusal)) => Beginning::Decided(Err(refusal.into())),
            Decision::Asking(asking) => Beginning::Asking(Box::pin(async move { Ok(self.run(asking.await?, site)) })),
        }
    }

    /// Whether a header says something else than its argument.
    fn mismatch(&self, arguments: &T::Args, input: &CallInput<'_, '_>) -> Option<RpcError> {
        T::ARGUMENTS.headers().next()?;
        let mut first = None;
        T::ARGUMENTS.mirrored(arguments, &mut |header, says| {
            if let (None, Err(error)) = (&first, (input.compare)(header, says)) {
                first = Some(error);
            }
        });
        first
    }

    /// The only way into a tool's body.
    fn run<'a>(&'a self, admitted: Admitted<T>, site: CallSite<'a>) -> Running<'a> {
        let Admitted { permit, limit, slot } = admitted;
        let context = CallContext::new(T::NAME, permit.caller().clone(), site);
        let mut future = match (T::INJECT.inject)(&context) {
            Ok(injected) => T::run(&self.receiver, permit, injected),
            Err(error) => Box::pin(ready(Err(error))) as ToolFuture<'a>,
        };
        if let Some(slot) = slot {
            future = Box::pin(SLOT.scope(slot, future));
        }
        Running { future, limit }
    }
}

impl<T: Tool> Registered for Bound<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn info(&self) -> ToolInfo {
        T::INFO
    }

    fn input_schema(&self) -> Value {
        input_schema::<T>()
    }

    fn output_schema(&self) -> Option<Value> {
        output_schema::<T>()
    }

    fn timeout(&self) -> Option<Duration> {
        self.gated.timeout()
    }

    fn test(&self, caller: &Caller, values: Values<'_>) -> Result<(), Denial> {
        self.gated.test(caller, values)
    }

    fn is_open_to(&self, caller: &Caller) -> bool {
        self.gated.is_open_to(caller)
    }

    fn header_of(&self, at: usize) -> Option<&'static str> {
        T::ARGUMENTS.header_of(at)
    }

    fn asks_caller(&self) -> bool {
        self.gated.has_caller_guard()
    }

    fn ask_caller(&self, caller: &Caller) -> CallerVerdict {
        self.gated.ask_caller(caller)
    }

    fn call_message<'a, 'b>(&'a self, body: &'b str, input: CallInput<'a, '_>) -> Started<'a, 'b> {
        // A rule about the caller that was not asked from the headers is asked before arguments are looked at.
        if self.gated.has_caller_guard() && input.caller_asked.is_none() {
            return Started::Unreadable;
        }
        let Ok(message) = T::ARGUMENTS.parse_message(body) else { return Started::Unreadable };
        let (Some(id), Some(params), false) = (message.id, message.params, message.is_response) else {
            return Started::Unreadable;
        };
        let head = Head { method: message.method.as_deref(), name: Some(&params.name), meta: params.meta.as_ref() };
        if let Err(error) = (input.verify)(&head) {
            return Started::Mismatch(id, error);
        }
        Started::Begun(id, self.begin(params.arguments, &input))
    }

    fn call_arguments<'a>(&'a self, arguments: Option<&str>, input: CallInput<'a, '_>) -> Beginning<'a> {
        match T::ARGUMENTS.parse_arguments(arguments) {
            Ok(arguments) => self.begin(arguments, &input),
            Err(error) => Beginning::Decided(Err(Refusal::Arguments(error))),
        }
    }
}
